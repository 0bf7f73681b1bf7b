/** Credentials go to whom they are for, only where they are asked for, and new ones are found. */
import { mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createOciRegistry, type OciSettings } from '#shared/clients/oci-client.ts';
import { registryAddress } from '#shared/clients/registry-address.ts';
import { challengeOf, registryAuthorization } from '#shared/clients/registry-authorization.ts';
import { credentialsFile } from '#shared/clients/registry-credentials.ts';
import { type RegistryServer, type Rules, registryServer } from '#test/fakes/registry-server.ts';
import { addImage, addLayer, contentOf, OCI } from './oci-images.ts';
import { type ScriptedServer, scriptedServer } from './scripted-server.ts';

let folder: string;
let server: RegistryServer;
let registry: ReturnType<typeof createOciRegistry> | undefined;
let aws: ScriptedServer | undefined;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'registry-'));
  server = await registryServer();
});
afterEach(async () => {
  vi.useRealTimers();
  registry?.close();
  await server.close();
  await aws?.close();
  registry = undefined;
  aws = undefined;
  await rm(folder, { recursive: true });
});

const file = () => join(folder, 'config.json');
const base64 = (text: string) => Buffer.from(text).toString('base64');
const keep = (auths: object) => writeFile(file(), JSON.stringify({ auths }));
function connect(rules: Rules, settings: OciSettings = { credentialsFile: file() }) {
  server.rules = rules;
  registry = createOciRegistry({ architecture: 'amd64', ...settings });
  return registry;
}
const at = (path: string) => `${server.host}/${path}`;
const push = () => registry?.pushBlob(at('fn'), OCI.layer, contentOf(Buffer.from('layer')));
const tokensAsked = () => server.requests.filter(({ line }) => line.includes(' /token'));
const forbidden = (text: string) =>
  expect.objectContaining({ name: 'PermanentError', reason: 'Forbidden', message: expect.stringContaining(text) });

test.each(['basic', 'bearer'] as const)('%s with a name and password', async (auth) => {
  await keep({ [server.host]: { auth: base64('user:pass:word') } });
  connect({ auth, username: 'user', password: 'pass:word' });
  await push();
  const unauthorized = server.requests.filter(({ headers, line }) => !headers.authorization && line !== 'GET /v2/');
  expect(unauthorized).toHaveLength(1);
});

test('bearer with an identity token', async () => {
  await keep({ [server.host]: { identitytoken: 'secret identity' } });
  connect({ auth: 'bearer', identityToken: 'secret identity' });
  await push();
});

test('bearer without credentials', async () => {
  addImage(server, 'base/node', '24');
  connect({ auth: 'bearer' });
  expect(await registry?.readImage(at('base/node'), '24')).toBeDefined();
  expect(tokensAsked()[0]?.headers.authorization).toBeUndefined();
});

test('a token is asked for once for each set of scopes, and for two at a mount', async () => {
  connect({ auth: 'bearer' });
  const blob = addLayer(server, 'base/node', Buffer.from('base'));
  await Promise.all([push(), push()]);
  await push();
  expect(await registry?.takeBlob(at('fn'), blob, at('base/node'))).toBe(true);
  const scopes = tokensAsked().map(({ line }) =>
    new URL(line.split(' ')[1] ?? '', 'http://x').searchParams.getAll('scope'),
  );
  expect(scopes).toEqual([['repository:fn:pull,push'], ['repository:fn:pull,push', 'repository:base/node:pull']]);
});

test('a token that has expired, or was revoked, is asked for again', async () => {
  vi.useFakeTimers({ toFake: ['Date'] });
  connect({ auth: 'bearer', tokenLifetime: 60 });
  await push();
  await push();
  expect(tokensAsked()).toHaveLength(1);
  // Before its end, which a request that is under way must not meet.
  vi.setSystemTime(Date.now() + 50_000);
  await push();
  expect(tokensAsked()).toHaveLength(2);
  server.revoke();
  await push();
  expect(tokensAsked()).toHaveLength(3);
});

test('credentials that are changed are found, even where the time of the file is the same', async () => {
  await keep({ [server.host]: { username: 'user', password: 'old' } });
  await utimes(file(), 1, 1);
  connect({ auth: 'basic', username: 'user', password: 'old' });
  await push();
  server.rules = { auth: 'basic', username: 'user', password: 'new' };
  await expect(push()).rejects.toEqual(forbidden(server.host));
  await keep({ [server.host]: { username: 'user', password: 'new' } });
  await utimes(file(), 1, 1);
  await push();
});

describe('refused', () => {
  test.each(['basic', 'bearer'] as const)('%s with the wrong password, which is not told', async (auth) => {
    await keep({ [server.host]: { username: 'user', password: 'mistyped' } });
    connect({ auth, username: 'user', password: 'right' });
    const error = await push()?.catch((error: Error) => error);
    expect(error).toEqual(forbidden(auth === 'bearer' ? 'incorrect username or password' : 'authentication required'));
    expect(error).toEqual(forbidden('Secret knative-lambda-registry'));
    expect((error as Error).message).not.toContain('mistyped');
    expect(server.requests.length).toBeLessThan(6);
  });

  test('basic without credentials', async () => {
    connect({ auth: 'basic', username: 'user', password: 'right' });
    await expect(push()).rejects.toEqual(forbidden(`${server.host}/fn`));
  });

  test('a file that is no docker config.json, until it is mended', async () => {
    await writeFile(file(), '{"auths": "secret"}');
    connect({ auth: 'basic', username: 'user', password: 'right' });
    await expect(push()).rejects.toMatchObject({
      name: 'RetryableError',
      message: expect.not.stringContaining('secret"'),
    });
    await keep({ [server.host]: { username: 'user', password: 'right' } });
    await push();
  });
});

test('a server for all registries gets its own credentials, and none of theirs', async () => {
  await keep({
    'ghcr.io': { username: 'user', password: 'of ghcr' },
    [server.host]: { username: 'user', password: 'own' },
  });
  connect(
    { auth: 'basic', username: 'user', password: 'own' },
    { credentialsFile: file(), endpoint: `http://${server.host}` },
  );
  await registry?.pushBlob('ghcr.io/fn', OCI.layer, contentOf(Buffer.from('layer')));
  expect(JSON.stringify(server.requests)).not.toContain(base64('user:of ghcr'));
});

test.each([
  ['registry.test/acme/parser', 'path'],
  ['registry.test/acme2/parser', 'host'],
  ['registry.test/acm', 'host'],
  ['node', 'hub'],
  ['quay.io/acme/parser', 'v2'],
  ['REGISTRY.test/acme/parser', 'path'],
  ['registry.test:5000/acme/parser', undefined],
])('the credentials for %s are those of %s', async (repository, username) => {
  const entry = (username: string) => ({ auth: base64(`${username}:p`) });
  await keep({
    'registry.test': entry('host'),
    'registry.test/acme': entry('path'),
    'https://index.docker.io/v1/': entry('hub'),
    'https://quay.io/v2/': entry('v2'),
    'https://empty.test': {},
  });
  expect(await credentialsFile(file()).of(registryAddress(repository))).toEqual(
    username === undefined ? undefined : { username, password: 'p' },
  );
});

test('a Secret that does not exist has no credentials, until it does', async () => {
  const credentials = credentialsFile(file());
  expect(await credentials.of(registryAddress('ghcr.io/a'))).toBeUndefined();
  await keep({ 'ghcr.io': { username: 'user', password: 'p' } });
  expect(await credentials.of(registryAddress('ghcr.io/a'))).toBeDefined();
});

describe('ECR', () => {
  const identity = { AWS_REGION: 'eu-west-1', AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE', AWS_SECRET_ACCESS_KEY: 'secret' };
  const host = '111122223333.dkr.ecr.eu-west-1.amazonaws.com';
  let given: number;

  /** Tokens `1`, `2` … that are valid for `hours`. */
  async function ecr(hours: number) {
    given = 0;
    aws = await scriptedServer(() => {
      given += 1;
      const authorizationToken = base64(`AWS:${given}`);
      const expiresAt = Date.now() / 1000 + hours * 3600;
      return {
        status: 200,
        headers: { 'content-type': 'application/x-amz-json-1.1' },
        body: JSON.stringify({ authorizationData: [{ authorizationToken, expiresAt }] }),
      };
    });
    const { ecrCredentials } = await import('#shared/clients/ecr-credentials.ts');
    return ecrCredentials(identity, 'eu-west-1', aws.url);
  }

  test('a token is kept until half an hour before its end, and asked for once at a time', async () => {
    const credentials = await ecr(12);
    const all = await Promise.all([credentials.read(), credentials.read()]);
    expect([...all, await credentials.read()]).toEqual(Array(3).fill({ username: 'AWS', password: '1' }));
    credentials.forget();
    expect(await credentials.read()).toEqual({ username: 'AWS', password: '2' });
    await aws?.close();
    const short = await ecr(0.4);
    await short.read();
    expect(await short.read()).toEqual({ username: 'AWS', password: '2' });
  });

  test('a refusal names what the role needs, and is not kept', async () => {
    aws = await scriptedServer(() => ({ status: 400, headers: { 'x-amzn-errortype': 'AccessDeniedException' } }));
    const { ecrCredentials } = await import('#shared/clients/ecr-credentials.ts');
    const credentials = ecrCredentials(identity, 'eu-west-1', aws.url);
    await expect(credentials.read()).rejects.toThrow('ecr:GetAuthorizationToken');
    await expect(credentials.read()).rejects.toThrow('ecr:GetAuthorizationToken');
    expect(aws.requests).toHaveLength(2);
  });

  test('its hosts are recognised', () => {
    expect(registryAddress(`${host}/fn`)).toMatchObject({ host, scheme: 'https' });
  });
});

test.each([
  ['Basic realm="x"', { scheme: 'basic' }],
  ['Bearer realm="https://a/t",service="s"', { scheme: 'bearer', realm: 'https://a/t', service: 's' }],
  ['bearer realm=https://a/t', { scheme: 'bearer', realm: 'https://a/t', service: undefined }],
  ['Basic realm="x", Bearer realm="https://a/t",service="a, b"', { scheme: 'bearer', service: 'a, b' }],
])('the challenge %s', (header, challenge) => {
  expect(challengeOf(header)).toMatchObject(challenge);
});

test.each(['Negotiate', '', undefined])('no challenge: %s', (header) => {
  expect(challengeOf(header)).toBeUndefined();
});

test.each(['http://169.254.169.254/', 'file:///etc/passwd', ''])(
  'a registry with TLS cannot have credentials sent to %j',
  async (realm) => {
    let sent = 0;
    const authorization = registryAuthorization(
      { of: async () => ({ username: 'user', password: 'p' }), forget: () => undefined },
      async () => {
        sent += 1;
        throw new Error('sent');
      },
    );
    const request = { address: registryAddress('ghcr.io/a'), origin: 'https://ghcr.io', scopes: [] };
    const headers = { 'www-authenticate': `Bearer realm="${realm}"` };
    const answer = { status: 401, headers, url: new URL('https://ghcr.io'), body: Buffer.alloc(0), stream: undefined };
    await expect(authorization.isNew(request, answer, undefined)).rejects.toMatchObject({ reason: 'Refused' });
    expect(sent).toBe(0);
  },
);
