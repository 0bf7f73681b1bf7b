/**
 * What deploy composes over an overlay: as kustomize reads it, as the cluster's schemas allow it, the same for both
 * deployers.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { compose, writeComposition } from '#deploy/compose.ts';
import { egressRules } from '#deploy/egress.ts';
import { environmentOf, ROOT } from '#deploy/environment.ts';
import { planDeployment } from '#deploy/plan.ts';
import { secretsOf } from '#deploy/secrets.ts';
import type { KubeObject } from '#shared/kubernetes/object.ts';
import { parseDocuments } from '#shared/manifests/read-documents.ts';
import { renderOverlay } from '#shared/manifests/render-overlay.ts';
import { schemaProblems } from '#test/fixtures/crds/schema-problems.ts';
import { IMAGE, type Project, project, SETTINGS } from './world.ts';

const hasKubectl = spawnSync('kubectl', ['version', '--client']).status === 0;
const id = ({ kind, metadata }: KubeObject) => `${kind} ${metadata.namespace ?? ''}/${metadata.name}`;
const byId = (objects: KubeObject[]) => Object.fromEntries(objects.map((object) => [id(object), object]));

let here: Project;
beforeEach(() => {
  here = project();
});
afterEach(() => here.remove());

function planned(settings: string) {
  const { plan, problems } = planDeployment(here.root, {
    ENV: 'dev',
    IMAGE,
    SETTINGS: here.write('dev.env', settings),
  });
  if (!plan) {
    throw new Error(problems.join('\n'));
  }
  return plan;
}

function written(settings: string, withFunctions = true) {
  const { environment, composition } = planned(settings);
  return byId(writeComposition(environment, composition, { withFunctions }));
}

describe('the composed kustomization', () => {
  test.each([
    { case: 'with a RabbitMQ that is there', settings: SETTINGS },
    { case: 'with one that the operator makes', settings: SETTINGS.replaceAll(/^RABBITMQ_.*$/gm, '') },
    { case: 'with ranges', settings: `${SETTINGS}BUILD_EGRESS_CIDRS=10.1.0.0/16,fd00::/8\n` },
  ])('$case is valid', ({ settings }) => {
    const objects = Object.values(written(settings));

    expect(objects.flatMap((object) => schemaProblems(object).map((problem) => `${id(object)}: ${problem}`))).toEqual(
      [],
    );
  });

  test.skipIf(!hasKubectl)('is what kubectl kustomize makes of it', () => {
    const expected = written(`${SETTINGS}BUILD_EGRESS_CIDRS=10.1.0.0/16\n`);

    const text = execFileSync('kubectl', ['kustomize', join(here.root, '.deploy/dev')], { encoding: 'utf8' });
    expect(byId(parseDocuments(text, 'kubectl'))).toEqual(expected);
  });

  test('reaches a RabbitMQ by its Secret, or has the operator make one', () => {
    const given = written(SETTINGS);
    const made = written(SETTINGS.replaceAll(/^RABBITMQ_.*$/gm, ''));

    for (const config of [
      'RabbitmqBrokerConfig knative-lambda-dev/rabbitmq',
      'Policy knative-lambda-dev/dead-letters',
    ]) {
      expect(given[config]?.['spec'].rabbitmqClusterReference).toEqual({ connectionSecret: { name: 'rabbitmq' } });
      expect(made[config]?.['spec'].rabbitmqClusterReference).toEqual({ name: 'rabbitmq' });
    }
    expect(given).not.toHaveProperty(['RabbitmqCluster knative-lambda-dev/rabbitmq']);
    expect(made).toHaveProperty(['RabbitmqCluster knative-lambda-dev/rabbitmq']);
  });

  test('lets every account pull, where the registry asks', () => {
    here.write('registry.json', '{"auths":{"r.example":{"auth":"dTpw"}}}');
    const accounts = Object.values(written(`${SETTINGS}REGISTRY_CONFIG_FILE=registry.json\n`)).filter(
      ({ kind }) => kind === 'ServiceAccount',
    );

    expect(accounts.length).toBeGreaterThan(8);
    expect(accounts.map((account) => account['imagePullSecrets'])).toEqual(
      accounts.map(() => [{ name: 'knative-lambda-registry' }]),
    );
  });

  test('holds no Secret and nothing secret', () => {
    const objects = written(SETTINGS);
    const text = ['kustomization.yaml', 'functions.yaml'].map((name) =>
      readFileSync(join(here.root, '.deploy/dev', name), 'utf8'),
    );

    expect(Object.keys(objects).filter((name) => name.startsWith('Secret'))).toEqual([]);
    expect(text.join()).not.toMatch(/very-secret|also-secret/);
  });

  test('has the functions only where kubectl deploys them, and the same each time', () => {
    const services = (objects: object) => Object.keys(objects).filter((name) => name.startsWith('Service knative'));
    const first = written(SETTINGS);

    expect(services(written(SETTINGS, false))).toEqual([]);
    expect(services(first)).toHaveLength(planned(SETTINGS).composition.services.length);
    expect(written(SETTINGS)).toEqual(first);
  });
});

describe('the settings’ checksum', () => {
  const annotation = (settings: string) =>
    planned(settings).composition.services.map(
      (service) => service['spec'].template.metadata.annotations['knative-lambda/config'],
    );

  test('is on every function, and follows what the functions read alone', () => {
    const [first = '', ...others] = annotation(SETTINGS);

    expect(first).toMatch(/^[0-9a-f]{16}$/);
    expect(new Set(others)).toEqual(new Set([first]));
    expect(annotation(`${SETTINGS}BUILD_EGRESS_CIDRS=10.0.0.0/8`)[0]).toBe(first);
    expect(annotation(`${SETTINGS}RABBITMQ_PASSWORD=new`)[0]).toBe(first);
    expect(annotation(`${SETTINGS}LOG_LEVEL=warn`)[0]).not.toBe(first);
    expect(annotation(`${SETTINGS}AWS_ACCESS_KEY_ID=new`)[0]).not.toBe(first);
  });
});

describe('egressRules', () => {
  const policy = {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { name: 'egress' },
    spec: {
      egress: [
        { to: [{ ipBlock: { cidr: '10.0.0.0/8' } }], ports: [{ protocol: 'TCP', port: 443 }] },
        { to: [{ podSelector: {} }], ports: [{ protocol: 'TCP', port: 3128 }] },
      ],
    },
  };
  const rules = (config: Record<string, string>, egressCidrs?: string[]) =>
    egressRules(config, { config: {}, ...(egressCidrs ? { egressCidrs } : {}) }, policy).map(
      ({ to, ports }) => `${JSON.stringify(to)} ${ports.map(({ port }) => port)}`,
    );
  const range = (...cidrs: string[]) => JSON.stringify(cidrs.map((cidr) => ({ ipBlock: { cidr } })));
  const namespace = (name: string) =>
    JSON.stringify([{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': name } } }]);

  test("keep the overlay's own where no range is set", () => {
    expect(rules({})).toEqual([`${range('10.0.0.0/8')} 443,6443`, '[{"podSelector":{}}] 3128']);
  });

  test('replace them where one is', () => {
    expect(rules({}, ['10.1.0.0/16', 'fd00::/8'])).toEqual([`${range('10.1.0.0/16', 'fd00::/8')} 443,6443`]);
  });

  test.each([
    {
      case: "a cluster's Service",
      config: { S3_ENDPOINT: 'http://minio.storage.svc.cluster.local:9000/' },
      own: [`${namespace('storage')} 9000`],
      ports: '443,6443,9000',
    },
    {
      case: 'a number',
      config: { BUILD_HTTP_PROXY: 'http://10.9.9.9:3128' },
      own: [`${range('10.9.9.9/32')} 3128`],
      ports: '443,3128,6443',
    },
    {
      case: 'IPv6',
      config: { S3_ENDPOINT: 'https://[fd00::1]' },
      own: [`${range('fd00::1/128')} 443`],
      ports: '443,6443',
    },
    { case: 'a name outside', config: { S3_ENDPOINT: 'http://minio.example.com' }, own: [], ports: '80,443,6443' },
    {
      case: 'a registry with a port',
      config: { IMAGE_REGISTRY: 'r.registry.svc:5000/p' },
      own: [`${namespace('registry')} 5000`],
      ports: '443,5000,6443',
    },
    {
      case: 'a registry without',
      config: { IMAGE_REGISTRY: '1.dkr.ecr.eu-west-1.amazonaws.com/p' },
      own: [],
      ports: '443,6443',
    },
    {
      case: 'a base image elsewhere',
      config: { BASE_IMAGE_GO: 'mirror:8443/golang:1.25' },
      own: [],
      ports: '443,6443,8443',
    },
    { case: 'a base image of Docker Hub', config: { BASE_IMAGE_GO: 'golang:1.25' }, own: [], ports: '443,6443' },
  ])('know $case', ({ config, own, ports }) => {
    expect(rules(config as Record<string, string>, ['10.0.0.0/8'])).toEqual([
      `${range('10.0.0.0/8')} ${ports}`,
      ...own,
    ]);
  });
});

test('Secrets are where they are wanted, as the schemas and the topology operator want them', () => {
  const { environment, settings } = planned(SETTINGS);
  const secrets = secretsOf(environment, { ...settings, registryConfig: '{}' });

  expect(secrets.flatMap(schemaProblems)).toEqual([]);
  expect(secrets.map(id)).toEqual([
    'Secret knative-lambda-dev/knative-lambda-s3',
    'Secret knative-lambda-dev-builds/knative-lambda-s3',
    'Secret knative-lambda-dev/knative-lambda-registry',
    'Secret knative-lambda-dev-builds/knative-lambda-registry',
    'Secret knative-lambda-dev/rabbitmq',
  ]);
  expect(secrets.at(-1)?.metadata.labels).toMatchObject({ 'rabbitmq.com/topology-operator': 'true' });
  expect(Buffer.from(secrets[0]?.['data'].AWS_SECRET_ACCESS_KEY, 'base64').toString()).toBe('very-secret');
});

test('build pods may have S3 keys of their own', () => {
  const { environment, settings } = planned(
    `${SETTINGS}BUILD_AWS_ACCESS_KEY_ID=narrow\nBUILD_AWS_SECRET_ACCESS_KEY=narrow-secret\n`,
  );

  const keys = secretsOf(environment, settings)
    .filter(({ metadata }) => metadata.name === 'knative-lambda-s3')
    .map((secret) => [secret.metadata.namespace, Buffer.from(secret['data'].AWS_ACCESS_KEY_ID, 'base64').toString()]);

  expect(keys).toEqual([
    ['knative-lambda-dev', 'key'],
    ['knative-lambda-dev-builds', 'narrow'],
  ]);
});

test.each([
  {
    case: 'was copied and not renamed',
    change: (text: string) => text,
    says: /eventing\/overlays\/copy has objects in knative-lambda-dev, knative-lambda-dev-builds.*its own name/,
  },
  {
    case: 'patches what is not there',
    change: (text: string) => text.replace('name: builds', 'name: bilds'),
    says: /eventing\/overlays\/copy cannot be read.*its own name/s,
  },
])('an overlay that $case is a problem, not a crash', ({ change, says }) => {
  const dev = join(here.root, 'eventing/overlays/dev');
  rmSync(join(here.root, 'eventing'));
  cpSync(realpathSync(join(ROOT, 'eventing')), join(here.root, 'eventing'), { recursive: true });
  const copy = join(here.root, 'eventing/overlays/copy');
  cpSync(dev, copy, { recursive: true });
  const file = join(copy, 'functions/kustomization.yaml');
  writeFileSync(file, change(readFileSync(file, 'utf8')));

  const { problems } = planDeployment(here.root, { ENV: 'copy', IMAGE, SETTINGS: here.write('copy.env', SETTINGS) });

  expect(problems).toEqual([expect.stringMatching(says)]);
});

test('an overlay without the policy `egress` gets none', () => {
  const environment = environmentOf('local', here.root);

  expect(
    compose(here.root, environment, renderOverlay(environment.overlay), { config: {} }, IMAGE).patches,
  ).toHaveLength(1);
});
