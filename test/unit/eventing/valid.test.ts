/**
 * Every object that we would apply to a cluster is one that the cluster's own schemas allow, and the parts agree with
 * each other.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { ATTEMPTS } from '#functions/dead-letter/letter.ts';
import type { KubeObject } from '#shared/kubernetes/object.ts';
import { builderServices } from '#shared/manifests/builder-services.ts';
import { renderOverlay } from '#shared/manifests/render-overlay.ts';
import { schemaProblems } from '#test/fixtures/crds/schema-problems.ts';

const root = new URL('../../../', import.meta.url).pathname;
const environments = readdirSync(join(root, 'eventing/overlays'));
const functions = readdirSync(join(root, 'functions'));
const id = (object: KubeObject) => `${object.kind} ${object.metadata.namespace ?? ''}/${object.metadata.name}`;

describe('the schemas', () => {
  const broker = {
    apiVersion: 'eventing.knative.dev/v1',
    kind: 'Broker',
    metadata: { name: 'b' },
    spec: { delivery: { retry: 5, backoffDelay: 'PT1S', timeout: 'PT1M' } },
  };

  test('allow what is right', () => {
    expect(schemaProblems(broker)).toEqual([]);
  });

  test.each([
    { case: 'an unknown field', spec: { ...broker.spec, retries: 5 }, says: 'retries' },
    { case: 'an unknown field deeper down', spec: { delivery: { retry: 5, backoff: 'PT1S' } }, says: 'backoff' },
    { case: 'a wrong type', spec: { delivery: { retry: 'five' } }, says: 'spec.delivery.retry' },
  ])('refuse $case', ({ spec, says }) => {
    expect(schemaProblems({ ...broker, spec } as typeof broker).join()).toContain(says);
  });
});

describe.each(environments)('overlay %s', (environment) => {
  const objects = renderOverlay(join(root, 'eventing/overlays', environment));
  const namespace = `knative-lambda-${environment}`;
  const services = builderServices(root, { namespace, image: 'registry.example/image@sha256:0' });
  const named = new Map(objects.map((object) => [id(object), object]));

  test.each([...objects, ...services].map((object) => ({ case: id(object), object })))(
    '$case is valid',
    ({ object }) => {
      expect(schemaProblems(object)).toEqual([]);
    },
  );

  test('lies in its two namespaces alone', () => {
    const places = objects.map(({ kind, metadata }) => (kind === 'Namespace' ? metadata.name : metadata.namespace));

    expect(new Set(places)).toEqual(new Set([namespace, `${namespace}-builds`]));
  });

  test('no name of the base or of another environment is left in it', () => {
    const text = JSON.stringify(objects);
    const selected = named.get(`NetworkPolicy ${namespace}-builds/broker`)?.['spec'].egress[0].to[0].namespaceSelector;

    expect(environments.filter((name) => name !== environment && text.includes(`"knative-lambda-${name}`))).toEqual([]);
    expect(selected.matchLabels).toEqual({ 'kubernetes.io/metadata.name': namespace });
    expect(text).not.toContain('"knative-lambda-builds"');
  });

  test('every binding has its role beside it and binds an account that exists', () => {
    const bindings = objects.filter(({ kind }) => kind === 'RoleBinding');
    const missing = bindings.flatMap((binding) => [
      ...(named.has(`Role ${binding.metadata.namespace}/${binding['roleRef'].name}`) ? [] : [`${id(binding)}: role`]),
      ...binding['subjects']
        .filter(
          (subject: { namespace: string; name: string }) =>
            !named.has(`ServiceAccount ${subject.namespace}/${subject.name}`),
        )
        .map((subject: { name: string }) => `${id(binding)}: subject ${subject.name}`),
    ]);

    expect(bindings.length).toBeGreaterThan(8);
    expect(missing).toEqual([]);
  });

  test('every function runs as an account of its own, and only those with a role get a token', () => {
    const accounts = services.map((service) => service['spec'].template.spec.serviceAccountName);
    const bound = objects.filter(({ kind }) => kind === 'RoleBinding').flatMap((binding) => binding['subjects']);

    expect(accounts).toEqual(services.map(({ metadata }) => metadata.name));
    for (const account of accounts) {
      const { automountServiceAccountToken } = named.get(`ServiceAccount ${namespace}/${account}`) ?? {
        automountServiceAccountToken: 'no account',
      };
      expect([account, automountServiceAccountToken]).toEqual([account, bound.some(({ name }) => name === account)]);
    }
  });

  test("every Trigger goes from the Broker to a function that exists, by exact attributes, with the Broker's dead letters", () => {
    const triggers = objects.filter(({ kind, spec }) => kind === 'Trigger' && spec.broker !== 'dead-letters');

    for (const trigger of triggers) {
      expect(services.map(({ metadata }) => metadata.name)).toContain(trigger['spec'].subscriber.ref.name);
      // Any PingSource sends that type: only our own extension tells whose it is.
      // What recorder gets is marked, whatever its type: one Trigger in place of a dozen.
      const { task, deliverylane, recorded, ...others } = trigger['spec'].filter.attributes;
      expect(Object.keys(others)).toEqual(recorded === undefined ? ['type'] : []);
      expect([undefined, 'true']).toContain(recorded);
      expect(deliverylane).toBe(others.type === 'parser.deliver' ? 'overflow' : undefined);
      expect(task).toBe(others.type === 'dev.knative.sources.ping' ? 'sweep' : undefined);
      expect(trigger['spec'].broker).toBe('default');
      expect(trigger['spec'].delivery).toBeUndefined();
      expect(Number(trigger.metadata.annotations?.['rabbitmq.eventing.knative.dev/parallelism'])).toBeGreaterThan(0);
    }
    const routes = triggers
      .map(({ spec }) => `${spec.filter.attributes.type ?? 'recorded'} → ${spec.subscriber.ref.name}`)
      .sort();
    expect(routes).toEqual([
      'build.complete → build-complete',
      'build.complete → parser-events',
      'build.start → build-complete',
      'build.start → build-start',
      'build.start → job-start',
      'build.start → recorder',
      'dead-letter.purge → dead-letter-replay',
      'dead-letter.replay → dead-letter-replay',
      'dev.knative.apiserver.resource.add → cluster-events',
      'dev.knative.apiserver.resource.delete → cluster-events',
      'dev.knative.apiserver.resource.update → cluster-events',
      'dev.knative.sources.ping → sweep',
      'event.rejected → dead-letter',
      'job.start → job-start',
      'lifecycle.build.started → build-complete',
      'parser.deliver → parser-events',
      'parser.start → parser-events',
      'recorded → recorder',
      'service.delete → recorder',
      'service.delete → service-delete',
    ]);
  });

  test('the Broker dead-letters, and RabbitMQ is patient', () => {
    const broker = named.get(`Broker ${namespace}/default`);
    const rabbitmq = named.get(`RabbitmqCluster ${namespace}/rabbitmq`);

    expect(broker?.['spec'].delivery).toEqual({
      retry: 5,
      backoffPolicy: 'exponential',
      backoffDelay: 'PT1S',
      timeout: 'PT5M10S',
      deadLetterSink: { ref: { apiVersion: 'eventing.knative.dev/v1', kind: 'Broker', name: 'dead-letters' } },
    });
    expect(broker?.['spec'].delivery.retry).toBe(ATTEMPTS - 1);
    expect(rabbitmq?.['spec'].rabbitmq.additionalConfig).toContain('consumer_timeout = 3600000');
    expect(rabbitmq?.['spec'].rabbitmq.additionalConfig).toContain('heartbeat = 60');
  });

  test('the Broker of dead letters has one Trigger, which takes everything and tries for a week, and its queue has limits', () => {
    const triggers = objects.filter(({ kind, spec }) => kind === 'Trigger' && spec.broker === 'dead-letters');
    const { spec } = triggers[0] ?? { spec: undefined };
    const policy = named.get(`Policy ${namespace}/dead-letters`)?.['spec'];

    expect(named.get(`Broker ${namespace}/dead-letters`)?.['spec'].delivery).not.toHaveProperty('deadLetterSink');
    expect(triggers.map(({ metadata }) => metadata.name)).toEqual(['dead-letter']);
    expect(spec).not.toHaveProperty('filter');
    expect(spec.subscriber.ref).toMatchObject({ kind: 'Service', name: 'dead-letter' });
    expect(spec.delivery.deadLetterSink.ref).toMatchObject({ kind: 'Broker', name: 'dead-letters' });
    const waits = Array.from({ length: spec.delivery.retry }, (_, retry) => 10 * (retry + 1));
    expect(spec.delivery).toMatchObject({ backoffPolicy: 'linear', backoffDelay: 'PT10S' });
    expect(waits.reduce((sum, seconds) => sum + seconds) / (24 * 3600)).toBeGreaterThan(6.5);
    expect(`${namespace}.dead-letter.${crypto.randomUUID()}`).toMatch(new RegExp(policy.pattern));
    expect(`${namespace}.dead-letter-replay.${crypto.randomUUID()}`).not.toMatch(new RegExp(policy.pattern));
    expect(policy.definition['message-ttl']).toBe(7 * 24 * 3600 * 1000);
  });

  test('the sources watch what the builder makes, where it makes it', () => {
    const builds = named.get(`ApiServerSource ${namespace}/builds`)?.['spec'];

    expect(builds.namespaceSelector.matchLabels).toEqual({ 'kubernetes.io/metadata.name': `${namespace}-builds` });
    expect(named.get(`PingSource ${namespace}/sweep`)?.['spec']).toMatchObject({
      schedule: '* * * * *',
      ceOverrides: { extensions: { task: named.get(`Trigger ${namespace}/sweep`)?.['spec'].filter.attributes.task } },
    });
    expect(named.get(`ConfigMap ${namespace}/knative-lambda-config`)?.['data']).toMatchObject({
      NAMESPACE: namespace,
      BUILDS_NAMESPACE: `${namespace}-builds`,
    });
  });
});

describe.each(functions)('functions/%s/func.yaml', (name) => {
  const func = parse(readFileSync(join(root, 'functions', name, 'func.yaml'), 'utf8'));

  test('is valid for func', () => {
    const { schema } = JSON.parse(readFileSync(new URL('../../fixtures/crds/func.yaml.json', import.meta.url), 'utf8'));
    const { $schema: _, ...draft } = schema;
    const ajv = new Ajv({ allErrors: true, strict: false, validateFormats: false });
    const validate = ajv.compile(draft);

    validate(func);
    expect(validate.errors ?? []).toEqual([]);
  });

  test('names itself, no registry, no subscription, and nothing of autoscaling among its annotations', () => {
    expect(func).toMatchObject({
      specVersion: '0.36.0',
      name,
      runtime: 'node',
      run: { envs: expect.arrayContaining([{ name: 'FUNCTION', value: name }]) },
    });
    expect(func).not.toHaveProperty('image');
    expect(func).not.toHaveProperty('registry');
    expect(func.deploy).not.toHaveProperty('subscriptions');
    expect(Object.keys(func.deploy.annotations).filter((key) => key.startsWith('autoscaling'))).toEqual([]);
  });
});
