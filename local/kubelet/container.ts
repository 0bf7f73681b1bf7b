/** One container of a pod through all its runs. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ContainerConfigError } from './container-environment.ts';
import type { Image } from './images.ts';
import { type Launch, planLaunch, StartError } from './launch.ts';
import { type ContainerSpec, type ContainerStatus, gracePeriodMs } from './pod.ts';
import type { PodContext } from './pod-context.ts';
import { type ContainerProcess, spawnProcess } from './spawn-process.ts';
import { StatusRecord } from './status-record.ts';
import { terminationMessage } from './termination-message.ts';
import { watchHealth } from './watch-health.ts';

export type RestartPolicy = 'Always' | 'OnFailure' | 'Never';

const MAX_PULL_RETRY_MS = 30_000;

export class Container {
  readonly spec: ContainerSpec;
  /** Resolves when it has started (by its startup probe, where it has one) or will never. */
  readonly started: Promise<void>;
  readonly #context: PodContext;
  readonly #record: StatusRecord;
  readonly #restartPolicy: RestartPolicy;
  readonly #stopping = new AbortController();
  readonly #markStarted: () => void;
  #process: ContainerProcess | undefined;
  #stopAt = Number.POSITIVE_INFINITY;
  #kill: { timer: NodeJS.Timeout; at: number } | undefined;

  constructor(context: PodContext, spec: ContainerSpec, restartPolicy: RestartPolicy, waiting: string) {
    this.#context = context;
    this.spec = spec;
    this.#restartPolicy = restartPolicy;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.started = promise;
    this.#markStarted = resolve;
    this.#record = new StatusRecord(spec, waiting, () => context.changed());
  }

  get status(): ContainerStatus {
    return this.#record.status;
  }

  /** Of its last run; undefined where it never ran. */
  get exitCode(): number | undefined {
    const { state, lastState } = this.status;
    return 'terminated' in state ? state.terminated.exitCode : lastState.terminated?.exitCode;
  }

  /** stop() was called. */
  get stopped(): boolean {
    return this.#stopping.signal.aborted;
  }

  /** Runs it until its restart policy lets it end, or it is stopped. The exit code; undefined where it never ran. */
  async run(): Promise<number | undefined> {
    try {
      return await this.#runs();
    } catch (error) {
      // Of this machine, not of the program: a full disk, a folder that cannot be made.
      return this.#record.failedToStart(error instanceof Error ? error.message : String(error));
    } finally {
      this.#markStarted();
    }
  }

  /**
   * SIGTERM now, SIGKILL to what is left at the given time (performance.now()), and no run after this one. Called again
   * with an earlier time, that counts.
   */
  stop(killAt: number): void {
    const again = this.#stopping.signal.aborted;
    this.#stopAt = Math.min(this.#stopAt, killAt);
    this.#stopping.abort();
    this.#end(this.#stopAt, !again);
  }

  #end(killAt: number, terminate: boolean): void {
    if (this.#process === undefined) {
      return;
    }
    if (terminate) {
      this.#process.signal('SIGTERM');
    }
    if (this.#kill !== undefined && this.#kill.at <= killAt) {
      return;
    }
    clearTimeout(this.#kill?.timer);
    const timer = setTimeout(() => this.#process?.signal('SIGKILL'), Math.max(0, killAt - performance.now()));
    this.#kill = { timer, at: killAt };
  }

  async #runs(): Promise<number | undefined> {
    const { delays } = this.#context.node;
    let exitCode: number | undefined;
    let backOffMs = 0;
    for (;;) {
      const image = await this.#pull();
      if (image === undefined) {
        return exitCode;
      }
      const begun = performance.now();
      const exit = await this.#once(image);
      if (exit === undefined) {
        return exitCode;
      }
      exitCode = exit;
      const over = this.#restartPolicy === 'Never' || (this.#restartPolicy === 'OnFailure' && exitCode === 0);
      if (over || this.#stopping.signal.aborted) {
        return exitCode;
      }
      if (performance.now() - begun >= delays.restartResetMs) {
        backOffMs = 0;
      }
      if (backOffMs > 0) {
        const pod = this.#context.pod.metadata;
        this.#record.waiting(
          'CrashLoopBackOff',
          `back-off ${backOffMs / 1000}s restarting failed container=${this.spec.name} pod=${pod.name}_${pod.namespace}(${pod.uid})`,
        );
        if (!(await this.#pause(backOffMs))) {
          return exitCode;
        }
      }
      backOffMs = Math.min(delays.restartMaxMs, backOffMs === 0 ? delays.restartBaseMs : backOffMs * 2);
      this.#record.restarts();
    }
  }

  /** Undefined where the pod is stopped first. */
  async #pull(): Promise<Image | undefined> {
    const name = this.spec.image ?? '';
    let delayMs = this.#context.node.delays.retryMs;
    while (!this.#stopping.signal.aborted) {
      const image = await this.#context.node.images.resolve(name).catch((error: Error) => error);
      if (image !== undefined && !(image instanceof Error)) {
        return image;
      }
      const why = image?.message ?? 'not found: no build has pushed it to this platform';
      this.#record.waiting('ErrImagePull', `failed to pull image "${name}": ${why}`);
      await this.#pause(delayMs);
      delayMs = Math.min(MAX_PULL_RETRY_MS, delayMs * 2);
    }
    return undefined;
  }

  /** One run. Undefined where the pod is stopped before it could begin. */
  async #once(image: Image): Promise<number | undefined> {
    const terminationLog = join(this.#context.folder, 'containers', this.spec.name, 'termination-log');
    mkdirSync(dirname(terminationLog), { recursive: true });
    writeFileSync(terminationLog, '');
    let launch: Launch;
    for (;;) {
      if (this.#stopping.signal.aborted) {
        return undefined;
      }
      try {
        launch = planLaunch(this.#context, this.spec, image, terminationLog);
        break;
      } catch (error) {
        if (error instanceof StartError) {
          return this.#record.failedToStart(error.message);
        }
        if (!(error instanceof ContainerConfigError)) {
          throw error;
        }
        this.#record.waiting('CreateContainerConfigError', error.message);
        if (!(await this.#pause(this.#context.node.delays.retryMs))) {
          return undefined;
        }
      }
    }
    const log = this.#context.node.logs.next(this.#context.pod, this.spec.name);
    const { guard } = this.#context.node;
    const spawned = await spawnProcess({ ...launch, logFile: log, guard }).catch((error: Error) => error);
    if (spawned instanceof Error) {
      return this.#record.failedToStart(`exec: "${launch.file}": ${spawned.message}`);
    }

    this.#process = spawned;
    this.#record.running(image);
    // Stopped while it was being spawned: stop() found no process to signal.
    if (this.#stopping.signal.aborted) {
      this.#end(this.#stopAt, true);
    }

    const ended = new AbortController();
    this.#watch(ended.signal);
    const exitCode = await spawned.exited;
    ended.abort();
    clearTimeout(this.#kill?.timer);
    this.#kill = undefined;
    this.#process = undefined;
    const message = await terminationMessage(this.spec, exitCode, { terminationLog, log });
    this.#record.terminated(exitCode, message);
    return exitCode;
  }

  #watch(ended: AbortSignal): void {
    const events = {
      onStarted: () => {
        this.#record.started();
        this.#markStarted();
      },
      onReady: (ready: boolean) => this.#record.ready(ready),
      onUnhealthy: (reason: string, spec: { terminationGracePeriodSeconds?: number }) => {
        const { name, namespace } = this.#context.pod.metadata;
        this.#context.node.log(`${reason}: container ${this.spec.name} of pod ${namespace}/${name} will be ended`);
        const seconds = spec.terminationGracePeriodSeconds;
        const graceMs = seconds === undefined ? gracePeriodMs(this.#context.pod) : seconds * 1000;
        this.#end(performance.now() + graceMs, true);
      },
    };
    watchHealth(this.spec, this.#context, events, ended);
  }

  /** False where the pod is stopped meanwhile. */
  async #pause(ms: number): Promise<boolean> {
    try {
      await sleep(ms, undefined, { signal: this.#stopping.signal });
      return true;
    } catch {
      return false;
    }
  }
}
