/**
 * Clients against servers with certificates of one's own: who has the authority is served, who has not is told what is
 * wrong and what to do.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { startS3 } from '#local/s3.ts';
import { createEcrRegistry } from '#shared/clients/ecr.ts';
import { createObjectStore } from '#shared/clients/s3.ts';
import { networkCode } from '#shared/network-code.ts';
import { otlpTracing } from '#shared/telemetry/otlp-traces.ts';

const ROOT = join(import.meta.dirname, '../../..');
const file = (name: string) => join(ROOT, 'test/fixtures/tls', name);
const CREDENTIALS = { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'testtesttest' };

const UNTRUSTED =
  /SELF_SIGNED_CERT_IN_CHAIN: its certificate is of an authority that is not trusted here.*CA_CONFIG_MAP/;

let directory: string;
let plain: Awaited<ReturnType<typeof startS3>>;
/** Before the plain S3, as a proxy that ends TLS; one that is valid, one that has expired. */
let s3: Ended;
let expired: Ended;

interface Ended {
  url: string;
  close(): Promise<void>;
}

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tls-'));
  plain = await startS3({ directory: join(directory, 's3'), buckets: ['bucket'] });
  s3 = await endTls('server.pem', plain.url);
  expired = await endTls('expired.pem', plain.url);
  await createObjectStore({ AWS_REGION: 'us-east-1', S3_ENDPOINT: plain.url, ...CREDENTIALS }).write(
    'bucket',
    'context',
    'packed',
    'text/plain',
  );
});
const publicOnes = getCACertificates();
afterEach(() => setDefaultCACertificates(publicOnes));
afterAll(async () => {
  await s3.close();
  await expired.close();
  await plain.close();
  await rm(directory, { recursive: true });
});

async function endTls(certificate: string, target: string): Promise<Ended> {
  const [cert, key] = await Promise.all([readFile(file(certificate)), readFile(file('server.key'))]);
  const server = createServer({ cert, key }, (incoming, response) => {
    const { method = '', headers, url = '' } = incoming;
    const onward = request(new URL(url, target), { method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    incoming.pipe(onward);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const trust = async (name: string) => setDefaultCACertificates([...publicOnes, await readFile(file(name), 'utf8')]);

async function readFrom(url: string): Promise<string | undefined> {
  const store = createObjectStore({ AWS_REGION: 'us-east-1', S3_ENDPOINT: url, ...CREDENTIALS });
  try {
    return (await store.read('bucket', 'context')).text;
  } finally {
    store.close();
  }
}

describe('S3', () => {
  test('is read by whoever trusts its authority', async () => {
    await trust('authority.pem');
    expect(await readFrom(s3.url)).toBe('packed');
  });

  test('says what is wrong to whoever does not, or trusts another', async () => {
    await expect(readFrom(s3.url)).rejects.toThrow(UNTRUSTED);
    await trust('other-authority.pem');
    await expect(readFrom(s3.url)).rejects.toThrow(UNTRUSTED);
  });

  test('whose certificate has expired, or is for other names, is told apart', async () => {
    await trust('authority.pem');
    await expect(readFrom(expired.url)).rejects.toThrow(/CERT_HAS_EXPIRED: its certificate is not valid at this time/);
    await expect(readFrom(s3.url.replace('127.0.0.1', 'localhost'))).rejects.toThrow(
      /ERR_TLS_CERT_ALTNAME_INVALID: its certificate is for other names/,
    );
  });

  test('that speaks plain HTTP is told as such', async () => {
    await expect(readFrom(plain.url.replace('http:', 'https:'))).rejects.toThrow(/does not speak TLS/);
  });
});

test('ECR says the same', async () => {
  const registry = createEcrRegistry(
    { AWS_REGION: 'us-east-1', ...CREDENTIALS },
    { account: '1', region: 'us-east-1', endpoint: s3.url },
  );
  await expect(registry.ensureRepository('fn', 'function' as never)).rejects.toThrow(UNTRUSTED);
});

test('the code of fetch, which keeps it as a cause', async () => {
  expect(networkCode(await fetch(s3.url).catch((error: unknown) => error))).toMatch(UNTRUSTED);
});

test('traces that are lost are told once, with why', async () => {
  const told: string[] = [];
  const tracing = otlpTracing(s3.url, {}, (message) => told.push(message));
  const span = () => tracing.startSpan({ name: 'x', parent: undefined, creation: undefined }).end();
  span();
  await expect.poll(() => told.length, { timeout: 60_000 }).toBe(1);
  span();
  await tracing.shutdown(5000);
  expect(told).toEqual([expect.stringMatching(UNTRUSTED)]);
});

describe('the init container of a build', () => {
  /** As the pod starts it. */
  async function fetchContext(authority: string | undefined) {
    const termination = join(directory, `termination-${authority}`);
    await writeFile(termination, '');
    const child = spawn(process.execPath, [join(ROOT, 'build-pod/fetch-context.ts')], {
      cwd: ROOT,
      stdio: 'ignore',
      env: {
        PATH: process.env['PATH'],
        AWS_REGION: 'us-east-1',
        S3_ENDPOINT: s3.url,
        ...CREDENTIALS,
        CONTEXT_BUCKET: 'bucket',
        CONTEXT_KEY: 'context',
        CONTEXT_BYTES: '6',
        CONTEXT_FILE: join(directory, 'fetched'),
        FETCH_SECONDS: '1',
        TERMINATION_LOG: termination,
        ...(authority ? { NODE_EXTRA_CA_CERTS: file(authority) } : {}),
      },
    });
    const [code] = await once(child, 'exit');
    return { code, said: await readFile(termination, 'utf8') };
  }

  test('has the context where it is given the authority', async () => {
    expect(await fetchContext('authority.pem')).toEqual({ code: 0, said: '' });
    expect(await readFile(join(directory, 'fetched'), 'utf8')).toBe('packed');
  });

  test.each([undefined, 'other-authority.pem'])('says why it has none where it is given %s', async (authority) => {
    const { code, said } = await fetchContext(authority);
    expect(code).not.toBe(0);
    expect(said).toMatch(UNTRUSTED);
    expect(said).toContain('BUILD_CA_CONFIG_MAP');
  });
});
