/**
 * How many pods a revision should have: Knative's pod autoscaler, stable and panic mode, as a function of demand and time.
 *
 * Stable: average over the window ÷ target. Panic: a tenth of the window already asks for twice the pods there are; then,
 * until a whole window has passed without that, pods are only added.
 */
import type { Demand } from './demand.ts';
import type { ScalingSettings } from './scaling-settings.ts';

const PANIC_WINDOW = 0.1;
const PANIC_THRESHOLD = 2;
const MAX_SCALE_UP_RATE = 1000;
const MAX_SCALE_DOWN_RATE = 2;

export interface Situation {
  /** Milliseconds. */
  now: number;
  /** Pods that take requests. */
  ready: number;
  /** False for a revision that gets no new requests: it keeps nothing warm. */
  reachable: boolean;
}

export class Autoscaler {
  readonly #settings: ScalingSettings;
  readonly #demand: Demand;
  readonly #graceMilliseconds: number;
  #panicSince: number | undefined;
  #panicPods = 0;
  #delayed: { at: number; pods: number }[] = [];
  #activeSince: number | undefined;
  #nothingWantedSince: number | undefined;

  constructor(settings: ScalingSettings, demand: Demand, graceSeconds: number) {
    this.#settings = settings;
    this.#demand = demand;
    this.#graceMilliseconds = Math.max(graceSeconds, settings.retentionSeconds) * 1000;
  }

  desired({ now, ready, reachable }: Situation): number {
    const { minScale, maxScale, fixed } = this.#settings;
    if (!reachable) {
      return this.#demand.current > 0 ? Math.max(1, ready) : 0;
    }
    const wanted = fixed ? 1 : this.#delay(now, this.#panic(now, ready, this.#stable(now, ready)));
    const bounded = Math.max(minScale, maxScale > 0 ? Math.min(wanted, maxScale) : wanted);
    return this.#lastPod(now, ready, bounded);
  }

  #stable(now: number, ready: number): number {
    const average = this.#demand.average(this.#settings.metric, this.#settings.windowSeconds * 1000, now);
    return this.#limitRate(average, ready);
  }

  #limitRate(average: number, ready: number): number {
    const pods = Math.ceil(average / this.#settings.targetPerPod);
    const base = Math.max(1, ready);
    const limited = Math.min(Math.max(pods, Math.floor(ready / MAX_SCALE_DOWN_RATE)), base * MAX_SCALE_UP_RATE);
    // Whoever waits for a first pod, or is being answered by the last one, need not wait for an average to say so.
    const held = this.#demand.current > 0 ? Math.max(1, limited) : limited;
    const activates = pods > 0 || (held > 0 && ready === 0);
    return activates ? Math.max(held, this.#settings.activationScale) : held;
  }

  #panic(now: number, ready: number, stable: number): number {
    const window = this.#settings.windowSeconds * 1000;
    const average = this.#demand.average(this.#settings.metric, window * PANIC_WINDOW, now);
    const overThreshold = Math.ceil(average / this.#settings.targetPerPod) / Math.max(1, ready) >= PANIC_THRESHOLD;
    if (overThreshold) {
      this.#panicSince = now;
    } else if (this.#panicSince !== undefined && now - this.#panicSince > window) {
      this.#panicSince = undefined;
      this.#panicPods = 0;
    }
    if (this.#panicSince === undefined) {
      return stable;
    }
    this.#panicPods = Math.max(this.#panicPods, stable, this.#limitRate(average, ready));
    return this.#panicPods;
  }

  /** Scale-down-delay: the most that was wanted within it. */
  #delay(now: number, pods: number): number {
    const delay = this.#settings.scaleDownDelaySeconds * 1000;
    if (delay === 0) {
      return pods;
    }
    this.#delayed = [...this.#delayed.filter(({ at }) => now - at < delay), { at: now, pods }];
    return Math.max(...this.#delayed.map((entry) => entry.pods));
  }

  /** The last pod goes when it has been up for a whole window, nothing was asked within that, and the grace is over. */
  #lastPod(now: number, ready: number, pods: number): number {
    this.#activeSince = ready > 0 ? (this.#activeSince ?? now) : undefined;
    const young = this.#activeSince !== undefined && now - this.#activeSince < this.#settings.windowSeconds * 1000;
    if (pods > 0 || young) {
      this.#nothingWantedSince = undefined;
      return Math.max(1, pods);
    }
    this.#nothingWantedSince ??= now;
    return ready > 0 && now - this.#nothingWantedSince < this.#graceMilliseconds ? 1 : 0;
  }
}
