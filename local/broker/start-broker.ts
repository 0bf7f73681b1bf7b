/**
 * The RabbitMQ Broker of Knative Eventing, as far as its users can tell: Brokers and Triggers in the embedded API come
 * to life, events go in by HTTP and out to subscribers. An event is answered with 202 once it is in the file of the
 * queues, and stays there until it is acknowledged.
 */
import type { RequestListener } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import { DiskError } from '#local/disk/disk-error.ts';
import type { ObjectStorage } from '#local/kubernetes/types.ts';
import type { KubeObject, ResourceName } from '#shared/kubernetes/object.ts';
import type { Destination } from '#shared/manifests/delivery-settings.ts';
import { sayError } from '#shared/say.ts';
import { type Resolve, resolveDestination } from './address.ts';
import { BrokerRuntime } from './broker-runtime.ts';
import { type Publish, startIngress } from './ingress.ts';
import { QueueLog } from './queue-log.ts';
import { type Resolved, writeBrokerStatus, writeTriggerStatus } from './reconcile-status.ts';
import type { Tap } from './tap.ts';
import { TriggerRuntime } from './trigger-runtime.ts';
import type { Sleep } from './with-retries.ts';

const BROKERS = 'brokers.eventing.knative.dev';
const TRIGGERS = 'triggers.eventing.knative.dev';
const CLASS = 'eventing.knative.dev/broker.class';
/** What a change of may bring a Broker or a Trigger further. */
const WATCHED: ResourceName[] = [BROKERS, TRIGGERS, 'services.serving.knative.dev'];

export interface BrokerOptions {
  storage: ObjectStorage;
  /** Where objects are that a Trigger or a deadLetterSink names, other than Brokers. */
  resolve: Resolve;
  /**
   * The ingress of the Broker `default` in `namespace`. Every other Broker gets a free port; its status says which. 0
   * takes a free one here too.
   */
  port: number;
  namespace: string;
  /** What is in it is delivered again. Without one, queues end with the process. */
  queueFile?: string;
  /** Answers every GET at the ingress on `port`, and whatever is below /api/: one address for all. */
  api?: RequestListener;
  tap?: Tap;
  log?: (line: string) => void;
  /** For tests: what waits between retries. */
  sleep?: Sleep;
}

export interface RunningBroker {
  /** Of the ingress on `port`. Answers 500 while there is no such Broker. */
  url: string;
  /**
   * As if the dispatcher pod of a Trigger (`namespace/name`) were deleted. What is in flight either comes again or is
   * dead-lettered with -1.
   */
  restartDispatcher(trigger: string, inFlight?: 'redeliver' | 'dead-letter'): Promise<void>;
  /** Stops deliveries, aborting those in flight. */
  close(): Promise<void>;
}

export async function startBroker(options: BrokerOptions): Promise<RunningBroker> {
  const { storage, namespace, port, tap = () => {}, log = sayError } = options;
  const queues = new QueueLog(options.queueFile);
  const context = {
    queues,
    tap,
    sleep: options.sleep ?? ((ms: number, signal: AbortSignal) => wait(ms, undefined, { signal })),
  };
  const brokers = new Map<string, BrokerRuntime>();
  const triggers = new Map<string, TriggerRuntime>();
  const main = `${namespace}/default`;
  const publish: Publish = (event, trace) => brokers.get(main)?.publish(event, trace) ?? false;
  const ingress = await startIngress(port, publish, options.api).catch((error) => {
    queues.close();
    throw error;
  });
  let closed = false;

  const resolve: Resolve = (ref) => {
    const isBroker = ref.kind === 'Broker' && ref.apiVersion.startsWith('eventing.knative.dev/');
    return isBroker ? brokers.get(`${ref.namespace}/${ref.name}`)?.address : options.resolve(ref);
  };

  function resolved(wanted: Destination | undefined, { metadata: { namespace = '' } }: KubeObject): Resolved {
    return { wanted, address: wanted && resolveDestination(wanted, namespace, resolve) };
  }

  async function reconcileBrokers(): Promise<Set<string>> {
    const ready = new Set<string>();
    const present = storage.list(BROKERS).filter(({ metadata }) => metadata.annotations?.[CLASS] === 'RabbitMQBroker');
    const uids = new Set(present.map(({ metadata }) => metadata.uid));
    await discard(brokers, ({ uid }) => uids.has(uid));
    for (const broker of present) {
      const key = `${broker.metadata.namespace}/${broker.metadata.name}`;
      let runtime = brokers.get(key);
      if (!runtime) {
        runtime = new BrokerRuntime(broker, context);
        await runtime.listen(key === main ? ingress : undefined);
        brokers.set(key, runtime);
      }
      const sink = resolved(runtime.delivery.deadLetterSink, broker);
      if (sink.address) {
        runtime.deliverDeadLetters(sink.address);
      }
      if (writeBrokerStatus(storage, broker, runtime.address, sink)) {
        ready.add(key);
      }
    }
    return ready;
  }

  async function reconcileTriggers(ready: Set<string>): Promise<void> {
    const present = storage.list(TRIGGERS);
    const uids = new Set(present.map(({ metadata }) => metadata.uid));
    const runtimes = new Set(brokers.values());
    await discard(triggers, ({ uid, broker }) => uids.has(uid) && runtimes.has(broker));
    for (const trigger of present) {
      const key = `${trigger.metadata.namespace}/${trigger.metadata.name}`;
      const brokerKey = `${trigger.metadata.namespace}/${trigger['spec']?.broker ?? 'default'}`;
      const broker = brokers.get(brokerKey);
      if (broker && ready.has(brokerKey) && !triggers.has(key)) {
        triggers.set(key, new TriggerRuntime(trigger, broker, context));
      }
      const runtime = triggers.get(key);
      const subscriber = resolved(trigger['spec'].subscriber, trigger);
      const sink = resolved(trigger['spec'].delivery?.deadLetterSink, trigger);
      if (runtime && subscriber.address && (sink.address || !sink.wanted)) {
        runtime.dispatch(trigger, subscriber.address, sink.address);
      }
      writeTriggerStatus(storage, trigger, runtime !== undefined, subscriber, sink);
    }
  }

  /** With a Broker or a Trigger go its queues and what is in them. */
  function deleteQueues(): void {
    const uids = new Set([...storage.list(BROKERS), ...storage.list(TRIGGERS)].map(({ metadata }) => metadata.uid));
    queues.retain((name) =>
      name
        .split('/')
        .slice(0, 2)
        .every((uid) => uids.has(uid)),
    );
  }

  // Everything is looked at again after any change: there are few objects, and no order of events to get wrong. One
  // pass at a time.
  let wanted = false;
  let passes = Promise.resolve();
  const reconcile = () => {
    if (wanted) {
      return;
    }
    wanted = true;
    passes = passes
      .then(async () => {
        wanted = false;
        if (!closed) {
          await reconcileTriggers(await reconcileBrokers());
          deleteQueues();
        }
      })
      .catch((error: unknown) =>
        log(`broker: ${error instanceof Error && !(error instanceof DiskError) ? error.stack : String(error)}`),
      );
  };
  const unwatch = WATCHED.map((resource) => storage.watch(resource, reconcile));

  return {
    url: ingress.url,
    async restartDispatcher(trigger, inFlight = 'redeliver') {
      const runtime = triggers.get(trigger);
      if (!runtime) {
        throw new Error(`there is no Trigger ${trigger}`);
      }
      await runtime.restart(inFlight);
    },
    async close() {
      closed = true;
      for (const stop of unwatch) {
        stop();
      }
      await passes;
      await discard(triggers, () => false);
      await discard(brokers, () => false);
      await ingress.close();
      queues.close();
    },
  };
}

async function discard<R extends { close(): Promise<void> }>(
  runtimes: Map<string, R>,
  keep: (runtime: R) => boolean,
): Promise<void> {
  for (const [key, runtime] of runtimes) {
    if (!keep(runtime)) {
      runtimes.delete(key);
      await runtime.close();
    }
  }
}
