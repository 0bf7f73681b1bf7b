/**
 * ApiServerSources and PingSources of the embedded API, brought to life: an adapter or a timer each, started anew where
 * its object changes.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { type Address, type Resolve, resolveDestination } from '#local/broker/address.ts';
import type { Sleep } from '#local/broker/with-retries.ts';
import type { ObjectStorage } from '#local/kubernetes/types.ts';
import { condition, keepTransitionTimes, withReady } from '#local/serving/conditions.ts';
import type { KubeObject, ResourceName } from '#shared/kubernetes/object.ts';
import { sayError } from '#shared/say.ts';
import { startAdapter } from './api-server-adapter.ts';
import { matchesSelector } from './matches-selector.ts';
import { startPing } from './ping-timer.ts';

const API_SERVER_SOURCES = 'apiserversources.sources.knative.dev';
const PING_SOURCES = 'pingsources.sources.knative.dev';
const WATCHED: ResourceName[] = [
  API_SERVER_SOURCES,
  PING_SOURCES,
  'brokers.eventing.knative.dev',
  'services.serving.knative.dev',
  'namespaces',
];

export interface SourcesOptions {
  storage: ObjectStorage;
  /** The API server's address: the CloudEvents source of an ApiServerSource's events. */
  kubernetesUrl: string;
  /** Where sinks are that are no Broker. */
  resolve: Resolve;
  log?: (line: string) => void;
  sleep?: Sleep;
  now?: () => Date;
}

export interface RunningSources {
  close(): void;
}

interface Source {
  as: string;
  stop: () => void;
}

export function startSources(options: SourcesOptions): RunningSources {
  const { storage, kubernetesUrl, log = sayError, now } = options;
  const sleep = options.sleep ?? ((ms: number, signal: AbortSignal) => wait(ms, undefined, { signal }));
  const running = new Map<string, Source>();

  /** Starts one; its problem where it cannot be started. */
  function start(resource: ResourceName, object: KubeObject, sink: Address, namespaces: string[]): () => void {
    const { name, namespace = '' } = object.metadata;
    const spec = object['spec'];
    const abort = new AbortController();
    const common = { sink, extensions: spec.ceOverrides?.extensions ?? {}, signal: abort.signal, sleep, log };
    if (resource === PING_SOURCES) {
      startPing({ ...common, name, namespace, spec, ...(now ? { now } : {}) });
      return () => abort.abort();
    }
    if (spec.mode !== 'Resource') {
      throw new Error('only mode: Resource is emulated');
    }
    const stop = startAdapter({ ...common, storage, source: kubernetesUrl, namespaces, resources: spec.resources });
    return () => {
      stop();
      abort.abort();
    };
  }

  function reconcileOne(resource: ResourceName, object: KubeObject): void {
    const { name, namespace = '', uid = '', generation } = object.metadata;
    const spec = object['spec'];
    const sink = resolveDestination(spec.sink ?? {}, namespace, resolveSink);
    const namespaces = spec.namespaceSelector ? namespacesLike(spec.namespaceSelector, storage) : [namespace];
    const as = JSON.stringify([spec, sink, namespaces]);
    let problem = sink ? undefined : { reason: 'NotFound', message: 'the sink does not exist, or has no address yet' };
    if (sink && running.get(uid)?.as !== as) {
      running.get(uid)?.stop();
      running.delete(uid);
      try {
        running.set(uid, { as, stop: start(resource, object, sink, namespaces) });
      } catch (error) {
        problem = { reason: 'Invalid', message: (error as Error).message };
      }
    }
    const conditions = withReady([condition('SinkProvided', problem), condition('Deployed')]);
    storage.updateStatus(resource, namespace, name, {
      observedGeneration: generation,
      conditions: keepTransitionTimes(object['status']?.conditions, conditions, new Date()),
      ...(sink ? { sinkUri: sink.url } : {}),
      ...(resource === API_SERVER_SOURCES ? { namespaces } : {}),
    });
  }

  const resolveSink: Resolve = (ref) => {
    if (ref.kind !== 'Broker') {
      return options.resolve(ref);
    }
    const url = storage.get('brokers.eventing.knative.dev', ref.namespace, ref.name)?.['status']?.address?.url;
    return url ? { url } : undefined;
  };

  const reconcile = () => {
    const present = [API_SERVER_SOURCES, PING_SOURCES].flatMap((resource) =>
      storage.list(resource).map((object) => ({ resource, object })),
    );
    const uids = new Set(present.map(({ object }) => object.metadata.uid));
    for (const [uid, source] of running) {
      if (!uids.has(uid)) {
        source.stop();
        running.delete(uid);
      }
    }
    for (const { resource, object } of present) {
      try {
        reconcileOne(resource, object);
      } catch (error) {
        log(`${object.kind} ${object.metadata.name}: ${(error as Error).message}`);
      }
    }
  };
  const unwatch = WATCHED.map((resource) => storage.watch(resource, reconcile));

  return {
    close() {
      for (const stop of [...unwatch, ...[...running.values()].map((source) => source.stop)]) {
        stop();
      }
    },
  };
}

function namespacesLike(selector: Parameters<typeof matchesSelector>[0], storage: ObjectStorage): string[] {
  const matches = matchesSelector(selector);
  return storage
    .list('namespaces')
    .filter(({ metadata }) => matches(metadata.labels ?? {}))
    .map(({ metadata }) => metadata.name)
    .sort();
}
