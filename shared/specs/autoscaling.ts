/**
 * Autoscaling annotations of a user's function. They belong on the revision template: Serving's webhook rejects them on
 * the Service.
 */
import type { Parameters } from '#shared/events/parameters.ts';

const PREFIX = 'autoscaling.knative.dev/';

const MIN = 0;
const MAX = 10;
/** Requests at once, or requests per second. */
const TARGET = 100;
const SCALE_DOWN_DELAY = '30s';

export function autoscalingAnnotations(scaling: Parameters['scaling'] = {}): Record<string, string> {
  return scaling.class === 'hpa' ? horizontal(scaling) : knative(scaling);
}

/** Knative's own autoscaler: scales by requests, down to zero. */
function knative({ min = MIN, max, target = TARGET, metric = 'concurrency', scale_down_delay }: Scaling): Annotations {
  return {
    [`${PREFIX}class`]: 'kpa.autoscaling.knative.dev',
    [`${PREFIX}metric`]: metric,
    [`${PREFIX}target`]: String(target),
    [`${PREFIX}min-scale`]: String(min),
    [`${PREFIX}max-scale`]: String(max ?? Math.max(MAX, min)),
    [`${PREFIX}scale-down-delay`]: scale_down_delay ?? SCALE_DOWN_DELAY,
  };
}

/**
 * Kubernetes' autoscaler: scales by CPU or memory, never to zero. Without a target, Knative's default for the metric
 * applies.
 */
function horizontal({ min = MIN, max, target, metric = 'cpu' }: Scaling): Annotations {
  const atLeastOne = Math.max(1, min);
  return {
    [`${PREFIX}class`]: 'hpa.autoscaling.knative.dev',
    [`${PREFIX}metric`]: metric,
    ...(target === undefined ? {} : { [`${PREFIX}target`]: String(target) }),
    [`${PREFIX}min-scale`]: String(atLeastOne),
    [`${PREFIX}max-scale`]: String(max ?? Math.max(MAX, atLeastOne)),
  };
}

type Scaling = NonNullable<Parameters['scaling']>;
type Annotations = Record<string, string>;

/** Pods of a function's Service that never go. */
export function minPods({ spec }: { spec?: { template?: { metadata?: { annotations?: Annotations } } } }): number {
  return Number(spec?.template?.metadata?.annotations?.[`${PREFIX}min-scale`] ?? MIN);
}
