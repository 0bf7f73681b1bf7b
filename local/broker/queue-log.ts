/** What RabbitMQ keeps on disk of its queues: every message until it is acknowledged, or its queue is deleted. */
import { Journal } from '#local/disk/journal.ts';
import type { AmqpHeaders, AmqpMessage } from './amqp-message.ts';

/** A line of the file: a message into a queue, its acknowledgement, or the end of a queue. */
type Entry =
  | { queue: string; add: number; headers: AmqpHeaders; body: string }
  | { queue: string; remove: number }
  | { drop: string };

/** One queue's part of the log. */
export interface QueueRecord {
  /** In the order in which they came. */
  messages(): Iterable<[number, AmqpMessage]>;
  /** Returns once it is kept, with the number by which it is removed. */
  add(message: AmqpMessage): number;
  remove(number: number): void;
}

/**
 * One file for all queues. Which of a Trigger's messages are handed out is not written down: after a restart all of
 * them come again.
 */
export class QueueLog {
  readonly #queues = new Map<string, Map<number, AmqpMessage>>();
  readonly #journal: Journal<Entry> | undefined;
  #last = 0;

  /** Without a file, in memory alone. */
  constructor(file?: string) {
    this.#journal =
      file === undefined
        ? undefined
        : new Journal<Entry>(file, { replay: (entry) => this.#replay(entry), snapshot: () => this.#snapshot() });
  }

  /** What is kept under this name, of a queue that was or of a new one. */
  open(name: string): QueueRecord {
    return {
      messages: () => [...(this.#queues.get(name) ?? [])],
      add: (message) => {
        const number = this.#last + 1;
        this.#journal?.append(entryOf(name, number, message));
        this.#add(name, number, message);
        return number;
      },
      remove: (number) => {
        if (this.#queues.get(name)?.has(number)) {
          this.#journal?.append({ queue: name, remove: number });
          this.#remove(name, number);
        }
      },
    };
  }

  /** Deletes every other queue, with what is in it. */
  retain(isKept: (name: string) => boolean): void {
    for (const name of [...this.#queues.keys()]) {
      if (!isKept(name)) {
        this.#journal?.append({ drop: name });
        this.#queues.delete(name);
      }
    }
  }

  /** Nothing may be added afterwards. */
  close(): void {
    this.#journal?.close();
  }

  #add(name: string, number: number, message: AmqpMessage): void {
    const messages = this.#queues.get(name) ?? new Map<number, AmqpMessage>();
    this.#queues.set(name, messages.set(number, message));
    this.#last = Math.max(this.#last, number);
  }

  #remove(name: string, number: number): void {
    const messages = this.#queues.get(name);
    messages?.delete(number);
    if (messages?.size === 0) {
      this.#queues.delete(name);
    }
  }

  #replay(entry: Entry): void {
    if ('drop' in entry) {
      this.#queues.delete(entry.drop);
    } else if ('remove' in entry) {
      this.#remove(entry.queue, entry.remove);
    } else {
      this.#add(entry.queue, entry.add, { headers: entry.headers, body: Buffer.from(entry.body, 'base64') });
    }
  }

  *#snapshot(): Iterable<Entry> {
    for (const [name, messages] of this.#queues) {
      for (const [number, message] of messages) {
        yield entryOf(name, number, message);
      }
    }
  }
}

function entryOf(queue: string, add: number, { headers, body }: AmqpMessage): Entry {
  return { queue, add, headers, body: body.toString('base64') };
}
