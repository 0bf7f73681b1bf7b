/** REQUIRE_TLS: what make deploy refuses, and what it says that it cannot see. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { authorityProblems } from '#deploy/authority-problems.ts';
import type { Environment } from '#deploy/environment.ts';
import { planDeployment } from '#deploy/plan.ts';
import { secretsOf } from '#deploy/secrets.ts';
import { tlsOfCluster } from '#deploy/tls-problems.ts';
import { IMAGE, type Project, project, SETTINGS } from './world.ts';

let here: Project;
beforeEach(() => {
  here = project();
});
afterEach(() => here.remove());

const ENCRYPTED = `${SETTINGS}
REQUIRE_TLS=yes
S3_ENDPOINT=https://s3.example.com
OTEL_EXPORTER_OTLP_ENDPOINT=https://otel.example.com
IMAGE_REGISTRY=registry.example.com/functions
RABBITMQ_URI=https://rabbitmq.example.com:15671
RABBITMQ_PORT=5671
`;
const planned = (settings: string) =>
  planDeployment(here.root, { ENV: 'dev', IMAGE, SETTINGS: here.write('dev.env', settings) });

describe('REQUIRE_TLS=yes', () => {
  test('takes what is encrypted', () => {
    expect(planned(ENCRYPTED).problems).toEqual([]);
  });

  test.each([
    { line: 'S3_ENDPOINT=http://s3.example.com', says: /S3_ENDPOINT begins with http:/ },
    {
      line: 'OTEL_EXPORTER_OTLP_ENDPOINT=http://otel.example.com',
      says: /OTEL_EXPORTER_OTLP_ENDPOINT begins with http:/,
    },
    { line: 'IMAGE_REGISTRY=registry.local:5000/functions', says: /registry\.local:5000: Kaniko speaks plain HTTP/ },
    { line: 'RABBITMQ_URI=http://rabbitmq.example.com:15672', says: /RABBITMQ_URI begins with http:.*plain AMQP/ },
    { line: 'RABBITMQ_PORT=', says: /RABBITMQ_PORT is not set/ },
  ])('refuses $line', ({ line, says }) => {
    expect(planned(`${ENCRYPTED}${line}\n`).problems).toEqual([expect.stringMatching(says)]);
    expect(planned(`${ENCRYPTED}${line}\nREQUIRE_TLS=no\n`).problems).toEqual([]);
  });

  test('refuses a RabbitMQ of the operator that has no certificate', () => {
    expect(planned(ENCRYPTED.replaceAll(/^RABBITMQ_.*$/gm, '')).problems).toEqual([
      expect.stringMatching(/spec\.tls\.secretName/),
    ]);
  });
});

describe('of the cluster', () => {
  const saying = (stdout: string, code = 0) => tlsOfCluster(async () => ({ code, stdout, stderr: '' }));

  test.each(['Enabled', 'enabled'])('system-internal-tls: %s is right', async (value) => {
    expect((await saying(value)).problems).toEqual([]);
  });

  test('plain calls of functions are a problem', async () => {
    expect((await saying('')).problems).toEqual([expect.stringMatching(/system-internal-tls: Enabled/)]);
  });

  test('what cannot be read or seen is said', async () => {
    const { problems, notes } = await saying('', 1);

    expect(problems).toEqual([]);
    expect(notes).toEqual([
      expect.stringMatching(/at rest cannot be seen/),
      expect.stringMatching(/no TLS.*transport encryption/),
      expect.stringMatching(/system-internal-tls is unknown/),
    ]);
  });
});

describe('authorities that the settings name', () => {
  const pem = (name: string) => readFileSync(join(import.meta.dirname, '../../fixtures/tls', name), 'utf8');
  const environment = { namespace: 'ns', buildsNamespace: 'ns-builds' } as Environment;
  const settings = { config: {}, caConfigMap: 'own-ca' };
  const problemsWhere = (data: object | undefined) =>
    authorityProblems(
      async () =>
        data
          ? { code: 0, stdout: JSON.stringify({ data }), stderr: '' }
          : { code: 1, stdout: '', stderr: 'Error from server (NotFound): configmaps "own-ca" not found' },
      environment,
      settings,
      { BUILD_CA_CONFIG_MAP: 'own-ca' },
    );

  test('are right where they hold certificates', async () => {
    expect(await problemsWhere({ 'ca-certificates.crt': pem('authority.pem') + pem('other-authority.pem') })).toEqual(
      [],
    );
    expect(await authorityProblems(async () => never(), environment, { config: {} }, {})).toEqual([]);
  });

  test.each([
    { case: 'nothing', data: undefined, says: /there is no such ConfigMap.*kubectl create configmap own-ca -n ns/ },
    { case: 'another key', data: { 'ca.crt': pem('authority.pem') }, says: /has no key ca-certificates\.crt/ },
    { case: 'no certificate', data: { 'ca-certificates.crt': 'garbage' }, says: /holds no certificate in PEM/ },
    { case: 'one that has expired', data: { 'ca-certificates.crt': pem('expired.pem') }, says: /valid no more.*2021/ },
    {
      case: 'one that is broken',
      data: { 'ca-certificates.crt': pem('authority.pem').replace(/[A-Z]{3}/g, 'AAA') },
      says: /cannot be read, the 1\. of 1|holds no certificate/,
    },
  ])('are problems where there is $case, one for each setting', async ({ data, says }) => {
    const problems = await problemsWhere(data);
    expect(problems).toEqual([expect.stringMatching(says), expect.stringMatching(says)]);
    expect(problems[0]).toMatch(/^CA_CONFIG_MAP=own-ca.*namespace ns\b/);
    expect(problems[1]).toMatch(/^BUILD_CA_CONFIG_MAP=own-ca.*namespace ns-builds\b/);
  });

  test('of RabbitMQ are read from a Secret', async () => {
    const data = { 'ca.crt': Buffer.from(pem('authority.pem')).toString('base64') };
    const asked: string[] = [];
    const rabbitmq = { uri: 'u', username: 'n', password: 'p', caSecretName: 'rabbitmq-ca' };
    const problems = await authorityProblems(
      async (_, args) => {
        asked.push(args.join(' '));
        return { code: 0, stdout: JSON.stringify({ data }), stderr: '' };
      },
      environment,
      { config: {}, rabbitmq },
      {},
    );
    expect([problems, asked]).toEqual([[], ['get secret rabbitmq-ca -n ns -o json']]);
  });
});

function never(): never {
  throw new Error('nothing is to be asked');
}

test('CA_CONFIG_MAP is trusted by every function of ours', () => {
  const { plan } = planned(`${SETTINGS}CA_CONFIG_MAP=own-ca\n`);

  const services = plan?.composition.services ?? [];
  expect(services.length).toBeGreaterThan(5);
  for (const { metadata, spec } of services) {
    const [container] = spec.template.spec.containers;
    // It has the registry's credentials besides.
    const others = metadata.name === 'build-start' ? 1 : 0;
    const { volumes } = spec.template.spec;
    expect(volumes[0]).toEqual({ name: 'authorities', configMap: { name: 'own-ca' } });
    expect(container.volumeMounts[0]).toEqual({ name: 'authorities', mountPath: '/knative-lambda-ca', readOnly: true });
    expect([volumes.length, container.volumeMounts.length]).toEqual([1 + others, 1 + others]);
    const path = '/knative-lambda-ca/ca-certificates.crt';
    expect(container.env).toContainEqual({ name: 'NODE_EXTRA_CA_CERTS', value: path });
  }
});

test('RABBITMQ_CA_SECRET is told to the Broker as it wants it', () => {
  const { plan } = planned(`${ENCRYPTED}RABBITMQ_CA_SECRET=rabbitmq-ca\n`);

  const secret =
    plan && secretsOf(plan.environment, plan.settings).find(({ metadata }) => metadata.name === 'rabbitmq');
  expect(Buffer.from(secret?.['data'].caSecretName, 'base64').toString()).toBe('rabbitmq-ca');
  expect(Buffer.from(secret?.['data'].port, 'base64').toString()).toBe('5671');
});
