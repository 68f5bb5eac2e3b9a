import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Heap } from './heap.mjs';
import { NotAllowed, Queue } from './queue.mjs';

const LOCK = 1000;

/** A queue with its sub-queue, a clock that stands still until told, and everything it recorded. */
function fixture(settings = {}) {
  const clock = { now: 1_000_000 };
  const journal = [];
  const around = { now: () => clock.now, record: (...entries) => journal.push(...entries) };
  const deadLetters = new Queue({ name: 'q/$DeadLetterQueue', lockMs: LOCK }, around);
  const queue = new Queue({ name: 'q', lockMs: LOCK, maxDelivery: 3, ...settings }, { ...around, deadLetters });
  return { clock, journal, deadLetters, queue };
}

const text = (content) => ({ content: Buffer.from(content) });
const depths = (queue, expected) =>
  assert.deepEqual(queue.depths, { active: 0, locked: 0, deferred: 0, scheduled: 0, ...expected });

test('messages come in the order they were sent, each to one receiver', () => {
  const { queue } = fixture();
  for (const content of ['a', 'b', 'c']) queue.send(text(content));
  const got = [queue.receive(), queue.receive(), queue.receive()];
  assert.deepEqual(got.map((m) => String(m.content)), ['a', 'b', 'c']);
  assert.equal(new Set(got.map((m) => m.token)).size, 3);
  assert.equal(queue.receive(), undefined);
  depths(queue, { locked: 3 });
});

test('complete removes the message, once', () => {
  const { queue } = fixture();
  queue.send(text('a'));
  const { token } = queue.receive();
  assert.equal(queue.complete(token), true);
  assert.equal(queue.complete(token), false);
  depths(queue, {});
});

test('abandon gives the message back at its old place with a higher delivery count', () => {
  const { queue } = fixture();
  queue.send(text('a'));
  queue.send(text('b'));
  assert.ok(queue.abandon(queue.receive().token, (content) => Buffer.concat([content, Buffer.from('!')])));
  const again = queue.receive();
  assert.equal(String(again.content), 'a!');
  assert.equal(again.deliveryCount, 1);
});

test('release gives the message back without counting', () => {
  const { queue } = fixture();
  queue.send(text('a'));
  for (let times = 0; times < 10; times++) assert.ok(queue.release(queue.receive().token));
  assert.equal(queue.receive().deliveryCount, 0);
});

test('a lock that runs out loses the token and counts as a delivery', () => {
  const { clock, queue } = fixture();
  queue.send(text('a'));
  const { token } = queue.receive();
  clock.now += LOCK - 1;
  assert.ok(queue.holds([token]));
  clock.now += 1;
  assert.equal(queue.complete(token), false);
  assert.equal(queue.renew([token]), undefined);
  const again = queue.receive();
  assert.equal(again.deliveryCount, 1);
  assert.notEqual(again.token, token);
});

test('renewal moves the end of the lock and keeps the token', () => {
  const { clock, queue } = fixture();
  queue.send(text('a'));
  const { token } = queue.receive();
  clock.now += LOCK - 1;
  assert.deepEqual(queue.renew([token]), [clock.now + LOCK]);
  clock.now += LOCK - 1;
  assert.equal(queue.complete(token), true);
});

test('renewal of several locks is all or nothing', () => {
  const { clock, queue } = fixture();
  queue.send(text('a'));
  const { token } = queue.receive();
  clock.now += LOCK - 1;
  assert.equal(queue.renew([token, 'lost']), undefined);
  clock.now += 1;
  assert.equal(queue.complete(token), false);
});

test('the last allowed delivery that fails moves the message to the dead-letter queue', () => {
  for (const fail of [(f, token) => f.queue.abandon(token), (f) => (f.clock.now += LOCK)]) {
    const f = fixture();
    f.queue.send({ ...text('poison'), id: 'm1' });
    for (let times = 0; times < 3; times++) fail(f, f.queue.receive().token);
    assert.equal(f.queue.receive(), undefined);
    const dead = f.deadLetters.receive();
    assert.equal(dead.dead.reason, 'MaxDeliveryCountExceeded');
    assert.equal(dead.dead.description, 'Message could not be consumed after 3 delivery attempts.');
    assert.equal(dead.dead.source, 'q');
    assert.equal(dead.id, 'm1');
    depths(f.queue, {});
  }
});

test('deadLetter moves the message with reason and description', () => {
  const { queue, deadLetters } = fixture();
  queue.send(text('bad'));
  assert.ok(queue.deadLetter(queue.receive().token, { reason: 'Invalid', description: 'no host' }));
  const { dead, content } = deadLetters.receive();
  assert.deepEqual(dead, { reason: 'Invalid', description: 'no host', source: 'q' });
  assert.equal(String(content), 'bad');
});

test('a dead letter stays however often it fails, and cannot be dead-lettered again', () => {
  const { clock, queue, deadLetters } = fixture();
  queue.send({ ...text('bad'), ttlMs: 5 });
  queue.deadLetter(queue.receive().token);
  for (let times = 0; times < 20; times++) assert.ok(deadLetters.abandon(deadLetters.receive().token));
  clock.now += 1e9; // lifetimes are not observed there
  const { token } = deadLetters.receive();
  assert.throws(() => deadLetters.deadLetter(token), NotAllowed);
  assert.ok(deadLetters.complete(token));
});

test('a deferred message comes only by its number, and goes back there when its lock runs out', () => {
  const { clock, queue } = fixture();
  const seq = queue.send(text('later'));
  queue.defer(queue.receive().token);
  assert.equal(queue.receive(), undefined);
  const [message] = queue.receiveDeferred([seq]);
  assert.equal(queue.receiveDeferred([seq]), undefined);
  clock.now += LOCK;
  queue.tick();
  depths(queue, { deferred: 1 });
  assert.equal(queue.complete(message.token), false);
  assert.equal(queue.receiveDeferred([seq, 99]), undefined);
  assert.ok(queue.complete(queue.receiveDeferred([seq])[0].token));
  depths(queue, {});
});

test('a scheduled message becomes active when due, under a new sequence number', () => {
  const { clock, queue } = fixture();
  const scheduled = queue.send({ ...text('at five'), scheduledAt: clock.now + 500 });
  const plain = queue.send(text('now'));
  assert.equal(queue.receive().seq, plain);
  assert.equal(queue.receive(), undefined);
  depths(queue, { locked: 1, scheduled: 1 });
  clock.now += 500;
  const message = queue.receive();
  assert.equal(String(message.content), 'at five');
  assert.ok(message.seq > plain && message.seq > scheduled);
  assert.equal(message.at, clock.now);
});

test('cancel removes scheduled messages, all or none', () => {
  const { clock, queue } = fixture();
  const seqs = ['a', 'b'].map((content) => queue.send({ ...text(content), scheduledAt: clock.now + 500 }));
  assert.equal(queue.cancel([...seqs, 99]), false);
  depths(queue, { scheduled: 2 });
  assert.equal(queue.cancel(seqs), true);
  clock.now += 500;
  assert.equal(queue.receive(), undefined);
});

test('a message whose lifetime ends is dropped, but not while it is locked', () => {
  const { clock, queue } = fixture();
  queue.send({ ...text('short'), ttlMs: 100 });
  queue.send({ ...text('short'), ttlMs: 100 });
  const { token } = queue.receive();
  clock.now += 100;
  assert.equal(queue.receive(), undefined);
  depths(queue, { locked: 1 });
  assert.ok(queue.abandon(token));
  assert.equal(queue.receive(), undefined);
  depths(queue, {});
});

test('with deadLetterExpired a message whose lifetime ends is dead-lettered', () => {
  const { clock, queue, deadLetters } = fixture({ deadLetterExpired: true });
  queue.send({ ...text('short'), ttlMs: 100 });
  clock.now += 100;
  queue.tick();
  assert.equal(deadLetters.receive().dead.reason, 'TTLExpiredException');
});

test('the same message id is dropped within the window, even when the first is long gone', () => {
  const { clock, queue } = fixture({ dedupMs: 60_000 });
  queue.send({ ...text('1'), id: 'x' });
  queue.complete(queue.receive().token);
  clock.now += 59_999;
  assert.equal(queue.send({ ...text('2'), id: 'x' }), undefined);
  assert.ok(queue.send({ ...text('3'), id: 'y' }));
  assert.ok(queue.send(text('4')) && queue.send(text('5')), 'messages without an id are no duplicates');
  clock.now += 1;
  assert.ok(queue.send({ ...text('6'), id: 'x' }));
});

test('peek shows messages in every state by number and locks none', () => {
  const { clock, queue } = fixture();
  const seqs = ['a', 'b', 'c', 'd'].map((content) => queue.send(text(content)));
  queue.complete(queue.receive().token);
  queue.defer(queue.receive().token);
  queue.receive();
  seqs.push(queue.send({ ...text('e'), scheduledAt: clock.now + 1 }));
  assert.deepEqual(queue.peek(0, 10).map((m) => [m.seq, m.state]), [
    [seqs[1], 'deferred'], [seqs[2], 'locked'], [seqs[3], 'active'], [seqs[4], 'scheduled'],
  ]);
  assert.deepEqual(queue.peek(seqs[2], 1).map((m) => m.seq), [seqs[2]]);
});

test('receive-and-delete takes the message out', () => {
  const { queue } = fixture();
  queue.send(text('a'));
  assert.equal(String(queue.receiveAndDelete().content), 'a');
  assert.equal(queue.receiveAndDelete(), undefined);
  depths(queue, {});
});

test('loseLocks ends every lock as if its time had run out', () => {
  const { queue } = fixture();
  queue.send(text('a'));
  const { token } = queue.receive();
  assert.equal(queue.loseLocks(), 1);
  assert.equal(queue.complete(token), false);
  assert.equal(queue.receive().deliveryCount, 1);
});

test('whenActive is called for every way to become active', () => {
  const { clock, queue } = fixture();
  let calls = 0;
  queue.whenActive = () => calls++;
  queue.send(text('sent'));
  queue.abandon(queue.receive().token);
  queue.release(queue.receive().token);
  queue.receive();
  clock.now += LOCK;
  queue.tick();
  assert.equal(calls, 4);
});

test('fifty thousand messages take seconds at most', () => {
  const { queue } = fixture();
  const started = process.hrtime.bigint();
  for (let n = 0; n < 50_000; n++) queue.send(text('x'));
  const tokens = Array.from({ length: 50_000 }, () => queue.receive().token);
  tokens.forEach((token, n) => assert.ok(n % 2 ? queue.complete(token) : queue.abandon(token)));
  depths(queue, { active: 25_000 });
  const seconds = Number(process.hrtime.bigint() - started) / 1e9;
  assert.ok(seconds < 5, `${seconds} s`);
});

/** A small repeatable source of whole numbers below n (mulberry32). */
function random(seed) {
  return (n) => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % n;
  };
}

test('whatever happens, every message is in exactly one place, and the journal knows it', () => {
  for (let seed = 1; seed <= 40; seed++) {
    const f = fixture({ maxDelivery: 4 });
    const pick = random(seed);
    const held = []; // [queue, token], lost ones included
    const gone = new Set();
    let sent = 0;
    const one = () => held[pick(held.length)];
    const take = (queue) => {
      const message = queue.receive();
      if (message) held.push([queue, message.token, String(message.content)]);
    };
    const settle = (how) => {
      if (held.length === 0) return;
      const [queue, token, content] = one();
      const done = how(queue, token);
      if (done === 'gone') gone.add(content);
    };
    const steps = [
      () => f.queue.send(text(`m${++sent}`)),
      () => f.queue.send({ ...text(`m${++sent}`), scheduledAt: f.clock.now + pick(900) }),
      () => take(f.queue),
      () => take(f.deadLetters),
      () => settle((queue, token) => queue.complete(token) && 'gone'),
      () => settle((queue, token) => queue.abandon(token)),
      () => settle((queue, token) => queue.release(token)),
      () => settle((queue, token) => queue.defer(token)),
      () => settle((queue, token) => queue === f.queue && queue.deadLetter(token)),
      () => settle((queue, token) => queue.renew([token])),
      () => { f.clock.now += pick(700); },
      () => {
        const deferred = f.queue.peek(0, 1000).filter((m) => m.state === 'deferred');
        if (deferred.length === 0) return;
        const [message] = f.queue.receiveDeferred([deferred[pick(deferred.length)].seq]);
        held.push([f.queue, message.token, String(message.content)]);
      },
    ];
    for (let n = 0; n < 400; n++) {
      steps[pick(steps.length)]();
      check(f, sent, gone, `seed ${seed}, step ${n}`);
    }
    checkReplay(f);
  }
});

function check({ queue, deadLetters }, sent, gone, where) {
  const everywhere = [...queue.peek(0, 1e6), ...deadLetters.peek(0, 1e6)];
  const contents = [...everywhere.map((m) => String(m.content)), ...gone];
  assert.equal(contents.length, sent, where);
  assert.equal(new Set(contents).size, sent, where);
  for (const one of [queue, deadLetters]) {
    const counted = { active: 0, locked: 0, deferred: 0, scheduled: 0 };
    for (const message of one.peek(0, 1e6)) counted[message.state]++;
    assert.deepEqual(one.depths, counted, where);
  }
}

/** A second life that replays the journal holds the same messages, with the locked ones free again. */
function checkReplay(f) {
  f.queue.tick();
  f.deadLetters.tick();
  const again = fixture({ maxDelivery: 4 });
  again.clock.now = f.clock.now;
  const lives = { q: 'queue', 'q/$DeadLetterQueue': 'deadLetters' };
  for (const entry of f.journal) again[lives[entry.q]].replay(structuredClone(entry));
  const view = (queue) => queue.peek(0, 1e6).map((m) =>
    [m.seq, Buffer.from(m.content).toString(), m.deliveryCount, m.due, Boolean(m.deferred), m.dead]);
  for (const life of Object.values(lives)) assert.deepEqual(view(again[life]), view(f[life]));
  assert.equal(again.queue.depths.locked, 0);
  assert.equal(again.queue.send(text('next')), f.queue.send(text('next')), 'no sequence number is given twice');
}

test('the heap gives its items in order, also after others were taken out', () => {
  const pick = random(7);
  const heap = new Heap((a, b) => a.key - b.key, 'place');
  let items = Array.from({ length: 2000 }, () => ({ key: pick(500) }));
  items.forEach((item) => heap.push(item));
  items = items.filter((item, n) => n % 3 || heap.remove(item));
  heap.remove({ key: 1 }); // never was in
  assert.equal(heap.size, items.length);
  const out = [];
  for (let first = heap.peek(); first; first = heap.peek()) {
    heap.remove(first);
    out.push(first.key);
  }
  assert.deepEqual(out, items.map((item) => item.key).sort((a, b) => a - b));
});
