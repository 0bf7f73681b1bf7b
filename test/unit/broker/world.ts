/** A Broker with Triggers, real HTTP subscribers, and time that passes at once. */
import { createServer, type IncomingMessage, type OutgoingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type RunningBroker, startBroker } from '#local/broker/start-broker.ts';
import type { TapEntry } from '#local/broker/tap.ts';
import type { Sleep } from '#local/broker/with-retries.ts';
import { createStorage, type Storage } from '#local/kubernetes/storage.ts';
import type { DeliverySpec } from '#shared/manifests/delivery-settings.ts';

export interface Received {
  headers: IncomingMessage['headers'];
  path: string;
  body: string;
}
export interface Response {
  status: number;
  headers?: OutgoingHttpHeaders;
  body?: string;
}
/** Undefined cuts the connection. */
export type Answering = (received: Received, count: number) => Response | undefined | Promise<Response | undefined>;

export interface Subscriber {
  url: string;
  received: Received[];
}

export interface World {
  storage: Storage;
  broker: RunningBroker;
  url: string;
  tap: TapEntry[];
  /** Milliseconds of each wait, in order. */
  slept: number[];
  subscriber(answer?: Answering): Promise<Subscriber>;
  /** Ready when it returns. */
  trigger(name: string, subscriber: string, spec?: TriggerParts): Promise<void>;
  send(attributes: Record<string, string>, data?: string): Promise<number>;
  close(): Promise<void>;
}

export interface TriggerParts {
  filter?: Record<string, string>;
  filters?: unknown[];
  delivery?: DeliverySpec;
  parallelism?: number;
}

export interface WorldOptions {
  /** The Broker's; null leaves it out. Default: 2 retries and no sink. */
  delivery?: DeliverySpec | null;
  sleep?: Sleep;
  queueFile?: string;
}

export async function startWorld({
  delivery = { retry: 2, backoffDelay: 'PT1S' },
  sleep,
  queueFile,
}: WorldOptions = {}): Promise<World> {
  const storage = createStorage();
  const tap: TapEntry[] = [];
  const slept: number[] = [];
  const closers: (() => Promise<void>)[] = [];
  for (const object of [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'ns' } },
    {
      apiVersion: 'rabbitmq.com/v1beta1',
      kind: 'RabbitmqCluster',
      metadata: { name: 'rabbitmq', namespace: 'ns' },
      spec: {},
    },
    {
      apiVersion: 'eventing.knative.dev/v1alpha1',
      kind: 'RabbitmqBrokerConfig',
      metadata: { name: 'rabbitmq', namespace: 'ns' },
      spec: { rabbitmqClusterReference: { name: 'rabbitmq' } },
    },
    brokerObject('default', delivery),
  ]) {
    storage.create(object);
  }
  const broker = await startBroker({
    storage,
    namespace: 'ns',
    port: 0,
    ...(queueFile === undefined ? {} : { queueFile }),
    resolve: ({ kind, name, namespace }) => {
      const url = storage.get('services.serving.knative.dev', namespace, name)?.['status']?.address?.url;
      return kind === 'Service' && url ? { url } : undefined;
    },
    tap: (entry) => tap.push(entry),
    sleep:
      sleep ??
      (async (milliseconds) => {
        slept.push(milliseconds);
      }),
  });
  closers.push(broker.close);
  await until(() => storage.get('brokers.eventing.knative.dev', 'ns', 'default')?.['status']);

  return {
    storage,
    broker,
    url: broker.url,
    tap,
    slept,
    async subscriber(answer = () => ({ status: 200 })) {
      const { close, ...subscriber } = await startSubscriber(answer);
      closers.push(close);
      return subscriber;
    },
    async trigger(name, subscriber, parts) {
      storage.create(triggerObject(name, subscriber, parts));
      await until(() => isReady(storage, 'triggers.eventing.knative.dev', name));
    },
    async send(attributes, data = '{}') {
      return post(broker.url, attributes, data);
    },
    async close() {
      for (const close of closers) {
        await close();
      }
    },
  };
}

export function brokerObject(name: string, delivery: DeliverySpec | null) {
  return {
    apiVersion: 'eventing.knative.dev/v1',
    kind: 'Broker',
    metadata: { name, namespace: 'ns', annotations: { 'eventing.knative.dev/broker.class': 'RabbitMQBroker' } },
    spec: {
      config: { apiVersion: 'eventing.knative.dev/v1alpha1', kind: 'RabbitmqBrokerConfig', name: 'rabbitmq' },
      ...(delivery ? { delivery } : {}),
    },
  };
}

export function triggerObject(
  name: string,
  uri: string,
  { filter, filters, delivery, parallelism }: TriggerParts = {},
) {
  return {
    apiVersion: 'eventing.knative.dev/v1',
    kind: 'Trigger',
    metadata: {
      name,
      namespace: 'ns',
      annotations: parallelism ? { 'rabbitmq.eventing.knative.dev/parallelism': String(parallelism) } : {},
    },
    spec: {
      broker: 'default',
      ...(filter ? { filter: { attributes: filter } } : {}),
      ...(filters ? { filters } : {}),
      ...(delivery ? { delivery } : {}),
      subscriber: { uri },
    },
  };
}

export async function post(url: string, attributes: Record<string, string>, data = '{}'): Promise<number> {
  const event = { specversion: '1.0', id: '1', source: 'test', type: 'test', ...attributes };
  const headers = Object.fromEntries(Object.entries(event).map(([name, value]) => [`ce-${name}`, value]));
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: data,
  });
  await response.arrayBuffer();
  return response.status;
}

export async function startSubscriber(answer: Answering): Promise<Subscriber & { close(): Promise<void> }> {
  const received: Received[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) {
      chunks.push(chunk);
    }
    const one = { headers: request.headers, path: request.url ?? '', body: Buffer.concat(chunks).toString() };
    received.push(one);
    const answered = await answer(one, received.length);
    if (!answered) {
      response.destroy();
      return;
    }
    response.writeHead(answered.status, answered.headers);
    response.end(answered.body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

export function isReady(storage: Storage, resource: string, name: string): boolean {
  const conditions: { type: string; status: string }[] =
    storage.get(resource, 'ns', name)?.['status']?.conditions ?? [];
  return conditions.some(({ type, status }) => type === 'Ready' && status === 'True');
}

export async function until<T>(
  what: () => T | undefined | false | Promise<T | undefined | false>,
  seconds = 10,
): Promise<T> {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    const value = await what();
    if (value) {
      return value;
    }
    if (Date.now() > end) {
      throw new Error(`waited ${seconds} s in vain for ${what}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
