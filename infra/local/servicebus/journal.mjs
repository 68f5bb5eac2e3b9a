// What the stand-in remembers over a restart: one JSON object a line, appended before anybody is told of the change.
// Nothing is fsynced: a killed process loses nothing that it acknowledged, a power cut may lose the last writes.
import { closeSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';

const BATCH = 1000; // entries a write while the file is rewritten

const toLine = (entry) =>
  JSON.stringify(entry.content ? { ...entry, content: entry.content.toString('base64') } : entry) + '\n';

const fromLine = (line) => {
  const entry = JSON.parse(line);
  if (entry.content !== undefined) entry.content = Buffer.from(entry.content, 'base64');
  return entry;
};

export class Journal {
  #path;
  #file;

  /** @param path the file; its folder must exist. */
  constructor(path) {
    this.#path = path;
  }

  /** The entries of the earlier life, oldest first; none when there is no file yet. */
  *entries() {
    const lines = this.#read().split('\n');
    const torn = lines.pop(); // a write that the end of the process cut off was never acknowledged
    if (torn) process.stderr.write(`journal: dropped an unfinished last line of ${torn.length} characters\n`);
    for (const [at, line] of lines.entries()) {
      try {
        yield fromLine(line);
      } catch (cause) {
        if (!(cause instanceof SyntaxError)) throw cause;
        throw new Error(`journal ${this.#path}: line ${at + 1} is damaged`, { cause });
      }
    }
  }

  /** Replaces the file by these entries, in one step, and from then on appends to it. */
  rewrite(entries) {
    const fresh = `${this.#path}.new`;
    this.#file = openSync(fresh, 'w');
    let batch = [];
    for (const entry of entries) {
      batch.push(entry);
      if (batch.length === BATCH) this.append(...batch.splice(0));
    }
    this.append(...batch);
    renameSync(fresh, this.#path);
  }

  /** Keeps the entries; one write for all of them, so that they stay together. */
  append(...entries) {
    const bytes = Buffer.from(entries.map(toLine).join(''));
    for (let at = 0; at < bytes.length; ) at += writeSync(this.#file, bytes, at);
  }

  close() {
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
  }

  #read() {
    try {
      return readFileSync(this.#path, 'utf8');
    } catch (error) {
      if (error.code === 'ENOENT') return '';
      throw error;
    }
  }
}
