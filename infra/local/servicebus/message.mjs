// Messages between their AMQP bytes and the queue model. The bytes a client sent are kept as they are, because a
// decoded and re-encoded message loses the types of its numbers (int, long, uint) in rhea.
import { randomUUID } from 'node:crypto';
import rhea from 'rhea';

const { types, message: codec } = rhea;

/** rhea's own decoder, taken before amqp.mjs puts another in its place: a message as plain values. */
export const decode = codec.decode;

// AMQP 1.0, part 3, section 3.2
const HEADER = 0x70, DELIVERY_ANNOTATIONS = 0x71, ANNOTATIONS = 0x72, PROPERTIES = 0x73, APPLICATION_PROPERTIES = 0x74;
const DATA = 0x75;
const NO_LIFETIME = 0xffffffff;
const STATES = { active: 0, locked: 0, deferred: 1, scheduled: 2 }; // x-opt-message-state

/** The messages inside a transfer of the batch format: every data section holds one encoded message. */
export const unbatch = (bytes) => sections(bytes).filter((one) => one.code === DATA).map((one) => one.typed.value);

/**
 * What the queue model needs of an encoded message; throws on bytes that are not one. The service gives a message id to
 * a message that came without (the JavaScript client relies on it); such an id never counts as a duplicate.
 */
export function parse(raw) {
  const parts = byCode(raw);
  const [, , ttl] = listOf(parts, HEADER);
  const properties = listOf(parts, PROPERTIES);
  const id = properties[0]?.value ?? undefined;
  const due = pairs(parts.get(ANNOTATIONS)?.typed).find(([key]) => key.value === 'x-opt-scheduled-enqueue-time');
  if (id === undefined) properties[0] = types.wrap_string(randomUUID());
  return {
    id: id === undefined ? undefined : String(id),
    ttlMs: ttl?.value && ttl.value !== NO_LIFETIME ? ttl.value : undefined,
    scheduledAt: due?.[1].value ? Number(due[1].value) : undefined,
    content: id === undefined ? replace(raw, PROPERTIES, types.List32(properties)) : raw,
  };
}

/** The encoded message as a receiver sees it: what the sender wrote, and what the broker adds. */
export function render(message) {
  const parts = byCode(message.content);
  const added = brokerAnnotations(message);
  const own = pairs(parts.get(ANNOTATIONS)?.typed).filter(([key]) => !(key.value in added));
  const annotations = [...own, ...Object.entries(added).map(([key, value]) => [types.wrap_symbol(key), value])];
  let content = replace(message.content, HEADER, types.List32(header(message, listOf(parts, HEADER))));
  if (message.token) {
    const token = types.wrap_uuid(Buffer.from(message.token, 'hex'));
    content = replace(content, DELIVERY_ANNOTATIONS, types.wrap_symbolic_map({ 'x-opt-lock-token': token }));
  }
  content = replace(content, ANNOTATIONS, types.Map32(annotations.flat()));
  return message.dead ? setProperties(deadLetterProperties(message.dead))(content) : content;
}

/** A change of application properties, given as typed pairs [key, value], from content to content. */
export const setProperties = (changes) => (content) => {
  const changed = new Set(changes.map(([key]) => key.value));
  const kept = pairs(byCode(content).get(APPLICATION_PROPERTIES)?.typed).filter(([key]) => !changed.has(key.value));
  const named = changes.map(([key, value]) => [types.wrap_string(key.value), value]);
  return replace(content, APPLICATION_PROPERTIES, types.Map32([...kept, ...named].flat()));
};

/** The typed pairs [key, value] of a typed map; none for no map. */
export function pairs(typed) {
  const flat = Array.isArray(typed?.value) ? typed.value : [];
  return Array.from({ length: flat.length / 2 }, (_, at) => flat.slice(2 * at, 2 * at + 2));
}

/** Between a lock token (hex, the order of RFC 4122) and a delivery tag, which has the byte order of a .NET Guid. */
export function deliveryTag(token) {
  const t = Buffer.from(token, 'hex');
  return Buffer.from([t[3], t[2], t[1], t[0], t[5], t[4], t[7], t[6], ...t.subarray(8)]);
}

function brokerAnnotations(message) {
  const added = {
    'x-opt-sequence-number': types.wrap_long(message.seq),
    'x-opt-enqueue-sequence-number': types.wrap_long(message.seq),
    'x-opt-enqueued-time': types.wrap_timestamp(message.at),
    'x-opt-message-state': types.wrap_int(message.deferred ? STATES.deferred : STATES[message.state] ?? 0),
  };
  if (message.token) added['x-opt-locked-until'] = types.wrap_timestamp(message.wakeAt);
  if (message.dead) added['x-opt-deadletter-source'] = types.wrap_string(message.dead.source);
  return added;
}

const header = (message, [, priority]) => [
  types.wrap_boolean(true), // durable
  priority?.value === undefined || priority.value === null ? types.wrap_ubyte(4) : priority,
  types.wrap_uint(message.ttlMs ?? NO_LIFETIME),
  types.wrap_boolean(false), // first acquirer
  types.wrap_uint(message.deliveryCount),
];

const deadLetterProperties = ({ reason, description }) => [
  [types.wrap_symbol('DeadLetterReason'), types.wrap_string(reason)],
  [types.wrap_symbol('DeadLetterErrorDescription'), types.wrap_string(description)],
];

const listOf = (parts, code) => [...(parts.get(code)?.typed.value ?? [])];

const byCode = (bytes) => new Map(sections(bytes).map((one) => [one.code, one]));

function sections(bytes) {
  const reader = new types.Reader(bytes);
  const found = [];
  while (reader.remaining() > 0) {
    const at = reader.position;
    const typed = reader.read();
    if (!typed.descriptor) throw new TypeError('a message section has no descriptor');
    found.push({ code: Number(typed.descriptor.value), typed, bytes: bytes.subarray(at, reader.position) });
  }
  if (found.length === 0 || reader.remaining() < 0) throw new TypeError('the message is empty or cut off');
  return found;
}

/** The message with one section put in, or in the place of its old one; sections are ordered by their code. */
function replace(bytes, code, typed) {
  const all = sections(bytes).filter((one) => one.code !== code);
  const writer = new types.Writer();
  writer.write(types.described(types.wrap_ulong(code), typed));
  const before = all.filter((one) => one.code < code).map((one) => one.bytes);
  const after = all.filter((one) => one.code > code).map((one) => one.bytes);
  return Buffer.concat([...before, writer.toBuffer(), ...after]);
}
