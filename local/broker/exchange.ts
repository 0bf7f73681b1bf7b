/** A RabbitMQ headers exchange: every queue whose arguments the message's headers have, all of them, gets a copy. */
import type { AmqpHeaders, AmqpMessage } from './amqp-message.ts';
import type { Queue } from './queue.ts';

export class Exchange {
  readonly #bindings = new Map<Queue, Record<string, string>>();

  /** Without arguments, everything matches. */
  bind(queue: Queue, attributes: Record<string, string> = {}): void {
    this.#bindings.set(queue, attributes);
  }

  unbind(queue: Queue): void {
    this.#bindings.delete(queue);
  }

  /** How many queues took it. None is no error: the publisher is told the same, and the message is gone. */
  publish(message: AmqpMessage): number {
    let routed = 0;
    for (const [queue, attributes] of this.#bindings) {
      if (matches(attributes, message.headers)) {
        queue.push(message);
        routed++;
      }
    }
    return routed;
  }
}

/**
 * `x-match: all` over a Trigger's filter.attributes. Values are compared as AMQP has them, so "5" is not 5; an empty
 * value, which elsewhere in Knative means any, is the empty string here; arguments that begin with `x-` do not take
 * part.
 */
export function matches(attributes: Record<string, string>, headers: AmqpHeaders): boolean {
  return Object.entries(attributes).every(
    ([name, value]) => name.startsWith('x-') || (Object.hasOwn(headers, name) && headers[name] === value),
  );
}
