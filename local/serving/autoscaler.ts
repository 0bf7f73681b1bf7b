/**
 * How many pods a revision should have, as a function of demand and time: Knative's pod autoscaler without its panic
 * mode.
 */
import type { Demand } from './demand.ts';
import type { ScalingSettings } from './scaling-settings.ts';

/** A burst shows in the last tenth of the window long before the whole window's average says so. */
const SHORT_WINDOW = 0.1;

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
  #delayed: { at: number; pods: number }[] = [];
  #activeSince: number | undefined;
  #nothingWantedSince: number | undefined;

  constructor(settings: ScalingSettings, demand: Demand, graceSeconds: number) {
    this.#settings = settings;
    this.#demand = demand;
    this.#graceMilliseconds = graceSeconds * 1000;
  }

  desired({ now, ready, reachable }: Situation): number {
    const { minScale, maxScale, fixed } = this.#settings;
    if (!reachable) {
      return this.#demand.current > 0 ? Math.max(1, ready) : 0;
    }
    const wanted = fixed ? 1 : this.#delay(now, this.#wanted(now));
    const bounded = Math.max(minScale, maxScale > 0 ? Math.min(wanted, maxScale) : wanted);
    return this.#lastPod(now, ready, bounded);
  }

  #wanted(now: number): number {
    const { metric, windowSeconds, targetPerPod } = this.#settings;
    const window = windowSeconds * 1000;
    const average = Math.max(
      this.#demand.average(metric, window, now),
      this.#demand.average(metric, window * SHORT_WINDOW, now),
    );
    // Whoever waits for a first pod, or is being answered by the last one, need not wait for an average to say so.
    return Math.max(this.#demand.current > 0 ? 1 : 0, Math.ceil(average / targetPerPod));
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
