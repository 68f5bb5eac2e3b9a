// The request-response operations of the namespace: put-token at $cbs, and those at a queue's $management address.
// Names and shapes are those of "AMQP 1.0 in Azure Service Bus: request-response-based operations".
import rhea from 'rhea';
import { decode, parse, render, setProperties } from './message.mjs';

const { types } = rhea;

const LONG = 0x81, TIMESTAMP = 0x83;
const OK = { status: 200, description: 'OK' };
const LOCK_LOST = { status: 410, description: 'The lock supplied is invalid.' };
const hex = (token) => Buffer.from(token).toString('hex');

const OPERATIONS = {
  'com.microsoft:renew-lock': (queue, body) => {
    const ends = queue.renew(body['lock-tokens'].map(hex));
    return ends ? { ...OK, body: { expirations: types.wrap_array(ends, TIMESTAMP) } } : LOCK_LOST;
  },
  'com.microsoft:peek-message': (queue, body) => {
    const found = queue.peek(Number(body['from-sequence-number']), body['message-count']);
    if (found.length === 0) return { status: 204, description: 'No messages.' };
    return { ...OK, body: { messages: found.map((one) => ({ message: render({ ...one, token: undefined }) })) } };
  },
  'com.microsoft:schedule-message': (queue, body) => {
    const seqs = body.messages.map((one) => queue.send(parse(one.message)) ?? 0);
    return { ...OK, body: { 'sequence-numbers': types.wrap_array(seqs, LONG) } };
  },
  'com.microsoft:cancel-scheduled-message': (queue, body) => {
    const cancelled = queue.cancel(body['sequence-numbers'].map(Number));
    return cancelled ? OK : { status: 404, description: 'A message is not scheduled.' };
  },
  'com.microsoft:receive-by-sequence-number': (queue, body) => {
    const remove = body['receiver-settle-mode'] === 0;
    const found = queue.receiveDeferred(body['sequence-numbers'].map(Number), { remove });
    if (!found) return { status: 404, description: 'Failed to lock one or more specified messages.' };
    return { ...OK, body: { messages: found.map(withLock) } };
  },
  'com.microsoft:update-disposition': (queue, body) => {
    const tokens = body['lock-tokens'].map(hex);
    const settle = SETTLEMENTS[body['disposition-status']];
    if (!settle) return { status: 400, description: `No such disposition: ${body['disposition-status']}.` };
    if (!queue.holds(tokens)) return LOCK_LOST;
    tokens.forEach((token) => settle(queue, token, body));
    return OK;
  },
};

const SETTLEMENTS = {
  completed: (queue, token) => queue.complete(token),
  abandoned: (queue, token, body) => queue.abandon(token, amendment(body)),
  defered: (queue, token, body) => queue.defer(token, amendment(body)), // the protocol spells it so
  suspended: (queue, token, body) => queue.deadLetter(token, {
    reason: body['deadletter-reason'] ?? '',
    description: body['deadletter-description'] ?? '',
    amend: amendment(body),
  }),
};

/**
 * Answers one encoded request. address is the link's, faults what the control endpoint asked for.
 * Returns { to, reply }: the reply address the request named, and the message for it.
 */
export function answer(namespace, faults, address, raw) {
  const request = decode(raw);
  const { status, description, body } = run(namespace, faults, address, request);
  const reply = {
    correlation_id: request.message_id,
    application_properties: { statusCode: types.wrap_int(status), statusDescription: description },
    body: body ?? null,
  };
  return { to: request.reply_to, reply };
}

export const isManagement = (address) => address === '$cbs' || /\/\$management$/i.test(address ?? '');

/** The queue a management address belongs to, or undefined. */
export const managedQueue = (namespace, address) => namespace.find(address.replace(/\/\$management$/i, ''));

function run(namespace, faults, address, request) {
  const name = request.application_properties?.operation;
  if (address === '$cbs') {
    if (name !== 'put-token') return { status: 400, description: `No such operation: ${name}.` };
    if (faults.rejectTokens) return { status: 401, description: 'Unauthorized.' };
    return { status: 202, description: 'Accepted' };
  }
  const queue = managedQueue(namespace, address);
  if (!queue) return { status: 404, description: 'The messaging entity could not be found.' };
  const operation = OPERATIONS[name];
  if (!operation) return { status: 501, description: `Not supported here: ${name}.` };
  try {
    return operation(queue, request.body ?? {});
  } catch (error) {
    return { status: 400, description: error.message };
  }
}

const withLock = (message) => ({
  'lock-token': types.wrap_uuid(Buffer.from(message.token ?? '0'.repeat(32), 'hex')),
  message: render(message),
});

function amendment(body) {
  const changes = Object.entries(body['properties-to-modify'] ?? {});
  if (changes.length === 0) return undefined;
  return setProperties(changes.map(([key, value]) => [types.wrap_string(key), types.wrap(value)]));
}
