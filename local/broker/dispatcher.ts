/**
 * What a Trigger's dispatcher pod does: events from a queue to a subscriber, with retries, replies and dead letters.
 */

import { type DeliverySettings, isRetryable } from '#shared/manifests/delivery-settings.ts';
import type { Address } from './address.ts';
import { type AmqpMessage, fromMessage, type Trace, toMessage } from './amqp-message.ts';
import type { BrokerEvent } from './broker-event.ts';
import type { Exchange } from './exchange.ts';
import { normalizeTime, ZERO_TIME } from './normalize-time.ts';
import { type Answer, postEvent } from './post-event.ts';
import type { Channel, Delivery, Queue } from './queue.ts';
import { invalidEvent } from './read-event.ts';
import type { Tap } from './tap.ts';
import { type Sleep, withRetries } from './with-retries.ts';

/** Messages handed out ahead of their acknowledgement; not the parallelism. */
const PREFETCH = 100;

/** What a dispatcher pod is told by its controller. */
export interface DispatcherOptions {
  /** `namespace/name` of the Trigger, or of the Broker for its own dead letters. */
  name: string;
  queue: Queue;
  subscriber: Address;
  /** Where replies go. */
  ingress: Address;
  settings: DeliverySettings;
  parallelism: number;
  /** `none`: failed events are dropped. `this is one`: what fails here is dropped too. */
  deadLetters: Exchange | 'none' | 'this is one';
  sleep: Sleep;
  tap: Tap;
}

/** From its start to its end. */
interface Session {
  channel: Channel;
  abort: AbortController;
  waiting: Delivery[];
  running: Set<Promise<void>>;
  /** Its acknowledgements no longer count. */
  closed: boolean;
}

export class Dispatcher {
  readonly #options: DispatcherOptions;
  readonly #session: Session;

  constructor(options: DispatcherOptions) {
    this.#options = options;
    const session: Session = {
      channel: { ack: () => {}, close: () => {} },
      abort: new AbortController(),
      waiting: [],
      running: new Set(),
      closed: false,
    };
    this.#session = session;
    session.channel = options.queue.consume(PREFETCH, (delivery) => {
      session.waiting.push(delivery);
      this.#work(session);
    });
  }

  /**
   * As SIGTERM: what is in flight is cut off and stays in the queue, its retries forgotten; or, the other way the race
   * can go, is dead-lettered.
   */
  async stop(inFlight: 'redeliver' | 'dead-letter' = 'redeliver'): Promise<void> {
    const session = this.#session;
    session.waiting.length = 0;
    if (inFlight === 'redeliver') {
      this.#close(session);
    }
    session.abort.abort();
    await Promise.all(session.running);
    this.#close(session);
  }

  #close(session: Session): void {
    session.closed = true;
    session.channel.close();
  }

  #work(session: Session): void {
    while (!session.closed && !session.abort.signal.aborted && session.running.size < this.#options.parallelism) {
      const delivery = session.waiting.shift();
      if (!delivery) {
        return;
      }
      const run = this.#dispatch(session, delivery).finally(() => {
        session.running.delete(run);
        this.#work(session);
      });
      session.running.add(run);
    }
  }

  async #dispatch(session: Session, delivery: Delivery): Promise<void> {
    // A turn of the event loop, so that the channel is there.
    await Promise.resolve();
    const { event, trace } = fromMessage(delivery.message);
    const { status, reply } = await this.#deliver(session, withTime(event), trace);
    const failed =
      isRetryable(status) || (reply !== undefined && !session.closed && !(await this.#reply(session, reply, trace)));
    if (session.closed) {
      return;
    }
    // Before the dead letter is published, as upstream: a crash between the two loses the event.
    session.channel.ack(delivery);
    if (failed) {
      this.#deadLetter(event, trace, status);
    }
  }

  async #deliver(session: Session, event: BrokerEvent, trace: Trace): Promise<Answer> {
    const { name, subscriber, settings, deadLetters, sleep, tap } = this.#options;
    return withRetries(settings, sleep, session.abort.signal, async (attempt) => {
      const start = performance.now();
      const answer = await postEvent(subscriber, event, trace, {
        timeout: settings.timeout,
        signal: session.abort.signal,
      });
      if (!session.closed) {
        const ms = Math.round(performance.now() - start);
        const deadLetter = deadLetters === 'this is one';
        tap({
          kind: 'delivered',
          trigger: name,
          event,
          subscriber: subscriber.url,
          attempt,
          ms,
          deadLetter,
          ...answer,
        });
      }
      return answer;
    });
  }

  /** A reply is sent to the ingress as anybody's event is, by the same rules as the delivery itself. */
  async #reply(session: Session, reply: BrokerEvent, trace: Trace): Promise<boolean> {
    if (invalidEvent(reply) !== undefined) {
      return false;
    }
    const { ingress, settings, sleep } = this.#options;
    const { signal } = session.abort;
    const options = { timeout: settings.timeout, signal };
    const answer = await withRetries(settings, sleep, signal, () => postEvent(ingress, reply, trace, options));
    return !isRetryable(answer.status);
  }

  #deadLetter(event: BrokerEvent, trace: Trace, status: number): void {
    const { name, subscriber, deadLetters, tap } = this.#options;
    if (typeof deadLetters === 'string') {
      tap({ kind: 'dropped', trigger: name, event, status });
      return;
    }
    const attributes = { ...event.attributes, knativeerrordest: subscriber.url, knativeerrorcode: status };
    const message: AmqpMessage = toMessage({ attributes, data: event.data }, trace);
    tap({ kind: 'dead-lettered', trigger: name, event, status });
    deadLetters.publish(message);
  }
}

/**
 * The SDK's client gives an event without a time the present one: of this delivery, so another delivery has another.
 * Filters never see it.
 */
function withTime(event: BrokerEvent): BrokerEvent {
  const { time } = event.attributes;
  return time === ZERO_TIME
    ? { ...event, attributes: { ...event.attributes, time: normalizeTime(new Date().toISOString()) ?? ZERO_TIME } }
    : event;
}
