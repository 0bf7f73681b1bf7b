/** What a revision's autoscaling annotations ask for, with Knative's defaults filled in. */

export interface ScalingSettings {
  metric: 'concurrency' | 'rps';
  /** Of the metric, per pod, at which the autoscaler adds one: utilization is already in it. */
  targetPerPod: number;
  minScale: number;
  /** 0 is unlimited. */
  maxScale: number;
  initialScale: number;
  scaleDownDelaySeconds: number;
  windowSeconds: number;
  /** CPU and memory are not measured here: such a revision keeps max(min-scale, 1) pods. */
  fixed: boolean;
}

const PREFIX = 'autoscaling.knative.dev/';
const DEFAULT_CONCURRENCY = 100;
const DEFAULT_RPS = 200;
const DEFAULT_UTILIZATION = 70;
const UNITS: Record<string, number> = { ms: 0.001, s: 1, m: 60, h: 3600 };

export function scalingSettings(
  annotations: Record<string, string>,
  containerConcurrency: number,
  defaults: { windowSeconds: number },
): ScalingSettings {
  const text = (key: string) => annotations[PREFIX + key];
  const number = (key: string, fallback: number) => Number(text(key) ?? fallback);
  const metric = text('metric') === 'rps' ? 'rps' : 'concurrency';
  const hardLimit = metric === 'concurrency' && containerConcurrency > 0 ? containerConcurrency : Infinity;
  const target = number('target', metric === 'rps' ? DEFAULT_RPS : DEFAULT_CONCURRENCY);
  const utilization = number('target-utilization-percentage', DEFAULT_UTILIZATION) / 100;
  const minScale = number('min-scale', 0);
  return {
    metric,
    targetPerPod: Math.max(0.01, Math.min(target, hardLimit) * utilization),
    minScale,
    maxScale: number('max-scale', 0),
    // Scaling from zero is the whole point here, so 0 is obeyed, though a cluster allows it only by
    // `allow-zero-initial-scale`.
    initialScale: Math.max(number('initial-scale', 1), minScale),
    scaleDownDelaySeconds: durationSeconds(text('scale-down-delay')) ?? 0,
    windowSeconds: durationSeconds(text('window')) ?? defaults.windowSeconds,
    fixed: text('class') === 'hpa.autoscaling.knative.dev' || ['cpu', 'memory'].includes(text('metric') ?? ''),
  };
}

/** Of a duration as Go writes it (`1m30s`, `500ms`): seconds. */
export function durationSeconds(text: string | undefined): number | undefined {
  if (text === undefined) {
    return undefined;
  }
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)];
  return parts.reduce((sum, [, amount, unit = '']) => sum + Number(amount) * (UNITS[unit] ?? 0), 0);
}
