/**
 * A binary heap whose items know their own place, so that any item can be taken out in logarithmic time. The place is
 * kept on the item under the given property name; an item can therefore stand in several heaps at once.
 */
export class Heap {
  #items = [];
  #compare;
  #place;

  /** @param compare (a, b) → negative when a comes first; @param place name of the property that holds the index. */
  constructor(compare, place) {
    this.#compare = compare;
    this.#place = place;
  }

  get size() {
    return this.#items.length;
  }

  /** The first item, or undefined. */
  peek() {
    return this.#items[0];
  }

  push(item) {
    this.#items.push(item);
    this.#up(item, this.#items.length - 1);
  }

  /** Takes the item out; an item that is not in the heap is left alone. */
  remove(item) {
    const at = item[this.#place];
    if (at === undefined) return;
    item[this.#place] = undefined;
    const last = this.#items.pop();
    if (last === item) return;
    this.#up(last, at);
    this.#down(last, last[this.#place]);
  }

  #put(item, at) {
    this.#items[at] = item;
    item[this.#place] = at;
  }

  #up(item, at) {
    while (at > 0) {
      const above = (at - 1) >> 1;
      if (this.#compare(item, this.#items[above]) >= 0) break;
      this.#put(this.#items[above], at);
      at = above;
    }
    this.#put(item, at);
  }

  #down(item, at) {
    for (;;) {
      let below = 2 * at + 1;
      if (below >= this.#items.length) break;
      if (below + 1 < this.#items.length && this.#compare(this.#items[below + 1], this.#items[below]) < 0) below++;
      if (this.#compare(item, this.#items[below]) <= 0) break;
      this.#put(this.#items[below], at);
      at = below;
    }
    this.#put(item, at);
  }
}
