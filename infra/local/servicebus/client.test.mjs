// The stand-in through Microsoft's JavaScript client: a second, independent reading of the protocol. It sets no target
// address on reply links, drains its credit, and wants a message id on every message; the Go client does none of that.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { ServiceBusClient } from '@azure/service-bus';

const MAIN = fileURLToPath(new URL('main.mjs', import.meta.url));
const MAX_WAIT = { maxWaitTimeInMs: 5000 };
const NO_WAIT = { maxWaitTimeInMs: 200 };

let child, port, client, sender, receiver;

before(async () => {
  const queues = 'checks,short:1:3,dedup:30:10:60,load';
  child = spawn(process.execPath, [MAIN, '--queues', queues, '--port', '0', '--with-parent'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const [line] = await new Promise((resolve) => createInterface(child.stdout).once('line', (...got) => resolve(got)));
  const address = line.replace('listening on ', '');
  port = Number(address.split(':')[1]);
  const key = 'SharedAccessKeyName=local;SharedAccessKey=bG9jYWw=;UseDevelopmentEmulator=true';
  const connection = `Endpoint=sb://${address};${key}`;
  client = new ServiceBusClient(connection, { retryOptions: { maxRetries: 1, timeoutInMs: 8000 } });
  sender = client.createSender('checks');
  receiver = client.createReceiver('checks');
});

after(async () => {
  await client?.close();
  child?.kill();
});

async function one(from = receiver) {
  const [message] = await from.receiveMessages(1, MAX_WAIT);
  assert.ok(message, 'a message within five seconds');
  return message;
}

const none = async (from = receiver) => assert.deepEqual(await from.receiveMessages(1, NO_WAIT), []);

test('send, receive, renew, complete', async () => {
  await sender.sendMessages({ body: { a: 1 }, messageId: 'x', applicationProperties: { k: 5, t: 'ü', b: true } });
  const message = await one();
  assert.deepEqual(message.body, { a: 1 });
  assert.equal(message.messageId, 'x');
  assert.deepEqual(message.applicationProperties, { k: 5, t: 'ü', b: true });
  assert.equal(message.deliveryCount, 0); // this client does not count the present delivery
  assert.ok(message.lockToken && message.sequenceNumber && message.enqueuedTimeUtc);
  const before = message.lockedUntilUtc;
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.ok((await receiver.renewMessageLock(message)) > before);
  await receiver.completeMessage(message);
  await none();
});

test('a message without an id gets one', async () => {
  await sender.sendMessages({ body: 'no id' });
  const message = await one();
  assert.ok(message.messageId);
  await receiver.completeMessage(message);
});

test('a batch arrives as single messages in order', async () => {
  const batch = await sender.createMessageBatch();
  for (let n = 0; n < 5; n++) assert.ok(batch.tryAddMessage({ body: `b${n}` }));
  await sender.sendMessages(batch);
  for (let n = 0; n < 5; n++) {
    const message = await one();
    assert.equal(message.body, `b${n}`);
    await receiver.completeMessage(message);
  }
});

test('an abandoned message comes again with a higher delivery count and changed properties', async () => {
  await sender.sendMessages({ body: 'again', applicationProperties: { kept: 1 } });
  await receiver.abandonMessage(await one(), { why: 'busy' });
  const message = await one();
  assert.equal(message.deliveryCount, 1);
  assert.deepEqual(message.applicationProperties, { kept: 1, why: 'busy' });
  await receiver.completeMessage(message);
});

test('a dead-lettered message is in the sub-queue with its reason', async () => {
  await sender.sendMessages({ body: 'bad' });
  await receiver.deadLetterMessage(await one(), { deadLetterReason: 'R', deadLetterErrorDescription: 'D' });
  const deadLetters = client.createReceiver('checks', { subQueueType: 'deadLetter' });
  const message = await one(deadLetters);
  assert.deepEqual([message.deadLetterReason, message.deadLetterErrorDescription], ['R', 'D']);
  await deadLetters.completeMessage(message);
  await deadLetters.close();
});

test('completing after the lock ran out is MessageLockLost', async () => {
  const short = client.createReceiver('short', { maxAutoLockRenewalDurationInMs: 0 }); // else it renews by itself
  await client.createSender('short').sendMessages({ body: 'slow' });
  const message = await one(short);
  await new Promise((resolve) => setTimeout(resolve, message.lockedUntilUtc - Date.now() + 100));
  await assert.rejects(short.completeMessage(message), { code: 'MessageLockLost' });
  await short.completeMessage(await one(short));
  await short.close();
});

test('the client renews locks by itself while a message is worked on', async () => {
  await client.createSender('short').sendMessages({ body: 'long' });
  const renewing = client.createReceiver('short');
  const message = await one(renewing);
  await new Promise((resolve) => setTimeout(resolve, 1300)); // locks last one second
  await renewing.completeMessage(message);
  await renewing.close();
});

test('a deferred message comes by its number', async () => {
  await sender.sendMessages({ body: 'later' });
  const message = await one();
  await receiver.deferMessage(message);
  await none();
  const [deferred] = await receiver.receiveDeferredMessages(message.sequenceNumber);
  assert.equal(deferred.body, 'later');
  await receiver.completeMessage(deferred);
});

test('peek shows messages and takes none', async () => {
  await sender.sendMessages([{ body: 'p1' }, { body: 'p2' }]);
  assert.deepEqual((await receiver.peekMessages(5)).map((m) => m.body), ['p1', 'p2']);
  for (let n = 0; n < 2; n++) await receiver.completeMessage(await one());
});

test('a scheduled message comes when due, a cancelled one never', async () => {
  const due = Date.now() + 700;
  const [cancelled] = await sender.scheduleMessages([{ body: 'no' }, { body: 'yes' }], new Date(due));
  await sender.cancelScheduledMessages(cancelled);
  const message = await one();
  assert.equal(message.body, 'yes');
  assert.ok(Date.now() >= due);
  await receiver.completeMessage(message);
  await none();
});

test('the same message id within the window is dropped', async () => {
  const dedup = client.createReceiver('dedup', { receiveMode: 'receiveAndDelete' });
  const to = client.createSender('dedup');
  for (const body of ['1', '2']) await to.sendMessages({ body, messageId: 'same' });
  assert.equal((await one(dedup)).body, '1');
  await none(dedup);
  await dedup.close();
});

test('an unknown queue is MessagingEntityNotFound', async () => {
  await assert.rejects(client.createSender('nowhere').sendMessages({ body: 1 }), { code: 'MessagingEntityNotFound' });
});

test('a subscription processes a load, each message once', async () => {
  const TOTAL = 500;
  const to = client.createSender('load');
  await to.sendMessages(Array.from({ length: TOTAL }, (_, body) => ({ body })));
  const from = client.createReceiver('load');
  const seen = [];
  await new Promise((resolve, reject) => {
    from.subscribe({
      processMessage: async ({ body }) => { if (seen.push(body) === TOTAL) resolve(); },
      processError: async ({ error }) => reject(error),
    }, { maxConcurrentCalls: 8 });
  });
  assert.equal(new Set(seen).size, TOTAL);
  await from.close();
});

test('strangers do not end the stand-in', async () => {
  for (const bytes of ['GET / HTTP/1.1\r\n\r\n', 'AMQP\0\x01\0\0\0\0\0\x08\x02\0\0\0', '', 'AMQP\x03']) {
    const socket = connect(port, '127.0.0.1');
    await new Promise((resolve) => socket.on('connect', () => socket.write(bytes, resolve)));
    socket.resetAndDestroy();
  }
  await sender.sendMessages({ body: 'still here' });
  await receiver.completeMessage(await one());
});
