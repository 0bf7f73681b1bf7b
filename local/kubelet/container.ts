/** One container of a pod through all its runs. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ContainerConfigError } from './container-environment.ts';
import type { Image } from './images.ts';
import { type Launch, planLaunch, StartError } from './launch.ts';
import { type ContainerSpec, type ContainerStatus, gracePeriodMs, timestamp } from './pod.ts';
import type { PodContext } from './pod-context.ts';
import { type ContainerProcess, spawnProcess } from './spawn-process.ts';
import { terminationMessage } from './termination-message.ts';
import { watchHealth } from './watch-health.ts';

export type RestartPolicy = 'Always' | 'OnFailure' | 'Never';

const START_ERROR = 128;
/** When a container began that did not. */
const NEVER = '1970-01-01T00:00:00Z';
const MAX_PULL_RETRY_MS = 30_000;

export class Container {
  readonly spec: ContainerSpec;
  readonly status: ContainerStatus;
  /** Resolves when it has started (by its startup probe, where it has one) or will never. */
  readonly started: Promise<void>;
  readonly #context: PodContext;
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
    this.status = {
      name: spec.name,
      image: spec.image ?? '',
      imageID: '',
      state: { waiting: { reason: waiting } },
      lastState: {},
      ready: false,
      started: false,
      restartCount: 0,
    };
  }

  /** Runs it until its restart policy lets it end, or it is stopped. The exit code; undefined where it never ran. */
  async run(): Promise<number | undefined> {
    try {
      return await this.#runs();
    } catch (error) {
      // Of this machine, not of the program: a full disk, a folder that cannot be made.
      this.#terminated(START_ERROR, 'StartError', error instanceof Error ? error.message : String(error), NEVER);
      return START_ERROR;
    } finally {
      this.#markStarted();
    }
  }

  /**
   * SIGTERM now, SIGKILL to what is left at the given time (performance.now()), and no run after this one. Called again with an
   * earlier time, that counts.
   */
  stop(killAt: number): void {
    const again = this.#stopping.signal.aborted;
    this.#stopAt = Math.min(this.#stopAt, killAt);
    this.#stopping.abort();
    this.#end(this.#stopAt, !again);
  }

  #end(killAt: number, terminate: boolean): void {
    if (this.#process === undefined) return;
    if (terminate) this.#process.signal('SIGTERM');
    if (this.#kill !== undefined && this.#kill.at <= killAt) return;
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
      if (image === undefined) return exitCode;
      const begun = performance.now();
      const exit = await this.#once(image);
      if (exit === undefined) return exitCode;
      exitCode = exit;
      const over = this.#restartPolicy === 'Never' || (this.#restartPolicy === 'OnFailure' && exitCode === 0);
      if (over || this.#stopping.signal.aborted) return exitCode;
      if (performance.now() - begun >= delays.restartResetMs) backOffMs = 0;
      if (backOffMs > 0) {
        const pod = this.#context.pod.metadata;
        this.#wait(
          'CrashLoopBackOff',
          `back-off ${backOffMs / 1000}s restarting failed container=${this.spec.name} pod=${pod.name}_${pod.namespace}(${pod.uid})`,
        );
        if (!(await this.#pause(backOffMs))) return exitCode;
      }
      backOffMs = Math.min(delays.restartMaxMs, backOffMs === 0 ? delays.restartBaseMs : backOffMs * 2);
      this.status.restartCount++;
    }
  }

  /** Undefined where the pod is stopped first. */
  async #pull(): Promise<Image | undefined> {
    const name = this.spec.image ?? '';
    let delayMs = this.#context.node.delays.retryMs;
    while (!this.#stopping.signal.aborted) {
      const image = await this.#context.node.images.resolve(name);
      if (image !== undefined) return image;
      if (this.spec.imagePullPolicy === 'Never') {
        this.#wait('ErrImageNeverPull', `Container image "${name}" is not present with pull policy of Never`);
      } else {
        this.#wait(
          'ErrImagePull',
          `failed to pull image "${name}": not found: no build has pushed it to this platform`,
        );
      }
      if (!(await this.#pause(delayMs))) return undefined;
      this.#wait('ImagePullBackOff', `Back-off pulling image "${name}"`);
      if (!(await this.#pause(delayMs))) return undefined;
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
      if (this.#stopping.signal.aborted) return undefined;
      try {
        launch = planLaunch(this.#context, this.spec, image, terminationLog);
        break;
      } catch (error) {
        if (error instanceof StartError) return this.#failedToStart(error.message, image);
        if (!(error instanceof ContainerConfigError)) throw error;
        this.#wait('CreateContainerConfigError', error.message);
        if (!(await this.#pause(this.#context.node.delays.retryMs))) return undefined;
      }
    }
    const log = this.#context.node.logs.next(this.#context.pod, this.spec.name);
    const { guard } = this.#context.node;
    const spawned = await spawnProcess({ ...launch, logFile: log, guard }).catch((error: Error) => error);
    if (spawned instanceof Error) return this.#failedToStart(`exec: "${launch.file}": ${spawned.message}`, image);

    const startedAt = timestamp(new Date());
    this.#process = spawned;
    this.#rememberLastRun();
    this.status.state = { running: { startedAt } };
    this.status.containerID = `process://${spawned.pid}`;
    this.status.imageID = image.digest === '' ? (this.spec.image ?? '') : image.digest;
    this.#context.changed();
    // Stopped while it was being spawned: stop() found no process to signal.
    if (this.#stopping.signal.aborted) this.#end(this.#stopAt, true);

    const ended = new AbortController();
    this.#watch(launch, ended.signal);
    const exitCode = await spawned.exited;
    ended.abort();
    clearTimeout(this.#kill?.timer);
    this.#kill = undefined;
    this.#process = undefined;
    const message = await terminationMessage(this.spec, exitCode, { terminationLog, log });
    this.#terminated(exitCode, exitCode === 0 ? 'Completed' : 'Error', message, startedAt);
    return exitCode;
  }

  #watch(launch: Launch, ended: AbortSignal): void {
    const target = {
      port: (port: number | string) => this.#machinePort(port),
      exec: (command: string[], timeoutMs: number) => this.#exec(launch, command, timeoutMs),
    };
    const events = {
      onStarted: () => {
        this.status.started = true;
        this.#markStarted();
        this.#context.changed();
      },
      onReady: (ready: boolean) => {
        this.status.ready = ready;
        this.#context.changed();
      },
      onUnhealthy: (reason: string, spec: { terminationGracePeriodSeconds?: number }) => {
        const { name, namespace } = this.#context.pod.metadata;
        this.#context.node.log(`${reason}: container ${this.spec.name} of pod ${namespace}/${name} will be restarted`);
        const seconds = spec.terminationGracePeriodSeconds;
        const graceMs = seconds === undefined ? gracePeriodMs(this.#context.pod) : seconds * 1000;
        this.#end(performance.now() + graceMs, true);
      },
    };
    watchHealth(this.spec, target, events, ended);
  }

  /** All containers share the machine's loopback: whatever port a spec names is the pod's PORT, save that of the metrics. */
  #machinePort(port: number | string): number {
    const declared =
      typeof port === 'number' ? port : this.spec.ports?.find(({ name }) => name === port)?.containerPort;
    const metrics = this.spec.env?.find(({ name }) => name === 'METRICS_PORT')?.value ?? '9464';
    return String(declared) === metrics ? this.#context.metricsPort : this.#context.port;
  }

  async #exec(launch: Launch, command: string[], timeoutMs: number): Promise<boolean> {
    const [program = '', ...args] = command;
    const { guard } = this.#context.node;
    const shell = { file: '/bin/sh', args: ['-c', 'exec "$0" "$@"', program, ...args] };
    const spawned = await spawnProcess({ ...launch, ...shell, logFile: '/dev/null', guard }).catch(() => undefined);
    if (spawned === undefined) return false;
    const timer = setTimeout(() => spawned.signal('SIGKILL'), timeoutMs);
    const exitCode = await spawned.exited;
    clearTimeout(timer);
    return exitCode === 0;
  }

  #failedToStart(message: string, image: Image): number {
    this.#rememberLastRun();
    this.status.imageID = image.digest;
    this.#terminated(START_ERROR, 'StartError', message, NEVER);
    return START_ERROR;
  }

  #terminated(exitCode: number, reason: string, message: string | undefined, startedAt: string): void {
    this.status.state = {
      terminated: {
        exitCode,
        reason,
        ...(message === undefined ? {} : { message }),
        startedAt,
        finishedAt: timestamp(new Date()),
        ...(this.status.containerID === undefined ? {} : { containerID: this.status.containerID }),
      },
    };
    this.status.ready = false;
    this.status.started = false;
    this.#context.changed();
  }

  #rememberLastRun(): void {
    const { state } = this.status;
    if ('terminated' in state) this.status.lastState = state;
  }

  #wait(reason: string, message: string): void {
    this.#rememberLastRun();
    this.status.state = { waiting: { reason, message } };
    this.#context.changed();
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
