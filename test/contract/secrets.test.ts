/** Values of Kubernetes Secrets reach the function that refers to them, and nothing else. */
import { createHash, randomBytes } from 'node:crypto';
import { CoreV1Api, KubeConfig } from '@kubernetes/client-node';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import type { Identity } from '#shared/events/identity.ts';
import { SECRETS_VERSION } from '#shared/specs/secrets.ts';
import { answering } from './sources.ts';
import { PATIENCE, pause, until } from './until.ts';
import { type AnyObject, World } from './world.ts';

let world: World;
beforeAll(async () => {
  world = await new World().open();
});
afterAll(async () => world.close());

/** Says which values it has without saying them. */
const DIGESTING = {
  'parser.mjs': `import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
const digest = (text) => createHash('sha256').update(text).digest('hex');
export const handler = () => ({
  variable: digest(process.env.DB_PASSWORD ?? ''),
  file: digest(readFileSync(\`\${process.env.SECRETS_DIRECTORY}/db/password\`, 'utf8')),
});
`,
};

const digest = (text: string) => createHash('sha256').update(text).digest('hex');
const both = (value: string) => ({ variable: digest(value), file: digest(value) });

/** One that a path, a shell or a template would change. */
const secretValue = () => `canary-${randomBytes(9).toString('hex')} /app/x $(PORT) $PATH "'ü`;

const labelsFor = (tenant: string) => ({
  'knative-lambda/secret-for': 'functions',
  'knative-lambda/third-party-id': tenant,
});

const secretOf = (name: string, fields: object): AnyObject => ({
  apiVersion: 'v1',
  kind: 'Secret',
  ...fields,
  metadata: { name, namespace: world.platform.namespace, ...(fields as AnyObject).metadata },
});

/** As a person with kubectl would make it. Gone when the test ends. */
async function created(name: string, value: string, labels: Record<string, string>): Promise<void> {
  onTestFinished(() => world.remove('v1', 'Secret', name));
  await world.create(secretOf(name, { metadata: { labels }, stringData: { password: value } }));
}

const parametersFor = (name: string) => ({
  secrets: [
    { name, key: 'password', env: 'DB_PASSWORD' },
    { name, key: 'password', file: 'db/password' },
  ],
});

async function result(service: string): Promise<unknown> {
  const { status, body } = await world.call(service, { type: 'parser.start', data: {} });
  return status === 200 ? JSON.parse(body).result : undefined;
}

async function build(identity: Identity, files: Record<string, string>, parameters: object): Promise<string> {
  await world.upload(identity, files);
  await world.send({ type: 'build.start', data: { ...identity, parameters } });
  const { data } = await world.seen('lifecycle.function.ready', identity, undefined, 120);
  return data.service_name;
}

const templateOf = async (service: string) =>
  (await world.object('serving.knative.dev/v1', 'Service', service)).spec.template;

test('a function has the values as variable and file, the new ones within a minute after a rotation, and nobody else has either', {
  timeout: 300_000 * PATIENCE,
}, async () => {
  const tenant = `tenant-${world.platform.run}`;
  const [identity, other] = [world.parser('secrets', tenant), world.parser('others', tenant)];
  const [name, otherName] = [`db-${identity.parser_id}`, `db-${other.parser_id}`];
  const [before, after] = [secretValue(), secretValue()];
  await created(name, before, labelsFor(tenant));
  await created(otherName, secretValue(), labelsFor(tenant));
  const [service, otherService] = await Promise.all([
    build(identity, DIGESTING, parametersFor(name)),
    build(other, answering('other'), parametersFor(otherName)),
  ]);

  await world.send({ type: 'parser.start', subject: `${tenant}/${identity.parser_id}`, data: {} });
  const answer = await world.seen('parser.complete', identity);
  expect(answer.data).toMatchObject({ succeeded: true, result: both(before) });

  const [template, otherTemplate] = await Promise.all([templateOf(service), templateOf(otherService)]);
  const builds = world.endings(identity).length;
  const rotated = Date.now();
  await world.patch(secretOf(name, { stringData: { password: after } }));
  await until(
    'the new value',
    async () => {
      const found = await result(service);
      return JSON.stringify(found) === JSON.stringify(both(after));
    },
    60,
  );
  expect(Date.now() - rotated).toBeLessThan(60_000 * PATIENCE);
  const changed = await templateOf(service);
  expect(changed.metadata.annotations[SECRETS_VERSION]).not.toBe(template.metadata.annotations[SECRETS_VERSION]);
  expect(changed.spec).toEqual(template.spec);
  expect(world.endings(identity)).toHaveLength(builds);
  await pause(2);
  expect(await templateOf(otherService)).toEqual(otherTemplate);

  const seen = await everythingOf(tenant, [identity, other]);
  expect(seen).toContain(name);
  for (const value of [before, after]) {
    const [canary = ''] = value.split(' ');
    expect(places(seen, canary)).toEqual([]);
    expect(places(seen, Buffer.from(value).toString('base64').slice(0, 24))).toEqual([]);
  }
  expect(await world.deadLetters('canary-')).toEqual([]);
});

test.each([
  { case: 'is missing', given: async () => undefined, reason: 'SecretNotFound', says: 'kubectl create secret generic' },
  {
    case: 'lacks the key',
    given: async (name: string, { third_party_id }: Identity) => {
      await created(name, 'x', labelsFor(third_party_id));
      await world.patch(secretOf(name, { data: { password: null, another: 'eA==' } }));
    },
    reason: 'SecretNotFound',
    says: 'has no key password',
  },
  {
    case: 'has no labels',
    given: (name: string) => created(name, 'x', {}),
    reason: 'SecretForbidden',
    says: 'not labelled for tenant acme',
  },
  {
    case: "is another tenant's",
    given: (name: string) => created(name, 'x', labelsFor('mallory')),
    reason: 'SecretForbidden',
    says: 'not labelled for tenant acme',
  },
])('a function whose Secret $case is refused before anything is deployed', async ({ given, reason, says }) => {
  const identity = world.parser('refused');
  const name = `db-${identity.parser_id}`;
  await given(name, identity);
  await world.upload(identity, answering('never'));

  await world.send({ type: 'build.start', data: { ...identity, parameters: parametersFor(name) } });

  const { data } = await world.seen('lifecycle.build.failed', identity, undefined, 120);
  expect(data).toMatchObject({ status: 'failed', reason, error_message: expect.stringContaining(says) });
  expect(data.error_message).toContain(name);
  expect(data.error_message).not.toMatch(/mallory|another/);
  expect(await world.services(identity)).toEqual([]);
});

test("the platform's own Secrets are nobody's", async () => {
  const identity = world.parser('thief');
  await world.upload(identity, answering('never'));
  const secrets = [{ name: 'knative-lambda-s3', key: 'AWS_SECRET_ACCESS_KEY', env: 'LOOT' }];

  await world.send({ type: 'build.start', data: { ...identity, parameters: { secrets } } });

  const { data } = await world.seen('lifecycle.build.failed', identity, undefined, 120);
  expect(data).toMatchObject({ reason: 'SecretForbidden' });
  expect(await world.services(identity)).toEqual([]);
});

/** What there is of these functions: events, objects of Kubernetes but Secrets, logs, objects of S3. */
async function everythingOf(tenant: string, identities: Identity[]): Promise<string> {
  const { namespace, temporaryBucket, kubeconfig } = world.platform;
  const config = new KubeConfig();
  config.loadFromString(kubeconfig);
  const core = config.makeApiClient(CoreV1Api);
  const kinds = [
    ['serving.knative.dev/v1', 'Service'],
    ['serving.knative.dev/v1', 'Revision'],
    ['eventing.knative.dev/v1', 'Trigger'],
    ['batch/v1', 'Job'],
    ['v1', 'Pod'],
    ['v1', 'ConfigMap'],
  ] as const;
  const parts = [JSON.stringify(world.events)];
  for (const place of [namespace, world.buildsNamespace]) {
    for (const [apiVersion, kind] of kinds) {
      parts.push(JSON.stringify(await world.list(apiVersion, kind, place)));
    }
    for (const { metadata, spec } of await world.list('v1', 'Pod', place)) {
      for (const { name: container } of spec?.containers ?? []) {
        const from = { name: metadata?.name ?? '', namespace: place, container };
        parts.push(`log of ${from.name}: ${await core.readNamespacedPodLog(from).catch(() => '')}`);
      }
    }
  }
  const fingerprints = identities.map((identity) => world.of('build.complete', identity)[0]?.data.fingerprint);
  const keys = await world.keys(temporaryBucket, '');
  const wanted = keys.filter((key) => [tenant, ...fingerprints].some((part) => key.includes(part)));
  expect(wanted.filter((key) => key.startsWith('builds/')).length).toBeGreaterThan(0);
  for (const key of wanted) {
    parts.push(`${key}: ${await world.read(temporaryBucket, key).catch(() => '')}`);
  }
  return parts.join('\n');
}

/** Where it stands, without saying it. */
function places(text: string, canary: string): string[] {
  return text
    .split('\n')
    .filter((line) => line.includes(canary))
    .map((line) => line.slice(0, 80));
}
