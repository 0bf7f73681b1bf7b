/** Keeps revisions and statuses of every Knative Service as its spec wants them, and knows which revision is asked. */

import type { ObjectStorage, WatchEvent } from '#local/kubernetes/types.ts';
import type { KubeObject } from '#shared/kubernetes/object.ts';
import { sameValue } from '#shared/kubernetes/same-value.ts';
import { conditionOf } from './conditions.ts';
import { PODS, REVISION, REVISIONS, SERVICE, SERVICES } from './labels.ts';
import { generationOf, newestOf, nextRevision } from './revision.ts';
import { RevisionRuntime, type ServingOptions } from './revision-runtime.ts';
import { type Addresses, latestReady, serviceStatus } from './service-status.ts';

/**
 * Of those that nobody asks. Knative keeps 20; here there is no way back to one, and each is looked at with every tick.
 */
const KEPT_REVISIONS = 3;

export type Route =
  | { found: 'revision'; runtime: RevisionRuntime }
  | { found: 'nothing ready'; message: string }
  | { found: 'nothing' };

export class ServingController {
  readonly #storage: ObjectStorage;
  readonly #options: ServingOptions;
  readonly #addresses: (namespace: string, name: string) => Addresses;
  readonly #services = new Map<string, KubeObject>();
  readonly #runtimes = new Map<string, RevisionRuntime>();
  readonly #pending = new Set<string>();
  readonly #stops: (() => void)[];
  readonly #log: (line: string) => void;
  #soon: NodeJS.Immediate | undefined;

  constructor(
    storage: ObjectStorage,
    options: ServingOptions,
    addresses: (namespace: string, name: string) => Addresses,
    log: (line: string) => void,
  ) {
    this.#storage = storage;
    this.#options = options;
    this.#addresses = addresses;
    this.#log = log;
    // Before any Service is looked at: one whose revisions are not known yet would get another.
    for (const revision of storage.list(REVISIONS)) {
      this.#adopt(keyOf(revision.metadata.namespace, revision.metadata.name), revision);
    }
    this.#stops = [
      storage.watch(SERVICES, (event) => this.#onService(event)),
      storage.watch(REVISIONS, (event) => this.#onRevision(event)),
      storage.watch(PODS, (event) => this.#onPod(event)),
    ];
    const timer = setInterval(() => this.#tick(), options.tickMilliseconds);
    this.#stops.push(() => clearInterval(timer));
  }

  close(): void {
    for (const stop of this.#stops) {
      stop();
    }
    clearImmediate(this.#soon);
    for (const runtime of this.#runtimes.values()) {
      runtime.close();
    }
  }

  route(namespace: string, name: string): Route {
    const service = this.#services.get(keyOf(namespace, name));
    if (!service) {
      return { found: 'nothing' };
    }
    const ready = latestReady(this.#revisionsOf(service));
    const runtime = ready && this.#runtimes.get(keyOf(namespace, ready.metadata.name));
    if (runtime) {
      return { found: 'revision', runtime };
    }
    const problem = conditionOf(service, 'ConfigurationsReady')?.message;
    return { found: 'nothing ready', message: problem ?? 'its first revision is being made' };
  }

  #onService({ type, object }: WatchEvent): void {
    const key = keyOf(object.metadata.namespace, object.metadata.name);
    if (type === 'DELETED') {
      this.#services.delete(key);
    } else {
      this.#services.set(key, object);
      this.#reconcileSoon(key);
    }
  }

  #onRevision({ type, object }: WatchEvent): void {
    const { namespace, name, labels } = object.metadata;
    const key = keyOf(namespace, name);
    const known = this.#runtimes.get(key);
    if (type === 'DELETED') {
      known?.close();
      this.#runtimes.delete(key);
    } else if (known) {
      known.revision = object;
    } else {
      this.#adopt(key, object);
    }
    this.#reconcileSoon(keyOf(namespace, labels?.[SERVICE] ?? ''));
  }

  #adopt(key: string, revision: KubeObject): void {
    const runtime = new RevisionRuntime(revision, this.#storage, this.#options);
    this.#runtimes.set(key, runtime);
    const { namespace = '', name } = revision.metadata;
    for (const pod of this.#storage.list(PODS, { namespace, labelSelector: `${REVISION}=${name}` })) {
      runtime.observePod(pod.metadata.name, pod);
    }
  }

  #onPod({ type, object }: WatchEvent): void {
    const { namespace, name, labels } = object.metadata;
    const runtime = this.#runtimes.get(keyOf(namespace, labels?.[REVISION] ?? ''));
    if (runtime) {
      runtime.observePod(name, type === 'DELETED' ? undefined : object);
      this.#reconcileSoon(keyOf(namespace, labels?.[SERVICE] ?? ''));
    }
  }

  /** After the event that told of it has been told to everybody: a change from inside a listener would overtake it. */
  #reconcileSoon(key: string): void {
    this.#pending.add(key);
    this.#soon ??= setImmediate(() => {
      this.#soon = undefined;
      const keys = [...this.#pending];
      this.#pending.clear();
      for (const pending of keys) {
        this.#guard(pending, () => this.#reconcile(pending));
      }
    });
  }

  #tick(): void {
    const now = new Date();
    for (const [key, runtime] of this.#runtimes) {
      this.#guard(key, () => runtime.tick(now));
      const { metadata, status } = runtime.revision;
      // What makes a revision fail may be the mere passing of time, or a number that no watch tells of.
      if (!sameValue(runtime.status(now), status)) {
        this.#reconcileSoon(keyOf(metadata.namespace, metadata.labels?.[SERVICE] ?? ''));
      }
    }
  }

  #reconcile(key: string): void {
    const service = this.#services.get(key);
    if (!service || service.metadata.deletionTimestamp) {
      return;
    }
    const { namespace = '', name } = service.metadata;
    const missing = nextRevision(service, this.#revisionsOf(service));
    if (missing) {
      const created = this.#storage.create(missing);
      const revisionKey = keyOf(namespace, created.metadata.name);
      if (!this.#runtimes.has(revisionKey)) {
        this.#adopt(revisionKey, created);
      }
    }
    const now = new Date();
    for (const runtime of this.#runtimesOf(service)) {
      const updated = this.#storage.updateStatus(
        REVISIONS,
        namespace,
        runtime.revision.metadata.name,
        runtime.status(now),
      );
      runtime.revision = updated ?? runtime.revision;
    }
    this.#direct(service);
    const revisions = this.#revisionsOf(service);
    const status = serviceStatus(service, revisions, this.#addresses(namespace, name), now);
    const updated = this.#storage.updateStatus(SERVICES, namespace, name, status);
    if (updated) {
      this.#tellReadiness(service, updated);
      this.#services.set(key, updated);
    }
  }

  /** The newest ready revision is asked; one that is still on its way keeps what it needs; the others are to go. */
  #direct(service: KubeObject): void {
    const revisions = this.#revisionsOf(service);
    const asked = [latestReady(revisions), newestOf(revisions)].map((revision) => revision?.metadata.uid);
    for (const runtime of this.#runtimesOf(service)) {
      runtime.reachable = asked.includes(runtime.revision.metadata.uid);
      if (!runtime.reachable) {
        runtime.pool.dismiss('Moved');
      }
    }
    const idle = this.#runtimesOf(service).filter(({ reachable, pool }) => !reachable && pool.backends().length === 0);
    const oldest = idle.sort((a, b) => generationOf(a.revision) - generationOf(b.revision));
    for (const { revision } of oldest.slice(0, -KEPT_REVISIONS)) {
      this.#storage.remove(REVISIONS, revision.metadata.namespace, revision.metadata.name);
    }
  }

  #tellReadiness(before: KubeObject, after: KubeObject): void {
    const [was, is] = [conditionOf(before, 'Ready'), conditionOf(after, 'Ready')];
    if (was?.status !== is?.status && is && is.status !== 'Unknown') {
      const { namespace, name } = after.metadata;
      const why = is.status === 'True' ? '' : `: ${conditionOf(after, 'ConfigurationsReady')?.message ?? is.message}`;
      this.#log(`service ${namespace}/${name} is ${is.status === 'True' ? 'ready' : 'not ready'}${why}`);
    }
  }

  #runtimesOf({ metadata: { namespace, uid } }: KubeObject): RevisionRuntime[] {
    return [...this.#runtimes.values()].filter(
      ({ revision: { metadata } }) =>
        metadata.namespace === namespace &&
        !metadata.deletionTimestamp &&
        metadata.ownerReferences?.some((owner) => owner.uid === uid),
    );
  }

  #revisionsOf(service: KubeObject): KubeObject[] {
    return this.#runtimesOf(service).map((runtime) => runtime.revision);
  }

  /** One Service that cannot be handled must not stop the others. */
  #guard(what: string, work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#log(`serving: ${what}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
}

function keyOf(namespace: string | undefined, name: string): string {
  return `${namespace}/${name}`;
}
