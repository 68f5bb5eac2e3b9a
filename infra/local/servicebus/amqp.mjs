// The AMQP 1.0 side of the namespace, on rhea: links, credit, deliveries and settlements. Every oddity in here is one
// that azservicebus for Go or @azure/service-bus for JavaScript insists on, or a trap of rhea.
import { once } from 'node:events';
import rhea from 'rhea';
import { answer, isManagement, managedQueue } from './management.mjs';
import { pairs, parse, setProperties, unbatch } from './message.mjs';
import { Deliveries, Outlet } from './outlet.mjs';
import { NotAllowed } from './queue.mjs';

const { message: codec } = rhea;

const MAX_MESSAGE_BYTES = 256 * 1024; // the standard tier's
const BATCH_FORMAT = 0x80013700;
const CREDIT = 500; // sends a client may have under way on one link
const TICK_MS = 10;
const INTERNAL = { condition: 'amqp:internal-error' };

/** Serves the namespace on 127.0.0.1. Returns { port, close(), detachLinks(queue), dropConnections() }. */
export async function serve({ namespace, faults, port }) {
  // rhea decodes a plain message before its handler sees it; nothing here wants that, and it would lose number types.
  codec.decode = (raw) => ({ raw });
  const broker = new Broker(namespace, faults);
  const server = broker.container.listen({ port, host: '127.0.0.1' });
  await once(server, 'listening');
  const ticking = setInterval(() => namespace.tick(), TICK_MS);
  const close = () => {
    clearInterval(ticking);
    server.close();
    broker.dropConnections();
  };
  return {
    port: server.address().port,
    close,
    detachLinks: (queue) => broker.detachLinks(queue),
    dropConnections: () => broker.dropConnections(),
  };
}

class Broker {
  #namespace;
  #faults;
  #outlets = new Map(); // by queue
  #connections = new Map(); // connection → its reply links by address

  constructor(namespace, faults) {
    this.#namespace = namespace;
    this.#faults = faults;
    for (const queue of namespace.all) this.#outlets.set(queue, new Outlet(queue));
    this.container = rhea.create_container({
      id: 'local-namespace',
      max_frame_size: 65536,
      receiver_options: { credit_window: 0, autoaccept: false },
      sender_options: { autosettle: false, treat_modified_as_released: false },
    });
    this.container.sasl_server_mechanisms.enable_anonymous();
    this.#listen();
  }

  /** Closes every link that receives from the queue, as the service does to idle links or on a failover. */
  detachLinks(queue) {
    const reason = { condition: 'amqp:link:detach-forced', description: 'The link was detached on request.' };
    const outlets = [queue, queue.deadLetters].map((one) => this.#outlets.get(one)).filter(Boolean);
    const links = outlets.flatMap((outlet) => outlet.links.map((link) => [outlet, link]));
    for (const [outlet, link] of links) {
      outlet.remove(link);
      link.close(reason);
    }
    return links.length;
  }

  /** Cuts every connection without a word. */
  dropConnections() {
    const open = [...this.#connections.keys()];
    for (const connection of open) {
      this.#forget(connection);
      connection.socket.destroy();
    }
    return open.length;
  }

  #listen() {
    const on = (event, handle) => this.container.on(event, handle);
    on('connection_open', ({ connection }) => {
      connection.socket.setNoDelay(true); // rhea leaves Nagle on for accepted sockets: some 40 ms a step
      this.#connections.set(connection, new Map());
    });
    for (const event of ['connection_close', 'disconnected']) on(event, (context) => this.#forget(context.connection));
    for (const event of ['connection_error', 'session_error']) on(event, () => {}); // without a handler rhea throws
    for (const event of ['error', 'protocol_error']) on(event, (error) => log(event, error.message));
    on('session_open', ({ session }) => {
      session.outgoing.deliveries = new Deliveries();
    });
    on('receiver_open', ({ receiver }) => this.#openInlet(receiver));
    on('sender_open', ({ sender, connection }) => this.#openOutlet(sender, connection));
    on('session_close', ({ session }) => this.#unlink((link) => link.session === session));
    on('sender_close', ({ sender }) => this.#unlink((link) => link === sender));
    on('sendable', ({ sender }) => sender.outlet?.plan());
    on('sender_draining', ({ sender }) => this.#drain(sender));
    on('message', (context) => this.#receive(context));
    for (const outcome of ['accepted', 'released', 'modified', 'rejected']) {
      on(outcome, (context) => this.#settle(outcome, context));
    }
  }

  /** The client wants to send: to a queue, or requests to a management address. */
  #openInlet(link) {
    const address = link.target?.address;
    this.#echo(link, MAX_MESSAGE_BYTES);
    if (!isManagement(address) && !this.#namespace.find(address)) return link.close(notFound(address));
    link.add_credit(CREDIT);
  }

  /** The client wants to receive: from a queue, or replies from a management address. */
  #openOutlet(link, connection) {
    const address = link.source?.address;
    this.#echo(link);
    if (isManagement(address)) {
      if (address !== '$cbs' && !managedQueue(this.#namespace, address)) return link.close(notFound(address));
      // The JavaScript client sets no target address and names the link as reply-to.
      this.#connections.get(connection)?.set(link.target?.address || link.name, link);
      return;
    }
    const queue = this.#namespace.find(address);
    if (!queue) return link.close(notFound(address));
    link.outlet = this.#outlets.get(queue);
    link.queue = queue;
    link.outlet.add(link);
  }

  // go-amqp closes a link whose attach answer does not repeat the settle modes it asked for.
  #echo(link, maxMessageBytes) {
    link.local.attach.snd_settle_mode = link.remote.attach.snd_settle_mode;
    link.local.attach.rcv_settle_mode = link.remote.attach.rcv_settle_mode;
    if (maxMessageBytes) link.local.attach.max_message_size = maxMessageBytes;
    link.set_source({ address: link.source?.address });
    link.set_target({ address: link.target?.address });
  }

  #drain(link) {
    link.outlet?.deliver();
    link.set_drained(true);
    link.connection._register(); // set_drained alone writes nothing
  }

  #receive({ message, format, delivery, receiver, connection }) {
    const address = receiver.target.address;
    if (receiver.credit < CREDIT / 2) receiver.add_credit(CREDIT - receiver.credit);
    try {
      if (isManagement(address)) this.#request(message.raw, address, connection);
      else this.#enqueue(this.#namespace.find(address), format === BATCH_FORMAT ? unbatch(message) : [message.raw]);
      delivery.accept();
    } catch (error) {
      delivery.reject(error instanceof Refusal ? error.reason : { ...INTERNAL, description: error.message });
    }
  }

  #request(raw, address, connection) {
    const { to, reply } = answer(this.#namespace, this.#faults, address, raw);
    this.#connections.get(connection)?.get(to)?.send(reply);
  }

  #enqueue(queue, encoded) {
    if (this.#faults.rejectSends) throw new Refusal(this.#faults.rejectSends, 'Rejected on request.');
    if (encoded.some((raw) => raw.length > MAX_MESSAGE_BYTES)) {
      throw new Refusal('amqp:link:message-size-exceeded', `A message has at most ${MAX_MESSAGE_BYTES} bytes.`);
    }
    encoded.map(decoded).forEach((message) => queue.send(message));
  }

  /** The client says what became of a delivery, and waits until we settle it. */
  #settle(outcome, { delivery, sender }) {
    if (!sender.queue || delivery.settled || delivery.answering) return;
    delivery.answering = true;
    const act = () => {
      const state = verdict(() => settle(sender.queue, delivery, outcome));
      if (sender.is_open()) delivery.update(true, state);
      // With rcv-settle-mode second the client settles as it reads this, without a word. rhea would wait for one.
      sender.session.outgoing.deliveries.remove(delivery);
    };
    if (this.#faults.dispositionDelayMs > 0) setTimeout(act, this.#faults.dispositionDelayMs);
    else act();
  }

  #forget(connection) {
    this.#connections.delete(connection);
    this.#unlink((link) => link.connection === connection);
  }

  #unlink(belongs) {
    for (const outlet of this.#outlets.values()) outlet.links.filter(belongs).forEach((link) => outlet.remove(link));
    for (const replies of this.#connections.values()) {
      for (const [to, link] of replies) if (belongs(link)) replies.delete(to);
    }
  }
}

/** What a sender is told: the AMQP error condition of a transfer that is not accepted. */
class Refusal extends Error {
  constructor(condition, description) {
    super(description);
    this.reason = { condition, description };
  }
}

function decoded(raw) {
  try {
    return parse(raw);
  } catch (error) {
    throw new Refusal('amqp:decode-error', error.message);
  }
}

const notFound = (address) => ({
  condition: 'amqp:not-found',
  description: `The messaging entity '${address}' could not be found.`,
});

/** Applies the client's outcome to the queue; false when the lock is lost. Fields are still typed. */
function settle(queue, { lockToken, remote_state: state }, outcome) {
  if (outcome === 'accepted') return queue.complete(lockToken);
  if (outcome === 'released') return queue.release(lockToken);
  if (outcome === 'modified') {
    const change = amendment(pairs(state.value[2]));
    return state.undeliverable_here ? queue.defer(lockToken, change) : queue.abandon(lockToken, change);
  }
  const info = pairs(state.value[0]?.value?.[2]);
  const text = (name) => info.find(([key]) => key.value === name)?.[1].value ?? '';
  const [reason, description] = [text(REASON), text(DESCRIPTION)];
  const others = info.filter(([key]) => key.value !== REASON && key.value !== DESCRIPTION);
  return queue.deadLetter(lockToken, { reason, description, amend: amendment(others) });
}

const REASON = 'DeadLetterReason', DESCRIPTION = 'DeadLetterErrorDescription';

const amendment = (changes) => (changes.length > 0 ? setProperties(changes) : undefined);

/** The settled state that answers the client: accepted, or rejected with what went wrong. */
function verdict(run) {
  const rejected = (condition, description) => codec.rejected({ error: { condition, description } }).described();
  try {
    const held = run();
    if (held) return codec.accepted().described();
    return rejected('com.microsoft:message-lock-lost', 'The lock supplied is invalid.');
  } catch (error) {
    return rejected(error instanceof NotAllowed ? 'amqp:not-allowed' : INTERNAL.condition, error.message);
  }
}

const log = (event, text) => process.stderr.write(`${event}: ${text}\n`);
