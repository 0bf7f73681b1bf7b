/** Why a function's pods do not start. Knative itself says it late or never. */
import type { V1Pod } from '@kubernetes/client-node';
import { type StartTrouble, startTroubles } from '#shared/kubernetes/start-troubles.ts';

/** One line for each different trouble of the pods of this Knative Service. */
export function podTroubles(pods: V1Pod[], service: string): string[] {
  const own = pods.filter(({ metadata }) => metadata?.labels?.['serving.knative.dev/service'] === service);
  return [...new Set(own.flatMap(startTroubles).map(line))];
}

function line(trouble: StartTrouble): string {
  if (trouble.kind === 'unscheduled') {
    return `no node takes the pod: ${trouble.message}`;
  }
  const { container, image, reason, message, ended } = trouble;
  const last = ended ? `it ended with ${ended.exitCode} (${ended.message?.trim() || ended.reason})` : message;
  return `${container} (${image}) is in ${reason}${last ? `: ${last}` : ''}`;
}
