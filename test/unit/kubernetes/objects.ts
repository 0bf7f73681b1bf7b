/** Objects for the tests of the embedded Kubernetes API, and a cluster with a namespace to put them in. */
import { createStorage, type Storage } from '#local/kubernetes/storage.ts';
import type { WatchEvent } from '#local/kubernetes/types.ts';
import type { KubeObject, ObjectMeta, OwnerReference } from '#shared/kubernetes/object.ts';

export const NAMESPACE = 'team';

// biome-ignore lint/suspicious/noExplicitAny: the fields of a spec are those of its kind.
type Fields = Record<string, any>;
type Meta = Partial<ObjectMeta>;

export function createCluster(): Storage {
  const storage = createStorage();
  storage.create(namespace(NAMESPACE));
  return storage;
}

/** Once everything that was set off has happened: reactions run in microtasks, which all come before this. */
export function settled(): Promise<void> {
  return new Promise((done) => setImmediate(done));
}

/** What a watcher of a resource is told. */
export function record(storage: Storage, resource: string): WatchEvent[] {
  const events: WatchEvent[] = [];
  storage.watch(resource, (event) => events.push(event));
  return events;
}

export function caught(attempt: () => unknown): unknown {
  try {
    attempt();
  } catch (error) {
    return error;
  }
  throw new Error('it was accepted');
}

export function namespace(name: string): KubeObject {
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name } };
}

export function configMap(name: string, data: Record<string, string> = {}, metadata: Meta = {}): KubeObject {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: NAMESPACE, ...metadata }, data };
}

export function pod(name: string, metadata: Meta = {}, spec: Fields = {}): KubeObject {
  const containers = [{ name: 'main', image: 'app:1' }];
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: NAMESPACE, ...metadata },
    spec: { containers, ...spec },
  };
}

export function job(name: string, spec: Fields = {}, podSpec: Fields = {}, metadata: Meta = {}): KubeObject {
  const containers = [{ name: 'main', image: 'app:1' }];
  const template = { spec: { restartPolicy: 'Never', containers, ...podSpec } };
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name, namespace: NAMESPACE, ...metadata },
    spec: { template, ...spec },
  };
}

export function service(name: string, podSpec: Fields = {}, container: Fields = {}): KubeObject {
  const containers = [{ image: 'example.com/app:1', ...container }];
  return {
    apiVersion: 'serving.knative.dev/v1',
    kind: 'Service',
    metadata: { name, namespace: NAMESPACE },
    spec: { template: { spec: { containers, ...podSpec } } },
  };
}

export function trigger(name: string, spec: Fields = {}, metadata: Meta = {}): KubeObject {
  const ref = { apiVersion: 'serving.knative.dev/v1', kind: 'Service', name: 'fn' };
  return {
    apiVersion: 'eventing.knative.dev/v1',
    kind: 'Trigger',
    metadata: { name, namespace: NAMESPACE, ...metadata },
    spec: { broker: 'default', filter: { attributes: { type: 'a.b' } }, subscriber: { ref }, ...spec },
  };
}

export function broker(name: string, spec: Fields = {}): KubeObject {
  const annotations = { 'eventing.knative.dev/broker.class': 'RabbitMQBroker' };
  const config = { apiVersion: 'eventing.knative.dev/v1alpha1', kind: 'RabbitmqBrokerConfig', name: 'config' };
  return {
    apiVersion: 'eventing.knative.dev/v1',
    kind: 'Broker',
    metadata: { name, namespace: NAMESPACE, annotations },
    spec: { config, delivery: { retry: 5 }, ...spec },
  };
}

export function ownedBy(owner: KubeObject, options: Partial<OwnerReference> = {}): OwnerReference {
  const { apiVersion, kind, metadata } = owner;
  return { apiVersion, kind, name: metadata.name, uid: metadata.uid ?? '', ...options };
}
