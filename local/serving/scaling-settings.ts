/** What a revision's autoscaling annotations ask for, with Knative's defaults filled in. */
import { durationSeconds } from './duration.ts';

export interface ScalingSettings {
  metric: 'concurrency' | 'rps';
  /** Of the metric, per pod, at which the autoscaler adds one: utilization is already in it. */
  targetPerPod: number;
  minScale: number;
  /** 0 is unlimited. */
  maxScale: number;
  initialScale: number;
  /** At least so many as soon as anything is wanted. */
  activationScale: number;
  scaleDownDelaySeconds: number;
  windowSeconds: number;
  /** The last pod is kept at least this long after the last request left the window. */
  retentionSeconds: number;
  /** CPU and memory are not measured here: such a revision keeps max(min-scale, 1) pods. */
  fixed: boolean;
}

const PREFIX = 'autoscaling.knative.dev/';
const DEFAULT_CONCURRENCY = 100;
const DEFAULT_RPS = 200;
const DEFAULT_UTILIZATION = 70;

/** Annotations that Knative's webhook would refuse count as absent. Both spellings of a key are read (`min-scale`, `minScale`). */
export function scalingSettings(
  annotations: Record<string, string>,
  containerConcurrency: number,
  defaults: { windowSeconds: number },
): ScalingSettings {
  const text = (key: string): string | undefined =>
    annotations[PREFIX + key] ??
    annotations[PREFIX + key.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase())];
  const number = (key: string, fallback: number): number => {
    const value = Number(text(key) ?? Number.NaN);
    return Number.isFinite(value) && value >= 0 ? value : fallback;
  };

  const metricName = text('metric') ?? 'concurrency';
  const metric = metricName === 'rps' ? 'rps' : 'concurrency';
  const byResource = text('class') === 'hpa.autoscaling.knative.dev' || metricName === 'cpu' || metricName === 'memory';
  const utilization = number('target-utilization-percentage', DEFAULT_UTILIZATION) / 100;
  const hardLimit =
    metric === 'concurrency' && containerConcurrency > 0 ? containerConcurrency : Number.POSITIVE_INFINITY;
  const defaultTarget = metric === 'rps' ? DEFAULT_RPS : Math.min(hardLimit, DEFAULT_CONCURRENCY);
  const total = Math.min(number('target', defaultTarget), hardLimit);
  const minScale = number('min-scale', 0);
  return {
    metric,
    targetPerPod: Math.max(0.01, total * utilization),
    minScale,
    maxScale: number('max-scale', 0),
    // Scaling from zero is the whole point here, so 0 is obeyed, though a cluster allows it only by `allow-zero-initial-scale`.
    initialScale: Math.max(number('initial-scale', 1), minScale),
    activationScale: Math.max(1, number('activation-scale', 1)),
    scaleDownDelaySeconds: durationSeconds(text('scale-down-delay')) ?? 0,
    windowSeconds: durationSeconds(text('window')) ?? defaults.windowSeconds,
    retentionSeconds: durationSeconds(text('scale-to-zero-pod-retention-period')) ?? 0,
    fixed: byResource,
  };
}
