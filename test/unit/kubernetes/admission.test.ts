/** What Knative's webhooks refuse, in their own words. */
import { beforeEach, describe, expect, test } from 'vitest';
import type { Storage } from '#local/kubernetes/storage.ts';
import type { KubeObject } from '#shared/kubernetes/object.ts';
import { broker, caught, createCluster, NAMESPACE, service, trigger } from './objects.ts';

let storage: Storage;
beforeEach(() => {
  storage = createCluster();
});

const refusal = (object: KubeObject) =>
  caught(() => storage.create(object)) as { code: number; reason: string; message: string };
const PREFIX = 'spec.template.metadata.annotations.autoscaling.knative.dev';
const POD = 'spec.template.spec';

const annotated = (annotations: Record<string, string>): KubeObject => {
  const object = service('fn');
  const full = Object.entries(annotations).map(([name, value]) => [`autoscaling.knative.dev/${name}`, value]);
  object['spec'].template.metadata = { annotations: Object.fromEntries(full) };
  return object;
};
const source = (kind: string, spec: object): KubeObject => ({
  apiVersion: 'sources.knative.dev/v1',
  kind,
  metadata: { name: 's', namespace: NAMESPACE },
  spec: { sink: { uri: 'http://broker.example.com' }, ...spec },
});

describe('a Service is refused for', () => {
  test.each([
    { case: 'no container', object: service('fn', { containers: [] }), says: `missing field(s): ${POD}.containers` },
    {
      case: 'no image',
      object: service('fn', {}, { image: '' }),
      says: `missing field(s): ${POD}.containers[0].image`,
    },
    {
      case: 'two containers',
      object: service('fn', { containers: [{ image: 'a' }, { image: 'b' }] }),
      says: 'multi-container is off, but found 2 containers',
    },
    {
      case: 'a name that begins with a digit',
      object: service('1fn'),
      says: 'not a DNS 1035 label: [a DNS-1035 label must consist',
    },
    { case: 'a name of 64 characters', object: service('a'.repeat(64)), says: 'must be no more than 63 characters' },
    {
      case: 'autoscaling annotations of its own',
      object: {
        ...service('fn'),
        metadata: { name: 'fn', namespace: NAMESPACE, annotations: { 'autoscaling.knative.dev/min-scale': '1' } },
      },
      says: 'invalid key name "autoscaling.knative.dev/min-scale": metadata.annotations\nautoscaling annotations must be put under "spec.template.metadata.annotations" to work',
    },
    {
      case: 'init containers',
      object: service('fn', { initContainers: [{ image: 'a' }] }),
      says: `must not set the field(s): ${POD}.initContainers`,
    },
    {
      case: 'a pod’s security context',
      object: service('fn', { securityContext: { runAsUser: 1 } }),
      says: `must not set the field(s): ${POD}.securityContext`,
    },
    {
      case: 'several fields that are not its own',
      object: service('fn', { nodeSelector: {}, restartPolicy: 'Never' }),
      says: `must not set the field(s): ${POD}.nodeSelector, ${POD}.restartPolicy`,
    },
    {
      case: 'wanting a token',
      object: service('fn', { automountServiceAccountToken: true }),
      says: `must not set the field(s): ${POD}.automountServiceAccountToken`,
    },
    {
      case: 'a time-out above ten minutes',
      object: service('fn', { timeoutSeconds: 601 }),
      says: `expected 0 <= 601 <= 600: ${POD}.timeoutSeconds`,
    },
    {
      case: 'too much concurrency',
      object: service('fn', { containerConcurrency: 1001 }),
      says: `expected 0 <= 1001 <= 1000: ${POD}.containerConcurrency`,
    },
    {
      case: 'reserved variables',
      object: service('fn', {}, { env: [{ name: 'PORT', value: '1' }] }),
      says: `"PORT" is a reserved environment variable: ${POD}.containers[0].env[0].name`,
    },
    {
      case: 'variables from fields',
      object: service('fn', {}, { env: [{ name: 'A', valueFrom: { fieldRef: {} } }] }),
      says: `must not set the field(s): ${POD}.containers[0].env[0].valueFrom.fieldRef`,
    },
    {
      case: 'two ports',
      object: service('fn', {}, { ports: [{ containerPort: 1 }, { containerPort: 2 }] }),
      says: `more than one container port is set: ${POD}.containers[*].ports`,
    },
    {
      case: 'a reserved port',
      object: service('fn', {}, { ports: [{ containerPort: 8012 }] }),
      says: 'invalid value: 8012 is a reserved port',
    },
    {
      case: 'a port’s name',
      object: service('fn', {}, { ports: [{ containerPort: 80, name: 'web' }] }),
      says: 'Port name web is not allowed',
    },
    {
      case: 'privileges',
      object: service('fn', {}, { securityContext: { privileged: true, capabilities: { add: ['NET_ADMIN'] } } }),
      says: `must not set the field(s): ${POD}.containers[0].securityContext.capabilities.add, ${POD}.containers[0].securityContext.privileged`,
    },
    {
      case: 'a volume of the host',
      object: service('fn', { volumes: [{ name: 'v', hostPath: {} }] }),
      says: `must not set the field(s): ${POD}.volumes[0].hostPath`,
    },
    {
      case: 'a volume that nobody mounts',
      object: service('fn', { volumes: [{ name: 'v', emptyDir: {} }] }),
      says: `volume with name "v" not mounted: ${POD}.volumes[0].name`,
    },
    {
      case: 'a reserved path',
      object: service(
        'fn',
        { volumes: [{ name: 'v', emptyDir: {} }] },
        { volumeMounts: [{ name: 'v', mountPath: '/dev/' }] },
      ),
      says: 'mountPath "/dev" is a reserved path',
    },
    {
      case: 'a mount of no volume',
      object: service('fn', {}, { volumeMounts: [{ name: 'v', mountPath: '/x' }] }),
      says: 'volumeMount has no matching volume',
    },
    {
      case: 'a class of autoscaler',
      object: annotated({ class: 'x.autoscaling.knative.dev' }),
      says: `invalid value: x.autoscaling.knative.dev: ${PREFIX}/class`,
    },
    {
      case: 'more minimum than maximum',
      object: annotated({ 'min-scale': '5', 'max-scale': '2' }),
      says: 'max-scale=2 is less than min-scale=5',
    },
    {
      case: 'a scale that is no number',
      object: annotated({ 'min-scale': 'x' }),
      says: `invalid value: x: ${PREFIX}/min-scale`,
    },
    { case: 'a target of nothing', object: annotated({ target: '0' }), says: 'target 0 should be at least 0.01' },
    {
      case: 'a utilization',
      object: annotated({ 'target-utilization-percentage': '200' }),
      says: 'expected 1 <= 200 <= 100',
    },
    { case: 'a window', object: annotated({ window: '5s' }), says: `expected 6s <= 5s <= 1h0m0s: ${PREFIX}/window` },
    {
      case: 'a delay beyond an hour',
      object: annotated({ 'scale-down-delay': '1h1s' }),
      says: 'expected 0s <= 1h1s <= 1h0m0s',
    },
    { case: 'a delay that is no duration', object: annotated({ 'scale-down-delay': '30' }), says: 'invalid value: 30' },
    {
      case: 'a metric that the class has not',
      object: annotated({ metric: 'cpu' }),
      says: `invalid value: cpu: ${PREFIX}/metric`,
    },
    {
      case: 'a revision’s name of another',
      object: {
        ...service('fn'),
        spec: { template: { metadata: { name: 'other-1' }, spec: { containers: [{ image: 'a' }] } } },
      },
      says: 'must have prefix "fn-"',
    },
    {
      case: 'traffic that does not add up',
      object: { ...service('fn'), spec: { ...service('fn')['spec'], traffic: [{ percent: 50 }] } },
      says: 'Traffic targets sum to 50, want 100: spec.traffic',
    },
  ])('$case', ({ object, says }) => {
    const { code, reason, message } = refusal(object);
    expect({ code, reason }).toEqual({ code: 400, reason: 'BadRequest' });
    expect(message).toMatch(
      /^admission webhook "validation\.webhook\.serving\.knative\.dev" denied the request: validation failed: /,
    );
    expect(message).toContain(says);
  });
});

describe('a Service is taken with', () => {
  test.each([
    {
      case: 'all that a restricted pod needs',
      object: service(
        'fn',
        { automountServiceAccountToken: false, serviceAccountName: 'fn' },
        {
          securityContext: {
            allowPrivilegeEscalation: false,
            runAsNonRoot: true,
            runAsUser: 1000,
            readOnlyRootFilesystem: true,
            capabilities: { drop: ['ALL'] },
            seccompProfile: { type: 'RuntimeDefault' },
            privileged: false,
          },
        },
      ),
    },
    {
      case: 'a writable /tmp',
      object: service(
        'fn',
        { volumes: [{ name: 'tmp', emptyDir: {} }] },
        { volumeMounts: [{ name: 'tmp', mountPath: '/tmp' }] },
      ),
    },
    {
      case: 'variables from a ConfigMap and a Secret',
      object: service(
        'fn',
        {},
        {
          envFrom: [{ configMapRef: { name: 'c' } }],
          env: [{ name: 'A', valueFrom: { secretKeyRef: { name: 's', key: 'k' } } }],
        },
      ),
    },
    {
      case: 'every autoscaling annotation we use',
      object: annotated({
        class: 'hpa.autoscaling.knative.dev',
        metric: 'cpu',
        target: '80',
        'min-scale': '0',
        'max-scale': '10',
        'scale-down-delay': '30s',
        window: '1m30s',
        'initial-scale': '1',
      }),
    },
    { case: 'a name of 63 characters', object: service('a'.repeat(63)) },
  ])('$case', ({ object }) => {
    expect(storage.create(object).metadata.generation).toBe(1);
  });

  test('a mounted ConfigMap, which becomes read-only', () => {
    const created = storage.create(
      service(
        'fn',
        { volumes: [{ name: 'v', configMap: { name: 'c' } }] },
        { volumeMounts: [{ name: 'v', mountPath: '/etc/c' }] },
      ),
    );
    expect(created['spec'].template.spec.containers[0].volumeMounts[0].readOnly).toBe(true);
  });
});

describe('of eventing is refused', () => {
  test.each([
    { case: 'a Trigger without a broker', object: trigger('t', { broker: '' }), says: 'missing field(s): spec.broker' },
    {
      case: 'a Trigger without a subscriber',
      object: trigger('t', { subscriber: undefined }),
      says: 'expected at least one, got none: spec.subscriber.ref, spec.subscriber.uri',
    },
    {
      case: 'a Trigger with half a reference',
      object: trigger('t', { subscriber: { ref: { kind: 'Service' } } }),
      says: 'missing field(s): spec.subscriber.ref.apiVersion, spec.subscriber.ref.name',
    },
    {
      case: 'a Trigger with a relative URI alone',
      object: trigger('t', { subscriber: { uri: '/x' } }),
      says: 'Relative URI is not allowed',
    },
    {
      case: 'a filter by what is no attribute',
      object: trigger('t', { filter: { attributes: { 'A-b': 'x' } } }),
      says: 'invalid key name "A-b": spec.filter.attributes[A-b]',
    },
    {
      case: 'a filter by a number',
      object: trigger('t', { filter: { attributes: { a: 1 } } }),
      says: 'invalid value: 1',
    },
    {
      case: 'parallelism of nothing',
      object: trigger('t', {}, { annotations: { 'rabbitmq.eventing.knative.dev/parallelism': '0' } }),
      says: 'expected 1 <= 0 <= 1000',
    },
    {
      case: 'parallelism that is no number',
      object: trigger('t', {}, { annotations: { 'rabbitmq.eventing.knative.dev/parallelism': 'many' } }),
      says: 'invalid value: many',
    },
    {
      case: 'a delivery',
      object: trigger('t', { delivery: { retry: -1, backoffPolicy: 'random', backoffDelay: '1s', timeout: 'PT' } }),
      says: 'invalid value: -1: spec.delivery.retry\ninvalid value: 1s: spec.delivery.backoffDelay\ninvalid value: PT: spec.delivery.timeout\ninvalid value: random: spec.delivery.backoffPolicy',
    },
    {
      case: 'a Broker with half a config',
      object: broker('b', { config: { name: 'x' } }),
      says: 'missing field(s): spec.config.apiVersion, spec.config.kind',
    },
    {
      case: 'a Broker whose dead letters go nowhere',
      object: broker('b', { delivery: { deadLetterSink: {} } }),
      says: 'expected at least one, got none: spec.delivery.deadLetterSink.ref',
    },
    {
      case: 'an ApiServerSource in an unknown mode',
      object: source('ApiServerSource', { mode: 'All', resources: [{ apiVersion: 'v1', kind: 'Pod' }] }),
      says: 'invalid value: All: spec.mode',
    },
    {
      case: 'an ApiServerSource of nothing',
      object: source('ApiServerSource', { resources: [] }),
      says: 'missing field(s): spec.resources',
    },
    {
      case: 'a source without a sink',
      object: source('PingSource', { sink: undefined }),
      says: 'expected at least one, got none: spec.sink.ref',
    },
    {
      case: 'a schedule',
      object: source('PingSource', { schedule: 'often' }),
      says: 'invalid value: expected 5 to 6 fields, found 1: [often]: spec.schedule',
    },
    {
      case: 'a schedule of every second',
      object: source('PingSource', { schedule: '@every 1s' }),
      says: 'unsupported descriptor @every',
    },
  ])('$case', ({ object, says }) => {
    const { code, message } = refusal(object);
    expect(code).toBe(400);
    expect(message).toContain(says);
  });
});

describe('defaults of eventing', () => {
  test('a Trigger belongs to its broker by label, and means services of its own namespace', () => {
    const created = storage.create(trigger('t', { filter: undefined }));
    expect(created.metadata.labels).toEqual({ 'eventing.knative.dev/broker': 'default' });
    expect(created['spec']).toMatchObject({ filter: {}, subscriber: { ref: { namespace: NAMESPACE } } });
  });

  test('a Broker without a class is not RabbitMQ’s; one without delivery gets the cluster’s', () => {
    const { metadata, ...rest } = broker('b', { delivery: undefined });
    const { annotations: _a, ...bare } = metadata;
    const created = storage.create({ ...rest, metadata: bare });
    expect(created.metadata.annotations).toEqual({ 'eventing.knative.dev/broker.class': 'MTChannelBasedBroker' });
    expect(created['spec'].delivery).toEqual({ retry: 10, backoffPolicy: 'exponential', backoffDelay: 'PT0.2S' });
  });
});
