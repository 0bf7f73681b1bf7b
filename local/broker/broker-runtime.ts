/**
 * What one Broker owns in RabbitMQ and beside it: its exchange, its ingress, and a queue with a dispatcher for its dead
 * letters.
 */
import type { KubeObject } from '#shared/kubernetes/object.ts';
import { DEFAULT_BROKER_DELIVERY, type DeliverySpec, deliverySettings } from '#shared/manifests/delivery-settings.ts';
import type { Address } from './address.ts';
import { toMessage } from './amqp-message.ts';
import { Dispatcher } from './dispatcher.ts';
import { Exchange } from './exchange.ts';
import { type Ingress, type Publish, startIngress } from './ingress.ts';
import { Queue } from './queue.ts';
import type { QueueLog } from './queue-log.ts';
import type { Tap } from './tap.ts';
import type { Sleep } from './with-retries.ts';

export interface RuntimeContext {
  /** A queue's name begins with the uids of its Broker and, after a slash, of its Trigger, with which it goes. */
  queues: QueueLog;
  sleep: Sleep;
  tap: Tap;
}

export class BrokerRuntime {
  readonly uid: string;
  readonly name: string;
  readonly delivery: DeliverySpec;
  readonly exchange = new Exchange();
  /** Undefined where the Broker has no deadLetterSink. */
  readonly deadLetters: Exchange | undefined;
  readonly #context: RuntimeContext;
  readonly #deadLetterQueue: Queue;
  #ingress: { url: string; own?: Ingress } | undefined;
  #dispatcher: { at: string; dispatcher: Dispatcher } | undefined;

  constructor(broker: KubeObject, context: RuntimeContext) {
    const { name, namespace, uid } = broker.metadata;
    this.uid = uid ?? '';
    this.name = `${namespace}/${name}`;
    this.delivery = broker['spec']?.delivery ?? DEFAULT_BROKER_DELIVERY;
    this.#context = context;
    this.#deadLetterQueue = new Queue(context.queues.open(this.uid));
    if (this.delivery.deadLetterSink) {
      this.deadLetters = new Exchange();
      this.deadLetters.bind(this.#deadLetterQueue);
    }
  }

  /**
   * Takes what comes to `ingress`, the platform's one well-known port, or starts a listener of its own on a free one.
   */
  async listen(ingress?: Ingress): Promise<void> {
    const own = ingress ? undefined : await startIngress(0, this.publish);
    this.#ingress = { url: (ingress ?? own)?.url ?? '', ...(own ? { own } : {}) };
  }

  get address(): Address {
    return { url: this.#ingress?.url ?? '' };
  }

  readonly publish: Publish = (event, trace) => {
    const triggers = this.exchange.publish(toMessage(event, trace));
    this.#context.tap({ kind: 'published', broker: this.name, event, triggers });
    return true;
  };

  /**
   * Starts the dead letters' dispatcher, or starts it anew where the sink has moved. Parallelism 1 and no time-out, as
   * upstream.
   */
  deliverDeadLetters(sink: Address): void {
    const at = JSON.stringify(sink);
    if (this.#dispatcher?.at === at) {
      return;
    }
    const { sleep, tap } = this.#context;
    void this.#dispatcher?.dispatcher.stop();
    const dispatcher = new Dispatcher({
      name: this.name,
      queue: this.#deadLetterQueue,
      subscriber: sink,
      ingress: this.address,
      settings: { ...deliverySettings(this.delivery), timeout: 0 },
      parallelism: 1,
      deadLetters: 'this is one',
      sleep,
      tap,
    });
    this.#dispatcher = { at, dispatcher };
  }

  async close(): Promise<void> {
    await Promise.all([this.#dispatcher?.dispatcher.stop(), this.#ingress?.own?.close()]);
  }
}
