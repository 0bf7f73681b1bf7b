/** How a build ended, read from Jobs and pods as Kubernetes shows them. */
import type { V1Job, V1Pod } from '@kubernetes/client-node';
import { describe, expect, test } from 'vitest';
import { lastError } from '#shared/builds/last-error.ts';
import { outcomeOf } from '#shared/builds/outcome.ts';
import { terminalCloudEvent, terminalEvent } from '#shared/builds/terminal-event.ts';
import { buildCompleteSchema } from '#shared/events/build-complete.ts';
import { ENDED_ANNOTATION } from '#shared/specs/annotations.ts';
import { kanikoJob } from '#shared/specs/kaniko-job.ts';
import { ACME, DIGEST, imageOf, jobSettings, jobStartEvent, keyOf, MIDDLE, nameOf } from './world.ts';

const STARTED = new Date('2026-01-02T12:00:00Z');
const at = (seconds: number) => new Date(STARTED.getTime() + seconds * 1000);

function job(status: V1Job['status'] = {}, metadata: V1Job['metadata'] = {}): V1Job {
  const made = kanikoJob(jobStartEvent(), jobSettings);
  return {
    ...made,
    metadata: {
      ...made.metadata,
      uid: 'uid-1',
      creationTimestamp: STARTED,
      ...metadata,
      annotations: { ...made.metadata?.annotations, ...metadata?.annotations },
    },
    status: { startTime: STARTED, ...status },
  };
}

const complete = (seconds = 60): V1Job['status'] => ({
  completionTime: at(seconds),
  conditions: [
    { type: 'SuccessCriteriaMet', status: 'True' },
    { type: 'Complete', status: 'True', lastTransitionTime: at(seconds) },
  ],
});

const failedFor = (reason: string, message = '', seconds = 60): V1Job['status'] => ({
  conditions: [
    { type: 'FailureTarget', status: 'True', reason },
    { type: 'Failed', status: 'True', reason, message, lastTransitionTime: at(seconds) },
  ],
});

const endedEarly = (status: 'cancelled' | 'superseded', deletedAfter?: number): V1Job['metadata'] => ({
  annotations: { [ENDED_ANNOTATION]: JSON.stringify({ status, reason: 'Reason', message: 'because' }) },
  ...(deletedAfter === undefined ? {} : { deletionTimestamp: at(deletedAfter) }),
});

interface Ended {
  exitCode?: number;
  reason?: string;
  message?: string;
  finishedAfter?: number;
  uid?: string;
  createdAfter?: number;
  status?: V1Pod['status'];
}

let pods = 0;
function pod({
  exitCode,
  reason,
  message,
  finishedAfter = 50,
  uid = 'uid-1',
  createdAfter = 0,
  status = {},
}: Ended = {}): V1Pod {
  const state =
    exitCode === undefined
      ? { running: { startedAt: STARTED } }
      : {
          terminated: {
            exitCode,
            finishedAt: at(finishedAfter),
            ...(reason ? { reason } : {}),
            ...(message ? { message } : {}),
          },
        };
  return {
    metadata: {
      name: `pod-${++pods}`,
      creationTimestamp: at(createdAfter),
      ownerReferences: [{ apiVersion: 'batch/v1', kind: 'Job', name: nameOf(), uid }],
    },
    status: {
      containerStatuses: [{ name: 'kaniko', state, image: '', imageID: '', ready: false, restartCount: 0 }],
      ...status,
    },
  };
}

const succeededPod = (more: Ended = {}) => pod({ exitCode: 0, message: DIGEST, ...more });
const waiting = (reason: string, message: string): V1Pod['status'] => ({
  containerStatuses: [
    { name: 'kaniko', state: { waiting: { reason, message } }, image: '', imageID: '', ready: false, restartCount: 0 },
  ],
});
const fetchFailed = (message: string): V1Pod['status'] => ({
  containerStatuses: [],
  initContainerStatuses: [
    {
      name: 'fetch-context',
      state: { terminated: { exitCode: 1, message } },
      image: '',
      imageID: '',
      ready: false,
      restartCount: 0,
    },
  ],
});

test.each<{ case: string; job: V1Job; pods: V1Pod[] }>([
  { case: 'nothing has started', job: job(), pods: [] },
  { case: 'Kaniko runs', job: job(), pods: [pod()] },
  { case: 'a first attempt failed', job: job(), pods: [pod({ exitCode: 1 })] },
  { case: 'it is suspended', job: job({ conditions: [{ type: 'Suspended', status: 'True' }] }), pods: [] },
  { case: 'it is about to fail', job: job({ conditions: [{ type: 'FailureTarget', status: 'True' }] }), pods: [pod()] },
  {
    case: 'a condition is there, but not met',
    job: job({ conditions: [{ type: 'Failed', status: 'False' }] }),
    pods: [],
  },
  { case: 'only a former Job of this name succeeded', job: job(), pods: [succeededPod({ uid: 'uid-0' })] },
  { case: 'the Job is not ours', job: job(complete(), { annotations: { 'knative-lambda/build-key': 'x' } }), pods: [] },
])('nothing is told while $case', ({ job, pods }) => {
  expect(outcomeOf(job, pods)).toBeUndefined();
});

describe('success', () => {
  const success = { status: 'success', image_uri: imageOf(), cached: false, completed_at: at(50).toISOString() };

  test.each<{ case: string; job: V1Job; pods: V1Pod[] }>([
    { case: 'the Job is complete', job: job(complete()), pods: [succeededPod()] },
    { case: 'Kaniko has pushed, the Job has not noticed', job: job(), pods: [succeededPod()] },
    {
      case: 'the second attempt succeeded',
      job: job(complete()),
      pods: [pod({ exitCode: 1 }), succeededPod({ createdAfter: 20 })],
    },
    {
      case: 'the sidecar was killed afterwards, and the deadline passed',
      job: job(failedFor('DeadlineExceeded')),
      pods: [succeededPod()],
    },
    { case: 'the Job was deleted after the push', job: job({}, { deletionTimestamp: at(55) }), pods: [succeededPod()] },
    { case: 'the digest ends in a newline', job: job(), pods: [pod({ exitCode: 0, message: `${DIGEST}\n` })] },
  ])('$case', ({ job, pods }) => {
    expect(outcomeOf(job, pods)).toMatchObject(success);
  });

  test('tells all that the contract lists', () => {
    expect(outcomeOf(job(complete()), [succeededPod()])).toEqual({
      ...ACME,
      correlation_id: 'correlation-one',
      status: 'success',
      build_key: keyOf('one'),
      fingerprint: keyOf('f-one'),
      job_name: nameOf(),
      image_uri: imageOf(),
      observed_at: MIDDLE,
      cached: false,
      parameters: {},
      log: { bucket: 'tmp', key: `logs/acme/p1/${nameOf()}.log` },
      started_at: STARTED.toISOString(),
      completed_at: at(50).toISOString(),
      duration_ms: 50_000,
    });
  });
});

test.each<{
  case: string;
  job: V1Job;
  pods: V1Pod[];
  status: string;
  reason: string;
  says: RegExp;
  exit_code?: number;
}>([
  {
    case: 'dependencies',
    job: job(failedFor('PodFailurePolicy'), { annotations: { 'knative-lambda/language': 'python' } }),
    pods: [
      pod({
        exitCode: 65,
        message:
          'INFO[0001] Running\nERROR: No matching distribution found for nosuch==9\nerror building image: exit status 65',
      }),
    ],
    status: 'failed',
    reason: 'DependencyInstallFailed',
    says: /No matching distribution found for nosuch==9.*requirements\.txt.*aws s3 cp s3:\/\/tmp\/logs\/acme\/p1\//s,
    exit_code: 65,
  },
  {
    case: 'a private registry that refuses',
    job: job(failedFor('PodFailurePolicy')),
    pods: [
      pod({
        exitCode: 65,
        message:
          'npm error code E401\nhttp fetch GET 401 https://npm.corp.example/@acme%2fsecret 15ms\nerror building image: exit status 65',
      }),
    ],
    status: 'failed',
    reason: 'PrivateDependencyDenied',
    says: /^npm\.corp\.example refused the dependency @acme\/secret with 401\. .*Secret \w+\/dependencies-acme /,
    exit_code: 65,
  },
  {
    case: 'dependencies, with a credential in what is printed',
    job: job(failedFor('PodFailurePolicy')),
    pods: [pod({ exitCode: 65, message: 'ERROR: cannot read https://acme:canary@host/a' })],
    status: 'failed',
    reason: 'DependencyInstallFailed',
    says: /installed: ERROR: cannot read https:\/\/\*\*\*@host\/a/,
    exit_code: 65,
  },
  {
    case: 'compile',
    job: job(failedFor('PodFailurePolicy')),
    pods: [pod({ exitCode: 66, message: './main.go:3: undefined: x' })],
    status: 'failed',
    reason: 'CompileFailed',
    says: /undefined: x/,
    exit_code: 66,
  },
  {
    case: 'push',
    job: job(failedFor('BackoffLimitExceeded')),
    pods: [pod({ exitCode: 1, message: 'error pushing image: failed to push to destination: 403 Forbidden' })],
    status: 'failed',
    reason: 'ImagePushFailed',
    says: /registry\.local\/knative-lambda\/fn-p1-.*403 Forbidden.*knative-lambda-registry/s,
  },
  {
    case: 'any other failure, the last attempt’s',
    job: job(failedFor('BackoffLimitExceeded')),
    pods: [
      pod({ exitCode: 66, createdAfter: 30 }),
      pod({ exitCode: 1, message: 'first' }),
      pod({ exitCode: 2, message: 'last', createdAfter: 40 }),
    ],
    status: 'failed',
    reason: 'BuildFailed',
    says: /exit code 2: last/,
    exit_code: 2,
  },
  {
    case: 'out of memory',
    job: job(failedFor('BackoffLimitExceeded')),
    pods: [pod({ exitCode: 137, reason: 'OOMKilled' })],
    status: 'failed',
    reason: 'OutOfMemory',
    says: /4Gi.*BUILD_MEMORY_LIMIT/s,
    exit_code: 137,
  },
  {
    case: 'evicted',
    job: job(failedFor('BackoffLimitExceeded')),
    pods: [pod({ exitCode: 137, status: { reason: 'Evicted', message: 'The node was low on resource: memory.' } })],
    status: 'failed',
    reason: 'Evicted',
    says: /low on resource: memory.*kubectl describe nodes/s,
  },
  {
    case: 'evicted because it wrote too much',
    job: job(failedFor('BackoffLimitExceeded')),
    pods: [
      pod({
        exitCode: 137,
        status: { reason: 'Evicted', message: 'Container kaniko exceeded its local ephemeral storage limit "10Gi".' },
      }),
    ],
    status: 'failed',
    reason: 'Evicted',
    says: /"10Gi".*BUILD_EPHEMERAL_STORAGE_LIMIT/s,
  },
  {
    case: 'a drained node',
    job: job(failedFor('BackoffLimitExceeded')),
    pods: [pod({ exitCode: 143, status: { conditions: [{ type: 'DisruptionTarget', status: 'True' }] } })],
    status: 'failed',
    reason: 'Evicted',
    says: /drained/,
  },
  {
    case: 'deadline',
    job: job(failedFor('DeadlineExceeded')),
    pods: [pod({ exitCode: 143 })],
    status: 'timeout',
    reason: 'BuildTimeout',
    says: /deadline of 1800 s.*BUILD_DEADLINE_SECONDS/s,
  },
  {
    case: 'deadline of a pod that never started',
    job: job(failedFor('DeadlineExceeded')),
    pods: [pod({ status: waiting('ImagePullBackOff', 'no such image') })],
    status: 'timeout',
    reason: 'BuildTimeout',
    says: /kaniko waits: ImagePullBackOff: no such image/,
  },
  {
    case: 'the context could not be fetched',
    job: job(failedFor('BackoffLimitExceeded')),
    pods: [pod({ status: fetchFailed('there is no s3://tmp/contexts/x') })],
    status: 'failed',
    reason: 'BuildFailed',
    says: /there is no s3:\/\/tmp\/contexts\/x.*build\.start/s,
  },
  {
    case: 'no pod is left',
    job: job(failedFor('BackoffLimitExceeded', 'Job has reached the specified backoff limit')),
    pods: [],
    status: 'failed',
    reason: 'BuildFailed',
    says: /backoff limit.*kubectl describe job build-p1-/s,
  },
  {
    case: 'complete, but nobody knows the digest',
    job: job(complete()),
    pods: [],
    status: 'failed',
    reason: 'BuildFailed',
    says: /"force": true/,
  },
  {
    case: 'complete, with something else for a digest',
    job: job(complete()),
    pods: [pod({ exitCode: 0, message: 'sha256:short' })],
    status: 'failed',
    reason: 'BuildFailed',
    says: /digest is lost/,
  },
  {
    case: 'deleted by hand',
    job: job({}, { deletionTimestamp: at(30) }),
    pods: [pod()],
    status: 'cancelled',
    reason: 'Cancelled',
    says: /kubectl delete job/,
  },
  {
    case: 'pushed after it was deleted',
    job: job({}, { deletionTimestamp: at(30) }),
    pods: [succeededPod({ finishedAfter: 33 })],
    status: 'cancelled',
    reason: 'Cancelled',
    says: /deleted while it ran/,
  },
  {
    case: 'cancelled',
    job: job({}, endedEarly('cancelled', 30)),
    pods: [],
    status: 'cancelled',
    reason: 'Reason',
    says: /because/,
  },
  {
    case: 'superseded',
    job: job({}, endedEarly('superseded', 30)),
    pods: [pod()],
    status: 'superseded',
    reason: 'Reason',
    says: /because/,
  },
  {
    case: 'superseded, though it pushed before it could be stopped',
    job: job(complete(), endedEarly('superseded', 70)),
    pods: [succeededPod()],
    status: 'superseded',
    reason: 'Reason',
    says: /because/,
  },
  {
    case: 'given a reason, not deleted yet',
    job: job({}, endedEarly('superseded')),
    pods: [pod()],
    status: 'superseded',
    reason: 'Reason',
    says: /because/,
  },
])('$case: $status, $reason', ({ job, pods, status, reason, says, exit_code }) => {
  const outcome = outcomeOf(job, pods);
  expect(outcome).toMatchObject({ ...ACME, status, reason, job_name: nameOf(), ...(exit_code ? { exit_code } : {}) });
  expect(outcome?.error_message).toMatch(says);
  expect(outcome?.image_uri).toBeUndefined();
  expect(buildCompleteSchema.safeParse(outcome).error).toBeUndefined();
});

test('an annotation that is no reason is none', () => {
  const tampered = job({}, { annotations: { [ENDED_ANNOTATION]: '{"status":"success"}' } });
  expect(outcomeOf(tampered, [])).toBeUndefined();
});

test('strings for times, as events carry them, give the same as dates', () => {
  const once = job(complete());
  expect(
    outcomeOf(JSON.parse(JSON.stringify(once)) as V1Job, JSON.parse(JSON.stringify([succeededPod()])) as V1Pod[]),
  ).toEqual(outcomeOf(once, [succeededPod()]));
});

describe('the terminal event', () => {
  const once = job(complete());
  const outcome = outcomeOf(once, [succeededPod()]);

  test('is the same whoever tells it, and another for a Job that another request made', () => {
    if (!outcome) {
      throw new Error('no outcome');
    }
    expect(terminalCloudEvent(once, outcome).toJSON()).toEqual(terminalCloudEvent(once, outcome).toJSON());
    const of = (metadata: V1Job['metadata']) =>
      terminalEvent({ ...once, metadata: { ...once.metadata, ...metadata } }, outcome).id;
    const { annotations } = once.metadata ?? {};
    expect(of({ annotations: { ...annotations, 'knative-lambda/event-id': 'another' } })).not.toBe(of({}));
    // Made anew, since the event came again after the Job had gone.
    expect(of({ uid: 'uid-2' })).toBe(of({}));
  });

  test('names its cause, and its chain', () => {
    if (!outcome) {
      throw new Error('no outcome');
    }
    expect(terminalCloudEvent(once, outcome).toJSON()).toMatchObject({
      type: 'build.complete',
      source: 'knative-lambda',
      subject: 'acme/p1',
      time: outcome.completed_at,
      correlationid: 'correlation-one',
      causationid: 'ask-one',
      data: outcome,
    });
  });
});

test.each([
  {
    case: 'usage after the error',
    log: 'Error: no context\nUsage:\n  executor [flags]\n\nFlags:\n --a\n --b\n --c\n --d\n --e',
    says: 'Error: no context',
  },
  {
    case: 'colours',
    log: '\u001b[36mINFO\u001b[0m[0001] fine\n\u001b[31mpip: not found\u001b[0m',
    says: 'pip: not found',
  },
  { case: 'nothing', log: undefined, says: 'it printed nothing' },
])('the line that tells why is found: $case', ({ log, says }) => {
  expect(lastError(log)).toContain(says);
});
