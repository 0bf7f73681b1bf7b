/** Packages of private registries: built with the tenant's token, refused with another, and the token is nowhere. */
import { randomBytes } from 'node:crypto';
import { type Dirent, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, onTestFinished, test } from 'vitest';
import type { Identity } from '#shared/events/identity.ts';
import { dependenciesSecret } from '#shared/specs/names.ts';
import { type PrivateRegistry, startPrivateRegistry } from './private-registry.ts';
import { until } from './until.ts';
import { World } from './world.ts';

const { directory, languages } = inject('platform');
const TOKEN = `canary${randomBytes(12).toString('hex')}`;
const WRONG = `wrong${randomBytes(12).toString('hex')}`;

const labelled = (tenant: string) => ({
  'app.kubernetes.io/part-of': 'knative-lambda',
  'knative-lambda/third-party-id': tenant,
});

/** Tells what of the token is left where it runs. */
const LOOKING = `import { existsSync, readdirSync, readFileSync } from 'node:fs';
const files = readdirSync('.', { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map(({ parentPath, name }) => parentPath + '/' + name)
  // Compiled code, which Node writes for the builder's user alone.
  .filter((file) => !file.includes('/compile-cache/'));
const holds = (file, part) => {
  try {
    return readFileSync(file).includes(part);
  } catch {
    return 'it cannot be read';
  }
};
export const handler = ({ data }) => ({
  searched: files.length > 1,
  left: files.map((file) => [file, holds(file, data.part)]).filter(([, found]) => found !== false),
  folder: existsSync('/knative-lambda-private/files'),
});
`;

test('the step that installs has the file, and its image has not', async () => {
  const world = await new World().open();
  onTestFinished(() => world.close());
  const tenant = `installing-${world.platform.run}`;
  const identity = world.parser('installing', tenant);
  const name = dependenciesSecret({ third_party_id: tenant });
  onTestFinished(() => world.remove('v1', 'Secret', name, world.buildsNamespace));
  await world.create({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name, namespace: world.buildsNamespace, labels: labelled(tenant) },
    stringData: { '.npmrc': `//npm.invalid/:_authToken=${TOKEN}\n` },
  });
  const postinstall = `grep -q ${TOKEN.slice(0, 12)} "$npm_config_userconfig"`;
  await world.upload(identity, {
    'package.json': JSON.stringify({ name: 'x', version: '1.0.0', scripts: { postinstall } }),
    'parser.mjs': LOOKING,
  });

  await world.send({ type: 'build.start', data: identity });
  const { data } = await world.seen('build.complete', identity, undefined, 300);
  expect(data.error_message).toBeUndefined();
  await world.send({
    type: 'parser.start',
    subject: `${tenant}/${identity.parser_id}`,
    // Not the whole token, which must be in no event.
    data: { part: TOKEN.slice(12) },
  });
  const answer = await world.seen('parser.complete', identity, undefined, 120);
  expect(answer.data.result).toEqual({ searched: true, left: [], folder: false });
});

// The registries listen on loopback, which pods of a cluster do not reach.
describe.runIf(directory !== undefined)('dependencies of a private registry', () => {
  let world: World;
  let registry: PrivateRegistry;
  const tenants: string[] = [];

  beforeAll(async () => {
    world = await new World().open();
    registry = await startPrivateRegistry(TOKEN);
  });
  afterAll(async () => {
    for (const tenant of tenants) {
      await world.remove('v1', 'Secret', dependenciesSecret({ third_party_id: tenant }), world.buildsNamespace);
    }
    await world.close();
    await registry.close();
  });

  /** A function of a tenant of its own, whose Secret has the token. */
  async function parserWith(role: string, token: string | undefined): Promise<Identity> {
    const tenant = `${role}-${world.platform.run}`;
    const identity = world.parser(role, tenant);
    if (token !== undefined) {
      tenants.push(tenant);
      await world.create(secretOf(tenant, token));
    }
    return identity;
  }

  const secretOf = (tenant: string, token: string) => ({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      name: dependenciesSecret({ third_party_id: tenant }),
      namespace: world.buildsNamespace,
      labels: labelled(tenant),
    },
    stringData: {
      '.npmrc': `@acme:registry=http://${registry.host}/npm/\n//${registry.host}/npm/:_authToken=${token}\n`,
      'pip.conf': `[global]\nextra-index-url = http://acme:${token}@${registry.host}/pip/simple/\n`,
      '.netrc': `machine 127.0.0.1 login acme password ${token}\n`,
      'go.env': `GOPROXY=http://${registry.host}/go,https://proxy.golang.org\nGONOSUMDB=corp.example\n`,
    },
  });

  const node = {
    'parser.mjs': "import secret from '@acme/secret';\nexport const handler = () => ({ answer: secret });\n",
    'package.json': JSON.stringify({ name: 'x', version: '1.0.0', dependencies: { '@acme/secret': '1.0.0' } }),
  };
  /** As npm writes it: it names the private host. */
  const lockFile = () =>
    JSON.stringify({
      name: 'x',
      version: '1.0.0',
      lockfileVersion: 3,
      packages: {
        '': { name: 'x', version: '1.0.0', dependencies: { '@acme/secret': '1.0.0' } },
        'node_modules/@acme/secret': {
          version: '1.0.0',
          resolved: `http://${registry.host}/npm/@acme/secret/-/secret-1.0.0.tgz`,
          integrity: registry.integrity,
        },
      },
    });
  const python = {
    'parser.py': 'import acme_secret\n\n\ndef handler(event):\n    return {"answer": acme_secret.VALUE}\n',
    'requirements.txt': 'acme-secret==1.0.0\n',
  };

  /** Go sends no password over plain HTTP: here it is refused without one. */
  const go = {
    'go.mod': 'module example.com/parser\n\ngo 1.24\n\nrequire corp.example/secret v1.0.0\n',
    'parser.go':
      'package parser\n\nimport (\n\t"context"\n\n\tcloudevents "github.com/cloudevents/sdk-go/v2"\n\n\t"corp.example/secret"\n)\n\nfunc Handle(context.Context, cloudevents.Event) (any, error) {\n\treturn map[string]string{"answer": secret.Value}, nil\n}\n',
  };

  async function answerOf(identity: Identity): Promise<unknown> {
    await world.send({ type: 'parser.start', subject: `${identity.third_party_id}/${identity.parser_id}`, data: {} });
    return (await world.seen('parser.complete', identity, undefined, 100)).data.result;
  }

  test('npm ci installs them with the token, which a rotation changes without a build', async () => {
    const identity = await parserWith('npm', TOKEN);
    await world.upload(identity, { ...node, 'package-lock.json': lockFile() });
    await world.send({ type: 'build.start', data: identity });
    const { data } = await world.seen('build.complete', identity, undefined, 100);
    expect(data).toMatchObject({ status: 'success', cached: false });
    expect(await answerOf(identity)).toEqual({ answer: 'from the private registry' });
    expect(registry.asked).toContain('GET /npm/@acme/secret/-/secret-1.0.0.tgz 200');

    await world.patch(secretOf(identity.third_party_id, WRONG));
    await world.send({ type: 'build.start', data: identity });
    const again = await world.seen('build.complete', identity, (event) => event.data.cached === true);
    expect(again.data).toMatchObject({ status: 'success', image_uri: data.image_uri });
    expect(await world.jobs(identity)).toHaveLength(1);
  });

  test.runIf(languages.includes('python'))('pip installs them with the token', async () => {
    const identity = await parserWith('pip', TOKEN);
    await world.upload(identity, python);
    await world.send({ type: 'build.start', data: identity });
    const { data } = await world.seen('build.complete', identity, undefined, 100);
    expect(data).toMatchObject({ status: 'success', cached: false });
    expect(await answerOf(identity)).toEqual({ answer: 'from the private index' });
  });

  test.for<{ tool: string; files: Record<string, string>; dependency: string }>([
    { tool: 'npm', files: node, dependency: '@acme/secret' },
    ...(languages.includes('python') ? [{ tool: 'pip', files: python, dependency: 'acme-secret' }] : []),
    ...(languages.includes('go') ? [{ tool: 'go', files: go, dependency: 'corp.example/secret' }] : []),
  ])(
    '$tool without a valid token: PrivateDependencyDenied, with host and package',
    async ({ tool, files, dependency }) => {
      const identity = await parserWith(`denied-${tool}`, WRONG);
      await world.upload(identity, files);
      await world.send({ type: 'build.start', data: identity });
      const { data } = await world.seen('build.complete', identity, undefined, 100);
      expect(data).toMatchObject({ status: 'failed', reason: 'PrivateDependencyDenied' });
      expect(data.error_message).toContain(`${registry.host} refused the dependency ${dependency} with 401`);
      expect(data.error_message).toContain(dependenciesSecret(identity));
      await world.seen('lifecycle.build.failed', identity);
    },
  );

  test('a tenant without a Secret is refused as well', async () => {
    const identity = await parserWith('tokenless', undefined);
    await world.upload(identity, {
      ...node,
      'package-lock.json': lockFile(),
      '.npmrc': `@acme:registry=http://${registry.host}/npm/\n`,
    });
    await world.send({ type: 'build.start', data: identity });
    const { data } = await world.seen('build.complete', identity, undefined, 100);
    expect(data).toMatchObject({ status: 'failed', reason: 'PrivateDependencyDenied' });
    expect(data.error_message).toContain('@acme/secret');
  });

  test('a Dockerfile of the user’s has no file of the tenant’s in its pod', async () => {
    const identity = await parserWith('docker', TOKEN);
    await world.upload(identity, {
      Dockerfile:
        'FROM registry.test/base/node:24\nWORKDIR /app\nRUN ls -A /knative-lambda-private/files; exit 7\nCMD ["node"]\n',
    });
    await world.send({ type: 'build.start', data: identity });
    const { data } = await world.seen('build.complete', identity, undefined, 100);
    expect(data).toMatchObject({ status: 'failed', reason: 'BuildFailed', exit_code: 7 });
    const [job] = await world.jobs(identity);
    expect(JSON.stringify(job)).not.toContain(dependenciesSecret(identity));
  });

  // Last: it looks at what the others have left.
  test('no token is in an object of S3, an event, a Job, a pod, a log, a layer or an image', async () => {
    const hidden = [TOKEN, WRONG].flatMap((token) => [token, Buffer.from(`acme:${token}`).toString('base64')]);
    const isIn = (text: string | Buffer) => hidden.some((secret) => text.includes(secret));
    const found: string[] = [];
    for (const bucket of [world.platform.sourceBucket, world.platform.temporaryBucket]) {
      for (const key of await world.keys(bucket, '')) {
        if (isIn(await world.read(bucket, key).catch(() => ''))) {
          found.push(`s3://${bucket}/${key}`);
        }
      }
    }
    found.push(...world.events.filter((event) => isIn(JSON.stringify(event))).map(({ type }) => type));
    for (const [version, kind] of [
      ['batch/v1', 'Job'],
      ['v1', 'Pod'],
      ['v1', 'Event'],
    ] as const) {
      const objects = await world.list(version, kind, world.buildsNamespace).catch(() => []);
      found.push(
        ...objects.filter((object) => isIn(JSON.stringify(object))).map(({ metadata }) => `${kind} ${metadata?.name}`),
      );
    }
    expect(
      filesOf(directory as string).some((file) => file.includes('/images/')),
      'images are looked into',
    ).toBe(true);
    expect(found).toEqual([]);
    // The memory of a pod goes with the pod, some moments after its end.
    let left: string[] = [];
    await until(
      'the volumes of the pods to be gone',
      () => {
        left = filesOf(directory as string).filter((file) => isIn(contentOf(file)));
        return left.length === 0;
      },
      60,
      () => left.join('\n'),
    );
  });
});

/** Other tests build at the same time, so what was there may be gone. */
function ifThere<T>(read: () => T, otherwise: T): T {
  try {
    return read();
  } catch {
    return otherwise;
  }
}

function filesOf(folder: string): string[] {
  return ifThere<Dirent[]>(() => readdirSync(folder, { withFileTypes: true }), []).flatMap((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? filesOf(path) : entry.isFile() ? [path] : [];
  });
}

function contentOf(file: string): Buffer {
  return ifThere(() => readFileSync(file), Buffer.alloc(0));
}
