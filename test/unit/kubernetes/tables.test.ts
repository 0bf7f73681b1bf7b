/** What kubectl shows: ages, the state of a pod, the columns of each kind. */
import { describe, expect, test } from 'vitest';
import { podReady, podRestarts, podStatus } from '#local/kubernetes/pod-columns.ts';
import { representList } from '#local/kubernetes/represent.ts';
import { duration } from '#local/kubernetes/table-columns.ts';
import type { KubeObject } from '#shared/kubernetes/object.ts';
import { resourceNamed } from '#shared/kubernetes/resource.ts';
import type { Resource } from '#shared/kubernetes/resource-table.ts';
import { broker, job, NAMESPACE, namespace, pod, service, trigger } from './objects.ts';

test.each([
  [-5, '0s'],
  [119, '119s'],
  [120, '2m'],
  [123, '2m3s'],
  [600, '10m'],
  [3 * 3600 - 1, '179m'],
  [3 * 3600, '3h'],
  [48 * 3600, '2d'],
])('%i seconds are %s', (seconds, text) => {
  expect(duration(seconds * 1000)).toBe(text);
});

describe('a pod', () => {
  const running = { name: 'main', ready: true, state: { running: {} } };
  const done = (exitCode: number, reason?: string) => ({ terminated: { exitCode, ...(reason && { reason }) } });
  const waiting = (name: string, reason: string) => ({ name, state: { waiting: { reason } } });
  const sidecar = { name: 'sidecar', image: 'b', restartPolicy: 'Always' };
  const inits = [
    { name: 'one', image: 'b' },
    { name: 'two', image: 'b' },
  ];

  test.each([
    {
      case: 'waits for its image',
      status: { phase: 'Pending', containerStatuses: [waiting('main', 'ErrImagePull')] },
      shows: '0/1 ErrImagePull 0',
    },
    { case: 'runs', status: { phase: 'Running', containerStatuses: [running] }, shows: '1/1 Running 0' },
    {
      case: 'is done',
      status: { phase: 'Succeeded', containerStatuses: [{ name: 'main', state: done(0, 'Completed') }] },
      shows: '0/1 Completed 0',
    },
    {
      case: 'failed without a reason',
      status: { phase: 'Failed', containerStatuses: [{ name: 'main', state: done(3) }] },
      shows: '0/1 ExitCode:3 0',
    },
    { case: 'was evicted', status: { phase: 'Failed', reason: 'Evicted' }, shows: '0/1 Evicted 0' },
    {
      case: 'restarted',
      status: { phase: 'Running', containerStatuses: [{ ...running, restartCount: 2 }] },
      shows: '1/1 Running 2',
    },
    {
      case: 'initialises',
      init: inits,
      status: {
        phase: 'Pending',
        initContainerStatuses: [
          { name: 'one', state: done(0) },
          { name: 'two', state: { running: {} } },
        ],
        containerStatuses: [waiting('main', 'PodInitializing')],
      },
      shows: '0/1 Init:1/2 0',
    },
    {
      case: 'failed to initialise',
      init: inits,
      status: { phase: 'Failed', initContainerStatuses: [{ name: 'one', state: done(1, 'Error') }] },
      shows: '0/1 Init:Error 0',
    },
    {
      case: 'runs beside its sidecar',
      init: [sidecar],
      status: {
        phase: 'Running',
        initContainerStatuses: [{ name: 'sidecar', started: true, ready: true, state: { running: {} } }],
        containerStatuses: [running],
      },
      shows: '2/2 Running 0',
    },
    {
      case: 'crashes in the first of two containers',
      status: {
        phase: 'Running',
        containerStatuses: [waiting('main', 'CrashLoopBackOff'), waiting('other', 'ErrImagePull')],
      },
      shows: '0/1 CrashLoopBackOff 0',
    },
    {
      case: 'is going',
      deleted: true,
      status: { phase: 'Running', containerStatuses: [running] },
      shows: '1/1 Terminating 0',
    },
  ])('that $case', ({ status, init, deleted, shows }) => {
    const object = { ...pod('p', deleted ? { deletionTimestamp: 'now' } : {}, { initContainers: init }), status };
    expect(`${podReady(object)} ${podStatus(object)} ${podRestarts(object)}`).toBe(shows);
  });
});

describe('columns', () => {
  const ready = (status: string, reason?: string) => ({
    conditions: [{ type: 'Ready', status, ...(reason && { reason }) }],
  });
  const created = new Date(Date.now() - 65_000).toISOString();

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
      row: 'Name=j Status=Complete Completions=1/1 Duration=2m5s Age=65s',
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
      row: 'Name=fn-00001 Config Name=fn Generation=1 Ready=True Reason= Actual Replicas=0 Desired Replicas=1',
    },
  ])('of $resource', ({ resource, object, row }) => {
    const dated = { ...object, metadata: { ...object.metadata, creationTimestamp: created } };
    const view = { as: 'Table', includeObject: 'None' } as const;
    const table = representList(resourceNamed(resource) as Resource, [dated], 1, view) as {
      columnDefinitions: { name: string }[];
      rows: { cells: unknown[]; object?: unknown }[];
    };
    const shown = table.columnDefinitions.map(({ name }, index) => `${name}=${table.rows[0]?.cells[index]}`);
    expect(shown.join(' ')).toBe(row);
    expect(table.rows[0]?.object).toBeUndefined();
  });
});
