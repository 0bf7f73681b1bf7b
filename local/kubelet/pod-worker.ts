/** One pod from its first sight to its removal. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { bindPod } from './bind-pod.ts';
import type { Container } from './container.ts';
import { createContainers } from './create-containers.ts';
import { returnPort, takePort } from './free-port.ts';
import { gracePeriodMs, isSidecar, type Pod, timestamp } from './pod.ts';
import type { Node, PodContext } from './pod-context.ts';
import { podStatus, type TerminalPhase } from './pod-status.ts';
import { createVolumes, MountError } from './volumes.ts';

/** However long the main containers took of the grace period, sidecars get this much, as from a kubelet. */
const LEAST_GRACE_MS = 2000;

export class PodWorker {
  /** Resolves when no process of the pod is left. */
  readonly finished: Promise<void>;
  readonly #node: Node;
  readonly #folder: string;
  readonly #startTime = timestamp(new Date());
  readonly #stopping = new AbortController();
  readonly #inits: Container[] = [];
  readonly #mains: Container[] = [];
  /** Those that were started, in that order. */
  readonly #sidecars: { container: Container; ended: Promise<unknown> }[] = [];
  readonly #ports: number[] = [];
  #pod: Pod;
  #killAt = Number.POSITIVE_INFINITY;
  #initialized = false;
  #terminal: TerminalPhase | undefined;
  #problem: string | undefined;
  #publishing = false;
  #gone = false;

  constructor(node: Node, pod: Pod, directory: string) {
    this.#node = node;
    this.#pod = pod;
    this.#folder = join(directory, pod.metadata.uid);
    this.finished = this.#live();
  }

  /** A changed pod; a deletionTimestamp begins its end. */
  update(pod: Pod): void {
    this.#pod = pod;
    if (pod.metadata.deletionTimestamp !== undefined) {
      this.#stop(performance.now() + gracePeriodMs(pod));
    }
  }

  /** The object is gone: no status to write any more, no grace period that anybody waits for. */
  forget(): void {
    this.#gone = true;
    this.#stop(performance.now());
  }

  /** The platform ends: SIGTERM, and SIGKILL after `graceMs`. Nothing is written about it. */
  shutDown(graceMs: number): void {
    this.#gone = true;
    this.#stop(performance.now() + graceMs);
  }

  /** Containers that are being started see it too, for they ask before each step. */
  #stop(killAt: number): void {
    this.#killAt = Math.min(this.#killAt, killAt);
    this.#stopping.abort();
    for (const container of [...this.#inits, ...this.#mains]) {
      // Sidecars serve the others until these have ended.
      if (!isSidecar(container.spec) || this.#gone) {
        container.stop(this.#killAt);
      }
      // One that is being stopped may have to hurry now.
      else if (container.stopped) {
        container.stop(Math.max(this.#killAt, performance.now() + LEAST_GRACE_MS));
      }
    }
  }

  async #live(): Promise<void> {
    try {
      await this.#run();
      await this.#stopSidecars();
      this.#terminal = this.#mains.every((container) => container.exitCode === 0) ? 'Succeeded' : 'Failed';
    } catch (error) {
      // The machine's fault or ours (no free port, no space left): whoever watches the pod must learn that it will not
      // run.
      const { namespace, name } = this.#pod.metadata;
      this.#problem = `the embedded platform cannot run this pod: ${error instanceof Error ? error.message : error}`;
      this.#node.log(`pod ${namespace}/${name}: ${this.#problem}`);
      this.#terminal = 'Failed';
    }
    this.#publish();
    for (const port of this.#ports) {
      returnPort(port);
    }
    // The logs stay: they are the pod's until its object is removed.
    await rm(this.#folder, { recursive: true, force: true }).catch(() => {});
  }

  async #run(): Promise<void> {
    const [port, metricsPort] = await Promise.all([takePort(), takePort()]);
    this.#ports.push(port, metricsPort);
    const volumes = new Map<string, string>();
    const context = this.#context(port, metricsPort, volumes);
    const { inits, mains } = createContainers(context);
    this.#inits.push(...inits);
    this.#mains.push(...mains);
    // Stopped before they existed.
    if (this.#stopping.signal.aborted) {
      this.#stop(this.#killAt);
    }
    if (!bindPod(this.#node.storage, this.#pod, port)) {
      return;
    }
    this.#publish();
    if (!(await this.#mount(volumes))) {
      return;
    }
    if (!(await this.#initialize())) {
      return;
    }
    if (this.#stopping.signal.aborted) {
      return;
    }
    this.#initialized = true;
    await Promise.all(this.#mains.map((container) => container.run()));
  }

  #context(port: number, metricsPort: number, volumes: Map<string, string>): PodContext {
    const current = () => this.#pod;
    return {
      node: this.#node,
      get pod() {
        return current();
      },
      folder: this.#folder,
      volumes,
      port,
      metricsPort,
      changed: () => this.#changed(),
    };
  }

  /** False where the pod is stopped first. */
  async #mount(volumes: Map<string, string>): Promise<boolean> {
    while (!this.#stopping.signal.aborted) {
      try {
        const folders = await createVolumes(this.#pod, join(this.#folder, 'volumes'), this.#node.storage);
        for (const [name, folder] of folders) {
          volumes.set(name, folder);
        }
        this.#problem = undefined;
        return true;
      } catch (error) {
        if (!(error instanceof MountError)) {
          throw error;
        }
        this.#problem = error.message;
        this.#changed();
      }
      await sleep(this.#node.delays.retryMs, undefined, { signal: this.#stopping.signal }).catch(() => {});
    }
    return false;
  }

  /** Init containers one after the other; a sidecar only has to have started. False where one failed for good. */
  async #initialize(): Promise<boolean> {
    for (const container of this.#inits) {
      if (this.#stopping.signal.aborted) {
        return false;
      }
      if (isSidecar(container.spec)) {
        this.#sidecars.push({ container, ended: container.run() });
        await Promise.race([container.started, aborted(this.#stopping.signal)]);
      } else if ((await container.run()) !== 0) {
        return false;
      } else {
        container.status.ready = true;
      }
    }
    return true;
  }

  /** After all others, the last one first. */
  async #stopSidecars(): Promise<void> {
    const deadline = () =>
      this.#gone
        ? this.#killAt
        : Math.max(
            Math.min(this.#killAt, performance.now() + gracePeriodMs(this.#pod)),
            performance.now() + LEAST_GRACE_MS,
          );
    for (const { container, ended } of this.#sidecars.toReversed()) {
      container.stop(deadline());
      await ended;
    }
  }

  /** One write for all that changes in the same turn. */
  #changed(): void {
    if (this.#publishing) {
      return;
    }
    this.#publishing = true;
    queueMicrotask(() => {
      this.#publishing = false;
      this.#publish();
    });
  }

  #publish(): void {
    if (this.#gone) {
      return;
    }
    const { namespace, name, uid } = this.#pod.metadata;
    const stored = this.#node.storage.get('pods', namespace, name);
    if (stored === undefined || stored.metadata.uid !== uid) {
      return;
    }
    const progress = {
      startTime: this.#startTime,
      terminal: this.#terminal,
      initialized: this.#initialized,
      initContainers: this.#inits.map(({ status }) => status),
      containers: this.#mains.map(({ status }) => status),
      problem: this.#problem,
    };
    this.#node.storage.updateStatus('pods', namespace, name, podStatus(this.#pod, progress, stored['status']));
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) {
      resolve();
    } else {
      signal.addEventListener('abort', () => resolve(), { once: true });
    }
  });
}
