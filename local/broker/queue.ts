/**
 * A RabbitMQ queue with at most one consumer: what is handed out stays here, unacknowledged, until the consumer says
 * so.
 */
import type { AmqpMessage } from './amqp-message.ts';
import type { QueueRecord } from './queue-log.ts';

export interface Delivery {
  /** Of the message, in its queue's record. */
  number: number;
  message: AmqpMessage;
}

export interface Channel {
  /** Late ones, after the channel closed, change nothing. */
  ack(delivery: Delivery): void;
  /** Gives back, in their old places, everything not acknowledged. */
  close(): void;
}

export class Queue {
  readonly #record: QueueRecord;
  /** In order, those handed out among them. */
  readonly #deliveries: Delivery[];
  readonly #unacknowledged = new Set<Delivery>();
  #offer: (() => void) | undefined;

  /** Begins with what the record holds; some of it may have been handed out before. */
  constructor(record: QueueRecord) {
    this.#record = record;
    this.#deliveries = Array.from(record.messages(), ([number, message]) => ({ number, message }));
  }

  get length(): number {
    return this.#deliveries.length;
  }

  /** Returns once it is kept. */
  push(message: AmqpMessage): void {
    this.#deliveries.push({ number: this.#record.add(message), message });
    this.#offer?.();
  }

  /** `receive` gets up to `prefetch` deliveries ahead of its acknowledgements, as basic.qos says. */
  consume(prefetch: number, receive: (delivery: Delivery) => void): Channel {
    if (this.#offer) {
      throw new Error('the queue has a consumer already');
    }
    let open = true;
    const offer = () => {
      while (open && this.#unacknowledged.size < prefetch) {
        const next = this.#deliveries.find((delivery) => !this.#unacknowledged.has(delivery));
        if (!next) {
          return;
        }
        this.#unacknowledged.add(next);
        receive(next);
      }
    };
    this.#offer = offer;
    offer();
    return {
      ack: (delivery) => {
        if (open && this.#unacknowledged.delete(delivery)) {
          this.#record.remove(delivery.number);
          this.#deliveries.splice(this.#deliveries.indexOf(delivery), 1);
          offer();
        }
      },
      close: () => {
        if (open) {
          open = false;
          this.#offer = undefined;
          this.#unacknowledged.clear();
        }
      },
    };
  }
}
