/** A Service's status from those of its revisions, in the words of Knative's configuration, route and service controllers. */
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
  const routes = routesReady(service.metadata.name, newest, ready);
  // In Knative the route is propagated last and so has the last word: a Service that never was ready says RevisionMissing,
  // and why is told by ConfigurationsReady alone.
  const overall = [routes, configurations].find((condition) => condition.status !== 'True');
  const conditions: Condition[] = [configurations, { ...(overall ?? { status: 'True' }), type: 'Ready' }, routes];
  return {
    observedGeneration: service.metadata.generation ?? 1,
    conditions: keepTransitionTimes(service['status']?.conditions, conditions, now),
    url,
    address: { url: address },
    ...(newest ? { latestCreatedRevisionName: newest.metadata.name } : {}),
    ...(ready
      ? {
          latestReadyRevisionName: ready.metadata.name,
          traffic: [{ latestRevision: true, percent: 100, revisionName: ready.metadata.name }],
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

function routesReady(name: string, newest: KubeObject | undefined, ready: KubeObject | undefined): Condition {
  const type = 'RoutesReady';
  if (ready) {
    return { type, status: 'True' };
  }
  const reason = 'RevisionMissing';
  return conditionOf(newest, 'Ready')?.status === 'False'
    ? { type, status: 'False', reason, message: `Configuration "${name}" does not have any ready Revision.` }
    : {
        type,
        status: 'Unknown',
        reason,
        message: `Configuration "${name}" is waiting for a Revision to become ready.`,
      };
}
