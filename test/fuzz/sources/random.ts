/** Random choices that one number decides: the same number, the same choices, on every machine. */

export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** Mulberry32: from 0 up to 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  below(limit: number): number {
    return Math.floor(this.next() * limit);
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  pick<Item>(items: readonly [Item, ...Item[]] | readonly Item[]): Item {
    return items[this.below(items.length)] as Item;
  }

  /** One with twice the weight is taken twice as often. */
  weighted<Item extends { weight?: number }>(items: readonly Item[]): Item {
    let left = this.next() * items.reduce((sum, { weight = 1 }) => sum + weight, 0);
    for (const item of items) {
      left -= item.weight ?? 1;
      if (left < 0) {
        return item;
      }
    }
    return items.at(-1) as Item;
  }
}
