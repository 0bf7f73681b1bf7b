/** A valid event's data for every type that our functions take: what hostile ones are made from. */
import { ACME, imageOf, jobStartData, keyOf, MIDDLE, nameOf } from '#test/unit/handlers/world.ts';

const identity = { ...ACME, third_party_id: 'evil' };

const parameters = {
  language: 'node',
  handler: 'parser.handler',
  env: { NAME: 'value', OTHER: 'a$(NAME)b' },
  scaling: { min: 0, max: 5, target: 10, metric: 'rps', class: 'kpa', scale_down_delay: '30s' },
  resources: { requests: { cpu: '100m', memory: '128Mi' }, limits: { cpu: '1', memory: '1Gi' } },
  timeout_seconds: 30,
  concurrency: 10,
};

export const samples: Record<string, object> = {
  'build.start': {
    ...identity,
    correlation_id: 'c1',
    s3_bucket: 'source',
    s3_prefix: 'global/parser/p1/',
    priority: 5,
    force: false,
    parameters,
  },
  'job.start': { ...jobStartData({ identity }), parameters },
  'build.complete': {
    ...identity,
    correlation_id: 'c1',
    status: 'success',
    build_key: keyOf('one'),
    fingerprint: keyOf('f-one'),
    job_name: nameOf('one', identity),
    image_uri: imageOf(identity),
    observed_at: MIDDLE,
    cached: false,
    reason: 'BuildFailed',
    error_message: 'it broke',
    exit_code: 1,
    log: { bucket: 'tmp', key: `logs/evil/p1/${nameOf('one', identity)}.log` },
    parameters,
    started_at: MIDDLE,
    completed_at: MIDDLE,
    duration_ms: 1000,
  },
  'service.delete': { ...identity, correlation_id: 'c1', reason: 'no longer needed' },
  'dev.knative.apiserver.resource.update': {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: {
      name: nameOf('one', identity),
      uid: 'job-1',
      deletionTimestamp: MIDDLE,
      generation: 1,
      finalizers: ['knative-lambda/terminal-event'],
      labels: { 'app.kubernetes.io/managed-by': 'knative-lambda' },
      annotations: { 'knative-lambda/third-party-id': 'evil', 'knative-lambda/parser-id': 'p1' },
    },
    spec: { template: { spec: { containers: [{ image: imageOf(identity) }] } } },
    status: {
      observedGeneration: 1,
      latestCreatedRevisionName: 'fn-p1-00001',
      latestReadyRevisionName: 'fn-p1-00001',
      conditions: [{ type: 'Complete', status: 'True', message: 'done' }],
    },
  },
  'event.rejected': {
    event: { specversion: '1.0', id: '1', source: 's', type: 'build.start', data: {} },
    reason: 'InvalidEvent',
    problems: [{ path: 'data', message: 'is missing' }],
  },
  'parser.start': { ...identity, context_id: 'x', contextId: 1, anything: [1, 2, { a: 'b' }] },
  'parser.complete': {
    context_id: 'x',
    succeeded: true,
    result: { a: 1 },
    error: { type: 'Error', message: 'm' },
    duration_ms: 12,
  },
};
