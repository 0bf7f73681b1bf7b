/** A Service's status from those of its revisions, in the words of Knative's configuration and route controllers. */
import type { KubeObject } from '#shared/kubernetes/object.ts';
import { type Condition, conditionOf, keepTransitionTimes } from './conditions.ts';
import { generationOf, newestOf } from './revision.ts';

export interface Addresses {
  /** Outside. */
  url: string;
  /** Inside the cluster. */
  address: string;
}

export function serviceStatus(
  service: KubeObject,
  revisions: KubeObject[],
  { url, address }: Addresses,
  now: Date,
): Record<string, unknown> {
  const newest = newestOf(revisions);
  const ready = latestReady(revisions);
  const configurations = configurationsReady(newest);
  // In Knative the route has the last word: a Service that never was ready says RevisionMissing, and why is told by
  // ConfigurationsReady alone.
  const overall = ready ? configurations : revisionMissing(service.metadata.name, configurations);
  const conditions: Condition[] = [configurations, { ...overall, type: 'Ready' }];
  return {
    observedGeneration: service.metadata.generation ?? 1,
    conditions: keepTransitionTimes(service['status']?.conditions, conditions, now),
    url,
    address: { url: address },
    ...(newest ? { latestCreatedRevisionName: newest.metadata.name } : {}),
    ...(ready
      ? {
          latestReadyRevisionName: ready.metadata.name,
        }
      : {}),
  };
}

/** The newest revision that is ready: the one that gets the requests. */
export function latestReady(revisions: KubeObject[]): KubeObject | undefined {
  return revisions
    .filter((revision) => conditionOf(revision, 'Ready')?.status === 'True')
    .sort((a, b) => generationOf(b) - generationOf(a))[0];
}

function configurationsReady(newest: KubeObject | undefined): Condition {
  const type = 'ConfigurationsReady';
  const condition = conditionOf(newest, 'Ready');
  if (condition?.status === 'True') {
    return { type, status: 'True' };
  }
  if (newest && condition?.status === 'False') {
    const message = `Revision ${JSON.stringify(newest.metadata.name)} failed with message: ${condition.message ?? ''}.`;
    return { type, status: 'False', reason: 'RevisionFailed', message };
  }
  return { type, status: 'Unknown' };
}

function revisionMissing(name: string, { status }: Condition): Condition {
  const message =
    status === 'False' ? 'does not have any ready Revision.' : 'is waiting for a Revision to become ready.';
  return { type: 'Ready', status, reason: 'RevisionMissing', message: `Configuration "${name}" ${message}` };
}
