/**
 * What is refused, and that each problem is named with its path: by the schemas of the kinds, and by the rules beyond
 * them.
 */
import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import type { Storage } from '#local/kubernetes/storage.ts';
import type { KubeObject } from '#shared/kubernetes/object.ts';
import { parseQuantity } from '#shared/kubernetes/quantity.ts';
import {
  broker,
  caught,
  configMap,
  createCluster,
  job,
  NAMESPACE,
  namespace,
  pod,
  service,
  trigger,
} from './objects.ts';

let storage: Storage;
beforeEach(() => {
  storage = createCluster();
});

const POD = 'spec.template.spec';
const ANNOTATIONS = 'spec.template.metadata.annotations';
const withContainer = (fields: object) => job('a', {}, { containers: [{ name: 'main', image: 'app:1', ...fields }] });
const annotated = (name: string, value: string): KubeObject => {
  const object = service('fn');
  object['spec'].template.metadata = { annotations: { [`autoscaling.knative.dev/${name}`]: value } };
  return object;
};
const source = (kind: string, spec: object): KubeObject => ({
  apiVersion: 'sources.knative.dev/v1',
  kind,
  metadata: { name: 's', namespace: NAMESPACE },
  spec: { sink: { uri: 'http://broker.example.com' }, ...spec },
});

test.each<{ case: string; object: KubeObject; field: string; says?: string }>([
  { case: 'no name', object: configMap(''), field: 'metadata.name', says: 'is required' },
  { case: 'an upper-case name', object: configMap('A'), field: 'metadata.name' },
  { case: 'a name of 254 characters', object: configMap('a'.repeat(254)), field: 'metadata.name' },
  { case: 'a namespace with a dot', object: namespace('a.b'), field: 'metadata.name' },
  { case: 'a label', object: configMap('a', {}, { labels: { a: 'x y' } }), field: 'metadata.labels.a' },
  { case: 'a label’s key', object: configMap('a', {}, { labels: { 'a/b/c': 'x' } }), field: 'metadata.labels[a/b/c]' },
  {
    case: 'a number as a label',
    object: configMap('a', {}, { labels: { a: 1 as never } }),
    field: 'metadata.labels.a',
  },
  {
    case: 'a finalizer without a domain',
    object: configMap('a', {}, { finalizers: ['x'] }),
    field: 'metadata.finalizers[0]',
  },
  { case: 'a key of a ConfigMap', object: configMap('a', { 'a b': '1' }), field: 'data[a b]' },
  { case: 'a number as data', object: configMap('a', { a: 1 as never }), field: 'data.a', says: 'must be string' },
  { case: 'what is not base64', object: { ...configMap('a', { a: 'a%' }), kind: 'Secret' }, field: 'data.a' },
  {
    case: 'an unknown field',
    object: pod('a', {}, { nodename: 'x' }),
    field: 'spec.nodename',
    says: 'is not a known field',
  },
  { case: 'a pod without containers', object: pod('a', {}, { containers: [] }), field: 'spec.containers' },
  { case: 'containers that are no list', object: job('a', {}, { containers: {} }), field: `${POD}.containers` },
  {
    case: 'a Job that always restarts',
    object: job('a', {}, { restartPolicy: 'Always' }),
    field: `${POD}.restartPolicy`,
    says: 'must be Never or OnFailure',
  },
  { case: 'a Job whose name fits no label', object: job('a'.repeat(64)), field: 'metadata.name' },
  {
    case: 'a negative backoffLimit',
    object: job('a', { backoffLimit: -1 }),
    field: 'spec.backoffLimit',
    says: 'must be >= 0',
  },
  {
    case: 'a container without an image',
    object: withContainer({ image: undefined }),
    field: `${POD}.containers[0].image`,
  },
  {
    case: 'an amount',
    object: withContainer({ resources: { limits: { cpu: 'x' } } }),
    field: `${POD}.containers[0].resources.limits.cpu`,
  },
  {
    case: 'a boolean as a variable',
    object: withContainer({ env: [{ name: 'A', value: true }] }),
    field: `${POD}.containers[0].env[0].value`,
  },
  { case: 'no container', object: service('fn', { containers: [] }), field: `${POD}.containers` },
  {
    case: 'two containers',
    object: service('fn', { containers: [{ image: 'a' }, { image: 'b' }] }),
    field: `${POD}.containers`,
  },
  {
    case: 'a Service that begins with a digit',
    object: service('1fn'),
    field: 'metadata.name',
    says: 'must begin with a letter',
  },
  {
    case: 'autoscaling annotations of the Service itself',
    object: {
      ...service('fn'),
      metadata: { name: 'fn', namespace: NAMESPACE, annotations: { 'autoscaling.knative.dev/min-scale': '1' } },
    },
    field: 'metadata.annotations[autoscaling.knative.dev/min-scale]',
    says: 'spec.template.metadata.annotations',
  },
  {
    case: 'a time-out above ten minutes',
    object: service('fn', { timeoutSeconds: 601 }),
    field: `${POD}.timeoutSeconds`,
  },
  { case: 'a scale', object: annotated('min-scale', 'x'), field: `${ANNOTATIONS}[autoscaling.knative.dev/min-scale]` },
  {
    case: 'a target of nothing',
    object: annotated('target', '0.0'),
    field: `${ANNOTATIONS}[autoscaling.knative.dev/target]`,
  },
  { case: 'a window', object: annotated('window', '30'), field: `${ANNOTATIONS}[autoscaling.knative.dev/window]` },
  { case: 'a Trigger without a broker', object: trigger('t', { broker: '' }), field: 'spec.broker' },
  { case: 'a Trigger without a subscriber', object: trigger('t', { subscriber: undefined }), field: 'spec.subscriber' },
  {
    case: 'a Trigger to nowhere',
    object: trigger('t', { subscriber: {} }),
    field: 'spec.subscriber',
    says: 'must have ref or uri',
  },
  {
    case: 'half a reference',
    object: trigger('t', { subscriber: { ref: { kind: 'Service' } } }),
    field: 'spec.subscriber.ref.name',
  },
  { case: 'a relative URI alone', object: trigger('t', { subscriber: { uri: '/x' } }), field: 'spec.subscriber.uri' },
  {
    case: 'a filter by what is no attribute',
    object: trigger('t', { filter: { attributes: { 'A-b': 'x' } } }),
    field: 'spec.filter.attributes.A-b',
  },
  {
    case: 'a filter by a number',
    object: trigger('t', { filter: { attributes: { a: 1 } } }),
    field: 'spec.filter.attributes.a',
  },
  {
    case: 'parallelism of nothing',
    object: trigger('t', {}, { annotations: { 'rabbitmq.eventing.knative.dev/parallelism': '0' } }),
    field: 'metadata.annotations[rabbitmq.eventing.knative.dev/parallelism]',
  },
  { case: 'a delay', object: trigger('t', { delivery: { backoffDelay: '1s' } }), field: 'spec.delivery.backoffDelay' },
  { case: 'half a config', object: broker('b', { config: { name: 'x' } }), field: 'spec.config.kind' },
  {
    case: 'a dead letter sink',
    object: broker('b', { delivery: { deadLetterSink: {} } }),
    field: 'spec.delivery.deadLetterSink',
  },
  { case: 'a mode', object: source('ApiServerSource', { mode: 'All', resources: [{}] }), field: 'spec.mode' },
  {
    case: 'a source of nothing',
    object: source('ApiServerSource', { mode: 'Resource', resources: [] }),
    field: 'spec.resources',
  },
  { case: 'no sink', object: source('PingSource', { sink: undefined }), field: 'spec.sink' },
])('refuses $case', ({ object, field, says = '' }) => {
  expect(caught(() => storage.create(object))).toMatchObject({
    code: 422,
    reason: 'Invalid',
    details: {
      causes: expect.arrayContaining([expect.objectContaining({ field, message: expect.stringContaining(says) })]),
    },
  });
});

test('names all problems at once', () => {
  expect(caught(() => storage.create(job('Bad', { backoffLimit: -1 })))).toMatchObject({
    message: expect.stringMatching(
      /^Job\.batch "Bad" is invalid: spec\.backoffLimit: must be >= 0; metadata\.name: must be /,
    ),
    details: { name: 'Bad', group: 'batch', kind: 'Job' },
  });
});

test('takes a Service with all that a restricted pod needs', () => {
  const securityContext = {
    allowPrivilegeEscalation: false,
    runAsNonRoot: true,
    runAsUser: 1000,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ['ALL'] },
    seccompProfile: { type: 'RuntimeDefault' },
  };
  const object = service(
    'fn',
    { automountServiceAccountToken: false, serviceAccountName: 'fn', volumes: [{ name: 'tmp', emptyDir: {} }] },
    {
      securityContext,
      volumeMounts: [{ name: 'tmp', mountPath: '/tmp' }],
      envFrom: [{ configMapRef: { name: 'c' } }],
      env: [{ name: 'A', valueFrom: { secretKeyRef: { name: 's', key: 'k' } } }],
    },
  );
  expect(storage.create(object).metadata.generation).toBe(1);
});

describe('what stays as it was made', () => {
  const change = (object: KubeObject, spec: object) => ({ ...object, spec: { ...object['spec'], ...spec } });

  test('a Job’s template and completions; not its limits', () => {
    const created = storage.create(job('a'));
    const template = structuredClone(created['spec'].template);
    template.spec.containers[0].image = 'app:2';
    for (const spec of [{ template }, { completions: 2 }]) {
      expect(caught(() => storage.update(change(created, spec)))).toMatchObject({
        code: 422,
        details: { causes: [{ field: `spec.${Object.keys(spec)}`, message: 'is immutable' }] },
      });
    }
    const changed = storage.update(change(created, { backoffLimit: 1, suspend: true, activeDeadlineSeconds: 5 }));
    expect(changed['spec'].backoffLimit).toBe(1);
  });

  test('a Broker’s spec, and a Trigger’s broker and filter', () => {
    storage.create(broker('b'));
    storage.create(trigger('t'));
    const frozen = [
      broker('b', { delivery: { retry: 6 } }),
      trigger('t', { broker: 'other' }),
      trigger('t', { filter: { attributes: { type: 'c' } } }),
    ];
    for (const object of frozen) {
      expect(caught(() => storage.update(object))).toMatchObject({
        code: 422,
        message: expect.stringContaining('is immutable'),
      });
    }
    const ref = { apiVersion: 'serving.knative.dev/v1', kind: 'Service', name: 'another' };
    expect(storage.update(trigger('t', { subscriber: { ref } }))['spec'].subscriber.ref.name).toBe('another');
  });

  test('a Knative Service may change', () => {
    storage.create(service('fn'));
    expect(storage.update(service('fn', {}, { image: 'example.com/app:2' })).metadata.generation).toBe(2);
  });
});

describe('quantities', () => {
  test.each([
    ['500m', 0.5],
    ['1', 1],
    ['1.5', 1.5],
    ['2k', 2000],
    ['1Ki', 1024],
    ['4Gi', 4 * 2 ** 30],
    ['1e3', 1000],
    ['-1', -1],
    ['', undefined],
    ['1 Gi', undefined],
    ['Gi', undefined],
    ['1gi', undefined],
  ])('%j is %j', (text, amount) => {
    expect(parseQuantity(text)).toBe(amount);
  });

  test('any whole number is itself', () => {
    fc.assert(
      fc.property(fc.integer(), (number) => {
        expect(parseQuantity(String(number))).toBe(number);
      }),
    );
  });
});
