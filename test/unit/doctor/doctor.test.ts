/** Each question, with an installation that is well and with one in which just this is broken. */
import { readdirSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { Letter } from '#shared/api/schemas.ts';
import { checkSchema } from '#shared/api/schemas.ts';
import type { KnativeObject } from '#shared/clients/cluster.ts';
import { doctor, GROUPS } from '#shared/doctor/doctor.ts';
import type { Installation } from '#shared/doctor/facts.ts';
import { BUILDERS, TRIGGERS } from '#shared/doctor/installed.ts';
import { knativeService } from '#shared/specs/knative-service.ts';
import { disagreements } from '#test/unit/explain/one-thing.ts';
import { buildOf, IMAGE } from '#test/unit/gateway/api-world.ts';

const NOW = new Date('2026-11-02T12:00:00Z');
const ago = (hours: number) => new Date(NOW.getTime() - hours * 3_600_000).toISOString();
const ready = (status = 'True', message?: string) => ({ conditions: [{ type: 'Ready', status, message }] });
const builder = (name: string, image = 'i@1', status: object = ready()) =>
  ({
    metadata: { name },
    spec: { template: { spec: { containers: [{ image }] } } },
    status,
  }) as unknown as KnativeObject;
const trigger = (name: string, subscriber = 'sweep', status: object = ready()) =>
  ({ metadata: { name }, spec: { subscriber: { ref: { name: subscriber } } }, status }) as unknown as KnativeObject;
const broker = (name: string, retry = 5, kind = 'RabbitMQBroker') =>
  ({
    metadata: { name, annotations: { 'eventing.knative.dev/broker.class': kind } },
    spec: { delivery: { retry, deadLetterSink: {} } },
    status: ready(),
  }) as never;
const fn = (changes: object = {}) => {
  const settings = { namespace: 'n', progressDeadline: '120s' };
  return { ...knativeService(buildOf('acme', 'p1'), IMAGE, settings), status: ready(), ...changes } as KnativeObject;
};
const pod = (status: object) => ({ metadata: { name: 'p' }, spec: { containers: [] }, status }) as never;
const waiting = pod({
  containerStatuses: [
    { name: 'c', image: 'i', state: { waiting: { reason: 'ImagePullBackOff', message: 'no such image' } } },
  ],
});
const crashing = pod({ containerStatuses: [{ name: 'c', restartCount: 7 }] });
const quota = (used: string) =>
  ({ metadata: { name: 'q' }, status: { hard: { pods: '10' }, used: { pods: used } } }) as never;
const job = (changes: object = {}) =>
  ({ metadata: { name: 'build-1', creationTimestamp: ago(0.1), ...changes } }) as never;
const letter = (time: string) =>
  ({ id: '1', time, type: 't', category: 'transient', reason: 'Unavailable', state: 'open' }) as Letter;

const WELL: Installation = {
  now: NOW,
  platform: 'cluster',
  settings: { authentication: 'required', sourcePrefix: '{third_party_id}/{parser_id}/' },
  kubernetesVersion: 'v1.34.1',
  apiGroups: ['serving.knative.dev', 'eventing.knative.dev', 'rabbitmq.com'],
  builders: BUILDERS.map((name) => builder(name)),
  builderPods: [pod({})],
  functions: [fn()],
  functionPods: [pod({})],
  triggers: TRIGGERS.map((name) => trigger(name)),
  brokers: [broker('default'), broker('dead-letters')],
  sources: [{ metadata: { name: 'builds' }, status: ready() } as never],
  quotas: [quota('1')],
  policies: [{ metadata: { name: 'default-deny', namespace: 'n-builds' } } as never],
  hasLease: true,
  jobs: [],
  buildPods: [pod({})],
  temporaryBucket: {},
  sourceBucket: {},
  isCreateExclusive: true,
  clockSkew: 900,
  oldestRequest: 'none',
  letters: [],
  lastRecorded: NOW,
  lastSweep: new Date(ago(0.01)),
  registry: { lookup: { there: [IMAGE], missing: [], closed: [], silent: [] } },
  certificates: [{ where: 's3.example:443', until: new Date(ago(-24 * 90)) }],
  settingNames: ['MAX_CONCURRENT_BUILDS'],
};

const others = <Item extends { metadata: { name: string } }>(items: Item[] | undefined, name: string) =>
  (items ?? []).filter(({ metadata }) => metadata.name !== name);

const BROKEN: Record<string, Partial<Installation>> = {
  'kubernetes-version': { kubernetesVersion: 'v1.27.3' },
  'knative-serving': { apiGroups: ['eventing.knative.dev', 'rabbitmq.com'] },
  'knative-eventing': { apiGroups: ['serving.knative.dev', 'rabbitmq.com'] },
  'rabbitmq-operators': { apiGroups: ['serving.knative.dev', 'eventing.knative.dev'] },
  'functions-of-ours': { builders: others(WELL.builders, 'sweep') },
  'functions-of-ours-ready': {
    builders: [...others(WELL.builders, 'sweep'), builder('sweep', 'i@1', ready('False', 'it crashes'))],
  },
  'one-image': { builders: [...others(WELL.builders, 'sweep'), builder('sweep', 'i@2')] },
  'pods-of-ours': { builderPods: [waiting] },
  restarts: { builderPods: [crashing] },
  brokers: { brokers: [broker('default')] },
  'broker-class': { brokers: [broker('default', 5, 'MTChannelBasedBroker'), broker('dead-letters')] },
  'broker-delivery': { brokers: [broker('default', 0), broker('dead-letters')] },
  triggers: { triggers: others(WELL.triggers, 'recorded') },
  'triggers-ready': {
    triggers: [...others(WELL.triggers, 'sweep'), trigger('sweep', 'sweep', ready('Unknown', 'no exchange'))],
  },
  'trigger-subscribers': { triggers: [...(WELL.triggers ?? []), trigger('mine', 'gone')] },
  sources: { sources: [] },
  quotas: { quotas: [quota('10')] },
  admission: { hasLease: false },
  'stuck-builds': { jobs: [job({ creationTimestamp: ago(3) })] },
  'waiting-builds': { jobs: [job({ creationTimestamp: ago(1), labels: { 'knative-lambda/admission': 'waiting' } })] },
  'build-pods': { buildPods: [waiting] },
  'temporary-bucket': { temporaryBucket: { problem: 'S3 refused listing: AccessDenied' } },
  'source-bucket': { sourceBucket: { problem: 'there is no bucket' } },
  'conditional-writes': { isCreateExclusive: false },
  clock: { clockSkew: -120_000 },
  'waiting-requests': { oldestRequest: new Date(ago(5)) },
  'dead-letters': { letters: Array.from({ length: 100 }, () => letter(ago(48))) },
  'growing-dead-letters': { letters: [letter(ago(0.5))] },
  recording: { lastRecorded: 'none', jobs: [job()] },
  authentication: { settings: { ...WELL.settings, authentication: 'warn' } },
  'source-prefix': { settings: { ...WELL.settings, sourcePrefix: 'global/parser/{parser_id}/' } },
  'network-policies': { policies: [] },
  'sweep-runs': { lastSweep: new Date(ago(1)) },
  registry: { registry: { refused: { subject: 'acme/p1', time: ago(1) } } },
  'images-there': { registry: { lookup: { there: [], missing: [IMAGE], closed: [], silent: [] } } },
  certificates: { certificates: [{ where: 's3.example:443', until: new Date(ago(-24 * 5)) }] },
  'base-images': {
    functions: [
      fn({
        metadata: {
          ...fn().metadata,
          annotations: { ...fn().metadata.annotations, 'knative-lambda/observed-at': '2026-01-01T00:00:00.000Z' },
        },
      }),
    ],
  },
  'known-settings': { settingNames: ['MAX_CONCURENT_BUILDS'] },
  'functions-start': { functions: [fn({ status: ready('False', 'Container failed') })] },
  'slow-starts': {
    functions: [fn({ status: ready('Unknown'), metadata: { ...fn().metadata, creationTimestamp: ago(1) } })],
  },
  'function-pods': { functionPods: [waiting] },
  'crashing-functions': { functionPods: [crashing] },
  'memory-limits': {
    platform: 'laptop',
    functions: [
      {
        ...knativeService(
          { ...buildOf('acme', 'p1'), parameters: { resources: { limits: { memory: '64Mi' } } } },
          IMAGE,
          { namespace: 'n', progressDeadline: '120s' },
        ),
        status: ready(),
      } as KnativeObject,
    ],
  },
  'images-by-digest': { functions: [fn({ spec: { template: { spec: { containers: [{ image: 'i:latest' }] } } } })] },
  'readable-annotations': { functions: [fn({ metadata: { name: 'fn-x', annotations: {} } })] },
  'old-deliveries': {
    functions: [
      fn({
        metadata: { ...fn().metadata, annotations: { ...fn().metadata.annotations, 'knative-lambda/delivery': 'x' } },
      }),
    ],
  },
  'lost-triggers': { triggers: [...(WELL.triggers ?? []), trigger('fn-gone-1')] },
};

const folder = (path: string) => readdirSync(new URL(`../../../${path}`, import.meta.url));

test('what should be there is what the project has', () => {
  expect(BUILDERS).toEqual(folder('functions').sort());
  const files = folder('eventing/base/functions/triggers').filter((file) => file !== 'kustomization.yaml');
  expect([...TRIGGERS].sort()).toEqual(files.map((file) => file.replace('.yaml', '')).sort());
});

test('there are at least 25 questions, and each has been broken', () => {
  const names = Object.values(GROUPS).flatMap((questions) => questions.map(({ name }) => name));
  expect(names.length).toBeGreaterThanOrEqual(25);
  expect(Object.keys(BROKEN).sort()).toEqual([...names].sort());
});

test('an installation that is well', () => {
  expect(doctor(WELL).filter(({ status }) => status !== 'ok')).toEqual([]);
});

describe.each(Object.entries(BROKEN))('%s', (name, change) => {
  test('is found where it is broken, with what mends it', () => {
    const checks = doctor({ ...WELL, ...change });
    const check = checkSchema.parse(checks.find((one) => one.name === name));
    expect(check).toMatchObject({
      status: expect.stringMatching(/^(warning|failed)$/),
      message: expect.stringMatching(/\S \S/),
    });
    expect(check.next?.say).toMatch(/\S \S/);
    expect(check.next?.command).toMatch(/^(kubectl|kn-lambda|make|aws|timedatectl)/);
    expect(check.next ? disagreements(check.next) : []).toEqual([]);
    // And little else: what follows from it, at most.
    expect(checks.filter(({ status }) => status !== 'ok').length).toBeLessThanOrEqual(3);
  });
});

test('of what cannot be seen nothing is said but that', () => {
  const { now, platform, settings } = WELL;
  const checks = doctor({ now, platform, settings });
  const unknown = checks.filter(({ status }) => status === 'unknown');
  expect(unknown.length).toBe(checks.length - 2);
  expect(unknown[0]?.message).toMatch(/cannot be seen from here/);
});

test.each<[string, Partial<Installation>, string, RegExp]>([
  ['sweep-runs', { lastSweep: 'none' }, 'failed', /never been done/],
  [
    'registry',
    { registry: { lookup: { there: [], missing: [], closed: [], silent: [{ host: 'r', problem: 'ECONNREFUSED' }] } } },
    'warning',
    /r does not answer: ECONNREFUSED/,
  ],
  [
    'registry',
    { registry: { lookup: { there: [], missing: [], closed: [], silent: [] } } },
    'unknown',
    /cannot be seen/,
  ],
  [
    'images-there',
    { registry: { lookup: { there: [], missing: [], closed: ['r'], silent: [] } } },
    'unknown',
    /cannot be seen/,
  ],
  ['certificates', { certificates: [{ where: 'r', until: new Date(ago(1)) }] }, 'failed', /r has ended/],
  ['certificates', { certificates: [] }, 'unknown', /cannot be seen/],
  ['known-settings', { settingNames: ['MAX_CONCURENT_BUILDS'] }, 'warning', /MAX_CONCURRENT_BUILDS is meant/],
])('%s, otherwise: %j', (name, change, status, message) => {
  const check = doctor({ ...WELL, ...change }).find((one) => one.name === name);
  expect(check).toMatchObject({ status, message: expect.stringMatching(message) });
});
