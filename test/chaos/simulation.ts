/**
 * One run's time, chance and faults. Nothing in a run happens but what is scheduled here, one thing after the other.
 */
import { setImmediate as turn } from 'node:timers';
import { SECOND } from '#shared/durations.ts';
import { chance } from './random.ts';

/** When every run begins, in milliseconds since the epoch. */
export const START = Date.UTC(2026, 0, 2, 12);

export interface SimulationOptions {
  seed: number;
  /** Faults, by their name, that are left out. */
  without?: ReadonlySet<string> | undefined;
  /** Multiplies the probability of every fault. */
  intensity: number;
  /** Milliseconds after START: from then on nothing fails any more. */
  faultsUntil: number;
  trace?: ((line: string) => void) | undefined;
}

interface Due {
  at: number;
  order: number;
  background: boolean;
  act: () => void;
}

export class Simulation {
  now = START;
  /** Faults that happened, in their order. */
  readonly faults: string[] = [];
  /** What waits, apart from what comes at every minute anyway. */
  foreground = 0;
  readonly #options: SimulationOptions;
  readonly #due: Due[] = [];
  #order = 0;

  constructor(options: SimulationOptions) {
    this.#options = options;
  }

  get seed(): number {
    return this.#options.seed;
  }

  get settling(): boolean {
    return this.now >= START + this.#options.faultsUntil;
  }

  /**
   * The longest that a call takes where nothing is wrong, in milliseconds. In some runs it is so long that others can
   * do a lot meanwhile.
   */
  get latency(): number {
    return this.roll('latency') < 0.3 ? 1500 : 40;
  }

  /** 0 ≤ number < 1. */
  roll(name: string): number {
    return chance(this.#options.seed, name);
  }

  /** Most values near `least`, few near `most`. */
  between(name: string, least: number, most: number): number {
    return least + (most - least) * this.roll(name) ** 3;
  }

  pick<Item>(name: string, items: readonly Item[]): Item {
    return items[Math.floor(this.roll(name) * items.length)] as Item;
  }

  /** Whether this fault happens here. Its name must be the same in a run that differs elsewhere. */
  fails(fault: string, where: string, probability: number): boolean {
    const name = `${fault} @ ${where}`;
    if (this.settling || this.roll(name) >= probability * this.#options.intensity || this.#options.without?.has(name)) {
      return false;
    }
    if (!this.faults.includes(name)) {
      this.faults.push(name);
    }
    this.trace(() => `!! ${name}`);
    return true;
  }

  at(time: number, act: () => void, { background = false } = {}): void {
    const due = { at: Math.max(time, this.now), order: this.#order++, background, act };
    if (!background) {
      this.foreground += 1;
    }
    push(this.#due, due);
  }

  after(milliseconds: number, act: () => void): void {
    this.at(this.now + milliseconds, act);
  }

  sleep(milliseconds: number): Promise<void> {
    return new Promise((resolve) => this.after(milliseconds, resolve));
  }

  /** For a limit that is seldom reached. It does not keep a run from being quiet. */
  timeout(milliseconds: number): Promise<void> {
    return new Promise((resolve) => this.at(this.now + milliseconds, resolve, { background: true }));
  }

  trace(line: () => string): void {
    this.#options.trace?.(`${((this.now - START) / SECOND).toFixed(3).padStart(10)}  ${line()}`);
  }

  /**
   * Runs until nothing is due, or `ended` says so. All that an act sets off without waiting happens before the next
   * act.
   */
  async run(ended: () => boolean): Promise<void> {
    for (let next = pop(this.#due); next && !ended(); next = pop(this.#due)) {
      this.now = next.at;
      if (!next.background) {
        this.foreground -= 1;
      }
      next.act();
      await new Promise((resolve) => turn(resolve));
    }
  }
}

/** A binary heap: the earliest is first, and of two at the same time the one that was scheduled first. */
function push(heap: Due[], due: Due): void {
  let index = heap.push(due) - 1;
  while (index > 0) {
    const parent = (index - 1) >> 1;
    if (!before(heap, index, parent)) {
      return;
    }
    swap(heap, index, parent);
    index = parent;
  }
}

function pop(heap: Due[]): Due | undefined {
  const first = heap[0];
  const last = heap.pop();
  if (first === undefined || last === undefined || heap.length === 0) {
    return first;
  }
  heap[0] = last;
  for (let index = 0; ; ) {
    const left = 2 * index + 1;
    let least = index;
    for (const child of [left, left + 1]) {
      if (child < heap.length && before(heap, child, least)) {
        least = child;
      }
    }
    if (least === index) {
      return first;
    }
    swap(heap, index, least);
    index = least;
  }
}

function before(heap: Due[], a: number, b: number): boolean {
  const [first, second] = [heap[a] as Due, heap[b] as Due];
  return first.at === second.at ? first.order < second.order : first.at < second.at;
}

function swap(heap: Due[], a: number, b: number): void {
  [heap[a], heap[b]] = [heap[b] as Due, heap[a] as Due];
}
