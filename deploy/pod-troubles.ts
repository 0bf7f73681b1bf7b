/** Why a function's pods do not start: what Knative itself tells late or never. */
import type { V1Pod } from '@kubernetes/client-node';

/** On their way, or waiting for a pod that has begun already. */
const HARMLESS = new Set(['ContainerCreating', 'PodInitializing']);

/** One line for each different trouble of the pods of this Knative Service. */
export function podTroubles(pods: V1Pod[], service: string): string[] {
  const own = pods.filter(({ metadata }) => metadata?.labels?.['serving.knative.dev/service'] === service);
  return [...new Set(own.flatMap(troubles))];
}

function troubles({ status }: V1Pod): string[] {
  const unscheduled = (status?.conditions ?? []).filter((is) => is.type === 'PodScheduled' && is.status === 'False');
  const containers = (status?.containerStatuses ?? []).flatMap(({ name, image, state, lastState }) => {
    const { reason = '', message } = state?.waiting ?? {};
    if (!reason || HARMLESS.has(reason)) {
      return [];
    }
    const ended = lastState?.terminated;
    const last = ended ? `it ended with ${ended.exitCode} (${ended.message?.trim() || ended.reason})` : message;
    return [`${name} (${image}) is in ${reason}${last ? `: ${last}` : ''}`];
  });
  return [...unscheduled.map(({ message }) => `no node takes the pod: ${message}`), ...containers];
}
