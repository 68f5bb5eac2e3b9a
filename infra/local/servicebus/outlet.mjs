// Hands the active messages of one queue to the links that asked for some, taking the links in turn.
import { deliveryTag, render } from './message.mjs';
import { randomBytes } from 'node:crypto';

const SETTLED = 1; // snd-settle-mode of a link that receives and deletes
const PLAIN = 0; // message-format; given so that rhea takes the bytes as they are

export class Outlet {
  #links = new Set(); // the link served last stands last
  #queue;
  #planned = false;

  constructor(queue) {
    this.#queue = queue;
    queue.whenActive = () => this.plan();
  }

  /** The links that receive from the queue. */
  get links() {
    return [...this.#links];
  }

  add(link) {
    this.#links.add(link);
  }

  remove(link) {
    this.#links.delete(link);
  }

  /** Delivers soon, once for all changes of this turn. */
  plan() {
    if (this.#planned || this.#links.size === 0) return;
    this.#planned = true;
    setImmediate(() => this.deliver());
  }

  /** Delivers now, until messages or credit run out. */
  deliver() {
    this.#planned = false;
    for (let link = this.#next(); link && this.#send(link); link = this.#next()) {
      this.#links.delete(link);
      this.#links.add(link);
    }
  }

  #next() {
    for (const link of this.#links) if (room(link) > 0) return link;
    return undefined;
  }

  #send(link) {
    if (link.local.attach.snd_settle_mode === SETTLED) {
      const message = this.#queue.receiveAndDelete();
      if (message) link.send(render(message), randomBytes(16), PLAIN);
      return message;
    }
    const message = this.#queue.receive();
    if (message) link.send(render(message), deliveryTag(message.token), PLAIN).lockToken = message.token;
    return message;
  }
}

// Credit is taken off by rhea when a transfer is written, not when it is handed over: what still waits in the session
// has to be taken off here.
function room(link) {
  const { outgoing } = link.session;
  return link.is_open() ? link.credit - (outgoing.next_delivery_id - outgoing.next_pending_delivery) : 0;
}

/**
 * The deliveries of a session that are not settled yet, in place of rhea's own ring. The ring frees slots from its
 * oldest end only, so that one message held long, or never settled, ends all delivery once 2,048 others have passed it.
 */
export class Deliveries {
  #byId = new Map();

  available() {
    return Infinity;
  }

  push(delivery) {
    this.#byId.set(delivery.id, delivery);
  }

  by_id(id) {
    return this.#byId.get(id);
  }

  /** Lets go of a delivery that both sides have settled, wherever it stands. */
  remove(delivery) {
    this.#byId.delete(delivery.id);
  }

  /** What rhea calls to drop deliveries that were sent settled. */
  pop_if(done) {
    for (const [id, delivery] of this.#byId) {
      if (!done(delivery)) return;
      this.#byId.delete(id);
    }
  }
}
