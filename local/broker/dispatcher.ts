/** What a Trigger's dispatcher pod does: events from a queue to a subscriber, with retries, replies and dead letters. */

import { isRetryable } from '#shared/manifests/delivery-settings.ts';
import { type AmqpMessage, fromMessage, type Trace, toMessage } from './amqp-message.ts';
import type { BrokerEvent } from './broker-event.ts';
import type { DispatcherOptions } from './dispatcher-options.ts';
import { invalidEvent } from './invalid-event.ts';
import { normalizeTime, ZERO_TIME } from './normalize-time.ts';
import { type Answer, postEvent } from './post-event.ts';
import type { Channel, Delivery } from './queue.ts';
import { TimerPanic, withRetries } from './with-retries.ts';

/** Messages handed out ahead of their acknowledgement; not the parallelism. */
const PREFETCH = 100;
/** How a kubelet restarts a container that ends with an error. */
const CRASH_BACKOFF = { first: 10_000, last: 300_000 };
const RECONNECT = 1000;

/** From one start of the process, or one opening of its channel, to its end. */
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
  #session: Session | undefined;
  readonly #stopped = new AbortController();
  #crashes = 0;

  constructor(options: DispatcherOptions) {
    this.#options = options;
    this.#open();
  }

  /** As SIGTERM: what is in flight is cut off and stays in the queue, its retries forgotten; or, the other way the race can go, is dead-lettered. */
  async stop(inFlight: 'redeliver' | 'dead-letter' = 'redeliver'): Promise<void> {
    this.#stopped.abort();
    const session = this.#session;
    if (!session) {
      return;
    }
    session.waiting.length = 0;
    if (inFlight === 'redeliver') {
      this.#close(session);
    }
    session.abort.abort();
    await Promise.all(session.running);
    this.#close(session);
  }

  #open(): void {
    const session: Session = {
      channel: { ack: () => {}, close: () => {} },
      abort: new AbortController(),
      waiting: [],
      running: new Set(),
      closed: false,
    };
    this.#session = session;
    session.channel = this.#options.queue.consume(PREFETCH, (delivery) => {
      session.waiting.push(delivery);
      this.#work(session);
    });
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
    try {
      const { status, reply } = await this.#deliver(session, withTime(event), trace);
      const failed =
        isRetryable(status) || (reply !== undefined && !session.closed && !(await this.#reply(session, reply, trace)));
      if (session.closed) {
        return;
      }
      // Before the dead letter is published, as upstream: a crash between the two loses the event.
      session.channel.ack(delivery);
      if (failed) {
        this.#deadLetter(session, event, trace, status);
      } else {
        this.#crashes = 0;
      }
    } catch (error) {
      if (!(error instanceof TimerPanic)) {
        throw error;
      }
      this.#crash(session);
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

  #deadLetter(session: Session, event: BrokerEvent, trace: Trace, status: number): void {
    const { name, subscriber, deadLetters, tap } = this.#options;
    const attributes = { ...event.attributes, knativeerrordest: subscriber.url, knativeerrorcode: status };
    const message: AmqpMessage = toMessage({ attributes, data: event.data }, trace);
    if (typeof deadLetters !== 'string') {
      tap({ kind: 'dead-lettered', trigger: name, event, status });
      deadLetters.publish(message);
      return;
    }
    tap({ kind: 'dropped', trigger: name, event, status });
    if (deadLetters === 'missing') {
      // RabbitMQ closes the channel of who publishes to an exchange that is not there; what else was unacknowledged comes again.
      this.#close(session);
      this.#reopen(RECONNECT);
    }
  }

  /** A back-off of nothing makes upstream's timer panic: the process dies, and its messages come again when it is back. */
  #crash(session: Session): void {
    if (session.closed) {
      return;
    }
    this.#close(session);
    session.abort.abort();
    this.#reopen(Math.min(CRASH_BACKOFF.first * 2 ** this.#crashes++, CRASH_BACKOFF.last));
  }

  #reopen(delay: number): void {
    const { signal } = this.#stopped;
    this.#options.sleep(delay, signal).then(
      () => {
        if (!signal.aborted) {
          this.#open();
        }
      },
      () => {},
    );
  }
}

/** The SDK's client gives an event without a time the present one: of this delivery, so another delivery has another. Filters never see it. */
function withTime(event: BrokerEvent): BrokerEvent {
  const { time } = event.attributes;
  return time === ZERO_TIME
    ? { ...event, attributes: { ...event.attributes, time: normalizeTime(new Date().toISOString()) ?? ZERO_TIME } }
    : event;
}
