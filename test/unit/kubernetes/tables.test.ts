/** What kubectl shows: ages, the state of a pod, the columns of each kind. */
import { describe, expect, test } from 'vitest';
import { representList } from '#local/kubernetes/represent.ts';
import type { KubeObject } from '#shared/kubernetes/object.ts';
import { resourceNamed } from '#shared/kubernetes/resource.ts';
import type { Resource } from '#shared/kubernetes/resource-table.ts';
import { broker, job, NAMESPACE, namespace, pod, service, trigger } from './objects.ts';

const created = new Date(Date.now() - 65_000).toISOString();

/** `Name=a Age=65s` */
function shown(resource: string, object: KubeObject): string {
  const dated = { ...object, metadata: { creationTimestamp: created, ...object.metadata } };
  const view = { as: 'Table', includeObject: 'None' } as const;
  const table = representList(resourceNamed(resource) as Resource, [dated], 1, view) as {
    columnDefinitions: { name: string }[];
    rows: { cells: unknown[]; object?: unknown }[];
  };
  expect(table.rows[0]?.object).toBeUndefined();
  return table.columnDefinitions.map(({ name }, index) => `${name}=${table.rows[0]?.cells[index]}`).join(' ');
}

test.each([
  [-5, '0s'],
  [119, '119s'],
  [125, '2m'],
  [3 * 3600, '3h'],
  [49 * 3600, '2d'],
])('an age of %i seconds is %s', (seconds, text) => {
  const creationTimestamp = new Date(Date.now() - seconds * 1000).toISOString();
  expect(shown('serviceaccounts', { ...pod('a'), metadata: { name: 'a', creationTimestamp } })).toBe(
    `Name=a Age=${text}`,
  );
});

describe('a pod', () => {
  const running = { name: 'main', ready: true, state: { running: {} } };
  const done = { name: 'main', ready: false, state: { terminated: { exitCode: 0, reason: 'Completed' } } };
  const waiting = { name: 'main', state: { waiting: { reason: 'CrashLoopBackOff' } }, restartCount: 2 };
  const sidecar = { name: 'sidecar', started: true, ready: true, state: { running: {} }, restartCount: 1 };

  test.each([
    { case: 'waits', status: { phase: 'Running', containerStatuses: [waiting] }, row: '0/1 CrashLoopBackOff 2' },
    { case: 'runs', status: { phase: 'Running', containerStatuses: [running] }, row: '1/1 Running 0' },
    { case: 'is done', status: { phase: 'Succeeded', containerStatuses: [done] }, row: '0/1 Succeeded 0' },
    { case: 'was evicted', status: { phase: 'Failed', reason: 'Evicted' }, row: '0/0 Evicted 0' },
    {
      case: 'runs beside its sidecar',
      status: { phase: 'Running', initContainerStatuses: [sidecar], containerStatuses: [running] },
      row: '2/2 Running 1',
    },
    {
      case: 'is going',
      deletionTimestamp: 'now',
      status: { phase: 'Running', containerStatuses: [running] },
      row: '1/1 Terminating 0',
    },
  ])('that $case', ({ status, deletionTimestamp, row }) => {
    const object = { ...pod('p', deletionTimestamp ? { deletionTimestamp } : {}), status };
    const [ready, phase, restarts] = row.split(' ');
    expect(shown('pods', object)).toBe(`Name=p Ready=${ready} Status=${phase} Restarts=${restarts} Age=65s`);
  });
});

describe('columns', () => {
  const ready = (status: string, reason?: string) => ({
    conditions: [{ type: 'Ready', status, ...(reason && { reason }) }],
  });

  test.each<{ resource: string; object: KubeObject; row: string }>([
    {
      resource: 'namespaces',
      object: { ...namespace('n'), status: { phase: 'Active' } },
      row: 'Name=n Status=Active Age=65s',
    },
    {
      resource: 'jobs.batch',
      object: {
        ...job('j', { completions: 1 }),
        status: {
          succeeded: 1,
          startTime: '2020-01-01T00:00:00Z',
          completionTime: '2020-01-01T00:02:05Z',
          conditions: [{ type: 'Complete', status: 'True' }],
        },
      },
      row: 'Name=j Status=Complete Completions=1/1 Age=65s',
    },
    {
      resource: 'services.serving.knative.dev',
      object: {
        ...service('fn'),
        status: {
          url: 'http://fn',
          latestCreatedRevisionName: 'fn-00002',
          latestReadyRevisionName: 'fn-00001',
          ...ready('False', 'RevisionFailed'),
        },
      },
      row: 'Name=fn URL=http://fn LatestCreated=fn-00002 LatestReady=fn-00001 Ready=False Reason=RevisionFailed',
    },
    {
      resource: 'triggers.eventing.knative.dev',
      object: { ...trigger('t'), status: { subscriberUri: 'http://fn', ...ready('True') } },
      row: 'Name=t Broker=default Subscriber_URI=http://fn Age=65s Ready=True Reason=',
    },
    {
      resource: 'brokers.eventing.knative.dev',
      object: { ...broker('b'), status: { address: { url: 'http://b' }, ...ready('True') } },
      row: 'Name=b URL=http://b Age=65s Ready=True Reason=',
    },
    {
      resource: 'revisions.serving.knative.dev',
      object: {
        apiVersion: 'serving.knative.dev/v1',
        kind: 'Revision',
        metadata: {
          name: 'fn-00001',
          namespace: NAMESPACE,
          labels: { 'serving.knative.dev/configuration': 'fn', 'serving.knative.dev/configurationGeneration': '1' },
        },
        status: { actualReplicas: 0, desiredReplicas: 1, ...ready('True') },
      },
      row: 'Name=fn-00001 Ready=True Reason= Actual Replicas=0',
    },
  ])('of $resource', ({ resource, object, row }) => {
    expect(shown(resource, object)).toBe(row);
  });
});
