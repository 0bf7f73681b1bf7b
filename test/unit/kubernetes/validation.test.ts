/** What is refused, and in which words: Kubernetes' own validation. */
import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import type { Storage } from '#local/kubernetes/storage.ts';
import type { KubeObject } from '#shared/kubernetes/object.ts';
import { parseQuantity } from '#shared/kubernetes/quantity.ts';
import { broker, caught, configMap, createCluster, job, namespace, ownedBy, pod, service, trigger } from './objects.ts';

let storage: Storage;
beforeEach(() => {
  storage = createCluster();
});

const withContainer = (fields: object) => job('a', {}, { containers: [{ name: 'main', image: 'app:1', ...fields }] });
const causesOf = (object: KubeObject) =>
  (caught(() => storage.create(object)) as { details: { causes: object[] } }).details.causes;

describe('an invalid object is refused with each field that is wrong', () => {
  test.each([
    { case: 'no name', object: configMap(''), field: 'metadata.name', reason: 'FieldValueRequired' },
    { case: 'an upper-case name', object: configMap('A'), field: 'metadata.name', reason: 'FieldValueInvalid' },
    {
      case: 'a name that ends in a dash',
      object: configMap('a-'),
      field: 'metadata.name',
      reason: 'FieldValueInvalid',
    },
    {
      case: 'a name of 254 characters',
      object: configMap('a'.repeat(254)),
      field: 'metadata.name',
      reason: 'FieldValueInvalid',
    },
    { case: 'a namespace with a dot', object: namespace('a.b'), field: 'metadata.name', reason: 'FieldValueInvalid' },
    {
      case: 'a namespace of 64 characters',
      object: namespace('a'.repeat(64)),
      field: 'metadata.name',
      reason: 'FieldValueInvalid',
    },
    {
      case: 'a label’s value',
      object: configMap('a', {}, { labels: { a: 'x y' } }),
      field: 'metadata.labels',
      reason: 'FieldValueInvalid',
    },
    {
      case: 'a label’s value of 64 characters',
      object: configMap('a', {}, { labels: { a: 'x'.repeat(64) } }),
      field: 'metadata.labels',
      reason: 'FieldValueInvalid',
    },
    {
      case: 'a label’s key',
      object: configMap('a', {}, { labels: { 'a/b/c': 'x' } }),
      field: 'metadata.labels',
      reason: 'FieldValueInvalid',
    },
    {
      case: 'an annotation’s key',
      object: configMap('a', {}, { annotations: { '-': 'x' } }),
      field: 'metadata.annotations',
      reason: 'FieldValueInvalid',
    },
    {
      case: 'annotations beyond 256 KiB',
      object: configMap('a', {}, { annotations: { a: 'x'.repeat(262_144) } }),
      field: 'metadata.annotations',
      reason: 'FieldValueTooLong',
    },
    {
      case: 'a finalizer without a domain',
      object: configMap('a', {}, { finalizers: ['mine'] }),
      field: 'metadata.finalizers[0]',
      reason: 'FieldValueInvalid',
    },
    {
      case: 'an owner without a uid',
      object: configMap('a', {}, { ownerReferences: [ownedBy(configMap('b'))] }),
      field: 'metadata.ownerReferences.uid',
      reason: 'FieldValueInvalid',
    },
    {
      case: 'a key of a ConfigMap',
      object: configMap('a', { 'a b': '1' }),
      field: 'data[a b]',
      reason: 'FieldValueInvalid',
    },
    {
      case: 'a pod without containers',
      object: pod('a', {}, { containers: [] }),
      field: 'spec.containers',
      reason: 'FieldValueRequired',
    },
    {
      case: 'a Job that always restarts',
      object: job('a', {}, { restartPolicy: 'Always' }),
      field: 'spec.template.spec.restartPolicy',
      reason: 'FieldValueRequired',
    },
    {
      case: 'a Job without containers',
      object: job('a', {}, { containers: undefined }),
      field: 'spec.template.spec.containers',
      reason: 'FieldValueRequired',
    },
    {
      case: 'a Job whose name fits no label',
      object: job('a'.repeat(64)),
      field: 'spec.template.labels',
      reason: 'FieldValueInvalid',
    },
    {
      case: 'a negative backoffLimit',
      object: job('a', { backoffLimit: -1 }),
      field: 'spec.backoffLimit',
      reason: 'FieldValueInvalid',
    },
    {
      case: 'a failure policy on restarting pods',
      object: job('a', { podFailurePolicy: { rules: [] } }, { restartPolicy: 'OnFailure' }),
      field: 'spec.template.spec.restartPolicy',
      reason: 'FieldValueInvalid',
    },
    {
      case: 'a failure rule of an unknown container',
      object: job('a', {
        podFailurePolicy: {
          rules: [{ action: 'FailJob', onExitCodes: { containerName: 'x', operator: 'In', values: [1] } }],
        },
      }),
      field: 'spec.podFailurePolicy.rules[0].onExitCodes.containerName',
      reason: 'FieldValueInvalid',
    },
    {
      case: 'a failure rule without a condition',
      object: job('a', { podFailurePolicy: { rules: [{ action: 'Ignore' }] } }),
      field: 'spec.podFailurePolicy.rules[0]',
      reason: 'FieldValueInvalid',
    },
    {
      case: 'a failure rule with unordered codes',
      object: job('a', {
        podFailurePolicy: { rules: [{ action: 'FailJob', onExitCodes: { operator: 'In', values: [2, 1] } }] },
      }),
      field: 'spec.podFailurePolicy.rules[0].onExitCodes.values',
      reason: 'FieldValueInvalid',
    },
    {
      case: 'a container without an image',
      object: withContainer({ image: '' }),
      field: 'spec.template.spec.containers[0].image',
      reason: 'FieldValueRequired',
    },
    {
      case: 'a container’s name',
      object: withContainer({ name: 'Main' }),
      field: 'spec.template.spec.containers[0].name',
      reason: 'FieldValueInvalid',
    },
    {
      case: 'a variable with =',
      object: withContainer({ env: [{ name: 'A=B' }] }),
      field: 'spec.template.spec.containers[0].env[0].name',
      reason: 'FieldValueInvalid',
    },
    {
      case: 'a variable with two sources',
      object: withContainer({ env: [{ name: 'A', value: 'x', valueFrom: { fieldRef: {} } }] }),
      field: 'spec.template.spec.containers[0].env[0].valueFrom',
      reason: 'FieldValueInvalid',
    },
    {
      case: 'a mount of no volume',
      object: withContainer({ volumeMounts: [{ name: 'x', mountPath: '/x' }] }),
      field: 'spec.template.spec.containers[0].volumeMounts[0].name',
      reason: 'FieldValueNotFound',
    },
    {
      case: 'more requested than allowed',
      object: withContainer({ resources: { requests: { cpu: '1' }, limits: { cpu: '500m' } } }),
      field: 'spec.template.spec.containers[0].resources.requests',
      reason: 'FieldValueInvalid',
    },
    {
      case: 'a port',
      object: withContainer({ ports: [{ containerPort: 70_000 }] }),
      field: 'spec.template.spec.containers[0].ports[0].containerPort',
      reason: 'FieldValueInvalid',
    },
    {
      case: 'a sidecar that restarts on failure',
      object: job('a', {}, { initContainers: [{ name: 's', image: 'b', restartPolicy: 'OnFailure' }] }),
      field: 'spec.template.spec.initContainers[0].restartPolicy',
      reason: 'FieldValueNotSupported',
    },
    {
      case: 'two containers of one name',
      object: job('a', {}, { initContainers: [{ name: 'main', image: 'b' }] }),
      field: 'spec.template.spec.initContainers[0].name',
      reason: 'FieldValueDuplicate',
    },
    {
      case: 'a volume of two kinds',
      object: job('a', {}, { volumes: [{ name: 'v', emptyDir: {}, secret: {} }] }),
      field: 'spec.template.spec.volumes[0].secret',
      reason: 'FieldValueForbidden',
    },
  ])('$case', ({ object, field, reason }) => {
    expect(causesOf(object)).toContainEqual(expect.objectContaining({ field, reason }));
  });

  test('all at once, with a message that lists them', () => {
    const object = job('Bad', { backoffLimit: -1 });
    expect(caught(() => storage.create(object))).toMatchObject({
      code: 422,
      reason: 'Invalid',
      message: expect.stringMatching(
        /^Job\.batch "Bad" is invalid: \[metadata\.name: .*, spec\.backoffLimit: Invalid value: -1: must be greater than or equal to 0/,
      ),
      details: { name: 'Bad', group: 'batch', kind: 'Job' },
    });
  });
});

describe('what cannot even be read is a bad request', () => {
  test.each([
    {
      case: 'a number as a label',
      object: configMap('a', {}, { labels: { a: 1 as never } }),
      message:
        'ConfigMap in version "v1" cannot be handled as a ConfigMap: json: cannot unmarshal number into Go struct field ObjectMeta.metadata.labels of type string',
    },
    {
      case: 'a number as data',
      object: configMap('a', { a: 1 as never }),
      message: /field ConfigMap\.data of type string$/,
    },
    {
      case: 'a boolean as a variable',
      object: withContainer({ env: [{ name: 'A', value: true }] }),
      message:
        /cannot unmarshal bool into Go struct field EnvVar\.spec\.template\.spec\.containers\.env\.value of type string$/,
    },
    {
      case: 'containers that are no list',
      object: job('a', {}, { containers: {} }),
      message: /field Job\.spec\.template\.spec\.containers of type \[\]$/,
    },
    {
      case: 'arguments that are numbers',
      object: withContainer({ args: [1] }),
      message: /Container\.spec\.template\.spec\.containers\.args of type string$/,
    },
    {
      case: 'an amount',
      object: withContainer({ resources: { limits: { cpu: 'much' } } }),
      message: /quantities must match the regular expression/,
    },
    {
      case: 'a Secret that is not base64',
      object: { ...configMap('a', { a: 'a%' }), kind: 'Secret' },
      message: 'Secret in version "v1" cannot be handled as a Secret: illegal base64 data at input byte 1',
    },
  ])('$case', ({ object, message }) => {
    const expected = typeof message === 'string' ? message : expect.stringMatching(message);
    expect(caught(() => storage.create(object))).toMatchObject({ code: 400, reason: 'BadRequest', message: expected });
  });
});

describe('what stays as it was made', () => {
  const change = (object: KubeObject, spec: object) => ({ ...object, spec: { ...object['spec'], ...spec } });

  test('a Job’s template, selector and completions; not its limits', () => {
    const created = storage.create(job('a'));
    const template = structuredClone(created['spec'].template);
    template.spec.containers[0].image = 'app:2';
    for (const spec of [{ template }, { completions: 2 }, { selector: {} }]) {
      expect(caught(() => storage.update(change(created, spec)))).toMatchObject({
        code: 422,
        details: { causes: [{ reason: 'FieldValueInvalid', message: expect.stringContaining('field is immutable') }] },
      });
    }
    expect(
      storage.update(change(created, { backoffLimit: 1, suspend: true, activeDeadlineSeconds: 5 }))['spec']
        .backoffLimit,
    ).toBe(1);
  });

  test('a pod, but for being bound and for its images', () => {
    const created = storage.create(pod('p'));
    const bound = storage.update(change(created, { nodeName: 'node' }));
    expect(caught(() => storage.update(change(bound, { nodeName: 'other' })))).toMatchObject({ code: 422 });
    expect(caught(() => storage.update(change(bound, { restartPolicy: 'Never' })))).toMatchObject({ code: 422 });
    const containers = [{ ...bound['spec'].containers[0], image: 'app:2' }];
    expect(storage.update(change(bound, { containers }))['spec'].containers[0].image).toBe('app:2');
  });

  test('an immutable ConfigMap', () => {
    storage.create({ ...configMap('a', { x: '1' }), immutable: true });
    expect(caught(() => storage.update({ ...configMap('a', { x: '2' }), immutable: true }))).toMatchObject({
      code: 422,
    });
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
        code: 400,
        message: expect.stringContaining('validation failed: Immutable fields changed (-old +new): spec'),
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
