/** Which platform a command speaks to, by what is said and what is there. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createApi } from '#cli/kn-lambda/client.ts';
import { type ConnectionOptions, findConnection } from '#cli/kn-lambda/connection.ts';
import { writeCredentials } from '#cli/kn-lambda/credentials.ts';
import { findCluster } from '#cli/kn-lambda/kubectl.ts';

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'kn-lambda-home-'));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

const GATEWAY = 'http://localhost:1234';
const cluster = async () => ({
  namespace: 'n',
  gateway: GATEWAY,
  revision: 'gateway-00007',
  token: async () => 'of-the-cluster',
});

async function find(options: ConnectionOptions, environment: NodeJS.ProcessEnv = {}, cwd = home) {
  const found = await findConnection(options, { cwd, environment: { HOME: home, ...environment } }, cluster);
  return { server: found.server, origin: found.origin, token: await found.token() };
}

function platformAt(folder: string, port: unknown): string {
  mkdirSync(join(folder, '.local'), { recursive: true });
  writeFileSync(join(folder, '.local/ports.json'), JSON.stringify({ BROKER_PORT: port }));
  writeFileSync(join(folder, '.local/kubeconfig'), '');
  return join(folder, '.local/kubeconfig');
}

describe('the first that there is', () => {
  test('what is named', async () => {
    const named = { server: 'https://g.example.com/', token: 't' };
    expect(await find(named, { KUBECONFIG: '/x', KN_LAMBDA_SERVER: 'http://other' })).toEqual({
      server: 'https://g.example.com',
      origin: 'given',
      token: 't',
    });
    expect(await find({}, { KN_LAMBDA_SERVER: 'http://g', KN_LAMBDA_TOKEN: 'e' })).toMatchObject({
      server: 'http://g',
      token: 'e',
    });
  });

  test('a cluster that is named, then the last login, then KUBECONFIG', async () => {
    const environment = { KUBECONFIG: '/x' };
    expect(await find({}, environment)).toEqual({
      server: GATEWAY,
      origin: 'cluster',
      token: 'of-the-cluster',
    });
    writeCredentials({ HOME: home }, { current: 'http://kept', servers: { 'http://kept': { token: 'k' } } });
    expect(await find({}, environment)).toEqual({ server: 'http://kept', origin: 'login', token: 'k' });
    expect(await find({ namespace: 'n' }, environment)).toMatchObject({ origin: 'cluster' });
  });

  test('the token of a login goes to its own server alone', async () => {
    writeCredentials({ HOME: home }, { current: 'http://kept', servers: { 'http://kept': { token: 'k' } } });
    expect(await find({ server: 'http://kept' })).toMatchObject({ token: 'k' });
    expect(await find({ server: 'http://kept.evil' })).toMatchObject({ token: undefined });
  });

  test('the platform of make run, wherever one stands in the project, and although it has another port', async () => {
    const kubeconfig = platformAt(home, 18080);
    mkdirSync(join(home, 'a/b'), { recursive: true });
    const laptop = { server: 'http://127.0.0.1:18080', origin: 'laptop', token: undefined };
    expect(await find({}, {}, join(home, 'a/b'))).toEqual(laptop);
    expect(await find({}, { KUBECONFIG: kubeconfig }, '/')).toEqual(laptop);
    writeCredentials({ HOME: home }, { current: 'http://kept', servers: {} });
    expect(await find({ server: 'laptop' }, {}, home)).toEqual(laptop);
  });

  test('a file of ports that is spoilt does not count', async () => {
    platformAt(home, 'x');
    expect(await find({}, { KUBECONFIG: join(home, '.local/kubeconfig') })).toMatchObject({ origin: 'cluster' });
  });
});

describe('a cluster whose names this machine does not know', () => {
  const unknown = async () => ({ ...(await cluster()), gateway: 'http://gateway.n.invalid' });
  const place = () => ({ cwd: home, environment: { HOME: home, KUBECONFIG: '/x' } });

  function kubectlThat(does: string): void {
    writeFileSync(join(home, 'kubectl'), `#!/bin/sh\necho "$@" > ${home}/asked\n${does}\n`, { mode: 0o755 });
    vi.stubEnv('PATH', `${home}:${process.env['PATH']}`);
  }
  afterEach(() => {
    vi.unstubAllEnvs();
  });

  test('is reached through its activator, which is told for whom each request is', async () => {
    kubectlThat('echo "Forwarding from 127.0.0.1:45678 -> 8012"; exec sleep 3');
    const found = await findConnection({ context: 'c' }, place(), unknown);
    expect(found).toMatchObject({
      server: 'http://127.0.0.1:45678',
      origin: 'cluster',
      headers: { 'knative-serving-namespace': 'n', 'knative-serving-revision': 'gateway-00007' },
    });
    const asked = readFileSync(join(home, 'asked'), 'utf8').trim();
    expect(asked).toBe(
      '--kubeconfig /x --context c port-forward -n knative-serving svc/activator-service :80 --address 127.0.0.1',
    );
  });

  test('keeps its address where kubectl may not forward', async () => {
    kubectlThat('echo "Forbidden" >&2; exit 1');
    const found = await findConnection({}, place(), unknown);
    expect(found).toMatchObject({ server: 'http://gateway.n.invalid' });
    expect(found.headers).toBeUndefined();
  });
});

test('the headers of a way go with every request', async () => {
  const asked: Headers[] = [];
  const answer = async (_: unknown, init?: RequestInit) => {
    asked.push(new Headers(init?.headers));
    return new Response('{"id":"1"}', { headers: { 'content-type': 'application/json' } });
  };
  const headers = { 'knative-serving-revision': 'r' };
  const api = createApi(
    { server: GATEWAY, origin: 'cluster', token: async () => 't', headers },
    answer as typeof fetch,
  );
  await api.send({ id: '1', type: 'build.start', data: '{}' });
  await api.lines('/api/v1/x');
  expect(asked.map((one) => [one.get('knative-serving-revision'), one.get('authorization')])).toEqual([
    ['r', 'Bearer t'],
    ['r', 'Bearer t'],
  ]);
});

describe('a cluster, by kubectl', () => {
  const service = JSON.stringify({ status: { url: 'http://gateway.example.com' } });

  function kubectl(answers: Record<string, string | Error>) {
    const asked: string[] = [];
    const ask = async (args: string[]) => {
      asked.push(args.join(' '));
      const [, answer = ''] = Object.entries(answers).find(([begin]) => args.join(' ').startsWith(begin)) ?? [];
      if (answer instanceof Error) {
        throw answer;
      }
      return answer;
    };
    return { asked, ask };
  }

  test('the namespace of the context, and the token of its own ServiceAccount', async () => {
    const { asked, ask } = kubectl({
      'config view': 'dev',
      get: service,
      'auth whoami': 'system:serviceaccount:acme:ci',
      'create token ci -n acme': 'token\n',
    });
    const { gateway, namespace, token } = await findCluster({}, ask);
    expect({ gateway, namespace }).toEqual({ gateway: 'http://gateway.example.com', namespace: 'dev' });
    expect(await token()).toBe('token');
    expect(asked.at(-1)).toBe('create token ci -n acme --audience knative-lambda --duration 1h');
  });

  test('a person has no token of that kind, and who may not ask gets none', async () => {
    const person = kubectl({ get: service, 'auth whoami': 'alice' });
    expect(await (await findCluster({ namespace: 'n' }, person.ask)).token()).toBeUndefined();
    const denied = kubectl({
      get: service,
      'auth whoami': 'system:serviceaccount:a:b',
      create: new Error('forbidden'),
    });
    expect(await (await findCluster({ namespace: 'n' }, denied.ask)).token()).toBeUndefined();
  });

  test('an account that is named must give its token', async () => {
    const { ask } = kubectl({ get: service, create: new Error('forbidden') });
    const found = await findCluster({ namespace: 'n', serviceAccount: 'x/y' }, ask);
    await expect(found.token()).rejects.toThrow('forbidden');
  });

  test('no gateway there: it says which namespace', async () => {
    const { ask } = kubectl({ 'config view': '' });
    await expect(findCluster({}, ask)).rejects.toThrow('there is no Service gateway in namespace default');
  });
});
