/**
 * The nodes. They run the containers of build pods one after the other, with the real sidecar, and lose pods in every
 * way that nodes do.
 */
import { createHash } from 'node:crypto';
import { monitorBuild } from '#build-pod/monitor.ts';
import { SECOND } from '#shared/durations.ts';
import type { KubeObject } from '#shared/kubernetes/object.ts';
import { readBuild } from '#shared/specs/annotations.ts';
import { DEPENDENCY_INSTALL_EXIT_CODE } from '#shared/specs/exit-codes.ts';
import { imageRepository } from '#shared/specs/names.ts';
import { contextKey } from '#shared/specs/s3-keys.ts';
import { BUILDS_NAMESPACE, type InMemoryCluster, JOBS, PODS } from '#test/fakes/cluster.ts';
import type { InMemoryObjectStore } from '#test/fakes/object-store.ts';
import type { InMemoryRegistry } from '#test/fakes/oci-registry.ts';
import type { SimulatedBroker } from './broker.ts';
import { clusterPort, storePort } from './ports.ts';
import { SimulatedProcess } from './process.ts';
import { pushBuilt } from './registry.ts';
import { REGISTRY, TEMPORARY_BUCKET } from './settings.ts';
import type { Simulation } from './simulation.ts';

export interface Nodes {
  simulation: Simulation;
  cluster: InMemoryCluster;
  store: InMemoryObjectStore;
  broker: SimulatedBroker;
  registry: InMemoryRegistry;
}

/** How long the sidecar may take once Kaniko has ended. */
const SIDECAR_GRACE = 20 * SECOND;
const DISRUPTION = { type: 'DisruptionTarget', status: 'True' };

export function startKubelet(nodes: Nodes): void {
  const counts = new Map<string, number>();
  nodes.cluster.storage.watch(PODS, ({ type, object }) => {
    if (type === 'ADDED') {
      const job = object.metadata.ownerReferences?.[0]?.name ?? '';
      const count = (counts.get(job) ?? 0) + 1;
      counts.set(job, count);
      void runPod(nodes, object, `${job}#${count}`);
    }
  });
}

interface Ended {
  exitCode: number;
  reason?: string;
  message?: string;
}

async function runPod(nodes: Nodes, object: KubeObject, where: string): Promise<void> {
  const pod = new SimulatedPod(nodes, object, where);
  await pod.live();
  pod.remove();
}

class SimulatedPod {
  readonly #nodes: Nodes;
  readonly #name: string;
  readonly #uid: string;
  readonly #job: string;
  /**
   * Names this pod in rolls. It is the same in every run that gets as far as this pod, which the pod's own name is not.
   */
  readonly #where: string;
  /** Settles when the pod is told to end, or is gone. */
  readonly #stopped: Promise<void>;
  #isStopped = false;
  /** What the kubelet reports until the pod ends. */
  #running: object = {};

  constructor(nodes: Nodes, { metadata }: KubeObject, where: string) {
    this.#nodes = nodes;
    this.#name = metadata.name;
    this.#uid = metadata.uid ?? '';
    this.#job = metadata.ownerReferences?.[0]?.name ?? '';
    this.#where = where;
    this.#stopped = untilDeleted(nodes.cluster, this.#uid).then(() => {
      this.#isStopped = true;
    });
  }

  /** From its start until it may be removed. */
  async live(): Promise<void> {
    const { simulation } = this.#nodes;
    if (!(await this.#passes('pod starts', 300, 6 * SECOND))) {
      return;
    }
    if (simulation.fails('the image cannot be pulled', this.#where, 0.01)) {
      this.#report({ phase: 'Pending', startTime: this.#now() });
      await this.#stopped;
      return;
    }
    this.#running = { phase: 'Running', startTime: this.#now() };
    this.#report(this.#running);
    if (!(await this.#passes('fetch', 100, 2 * SECOND))) {
      return;
    }
    const context = this.#context();
    if (!context) {
      const fetch = containerStatus('fetch-context', { exitCode: 1, message: 'there is no context' }, this.#now());
      this.#report({ ...this.#running, phase: 'Failed', initContainerStatuses: [fetch] });
      await this.#stopped;
      return;
    }
    await this.#build(context);
  }

  remove(): void {
    if (this.#exists()) {
      this.#nodes.cluster.storage.remove(PODS, BUILDS_NAMESPACE, this.#name, { gracePeriodSeconds: 0 });
    }
  }

  /** Of the context that was fetched: it may be removed from S3 while this runs. */
  async #build(context: FetchedContext): Promise<void> {
    const { simulation, cluster } = this.#nodes;
    const where = this.#where;
    const took = simulation.between(`kaniko ${where}`, 2 * SECOND, 80 * SECOND);
    const isLost = simulation.fails('the node is lost', where, 0.03);
    const isEvicted = simulation.fails('the pod is evicted', where, 0.02);
    const undisturbed = await this.#lasts(isLost ? took * simulation.roll(`lost ${where}`) : took);
    if (undisturbed && isLost) {
      // The pod garbage collector reports this: no process of the node is left that could.
      this.#report({ ...this.#running, phase: 'Failed', conditions: [DISRUPTION] });
      return;
    }
    const ended = await this.#endOfKaniko(context, { undisturbed, isEvicted });
    const disrupted = isEvicted ? { reason: 'Evicted', conditions: [DISRUPTION] } : {};
    const containerStatuses = [containerStatus('kaniko', ended, this.#now())];
    cluster.logs.set(`${this.#name}/kaniko`, `log of ${this.#name}`);
    this.#report({ ...this.#running, ...disrupted, containerStatuses });
    simulation.trace(() => `pod ${where} kaniko exited ${ended.exitCode} ${ended.message ?? ''}`);
    if (!simulation.fails('the sidecar is killed', where, 0.05)) {
      await this.#runSidecar();
    }
    const phase = ended.exitCode === 0 ? 'Succeeded' : 'Failed';
    this.#report({ ...this.#running, ...disrupted, phase, containerStatuses });
    await this.#stopped;
    await simulation.sleep(simulation.between(`removed ${where}`, 1, SECOND));
  }

  /** A pod that is deleted meanwhile may still push its image before it ends. */
  async #endOfKaniko(
    { repository, context }: FetchedContext,
    { undisturbed, isEvicted }: { undisturbed: boolean; isEvicted: boolean },
  ): Promise<Ended> {
    const { simulation } = this.#nodes;
    const pushes = undisturbed || simulation.roll(`pushes while it is deleted ${this.#where}`) < 0.3;
    if (!undisturbed) {
      await simulation.sleep(simulation.between(`term ${this.#where}`, 10, 4 * SECOND));
    }
    const ended = pushes && !isEvicted ? outcome(simulation, this.#where, this.#uid) : { exitCode: 137 };
    if (ended.exitCode === 0 && ended.message) {
      await pushBuilt(this.#nodes.registry, { repository, digest: ended.message, context });
    }
    return ended;
  }

  async #runSidecar(): Promise<void> {
    const { simulation, cluster, store, broker } = this.#nodes;
    const sidecar = new SimulatedProcess(`sidecar ${this.#where}`, simulation);
    const overdue = new AbortController();
    const { signal } = overdue;
    simulation.after(SIDECAR_GRACE, () => overdue.abort());
    const monitored = monitorBuild(
      {
        cluster: clusterPort(cluster, sidecar),
        store: storePort(store, sidecar),
        send: (event) => broker.send(sidecar, event, signal),
        log: (line) => simulation.trace(() => `   ${sidecar.label}: ${line}`),
      },
      { pod: this.#name, job: this.#job, logBucket: TEMPORARY_BUCKET, logKey: `logs/${this.#job}.log` },
      { asked: AbortSignal.abort(), signal },
    );
    await Promise.race([monitored, sidecar.died, simulation.timeout(SIDECAR_GRACE + SECOND)]);
    sidecar.kill();
  }

  #context(): FetchedContext | undefined {
    const { cluster, store } = this.#nodes;
    const build = readBuild(cluster.storage.get(JOBS, BUILDS_NAMESPACE, this.#job) ?? {});
    const context = build && store.peek(TEMPORARY_BUCKET, contextKey(build, build.build_key))?.toString();
    return build && context !== undefined ? { repository: imageRepository(REGISTRY, build), context } : undefined;
  }

  #passes(what: string, least: number, most: number): Promise<boolean> {
    return this.#lasts(this.#nodes.simulation.between(`${what} ${this.#where}`, least, most));
  }

  /** False where the pod is deleted before this time has passed. */
  async #lasts(milliseconds: number): Promise<boolean> {
    await Promise.race([this.#nodes.simulation.sleep(milliseconds), this.#stopped]);
    return !this.#isStopped;
  }

  #report(status: object): void {
    if (this.#exists()) {
      this.#nodes.cluster.storage.updateStatus(PODS, BUILDS_NAMESPACE, this.#name, status);
    }
  }

  #exists(): boolean {
    return this.#nodes.cluster.storage.get(PODS, BUILDS_NAMESPACE, this.#name)?.metadata.uid === this.#uid;
  }

  #now(): string {
    return `${new Date(this.#nodes.simulation.now).toISOString().slice(0, 19)}Z`;
  }
}

interface FetchedContext {
  /** What is built of it goes there. */
  repository: string;
  context: string;
}

/** How an undisturbed build ends. The digest is this pod's own, so that a deployed image can be traced to its pod. */
function outcome(simulation: Simulation, where: string, uid: string): Ended {
  if (simulation.fails('Kaniko is out of memory', where, 0.03)) {
    return { exitCode: 137, reason: 'OOMKilled' };
  }
  if (simulation.fails('the dependencies cannot be installed', where, 0.06)) {
    return { exitCode: DEPENDENCY_INSTALL_EXIT_CODE, message: 'no such package' };
  }
  if (simulation.fails('the build fails', where, 0.06)) {
    return { exitCode: 1, message: 'error building image' };
  }
  return { exitCode: 0, message: `sha256:${createHash('sha256').update(uid).digest('hex')}` };
}

function containerStatus(name: string, { reason, ...ended }: Ended, finishedAt: string): object {
  return {
    name,
    ready: false,
    restartCount: 0,
    state: { terminated: { ...ended, ...(reason ? { reason } : {}), finishedAt } },
  };
}

/** Settles when the pod is told to end, or is gone. */
function untilDeleted({ storage }: InMemoryCluster, uid: string): Promise<void> {
  return new Promise((resolve) => {
    const stop = storage.watch(PODS, ({ type, object }) => {
      if (object.metadata.uid === uid && (type === 'DELETED' || object.metadata.deletionTimestamp)) {
        stop();
        resolve();
      }
    });
  });
}
