/** Which tokens count, by the keys of a real issuer on this machine. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createVerifyToken, type VerifyToken } from '#functions/gateway/tokens.ts';

const CLUSTER = 'https://kubernetes.default.svc';

type Pair = Awaited<ReturnType<typeof generateKeyPair>>;
let ours: Pair;
let strange: Pair;
let server: Server;
let issuer: string;
let asked: string[] = [];
let published: JWK[] = [];

beforeAll(async () => {
  ours = await generateKeyPair('RS256', { extractable: true });
  strange = await generateKeyPair('RS256', { extractable: true });
  published = [{ ...(await exportJWK(ours.publicKey)), kid: 'k1', alg: 'RS256' }];
  server = createServer(({ url }, answer) => {
    asked.push(url ?? '');
    answer.setHeader('content-type', 'application/json');
    if (url === '/.well-known/openid-configuration') {
      answer.end(JSON.stringify({ issuer, jwks_uri: `${issuer}/keys` }));
    } else {
      answer.end(JSON.stringify({ keys: published }));
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterAll(() => server.close());

interface Made {
  by?: Pair;
  kid?: string;
  iss?: string;
  sub?: string | undefined;
  aud?: string;
  expires?: string | number;
}

async function token({
  by = ours,
  kid = 'k1',
  iss = issuer,
  aud = 'knative-lambda',
  expires = '1h',
  ...made
}: Made = {}) {
  const sub = 'sub' in made ? made.sub : 'acme';
  const jwt = new SignJWT(sub === undefined ? {} : { sub })
    .setProtectedHeader({ alg: 'RS256', kid })
    .setIssuer(iss)
    .setAudience(aud)
    .setExpirationTime(expires);
  return await jwt.sign(by.privateKey);
}

const clusterOf = (keys: () => Promise<{ keys: JWK[] }>) =>
  createVerifyToken({
    issuer: async () => CLUSTER,
    keys: async () => (await keys()) as { keys: (JWK & { kty: string })[] },
  });
const verifier = (): VerifyToken => clusterOf(async () => ({ keys: published }));
const known = () => [{ issuer, audience: 'knative-lambda' }];

describe('a token', () => {
  test('of an issuer that is configured counts, and its keys are fetched once', async () => {
    const verify = verifier();
    asked = [];
    for (const sub of ['a', 'b', 'c']) {
      expect(await verify(await token({ sub }), known())).toMatchObject({ claims: { sub }, isOfCluster: false });
    }
    expect(asked).toEqual(['/.well-known/openid-configuration', '/keys']);
  });

  test('of a ServiceAccount counts, by the keys of the cluster', async () => {
    const sub = 'system:serviceaccount:acme:ci';
    const found = await verifier()(await token({ iss: CLUSTER, sub }), []);
    expect(found).toMatchObject({ claims: { sub }, isOfCluster: true });
  });

  test.each<[string, Made]>([
    ['signed by another key of the same name', { by: undefined as never }],
    ['for another audience', { aud: 'kubernetes' }],
    ['whose time is over', { expires: Math.floor(Date.now() / 1000) - 120 }],
    ['of nobody', { sub: undefined }],
    ['of an issuer that is not configured', { iss: 'https://elsewhere.example' }],
    ['whose key nobody has published', { kid: 'k9' }],
  ])('%s does not count', async (name, made) => {
    const by = name.startsWith('signed by') ? strange : ours;
    for (const iss of [issuer, CLUSTER]) {
      const found = await verifier()(await token({ iss, ...made, by }), known());
      expect(found).toEqual({ problem: expect.any(String) });
    }
  });

  test.each(['', 'x', 'a.b.c', `${Buffer.from('{"alg":"none"}').toString('base64url')}.e30.`])(
    'that is none (%s) does not count',
    async (text) => {
      expect(await verifier()(text, known())).toEqual({ problem: expect.any(String) });
    },
  );

  test('without a signature does not count, whatever it says of its algorithm', async () => {
    const [, payload] = (await token()).split('.');
    const header = Buffer.from(JSON.stringify({ alg: 'none', kid: 'k1' })).toString('base64url');
    expect(await verifier()(`${header}.${payload}.`, known())).toEqual({ problem: expect.any(String) });
  });

  test('signed with the public key as a password does not count', async () => {
    const secret = Buffer.from(JSON.stringify(published[0]));
    const forged = await new SignJWT({ sub: 'acme' })
      .setProtectedHeader({ alg: 'HS256', kid: 'k1' })
      .setIssuer(issuer)
      .setAudience('knative-lambda')
      .setExpirationTime('1h')
      .sign(secret);
    expect(await verifier()(forged, known())).toEqual({ problem: expect.any(String) });
  });
});

test('where the keys cannot be had, the token may be sent again', async () => {
  const verify = clusterOf(() => Promise.reject(new Error('down')));
  await expect(verify(await token({ iss: CLUSTER }), [])).rejects.toMatchObject({ reason: 'Unavailable' });
});

test("the cluster's keys are asked for once, and tokens with made-up keys do not change that", async () => {
  let times = 0;
  const verify = clusterOf(async () => {
    times += 1;
    return { keys: published };
  });
  await verify(await token({ iss: CLUSTER }), []);
  for (let i = 0; i < 5; i += 1) {
    await verify(await token({ iss: CLUSTER, kid: `made-up-${i}` }), []);
  }
  expect(times).toBe(1);
});
