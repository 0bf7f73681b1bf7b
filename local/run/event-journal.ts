/** What has passed through the Broker since the start, and waiting for what has not yet. */
import type { Tap, TapEntry } from '#local/broker/tap.ts';
import { attribute } from './event-line.ts';

/** Enough for any chain; a platform that stays up for days must not grow. */
const KEPT = 1000;

export class EventJournal {
  readonly #entries: TapEntry[] = [];
  readonly #began = new Map<string, number>();
  readonly #listeners = new Set<(entry: TapEntry) => void>();

  readonly record: Tap = (entry) => {
    this.#entries.push(entry);
    if (this.#entries.length > KEPT) {
      this.#entries.shift();
    }
    for (const listener of this.#listeners) {
      listener(entry);
    }
  };

  /** Milliseconds since the first event with the same correlation id. */
  elapsed(entry: TapEntry): number {
    // A change that Kubernetes tells belongs to the chain of what the function made of it.
    const event = entry.kind === 'delivered' && entry.reply ? entry.reply : entry.event;
    const chain = attribute(event, 'correlationid') || attribute(event, 'id');
    const now = performance.now();
    const began = this.#began.get(chain) ?? now;
    this.#began.set(chain, began);
    if (this.#began.size > KEPT) {
      this.#began.delete(this.#began.keys().next().value ?? '');
    }
    return now - began;
  }

  listen(listener: (entry: TapEntry) => void): void {
    this.#listeners.add(listener);
  }

  /** The first entry, past or to come, for which `find` gives something. Undefined when the time is over. */
  async find<T>(find: (entry: TapEntry) => T | undefined, milliseconds: number): Promise<T | undefined> {
    for (const entry of this.#entries) {
      const found = find(entry);
      if (found !== undefined) {
        return found;
      }
    }
    return new Promise((resolve) => {
      const end = (found: T | undefined): void => {
        clearTimeout(timer);
        this.#listeners.delete(listener);
        resolve(found);
      };
      const timer = setTimeout(() => end(undefined), milliseconds);
      // Who was interrupted while waiting must not be kept from ending.
      timer.unref();
      const listener = (entry: TapEntry): void => {
        const found = find(entry);
        if (found !== undefined) {
          end(found);
        }
      };
      this.#listeners.add(listener);
    });
  }

  /** The last event about a subject, for the message of a failed wait. */
  lastAbout(subject: string): string | undefined {
    const last = this.#entries.findLast((entry) => attribute(entry.event, 'subject') === subject);
    return last && attribute(last.event, 'type');
  }
}
