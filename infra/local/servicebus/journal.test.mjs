import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Journal } from './journal.mjs';
import { Namespace } from './namespace.mjs';

const folder = mkdtempSync(join(tmpdir(), 'journal-'));
after(() => rmSync(folder, { recursive: true }));

let files = 0;
const freshFile = () => join(folder, `${++files}.jsonl`);
const QUEUES = [{ name: 'checks', lockMs: 1000, maxDelivery: 3, dedupMs: 60_000 }, { name: 'Other', lockMs: 1000 }];

/** Opens the journal as a starting process does; the life before is simply left, as by kill -9. */
function live(file, now = () => 5_000_000) {
  const namespace = new Namespace(QUEUES, { now, journal: new Journal(file) });
  return { namespace, checks: namespace.find('checks'), dead: namespace.find('CHECKS/$deadletterqueue') };
}

test('every kind of message survives a kill', () => {
  const file = freshFile();
  const first = live(file);
  const bytes = Buffer.from([0, 1, 2, 0xff, 0x0a]);
  first.checks.send({ content: bytes, id: 'active', ttlMs: 10_000 });
  first.checks.send({ content: bytes, id: 'due', scheduledAt: 5_000_500 });
  for (const id of ['done', 'deferred', 'dead', 'twice', 'held']) first.checks.send({ content: bytes, id });
  const held = new Map(Array.from({ length: 6 }, () => first.checks.receive()).map((m) => [m.id, m.token]));
  first.checks.release(held.get('active'));
  first.checks.complete(held.get('done'));
  first.checks.defer(held.get('deferred'));
  first.checks.deadLetter(held.get('dead'), { reason: 'R', description: 'D' });
  first.checks.abandon(held.get('twice'), () => Buffer.from('amended'));

  for (let life = 0; life < 3; life++) { // the second and third read what the rewrite left
    const { namespace, checks, dead } = live(file);
    assert.deepEqual(namespace.depths.checks, { active: 3, locked: 0, deferred: 1, scheduled: 1, deadLetter: 1 });
    const found = new Map(checks.peek(0, 100).map((m) => [m.id, m]));
    assert.deepEqual([...found.keys()], ['active', 'due', 'deferred', 'twice', 'held']);
    assert.deepEqual(found.get('active').content, bytes);
    assert.equal(found.get('active').ttlMs, 10_000);
    assert.equal(found.get('due').due, 5_000_500);
    assert.equal(found.get('twice').deliveryCount, 1);
    assert.equal(String(found.get('twice').content), 'amended');
    assert.equal(found.get('held').deliveryCount, 0);
    assert.deepEqual(dead.peek(0, 1)[0].dead, { reason: 'R', description: 'D', source: 'checks' });
    assert.equal(checks.send({ content: bytes, id: 'done' }), undefined, 'the duplicate is still known');
  }
});

test('sequence numbers and the duplicate window go on after the queue was empty', () => {
  const file = freshFile();
  const first = live(file);
  const seq = first.checks.send({ content: Buffer.from('a'), id: 'x' });
  first.checks.complete(first.checks.receive().token);
  live(file);
  assert.equal(live(file).checks.send({ content: Buffer.from('b'), id: 'x' }), undefined);
  const later = live(file, () => 5_060_000);
  assert.equal(later.checks.send({ content: Buffer.from('c'), id: 'x' }), seq + 1);
});

test('a message that fell due while the process was down is active at the start', () => {
  const file = freshFile();
  live(file).checks.send({ content: Buffer.from('a'), scheduledAt: 5_000_500 });
  const { checks } = live(file, () => 5_001_000);
  assert.equal(String(checks.receive().content), 'a');
});

test('the rewrite leaves no trace of what is done', () => {
  const file = freshFile();
  const { checks } = live(file);
  for (let n = 0; n < 5000; n++) {
    checks.send({ content: Buffer.from('x') });
    checks.complete(checks.receive().token);
  }
  assert.equal(readFileSync(file, 'utf8').trimEnd().split('\n').length, 4 + 2 * 5000);
  live(file);
  assert.equal(readFileSync(file, 'utf8').trimEnd().split('\n').length, 4, 'the last number of each queue');
});

test('a last line that was cut off is dropped', () => {
  const file = freshFile();
  live(file).checks.send({ content: Buffer.from('kept') });
  appendFileSync(file, '{"q":"checks","op":"put","seq":2,"cont');
  const { checks } = live(file);
  assert.equal(checks.peek(0, 10).length, 1);
});

test('a damaged line before the last stops the start', () => {
  const file = freshFile();
  writeFileSync(file, '{"q":"checks","op":"last","seq":1}\nnot JSON\n{"q":"checks","op":"last","seq":2}\n');
  assert.throws(() => live(file), /line 2 is damaged/);
});

test('a queue that is no longer configured stops the start and keeps its messages', () => {
  const file = freshFile();
  live(file).namespace.find('other').send({ content: Buffer.from('a') });
  const before = readFileSync(file, 'utf8');
  assert.throws(() => new Namespace(QUEUES.slice(0, 1), { journal: new Journal(file) }), /Other.*not configured/);
  assert.equal(readFileSync(file, 'utf8'), before);
});

test('the same queue twice, by any case, is refused', () => {
  assert.throws(() => new Namespace([{ name: 'a' }, { name: 'A' }]), /configured twice/);
});
