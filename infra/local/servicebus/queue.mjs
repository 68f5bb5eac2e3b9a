// The model of one Service Bus queue: what a message is allowed to do, without AMQP, sockets or timers. It does not act
// by itself: the clock is handed in, and whoever owns the queue calls tick() so that locks and lifetimes run out.
import { randomBytes } from 'node:crypto';
import { Heap } from './heap.mjs';

/** Thrown for a request that the queue never grants, as opposed to a lock that is merely lost. */
export class NotAllowed extends Error {}

/**
 * A message is in exactly one state at a time:
 *   active     waits for a receiver, in order of sequence numbers
 *   locked     is with a receiver until it is settled or lockedUntil passes
 *   deferred   is set aside until somebody asks for it by sequence number
 *   scheduled  becomes active when it is due
 * Its content is opaque here. Times are milliseconds since 1970.
 */
export class Queue {
  #messages = new Map(); // by sequence number; insertion order is the order of sequence numbers
  #active = new Heap((a, b) => a.seq - b.seq, 'activePlace');
  #timers = new Heap((a, b) => a.wakeAt - b.wakeAt, 'timerPlace');
  #locks = new Map(); // by lock token
  #seen = new Map(); // message id → time it was first accepted, oldest first
  #counts = { active: 0, locked: 0, deferred: 0, scheduled: 0 };
  #lastSeq = 0;
  #now;
  #record;

  /** Called, if set, whenever a message has become active. */
  whenActive = () => {};

  /**
   * @param settings name, lockMs, maxDelivery, dedupMs (0 = off), deadLetterExpired
   * @param around now() → milliseconds; record(...entries) keeps them before anybody is told of the change;
   *   deadLetters = the sub-queue, absent when this queue is one itself
   */
  constructor({ name, lockMs = 30_000, maxDelivery = 10, dedupMs = 0, deadLetterExpired = false }, around = {}) {
    Object.assign(this, { name, lockMs, maxDelivery, dedupMs, deadLetterExpired, deadLetters: around.deadLetters });
    this.#now = around.now ?? Date.now;
    this.#record = around.record ?? (() => {});
  }

  /** How many messages are in which state, without those of the dead-letter sub-queue. */
  get depths() {
    return { ...this.#counts };
  }

  /**
   * Accepts a message { content, id, ttlMs, scheduledAt } and returns its sequence number, or undefined when it was
   * dropped as a duplicate.
   */
  send({ content, id, ttlMs, scheduledAt }) {
    this.tick();
    const at = this.#now();
    if (this.dedupMs && id !== undefined && this.#seen.has(id)) return undefined;
    const message = { seq: ++this.#lastSeq, id, content, ttlMs, at, deliveryCount: 0 };
    if (scheduledAt > at) message.due = scheduledAt;
    const entries = [this.#putEntry(message)];
    if (this.dedupMs && id !== undefined) {
      this.#seen.set(id, at);
      entries.push({ op: 'seen', id, at });
    }
    this.#keep(...entries);
    this.#add(message);
    return message.seq;
  }

  /** Locks the oldest active message and returns it with token and lockedUntil; undefined when there is none. */
  receive() {
    this.tick();
    const message = this.#active.peek();
    return message && this.#lock(message);
  }

  /** Takes the oldest active message out for good (receive-and-delete). */
  receiveAndDelete() {
    this.tick();
    const message = this.#active.peek();
    if (message) this.#forget(message);
    return message;
  }

  /** Removes a locked message. Like every settlement it returns false when the lock is lost. */
  complete(token) {
    return this.#settle(token, (message) => this.#forget(message));
  }

  /** Gives the message back as not processed: its delivery count rises. amend, if any, rewrites its content. */
  abandon(token, amend) {
    return this.#settle(token, (message) => {
      this.#amend(message, amend);
      this.#failed(message);
    });
  }

  /** Gives the message back as never looked at: its delivery count stays. */
  release(token) {
    return this.#settle(token, (message) => this.#place(message));
  }

  /** Sets the message aside; only receiveDeferred finds it again. */
  defer(token, amend) {
    return this.#settle(token, (message) => {
      this.#amend(message, amend);
      message.deferred = true;
      this.#keep({ op: 'deferred', seq: message.seq });
      this.#place(message);
    });
  }

  /** Moves the message to the dead-letter sub-queue. */
  deadLetter(token, { reason = '', description = '', amend } = {}) {
    if (!this.deadLetters) throw new NotAllowed('a message of a dead-letter queue cannot be dead-lettered');
    return this.#settle(token, (message) => {
      this.#amend(message, amend);
      this.#bury(message, reason, description);
    });
  }

  /** Prolongs the locks and returns the new end of each; undefined, with nothing prolonged, when one is lost. */
  renew(tokens) {
    if (!this.holds(tokens)) return undefined;
    return tokens.map((token) => {
      const message = this.#locks.get(token);
      this.#enter(message, 'locked', this.#now() + this.lockMs);
      return message.wakeAt;
    });
  }

  /** Tells whether every one of these locks is still held. */
  holds(tokens) {
    this.tick();
    return tokens.every((token) => this.#locks.has(token));
  }

  /** Removes scheduled messages; false, with nothing removed, when one is not scheduled (any more). */
  cancel(seqs) {
    const found = this.#all(seqs, 'scheduled');
    found?.forEach((message) => this.#forget(message));
    return found !== undefined;
  }

  /** Locks (or with remove takes out) deferred messages; undefined, with nothing done, when one is not deferred. */
  receiveDeferred(seqs, { remove = false } = {}) {
    const found = this.#all(seqs, 'deferred');
    found?.forEach((message) => (remove ? this.#forget(message) : this.#lock(message)));
    return found;
  }

  /** Up to count messages from a sequence number on, whatever their state. Nothing is locked. */
  peek(from, count) {
    this.tick();
    const found = [];
    const first = this.#messages.keys().next().value ?? Infinity;
    for (let seq = Math.max(from, first); seq <= this.#lastSeq && found.length < count; seq++) {
      const message = this.#messages.get(seq);
      if (message) found.push(message);
    }
    return found;
  }

  /** Lets every lock, schedule and lifetime run out whose time has come. */
  tick() {
    const now = this.#now();
    for (let next = this.#timers.peek(); next && next.wakeAt <= now; next = this.#timers.peek()) this.#wake(next);
    for (const [id, at] of this.#seen) {
      if (at + this.dedupMs > now) break;
      this.#seen.delete(id);
    }
  }

  /** Ends every lock at once, as if its time had run out; for tests. Returns how many. */
  loseLocks() {
    const held = [...this.#locks.values()];
    held.forEach((message) => this.#wake(message));
    return held.length;
  }

  /** Applies one entry of an earlier life. Call it for all entries, in order, before anything else. */
  replay(entry) {
    const message = this.#messages.get(entry.seq);
    switch (entry.op) {
      case 'put': return this.#add({ ...entry, op: undefined });
      case 'seen': return void this.#seen.set(entry.id, entry.at);
      case 'last': return void (this.#lastSeq = Math.max(this.#lastSeq, entry.seq));
      case 'gone': return message && this.#drop(message);
      case 'due': return message && this.#activate(message, entry.to, entry.at);
      case 'count': return message && void (message.deliveryCount = entry.count);
      case 'content': return message && void (message.content = entry.content);
      case 'deferred': return message && this.#enter(Object.assign(message, { deferred: true }), 'deferred');
      default: throw new Error(`queue ${this.name}: unknown journal entry ${entry.op}`);
    }
  }

  /** The fewest entries that replay to the present state; locks are not among them, so locked messages come back. */
  *snapshot() {
    yield { q: this.name, op: 'last', seq: this.#lastSeq };
    for (const message of this.#messages.values()) yield { q: this.name, ...this.#putEntry(message) };
    for (const [id, at] of this.#seen) yield { q: this.name, op: 'seen', id, at };
  }

  #putEntry({ seq, id, content, ttlMs, at, due, deferred, deliveryCount, dead }) {
    return { op: 'put', seq, id, ttlMs, at, due, deferred, deliveryCount, dead, content };
  }

  #keep(...entries) {
    this.#record(...entries.map((entry) => ({ q: this.name, ...entry })));
  }

  #add(message) {
    this.#lastSeq = Math.max(this.#lastSeq, message.seq);
    this.#messages.set(message.seq, message);
    this.#place(message);
  }

  /** Puts a message where it belongs while nobody holds it. */
  #place(message) {
    if (message.due) this.#enter(message, 'scheduled', message.due);
    else if (message.deferred) this.#enter(message, 'deferred');
    else this.#enter(message, 'active', this.#expiry(message));
  }

  // The service documents that a dead-letter queue does not observe the lifetime of its messages.
  #expiry(message) {
    return message.ttlMs && this.deadLetters ? message.at + message.ttlMs : Infinity;
  }

  /** The only way into a state: leaves the one before, and sets the message's one timer. */
  #enter(message, state, wakeAt = Infinity) {
    const token = message.token;
    this.#leave(message);
    message.state = state;
    message.wakeAt = wakeAt;
    this.#counts[state]++;
    if (wakeAt !== Infinity) this.#timers.push(message);
    if (state === 'locked') {
      message.token = token ?? randomBytes(16).toString('hex');
      this.#locks.set(message.token, message);
    }
    if (state === 'active') {
      this.#active.push(message);
      this.whenActive();
    }
  }

  #leave(message) {
    if (message.state === undefined) return;
    this.#counts[message.state]--;
    this.#active.remove(message);
    this.#timers.remove(message);
    this.#locks.delete(message.token);
    message.token = undefined;
    message.state = undefined;
  }

  #drop(message) {
    this.#leave(message);
    this.#messages.delete(message.seq);
  }

  #forget(message) {
    this.#keep({ op: 'gone', seq: message.seq });
    this.#drop(message);
  }

  #lock(message) {
    this.#enter(message, 'locked', this.#now() + this.lockMs);
    return message;
  }

  #settle(token, how) {
    this.tick();
    const message = this.#locks.get(token);
    if (!message) return false;
    how(message);
    return true;
  }

  #all(seqs, state) {
    this.tick();
    const found = seqs.map((seq) => this.#messages.get(seq));
    return found.every((message) => message?.state === state) ? found : undefined;
  }

  #amend(message, amend) {
    if (!amend) return;
    message.content = amend(message.content);
    this.#keep({ op: 'content', seq: message.seq, content: message.content });
  }

  /** The message's timer rang. */
  #wake(message) {
    if (message.state === 'locked') return this.#failed(message);
    if (message.state === 'active') return this.#expired(message);
    const entry = { op: 'due', seq: message.seq, to: this.#lastSeq + 1, at: this.#now() };
    this.#keep(entry);
    this.#activate(message, entry.to, entry.at);
  }

  // A scheduled message is appended as if it had been sent at this moment, and gets a new sequence number (Service Bus
  // documentation, "Message sequencing and timestamps").
  #activate(message, seq, at) {
    this.#drop(message);
    this.#add(Object.assign(message, { seq, at, due: undefined }));
  }

  #expired(message) {
    if (this.deadLetterExpired) {
      this.#bury(message, 'TTLExpiredException', 'The message expired and was dead lettered.');
    } else this.#forget(message);
  }

  #failed(message) {
    message.deliveryCount++;
    if (this.deadLetters && !message.deferred && message.deliveryCount >= this.maxDelivery) {
      const description = `Message could not be consumed after ${message.deliveryCount} delivery attempts.`;
      return this.#bury(message, 'MaxDeliveryCountExceeded', description);
    }
    this.#keep({ op: 'count', seq: message.seq, count: message.deliveryCount });
    this.#place(message);
  }

  /** Kept below before it is forgotten here: a crash in between leaves it twice, never not at all. */
  #bury(message, reason, description) {
    this.deadLetters.#accept({ ...this.#putEntry(message), dead: { reason, description, source: this.name } });
    this.#forget(message);
  }

  #accept(entry) {
    const message = { ...entry, op: undefined, seq: ++this.#lastSeq, due: undefined, deferred: undefined };
    this.#keep(this.#putEntry(message));
    this.#add(message);
  }
}
