/**
 * A process that handles one event. Every call of a port is a step: it takes time, it may fail in every way that we
 * know, and the process may die at it.
 */
import type { V1Job } from '@kubernetes/client-node';
import { MINUTE, SECOND } from '#shared/durations.ts';
import { RetryableError } from '#shared/events/errors.ts';
import type { Simulation } from './simulation.ts';

export type System = 'Kubernetes' | 'S3' | 'Broker' | 'the registry';

export interface Step {
  system: System;
  /** The verb and what it is about: `get jobs.batch build-p1-…`. */
  name: string;
  /** Whether it changes anything. Only then can it be done and its answer be lost. */
  writes: boolean;
  /** Whether it names the version that it expects, or applies. Only then may the API server answer 409. */
  conditional?: boolean;
}

/**
 * A promise that never settles, for a caller that is dead. A new one each time, because a shared one would keep all of
 * its waiters in memory.
 */
const never = () => new Promise<never>(() => undefined);

/** How often nothing of it answers for a whole minute. */
const AWAY: Record<System, number> = { Kubernetes: 0.01, S3: 0.01, Broker: 0, 'the registry': 0.01 };

/** How long a client waits for an answer. */
const ANSWER_WITHIN = 10 * SECOND;

export class SimulatedProcess {
  readonly label: string;
  /** When its event was delivered. */
  readonly began: number;
  alive = true;
  /** Jobs as it last read or made them, by name. */
  readonly seenJobs = new Map<string, V1Job>();
  /** Settles when it dies. */
  readonly died: Promise<void>;
  readonly #simulation: Simulation;
  readonly #die: () => void;
  #steps = 0;

  constructor(label: string, simulation: Simulation) {
    this.label = label;
    this.began = simulation.now;
    this.#simulation = simulation;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.died = promise;
    this.#die = resolve;
  }

  remember(job: V1Job | undefined): V1Job | undefined {
    if (job) {
      this.seenJobs.set(job.metadata?.name ?? '', job);
    }
    return job;
  }

  kill(): void {
    this.alive = false;
    this.#die();
  }

  /** `operate` is the side effect: it happens at the moment of the call, wholly or not at all. */
  async step<Result>(
    { system, name, writes, conditional = false }: Step,
    operate: () => Result | Promise<Result>,
  ): Promise<Result> {
    const simulation = this.#simulation;
    this.#steps += 1;
    const where = `${this.label}/${this.#steps} ${name.split(' ')[0]}`;
    const log = (what: string) => simulation.trace(() => `   ${this.label}/${this.#steps} ${name} ${what}`);
    if (this.#killed('killed before', where)) {
      return await never();
    }
    await simulation.sleep(this.#latency(where, { system, name, writes }));
    if (!this.alive) {
      // The request was on its way when its sender died.
      if (simulation.roll(`arrives ${where}`) < 0.5) {
        void attempt(operate);
      }
      return await never();
    }
    const refusal = this.#refusal(where, system, writes, conditional);
    if (refusal) {
      log(`→ ${refusal.reason}`);
      throw refusal;
    }
    if (writes && simulation.fails('no answer in time, done later', where, 0.006)) {
      simulation.after(simulation.between(`late ${where}`, 0, 15 * SECOND), () => {
        log('done late');
        void attempt(operate);
      });
      await simulation.sleep(ANSWER_WITHIN);
      return this.alive ? await fail(system, 'no answer in time') : await never();
    }
    const result = await operate();
    log('');
    await simulation.sleep(simulation.between(`answer ${where}`, 1, 20));
    if (!this.alive || this.#killed('killed after', where)) {
      return await never();
    }
    if (writes && simulation.fails('done, but the answer is lost', where, 0.008)) {
      return await fail(system, 'connection reset');
    }
    return result;
  }

  /** What takes so long and cannot fail by itself. The process may die before it or after it. */
  async work(name: string, milliseconds: number): Promise<void> {
    this.#steps += 1;
    const where = `${this.label}/${this.#steps} ${name}`;
    if (!this.alive || this.#killed('killed before', where)) {
      return await never();
    }
    await this.#simulation.sleep(milliseconds);
    if (!this.alive || this.#killed('killed after', where)) {
      return await never();
    }
  }

  #killed(when: string, where: string): boolean {
    if (!this.#simulation.fails(when, where, 0.004)) {
      return false;
    }
    this.kill();
    return true;
  }

  /**
   * A request never takes longer than its client waits for it. A process may stand still for longer; here it does so
   * where it reads.
   */
  #latency(where: string, { system, name, writes }: Step): number {
    const simulation = this.#simulation;
    if (!writes && simulation.fails('the process stands still', where, 0.001)) {
      return simulation.between(`stall ${where}`, 320 * SECOND, 420 * SECOND);
    }
    const slow =
      simulation.fails('calls of this kind are slow', kindOf(name), 0.03) ||
      simulation.fails(`${system} is slow`, where, 0.02);
    if (slow) {
      return simulation.between(`slow ${where}`, SECOND, 9 * SECOND);
    }
    return simulation.between(`latency ${where}`, 1, simulation.latency);
  }

  #refusal(where: string, system: System, writes: boolean, conditional: boolean): RetryableError | undefined {
    const simulation = this.#simulation;
    if (simulation.fails(`${system} is away`, `minute ${Math.floor(simulation.now / MINUTE) % 60}`, AWAY[system])) {
      return new RetryableError('Unavailable', `${system} does not answer`);
    }
    if (simulation.fails(`${system} answers 5xx`, where, 0.012)) {
      return new RetryableError('Unavailable', `${system} answered 503`);
    }
    if (simulation.fails(`${system} answers 429`, where, 0.005)) {
      return new RetryableError('Throttled', `${system} answered 429`, { retryAfter: 1 });
    }
    if (system === 'Kubernetes' && writes && conditional && simulation.fails('Kubernetes answers 409', where, 0.01)) {
      return new RetryableError('Conflict', 'the object has been modified');
    }
    return undefined;
  }
}

/**
 * `apply services.serving.knative.dev` or `read answers`. All calls of one kind may be slow in a run, as when a webhook
 * is in trouble.
 */
function kindOf(name: string): string {
  return name.split('/')[0]?.split(' ').slice(0, 2).join(' ') ?? name;
}

async function fail(system: System, why: string): Promise<never> {
  throw new RetryableError('Unavailable', `${system}: ${why}`);
}

/** Nobody is left who could be told of a failure. */
async function attempt(operate: () => unknown): Promise<void> {
  try {
    await operate();
  } catch {
    // The request came too late to be done.
  }
}
