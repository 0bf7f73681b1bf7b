/** A revision at run time: its demand, its pods, and the pods it should have. */
import type { ObjectStorage } from '#local/kubernetes/types.ts';
import type { KubeObject } from '#shared/kubernetes/object.ts';
import { Autoscaler } from './autoscaler.ts';
import { conditionOf } from './conditions.ts';
import { Demand } from './demand.ts';
import { PODS, PORT } from './labels.ts';
import { revisionPod } from './revision-pod.ts';
import { RevisionPool } from './revision-pool.ts';
import { pastProgressDeadline, revisionStatus } from './revision-status.ts';
import { type ScalingSettings, scalingSettings } from './scaling-settings.ts';

const MAX_REPLACE_DELAY_MILLISECONDS = 60_000;

/** What may be tuned. The defaults are Knative's own where it has one. */
export interface ServingOptions {
  /** Autoscaling averages over this long, unless the revision's `autoscaling.knative.dev/window` says otherwise. */
  stableWindowSeconds: number;
  /** How long the last pod outlives the moment at which nothing was wanted any more. */
  scaleToZeroGraceSeconds: number;
  /** How often the autoscaler looks. Knative's is 2 s; a laptop's user should not wait that long. */
  tickMilliseconds: number;
}

export class RevisionRuntime {
  readonly settings: ScalingSettings;
  readonly pool: RevisionPool;
  /** As storage has it now. */
  revision: KubeObject;
  /** False once a newer one is ready: no new requests, nothing kept warm. */
  reachable = true;
  readonly #storage: ObjectStorage;
  readonly #demand: Demand;
  readonly #autoscaler: Autoscaler;
  readonly #pods = new Map<string, KubeObject>();
  #desired = 0;
  #replaceDelay = 0;
  #replaceAfter = 0;
  #wakeUp: NodeJS.Immediate | undefined;

  constructor(revision: KubeObject, storage: ObjectStorage, options: ServingOptions) {
    const { annotations = {} } = revision.metadata;
    const concurrency = Number(revision['spec'].containerConcurrency ?? 0);
    this.revision = revision;
    this.#storage = storage;
    this.settings = scalingSettings(annotations, concurrency, { windowSeconds: options.stableWindowSeconds });
    this.#demand = new Demand(Date.now(), this.settings.windowSeconds * 1000);
    this.#autoscaler = new Autoscaler(this.settings, this.#demand, options.scaleToZeroGraceSeconds);
    this.pool = new RevisionPool({ demand: this.#demand, concurrency, onWaiting: () => this.#scaleSoon() });
  }

  get timeoutSeconds(): number {
    return Number(this.revision['spec'].timeoutSeconds ?? 300);
  }

  /** Storage has this of one of the revision's pods; undefined: it is gone. */
  observePod(name: string, pod: KubeObject | undefined): void {
    if (pod) {
      this.#pods.set(name, pod);
    } else {
      this.#pods.delete(name);
    }
    const port = Number(pod?.metadata.annotations?.[PORT]);
    if (pod && isReady(pod) && port > 0) {
      this.#replaceDelay = 0;
      this.pool.add(name, port);
    } else {
      this.pool.remove(name);
    }
  }

  status(now: Date): Record<string, unknown> {
    const pods = this.#livePods();
    return revisionStatus(this.revision, {
      pods,
      ready: pods.filter(isReady).length,
      desired: this.#desired,
      initialScale: this.settings.initialScale,
      now,
    });
  }

  tick(now: Date): void {
    this.#demand.tick(now.getTime());
    this.#removeDeadPods(now.getTime());
    this.#scale(now);
    if (this.#pods.size === 0 && this.#demand.current === 0) {
      this.#demand.forget();
    }
  }

  close(): void {
    clearImmediate(this.#wakeUp);
    this.pool.dismiss('Gone');
  }

  /** At once, not at the next tick; one burst of requests makes one decision. */
  #scaleSoon(): void {
    this.#wakeUp ??= setImmediate(() => {
      this.#wakeUp = undefined;
      this.#scale(new Date());
    });
  }

  #scale(now: Date): void {
    if (this.revision.metadata.deletionTimestamp) {
      return;
    }
    const pods = this.#livePods();
    this.#desired = this.#decide(pods.filter(isReady).length, now);
    const missing = this.#desired - pods.length;
    if (missing > 0 && now.getTime() >= this.#replaceAfter) {
      for (let count = 0; count < missing; count += 1) {
        this.#createPod();
      }
    }
    this.#shrink(pods, Math.max(0, -missing));
  }

  #decide(ready: number, now: Date): number {
    const { reachable } = this;
    const wasReady = conditionOf(this.revision, 'Ready')?.status === 'True';
    if (!wasReady) {
      return reachable && !pastProgressDeadline(this.revision, now) ? this.settings.initialScale : 0;
    }
    return this.#autoscaler.desired({ now: now.getTime(), ready, reachable });
  }

  /**
   * Takes the least busy out of the rotation; removes those that have nothing left to answer. Decided anew at every
   * tick, so a pod that is wanted again before it was idle simply comes back.
   */
  #shrink(pods: KubeObject[], surplus: number): void {
    const inFlight = new Map(this.pool.backends().map((backend) => [backend.name, backend.inFlight]));
    const load = (pod: KubeObject): number => inFlight.get(pod.metadata.name) ?? -1;
    const victims = pods.sort((a, b) => load(a) - load(b)).slice(0, surplus);
    this.pool.drain(new Set(victims.map((pod) => pod.metadata.name)));
    for (const pod of victims.filter((victim) => load(victim) <= 0)) {
      this.#removePod(pod);
    }
  }

  #createPod(): void {
    const created = this.#storage.create(revisionPod(this.revision));
    // Storage may tell us later: the next decision must count it already.
    if (!this.#pods.has(created.metadata.name)) {
      this.#pods.set(created.metadata.name, created);
    }
  }

  #removePod({ metadata: { name, namespace } }: KubeObject): void {
    this.pool.remove(name);
    this.#pods.delete(name);
    this.#storage.remove(PODS, namespace, name);
  }

  /**
   * A failed pod stays failed (its containers are restarted by the kubelet as long as it lives), so another takes its
   * place.
   */
  #removeDeadPods(now: number): void {
    for (const pod of this.#pods.values()) {
      if (!pod.metadata.deletionTimestamp && hasEnded(pod)) {
        this.#removePod(pod);
        this.#replaceDelay = Math.min(MAX_REPLACE_DELAY_MILLISECONDS, Math.max(1000, this.#replaceDelay * 2));
        this.#replaceAfter = now + this.#replaceDelay;
      }
    }
  }

  #livePods(): KubeObject[] {
    return [...this.#pods.values()].filter((pod) => !pod.metadata.deletionTimestamp && !hasEnded(pod));
  }
}

function isReady(pod: KubeObject): boolean {
  return !pod.metadata.deletionTimestamp && conditionOf(pod, 'Ready')?.status === 'True';
}

function hasEnded(pod: KubeObject): boolean {
  const phase = pod['status']?.phase;
  return phase === 'Failed' || phase === 'Succeeded';
}
