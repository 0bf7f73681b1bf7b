/** The user's function as Knative is told of it. */
import { describe, expect, test } from 'vitest';
import { expandVariables } from '#local/kubelet/expand-variables.ts';
import type { SecretMetadata } from '#shared/clients/cluster.ts';
import { type Parameters, parametersSchema } from '#shared/events/parameters.ts';
import { type Build, observedAt, readBuild } from '#shared/specs/annotations.ts';
import { knativeService } from '#shared/specs/knative-service.ts';
import { labelValue } from '#shared/specs/names.ts';
import { isSecretOf, secretsVersion } from '#shared/specs/secrets.ts';
import { functionTrigger } from '#shared/specs/trigger.ts';
import { schemaProblems } from '#test/fixtures/crds/schema-problems.ts';

const KEY = 'ab'.repeat(32);
const IMAGE = `registry.example/fn/fn-p1-742d58c1@sha256:${'1'.repeat(64)}`;
const NAME = 'fn-p1-742d58c1';
const settings = { namespace: 'functions', progressDeadline: '120s' };

const build = (parameters: Parameters = {}, changed: Partial<Build> = {}): Build => ({
  third_party_id: 'acme',
  parser_id: 'p1',
  build_key: KEY,
  fingerprint: 'cd'.repeat(32),
  observed_at: '2026-01-02T03:04:05.678Z',
  correlation_id: 'c-1',
  event_id: 'end-1',
  image: 'registry.example/fn/fn-p1-742d58c1:tag',
  language: 'python',
  priority: 5,
  parameters,
  ...changed,
});

const service = (parameters: Parameters = {}, changed: Partial<Build> = {}) =>
  knativeService(build(parameters, changed), IMAGE, settings);
const template = (parameters: Parameters) => service(parameters).spec.template;
const scaling = (asked: Parameters['scaling']) =>
  Object.fromEntries(
    Object.entries(template(asked ? { scaling: asked } : {}).metadata.annotations as Record<string, string>)
      .filter(([key]) => key.startsWith('autoscaling.'))
      .map(([key, value]) => [key.split('/')[1], value]),
  );

const labels = {
  'app.kubernetes.io/name': NAME,
  'app.kubernetes.io/component': 'function',
  'app.kubernetes.io/part-of': 'knative-lambda',
  'app.kubernetes.io/managed-by': 'knative-lambda',
  'knative-lambda/third-party-id': 'acme',
  'knative-lambda/parser-id': 'p1',
};

const annotations = {
  'knative-lambda/third-party-id': 'acme',
  'knative-lambda/parser-id': 'p1',
  'knative-lambda/build-key': KEY,
  'knative-lambda/fingerprint': 'cd'.repeat(32),
  'knative-lambda/observed-at': '2026-01-02T03:04:05.678Z',
  'knative-lambda/correlation-id': 'c-1',
  'knative-lambda/event-id': 'end-1',
  'knative-lambda/image': 'registry.example/fn/fn-p1-742d58c1:tag',
  'knative-lambda/language': 'python',
  'knative-lambda/priority': '5',
  'knative-lambda/parameters': '{}',
};

test('consent to keep inputs stands on the Service alone, so that giving it makes no new version', () => {
  const consenting = service({ record: true });
  expect(consenting.metadata.annotations).toMatchObject({ 'knative-lambda/record': 'true' });
  expect(consenting.spec).toEqual(service().spec);
  expect(service({ record: false }).metadata.annotations).not.toHaveProperty('knative-lambda/record');
});

test('the whole Service, with the defaults', () => {
  expect(service()).toEqual({
    apiVersion: 'serving.knative.dev/v1',
    kind: 'Service',
    metadata: {
      name: NAME,
      namespace: 'functions',
      labels: {
        ...labels,
        'knative-lambda/build-key': KEY.slice(0, 63),
        'networking.knative.dev/visibility': 'cluster-local',
      },
      annotations: { ...annotations, 'knative-lambda/delivery': 'shared' },
    },
    spec: {
      template: {
        metadata: {
          labels,
          annotations: {
            'autoscaling.knative.dev/class': 'kpa.autoscaling.knative.dev',
            'autoscaling.knative.dev/metric': 'concurrency',
            'autoscaling.knative.dev/target': '100',
            'autoscaling.knative.dev/min-scale': '0',
            'autoscaling.knative.dev/max-scale': '10',
            'autoscaling.knative.dev/scale-down-delay': '30s',
            'serving.knative.dev/progress-deadline': '120s',
          },
        },
        spec: {
          serviceAccountName: 'knative-lambda-function',
          automountServiceAccountToken: false,
          enableServiceLinks: false,
          containerConcurrency: 0,
          timeoutSeconds: 300,
          containers: [
            {
              name: 'user-container',
              image: IMAGE,
              ports: [{ name: 'http1', containerPort: 8080 }],
              env: [
                { name: 'FUNCTION_TIMEOUT_SECONDS', value: '300' },
                { name: 'SERVICE_NAME', value: NAME },
                { name: 'THIRD_PARTY_ID', value: 'acme' },
                { name: 'PARSER_ID', value: 'p1' },
              ],
              envFrom: [{ configMapRef: { name: 'knative-lambda-function-env', optional: true } }],
              resources: { requests: { cpu: '100m', memory: '128Mi' }, limits: { cpu: '500m', memory: '512Mi' } },
              readinessProbe: { httpGet: { path: '/health/readiness', port: 8080 }, successThreshold: 1 },
              securityContext: {
                runAsNonRoot: true,
                allowPrivilegeEscalation: false,
                capabilities: { drop: ['ALL'] },
                seccompProfile: { type: 'RuntimeDefault' },
              },
            },
          ],
        },
      },
    },
  });
});

const everything: Parameters = {
  env: { COLOUR: 'red', SERVICE_NAME: 'mine' },
  scaling: { min: 2, max: 20, target: 0.5, metric: 'rps', class: 'kpa', scale_down_delay: '5m' },
  resources: { requests: { cpu: '1', memory: '1Gi' }, limits: { cpu: '2', memory: '2Gi' } },
  timeout_seconds: 600,
  concurrency: 3,
};

test('what a request asks for', () => {
  const { metadata, spec } = template(everything);
  expect(metadata.annotations).toMatchObject({
    'autoscaling.knative.dev/metric': 'rps',
    'autoscaling.knative.dev/target': '0.5',
    'autoscaling.knative.dev/min-scale': '2',
    'autoscaling.knative.dev/max-scale': '20',
    'autoscaling.knative.dev/scale-down-delay': '5m',
  });
  expect(spec).toMatchObject({ timeoutSeconds: 600, containerConcurrency: 3 });
  expect(spec.containers[0].resources).toEqual(everything.resources);
});

test('a value is given as it was written, whatever Kubernetes would make of it', () => {
  const env = { A: 'a', B: '$(A)', C: 'pa$$word', D: '$', E: '$x', F: '$$(A)' };
  const made: { name: string; value: string }[] = template({ ...everything, env }).spec.containers[0].env;
  const known = Object.fromEntries(made.map(({ name, value }) => [name, value]));
  const expanded = Object.keys(env).map((name) => [name, expandVariables(known[name] ?? '', known)]);
  expect(Object.fromEntries(expanded)).toEqual(env);
});

test.each([
  { case: 'NUL', env: { A: 'a\0b' } },
  { case: 'half of a surrogate pair', env: { A: '\ud800' } },
  { case: 'a name that would be left out', env: JSON.parse('{"__proto__":"x"}') },
  {
    case: 'more variables than anybody needs',
    env: Object.fromEntries(Array.from({ length: 1001 }, (_, n) => [`A${n}`, ''])),
  },
  {
    case: 'more bytes than annotations hold',
    env: Object.fromEntries(Array.from({ length: 8 }, (_, n) => [`A${n}`, 'x'.repeat(30_000)])),
  },
])('an environment with $case is refused', ({ env }) => {
  expect(parametersSchema.safeParse({ env }).success).toBe(false);
});

test('a name of the environment occurs once, with the request’s value', () => {
  expect(template(everything).spec.containers[0].env).toEqual([
    { name: 'FUNCTION_TIMEOUT_SECONDS', value: '600' },
    { name: 'SERVICE_NAME', value: 'mine' },
    { name: 'THIRD_PARTY_ID', value: 'acme' },
    { name: 'PARSER_ID', value: 'p1' },
    { name: 'COLOUR', value: 'red' },
  ]);
});

test('of a container with a Dockerfile of its own only the port is known', () => {
  expect(service({}, { language: 'docker' }).spec.template.spec.containers[0].readinessProbe).toEqual({
    tcpSocket: { port: 8080 },
    successThreshold: 1,
  });
});

describe('autoscaling', () => {
  test.each<{ case: string; asked: Parameters['scaling']; annotations: Record<string, string> }>([
    {
      case: 'more at least than the default at most',
      asked: { min: 30 },
      annotations: { 'min-scale': '30', 'max-scale': '30' },
    },
    {
      case: 'by requests per second',
      asked: { metric: 'rps', target: 50 },
      annotations: { metric: 'rps', target: '50' },
    },
    {
      case: 'by Kubernetes’ own autoscaler, which never goes to zero',
      asked: { class: 'hpa' },
      annotations: { class: 'hpa.autoscaling.knative.dev', metric: 'cpu', 'min-scale': '1', 'max-scale': '10' },
    },
    {
      case: 'by memory',
      asked: { class: 'hpa', metric: 'memory', target: 200, min: 3, max: 4 },
      annotations: { metric: 'memory', target: '200', 'min-scale': '3', 'max-scale': '4' },
    },
  ])('$case', ({ asked, annotations }) => {
    expect(scaling(asked)).toMatchObject(annotations);
  });

  test('Kubernetes’ autoscaler gets no annotation of Knative’s', () => {
    expect(Object.keys(scaling({ class: 'hpa' }))).not.toContain('scale-down-delay');
    expect(Object.keys(scaling({ class: 'hpa' }))).not.toContain('target');
  });
});

test.each<{ case: string; asked: Parameters['resources']; given: object }>([
  {
    case: 'a request above the default limit raises it',
    asked: { requests: { memory: '1Gi' } },
    given: { requests: { cpu: '100m', memory: '1Gi' }, limits: { cpu: '500m', memory: '1Gi' } },
  },
  {
    case: 'a limit below the default request lowers it',
    asked: { limits: { cpu: '50m' } },
    given: { requests: { cpu: '50m', memory: '128Mi' }, limits: { cpu: '50m', memory: '512Mi' } },
  },
  {
    case: 'different units are compared',
    asked: { requests: { cpu: '0.75', memory: '600000k' } },
    given: { requests: { cpu: '0.75', memory: '600000k' }, limits: { cpu: '0.75', memory: '600000k' } },
  },
  {
    case: 'a contradiction that was asked for is Kubernetes’ to judge',
    asked: { requests: { cpu: '2' }, limits: { cpu: '1' } },
    given: { requests: { cpu: '2', memory: '128Mi' }, limits: { cpu: '1', memory: '512Mi' } },
  },
])('resources: $case', ({ asked, given }) => {
  expect(template(asked ? { resources: asked } : {}).spec.containers[0].resources).toEqual(given);
});

test('a new request for the same image and settings makes no new revision', () => {
  const later = service({}, { observed_at: '2026-01-03T00:00:00.000Z', event_id: 'other', correlation_id: 'other' });
  expect(later.spec).toEqual(service().spec);
  expect(later.metadata.annotations).not.toEqual(service().metadata.annotations);
});

describe('the Trigger', () => {
  test('whole', () => {
    expect(functionTrigger(build(), settings)).toEqual({
      apiVersion: 'eventing.knative.dev/v1',
      kind: 'Trigger',
      metadata: {
        name: NAME,
        namespace: 'functions',
        labels: { ...labels, 'knative-lambda/build-key': KEY.slice(0, 63) },
        annotations: {
          ...annotations,
          'rabbitmq.eventing.knative.dev/parallelism': '50',
          'rabbitmq.eventing.knative.dev/cpu-request': '10m',
          'rabbitmq.eventing.knative.dev/memory-request': '24Mi',
          'rabbitmq.eventing.knative.dev/cpu-limit': '1',
          'rabbitmq.eventing.knative.dev/memory-limit': '256Mi',
        },
      },
      spec: {
        broker: 'default',
        filter: { attributes: { type: 'parser.deliver', subject: 'acme/p1', deliverylane: 'own' } },
        subscriber: { ref: { apiVersion: 'serving.knative.dev/v1', kind: 'Service', name: 'parser-events' } },
      },
    });
  });

  test('of a function that may take longer than the Broker waits has a delivery of its own, with a sink', () => {
    expect(functionTrigger(build({ timeout_seconds: 300 }), settings).spec.delivery).toBeUndefined();
    expect(functionTrigger(build({ timeout_seconds: 600 }), settings).spec.delivery).toEqual({
      retry: 3,
      backoffPolicy: 'exponential',
      backoffDelay: 'PT1S',
      timeout: 'PT610S',
      deadLetterSink: { ref: { apiVersion: 'eventing.knative.dev/v1', kind: 'Broker', name: 'dead-letters' } },
    });
  });
});

test.each<{ case: string; parameters: Parameters }>([
  { case: 'defaults', parameters: {} },
  { case: 'everything', parameters: everything },
  { case: 'hpa', parameters: { scaling: { class: 'hpa', metric: 'memory', target: 100 } } },
])('valid for the CRDs: $case', ({ parameters }) => {
  expect(schemaProblems(service(parameters))).toEqual([]);
  expect(schemaProblems(functionTrigger(build(parameters), settings))).toEqual([]);
});

describe('annotations', () => {
  test('are read back', () => {
    const whole = build(everything, { traceparent: '00-1-2-01', log: 's3://tmp/x' });
    expect(readBuild(knativeService(whole, IMAGE, settings))).toEqual(whole);
  });

  test.each([
    { case: 'none', annotations: undefined },
    { case: 'one is missing', annotations: { ...annotations, 'knative-lambda/fingerprint': '' } },
    { case: 'parameters are no JSON', annotations: { ...annotations, 'knative-lambda/parameters': '{' } },
  ])('that are not ours are not read: $case', ({ annotations }) => {
    expect(readBuild({ metadata: { annotations } })).toBeUndefined();
  });

  test('an object that tells no time is older than everything', () => {
    expect(observedAt({ metadata: { annotations: { 'knative-lambda/observed-at': 'yesterday' } } })).toBe(-Infinity);
    expect(observedAt({})).toBe(-Infinity);
  });
});

describe('Secrets', () => {
  const secrets = [
    { name: 'db', key: 'password', env: 'DB_PASSWORD' },
    { name: 'db', key: 'ca.crt', file: 'db/ca.crt' },
    { name: 'api', key: 'token', file: 'token' },
  ];
  const deployed = (parameters: Parameters, version?: string) =>
    knativeService(build(parameters), IMAGE, settings, 'shared', version);

  test('are variables and files, filled in by Kubernetes', () => {
    const { template } = deployed({ secrets }, 'v1').spec;
    const [container] = template.spec.containers;
    expect(container.env).toEqual([
      { name: 'FUNCTION_TIMEOUT_SECONDS', value: '300' },
      { name: 'SERVICE_NAME', value: NAME },
      { name: 'THIRD_PARTY_ID', value: 'acme' },
      { name: 'PARSER_ID', value: 'p1' },
      { name: 'SECRETS_DIRECTORY', value: '/secrets' },
      { name: 'DB_PASSWORD', valueFrom: { secretKeyRef: { name: 'db', key: 'password' } } },
    ]);
    expect(container.volumeMounts).toEqual([{ name: 'secrets', mountPath: '/secrets', readOnly: true }]);
    expect(template.spec.volumes).toEqual([
      {
        name: 'secrets',
        projected: {
          defaultMode: 0o444,
          sources: [
            { secret: { name: 'api', items: [{ key: 'token', path: 'token' }] } },
            { secret: { name: 'db', items: [{ key: 'ca.crt', path: 'db/ca.crt' }] } },
          ],
        },
      },
    ]);
    expect(template.metadata.annotations['knative-lambda/secrets-version']).toBe('v1');
    expect(deployed({ secrets }).metadata.labels).toMatchObject({ 'knative-lambda/uses-secrets': 'true' });
  });

  test('the folder is not named where there are no files, nor over a name of the request', () => {
    const variables = (parameters: Parameters) => deployed(parameters).spec.template.spec.containers[0].env;
    const [first] = secrets;
    expect(JSON.stringify(variables({ secrets: first ? [first] : [] }))).not.toContain('SECRETS_DIRECTORY');
    expect(variables({ secrets, env: { SECRETS_DIRECTORY: 'mine' } })).toContainEqual({
      name: 'SECRETS_DIRECTORY',
      value: 'mine',
    });
    const own = variables({ secrets: [{ name: 'db', key: 'k', env: 'PARSER_ID' }] });
    expect(own.filter(({ name }: { name: string }) => name === 'PARSER_ID')).toEqual([
      { name: 'PARSER_ID', valueFrom: { secretKeyRef: { name: 'db', key: 'k' } } },
    ]);
  });

  test.each([
    { case: 'with variables and files', parameters: { secrets } },
    { case: 'with an empty list', parameters: { secrets: [] } },
  ])('valid for the CRD $case', ({ parameters }) => {
    expect(schemaProblems(deployed(parameters, 'v1'))).toEqual([]);
  });

  const secret = (metadata: Partial<SecretMetadata['metadata']> = {}): SecretMetadata => ({
    metadata: {
      name: 'db',
      uid: 'u1',
      resourceVersion: '5',
      labels: { 'knative-lambda/secret-for': 'functions', 'knative-lambda/third-party-id': 'acme' },
      ...metadata,
    },
  });

  test('have a version that changes with each of them, and none where one is missing', () => {
    const api = secret({ name: 'api' });
    const of = (...found: SecretMetadata[]) =>
      secretsVersion(build({ secrets }), new Map(found.map((one) => [one.metadata.name, one])));
    const version = of(secret(), api);
    expect(version).toMatch(/^[0-9a-f]{32}$/);
    expect(of(api, secret(), secret({ name: 'other', resourceVersion: '9' }))).toBe(version);
    expect(of(secret({ resourceVersion: '6' }), api)).not.toBe(version);
    expect(of(secret({ uid: 'u2' }), api)).not.toBe(version);
    expect(of(secret())).toBeUndefined();
    expect(of(secret({ labels: {} }), api)).toBeUndefined();
    expect(secretsVersion(build(), new Map())).toBeUndefined();
  });

  const LONG = 'a'.repeat(100);
  const labelled = (tenant: string, annotation?: string) =>
    secret({
      labels: { 'knative-lambda/secret-for': 'functions', 'knative-lambda/third-party-id': labelValue(tenant) },
      ...(annotation === undefined ? {} : { annotations: { 'knative-lambda/third-party-id': annotation } }),
    });
  test.each([
    { case: 'labelled', given: labelled('acme'), tenant: 'acme', is: true },
    { case: 'labelled and annotated', given: labelled('acme', 'acme'), tenant: 'acme', is: true },
    { case: "another's", given: labelled('mallory'), tenant: 'acme', is: false },
    { case: 'annotated for another', given: labelled('acme', 'mallory'), tenant: 'acme', is: false },
    {
      case: 'annotated alone',
      given: secret({ labels: {}, annotations: { 'knative-lambda/third-party-id': 'acme' } }),
      tenant: 'acme',
      is: false,
    },
    {
      case: 'not for functions',
      given: secret({ labels: { 'knative-lambda/third-party-id': 'acme' } }),
      tenant: 'acme',
      is: false,
    },
    {
      case: 'for builds',
      given: secret({ labels: { 'knative-lambda/third-party-id': 'acme', 'knative-lambda/secret-for': 'builds' } }),
      tenant: 'acme',
      is: false,
    },
    { case: 'a long id, annotated', given: labelled(LONG, LONG), tenant: LONG, is: true },
    { case: 'a long id that the label alone names', given: labelled(LONG), tenant: LONG, is: false },
    { case: 'whose id is the label of the other', given: labelled(LONG, LONG), tenant: labelValue(LONG), is: false },
  ])('is its tenant’s: $case $is', ({ given, tenant, is }) => {
    expect(isSecretOf(tenant, given)).toBe(is);
  });
});
