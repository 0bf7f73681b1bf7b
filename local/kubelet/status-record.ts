/** One container's status, from waiting to its last end. */
import type { Image } from './images.ts';
import { type ContainerSpec, type ContainerStatus, timestamp } from './pod.ts';

const START_ERROR = 128;
/** When a container began that did not. */
const NEVER = '1970-01-01T00:00:00Z';

export class StatusRecord {
  readonly status: ContainerStatus;
  readonly #changed: () => void;
  #startedAt = NEVER;

  constructor(spec: ContainerSpec, reason: string, changed: () => void) {
    this.#changed = changed;
    this.status = {
      name: spec.name,
      image: spec.image ?? '',
      imageID: '',
      state: { waiting: { reason } },
      lastState: {},
      ready: false,
      started: false,
      restartCount: 0,
    };
  }

  waiting(reason: string, message: string): void {
    this.#rememberLastRun();
    this.status.state = { waiting: { reason, message } };
    this.#changed();
  }

  running(image: Image): void {
    this.#rememberLastRun();
    this.#startedAt = timestamp(new Date());
    this.status.state = { running: { startedAt: this.#startedAt } };
    this.status.imageID = image.digest === '' ? this.status.image : image.digest;
    this.#changed();
  }

  started(): void {
    this.status.started = true;
    this.#changed();
  }

  ready(ready: boolean): void {
    this.status.ready = ready;
    this.#changed();
  }

  restarts(): void {
    this.status.restartCount++;
  }

  terminated(exitCode: number, message: string | undefined): void {
    this.#ended(exitCode, exitCode === 0 ? 'Completed' : 'Error', message);
  }

  /** The exit code that a container runtime gives for it. */
  failedToStart(message: string): number {
    this.#rememberLastRun();
    this.#startedAt = NEVER;
    this.#ended(START_ERROR, 'StartError', message);
    return START_ERROR;
  }

  #ended(exitCode: number, reason: string, message: string | undefined): void {
    this.status.state = {
      terminated: {
        exitCode,
        reason,
        ...(message === undefined ? {} : { message }),
        startedAt: this.#startedAt,
        finishedAt: timestamp(new Date()),
      },
    };
    this.status.ready = false;
    this.status.started = false;
    this.#changed();
  }

  #rememberLastRun(): void {
    const { state } = this.status;
    if ('terminated' in state) {
      this.status.lastState = state;
    }
  }
}
