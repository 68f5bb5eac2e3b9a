// The queues of the namespace by address, each with its dead-letter sub-queue, and the journal behind them.
import { Queue } from './queue.mjs';

const DEAD_LETTERS = '/$DeadLetterQueue';

export class Namespace {
  #queues = new Map(); // by lower-case address: the service compares without regard to case
  #journal;

  /** @param settings one object per queue, as Queue takes them; @param around now, journal (both optional) */
  constructor(settings, { now, journal } = {}) {
    this.#journal = journal;
    const around = { now, record: (...entries) => this.#journal?.append(...entries) };
    for (const one of settings) {
      const deadLetters = this.#add(new Queue({ ...one, name: one.name + DEAD_LETTERS, dedupMs: 0 }, around));
      this.#add(new Queue(one, { ...around, deadLetters }));
    }
    this.#restore();
  }

  /** The queue or sub-queue with this address, or undefined. */
  find(address) {
    return this.#queues.get(String(address ?? '').toLowerCase());
  }

  /** Every queue and sub-queue. */
  get all() {
    return [...this.#queues.values()];
  }

  /** Lets locks, schedules and lifetimes run out in every queue. */
  tick() {
    for (const queue of this.#queues.values()) queue.tick();
  }

  /** Messages by queue and state; deadLetter counts those of the sub-queue, held or not. */
  get depths() {
    const mains = this.all.filter((queue) => queue.deadLetters);
    const depth = (queue) => ({ ...queue.depths, deadLetter: sum(queue.deadLetters) });
    return Object.fromEntries(mains.map((queue) => [queue.name, depth(queue)]));
  }

  #add(queue) {
    const key = queue.name.toLowerCase();
    if (this.#queues.has(key)) throw new Error(`queue ${queue.name} is configured twice`);
    this.#queues.set(key, queue);
    return queue;
  }

  #restore() {
    if (!this.#journal) return;
    for (const entry of this.#journal.entries()) {
      const queue = this.find(entry.q);
      // Going on would drop its messages when the journal is rewritten.
      if (!queue) throw new Error(`the journal holds messages of queue ${entry.q}, which is not configured`);
      queue.replay(entry);
    }
    this.#journal.rewrite(this.#snapshot());
  }

  *#snapshot() {
    for (const queue of this.#queues.values()) yield* queue.snapshot();
  }
}

const sum = (queue) => Object.values(queue.depths).reduce((total, count) => total + count, 0);
