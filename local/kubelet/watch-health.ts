/** A running container's probes: startup, then readiness and liveness until it ends. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { V1Probe } from '@kubernetes/client-node';
import type { ContainerSpec } from './pod.ts';
import type { PodContext } from './pod-context.ts';
import { probe } from './probe.ts';

/**
 * How often a container that is not ready yet is asked. Kubernetes counts in seconds; Knative's queue-proxy asks every
 * 25 ms while a revision starts, and a cold start is what people wait for.
 */
const EAGER_MS = 25;
/** What is not ready by then is waiting for something: no need to burn a core on asking. */
const EAGER_FOR_MS = 10_000;
const PATIENT_MS = 250;

export interface HealthEvents {
  onStarted(): void;
  onReady(ready: boolean): void;
  /** The container must go: its startup or liveness probe failed for good. */
  onUnhealthy(reason: string, spec: V1Probe): void;
}

/** Returns at once; all ends with the signal. */
export function watchHealth(container: ContainerSpec, pod: PodContext, events: HealthEvents, ended: AbortSignal): void {
  const pause = (ms: number) => sleep(ms, undefined, { signal: ended, ref: false });
  const watch = async () => {
    if (container.startupProbe !== undefined && !(await startup(container.startupProbe))) {
      return;
    }
    if (ended.aborted) {
      return;
    }
    events.onStarted();
    await Promise.all([readiness(container.readinessProbe), liveness(container.livenessProbe)]);
  };
  const begun = performance.now();
  const eagerMs = (spec: V1Probe) =>
    Math.min(performance.now() - begun < EAGER_FOR_MS ? EAGER_MS : PATIENT_MS, periodMs(spec));
  // Every pause rejects when the container ends: that is how the loops end.
  watch().catch(() => {});

  async function startup(spec: V1Probe): Promise<boolean> {
    await pause(initialDelayMs(spec));
    const deadline = performance.now() + failureThreshold(spec) * periodMs(spec);
    while (!(await probe(spec, container, pod))) {
      if (performance.now() >= deadline) {
        events.onUnhealthy('Startup probe failed', spec);
        return false;
      }
      await pause(eagerMs(spec));
    }
    return true;
  }

  async function readiness(spec: V1Probe | undefined): Promise<void> {
    if (spec === undefined) {
      return events.onReady(true);
    }
    await pause(initialDelayMs(spec));
    let failures = 0;
    let ready = false;
    for (;;) {
      const healthy = await probe(spec, container, pod);
      if (ended.aborted) {
        return;
      }
      failures = healthy ? 0 : failures + 1;
      if (healthy !== ready && (healthy || failures >= failureThreshold(spec))) {
        ready = healthy;
        events.onReady(ready);
      }
      await pause(ready ? periodMs(spec) : eagerMs(spec));
    }
  }

  async function liveness(spec: V1Probe | undefined): Promise<void> {
    if (spec === undefined) {
      return;
    }
    await pause(initialDelayMs(spec));
    let failures = 0;
    for (;;) {
      failures = (await probe(spec, container, pod)) ? 0 : failures + 1;
      if (ended.aborted) {
        return;
      }
      if (failures >= failureThreshold(spec)) {
        return events.onUnhealthy('Liveness probe failed', spec);
      }
      await pause(periodMs(spec));
    }
  }
}

const initialDelayMs = (spec: V1Probe) => (spec.initialDelaySeconds ?? 0) * 1000;
const periodMs = (spec: V1Probe) => (spec.periodSeconds ?? 10) * 1000;
const failureThreshold = (spec: V1Probe) => spec.failureThreshold ?? 3;
