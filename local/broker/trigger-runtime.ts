/**
 * What one Trigger owns: a queue bound to its Broker's exchange, a dispatcher, and, with a deadLetterSink of its own,
 * both again for that.
 */
import type { KubeObject } from '#shared/kubernetes/object.ts';
import { type DeliverySpec, deliverySettings } from '#shared/manifests/delivery-settings.ts';
import type { Address } from './address.ts';
import type { BrokerRuntime, RuntimeContext } from './broker-runtime.ts';
import { Dispatcher, type DispatcherOptions } from './dispatcher.ts';
import { Exchange } from './exchange.ts';
import { Queue } from './queue.ts';

const PARALLELISM = 'rabbitmq.eventing.knative.dev/parallelism';

export class TriggerRuntime {
  readonly uid: string;
  readonly broker: BrokerRuntime;
  readonly #name: string;
  readonly #context: RuntimeContext;
  readonly #queue: Queue;
  readonly #deadLetters: { exchange: Exchange; queue: Queue };
  #running: { as: string; dispatchers: Dispatcher[]; restart: () => Dispatcher[] } | undefined;

  constructor(trigger: KubeObject, broker: BrokerRuntime, context: RuntimeContext) {
    const { name, namespace, uid } = trigger.metadata;
    this.uid = uid ?? '';
    this.broker = broker;
    this.#name = `${namespace}/${name}`;
    this.#context = context;
    const queueName = `${broker.uid}/${this.uid}`;
    this.#queue = new Queue(context.queues.open(queueName));
    const deadLetterQueue = new Queue(context.queues.open(`${queueName}/dead-letters`));
    this.#deadLetters = { exchange: new Exchange(), queue: deadLetterQueue };
    this.#deadLetters.exchange.bind(this.#deadLetters.queue);
    // spec.filters, the newer dialects, is accepted and ignored: a Trigger that has nothing else gets every event.
    broker.exchange.bind(this.#queue, trigger['spec']?.filter?.attributes ?? {});
  }

  /**
   * Events wait in the queue while there is no subscriber yet. A change of what a dispatcher is told replaces it, as a
   * rollout does.
   */
  dispatch(trigger: KubeObject, subscriber: Address, deadLetterSink: Address | undefined): void {
    const own: DeliverySpec | undefined = trigger['spec'].delivery;
    const delivery = own ?? this.broker.delivery;
    const parallelism = Number(trigger.metadata.annotations?.[PARALLELISM] ?? 1);
    const as = JSON.stringify([subscriber, deadLetterSink, delivery, parallelism]);
    if (this.#running?.as === as) {
      return;
    }
    const { sleep, tap } = this.#context;
    const common = { name: this.#name, ingress: this.broker.address, parallelism, sleep, tap };
    const settings = deliverySettings(delivery);
    const restart = () => {
      const dispatchers = [
        new Dispatcher({ ...common, queue: this.#queue, subscriber, settings, deadLetters: this.#exchangeFor(own) }),
      ];
      if (deadLetterSink) {
        const { queue } = this.#deadLetters;
        dispatchers.push(
          new Dispatcher({ ...common, queue, subscriber: deadLetterSink, settings, deadLetters: 'this is one' }),
        );
      }
      return dispatchers;
    };
    void this.#stop();
    this.#running = { as, dispatchers: restart(), restart };
  }

  /** A Trigger with a delivery of its own but no sink in it has no dead letters at all, whatever its Broker says. */
  #exchangeFor(own: DeliverySpec | undefined): DispatcherOptions['deadLetters'] {
    if (own) {
      return own.deadLetterSink ? this.#deadLetters.exchange : 'none';
    }
    return this.broker.deadLetters ?? 'none';
  }

  async restart(inFlight: 'redeliver' | 'dead-letter'): Promise<void> {
    if (this.#running) {
      await this.#stop(inFlight);
      this.#running.dispatchers = this.#running.restart();
    }
  }

  /**
   * The queue stays, for a runtime of the same Trigger; startBroker deletes it where there is no such Trigger any more.
   */
  async close(): Promise<void> {
    this.broker.exchange.unbind(this.#queue);
    await this.#stop();
  }

  async #stop(inFlight?: 'redeliver' | 'dead-letter'): Promise<void> {
    await Promise.all(this.#running?.dispatchers.map((dispatcher) => dispatcher.stop(inFlight)) ?? []);
  }
}
