/** ObjectStore against a real S3 over HTTP, and against one that is ill. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { type S3, startS3 } from '#local/s3.ts';
import { awsCredentials } from '#shared/clients/aws-identity.ts';
import { createObjectStore } from '#shared/clients/s3.ts';
import { PermanentError } from '#shared/events/errors.ts';
import { type Answer, deadUrl, scriptedServer } from './scripted-server.ts';

const SECRET = 'do-not-tell-anybody';
const settings = (S3_ENDPOINT: string) => ({
  AWS_REGION: 'us-east-1',
  S3_ENDPOINT,
  AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE',
  AWS_SECRET_ACCESS_KEY: SECRET,
});

let directory: string;
let s3: S3;
let store: ReturnType<typeof createObjectStore>;
let test_ = 0;
let prefix: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 's3-client-'));
  s3 = await startS3({ directory, buckets: ['bucket'] });
  store = createObjectStore(settings(s3.url));
});
beforeEach(() => {
  prefix = `t${++test_}/`;
});
afterAll(async () => {
  store.close();
  await s3.close();
  await rm(directory, { recursive: true, force: true });
});

async function listed(under = prefix) {
  const objects = [];
  for await (const page of store.list('bucket', under)) {
    objects.push(...page.objects);
  }
  return objects;
}

const write = (key: string, body: string | Buffer) => store.write('bucket', prefix + key, body, 'text/plain');

describe('against a real S3', () => {
  test('what is written is read, listed, opened, copied, removed', async () => {
    await write('a', 'hello');
    expect((await store.read('bucket', `${prefix}a`)).text).toBe('hello');
    const [object] = await listed();
    expect(object).toEqual({
      key: `${prefix}a`,
      size: 5,
      etag: '5d41402abc4b2a76b9719d911017c592',
      modified: expect.any(Date),
    });
    expect(Math.abs((object?.modified.getTime() ?? 0) - Date.now())).toBeLessThan(5000);
    const opened = await store.open('bucket', `${prefix}a`);
    expect([opened?.size, opened?.etag]).toEqual([5, object?.etag]);
    expect((await buffer(opened?.body ?? Readable.from([]))).toString()).toBe('hello');
    await store.copy('bucket', `${prefix}a`, `${prefix}b c+ü`);
    expect((await listed()).map(({ key }) => key)).toEqual([`${prefix}a`, `${prefix}b c+ü`]);
    await store.remove('bucket', [`${prefix}a`, `${prefix}b c+ü`, `${prefix}never-there`]);
    expect(await listed()).toEqual([]);
  });

  test('of several who create one object at once a single one is told that it has', async () => {
    const bodies = ['a', 'b', 'c', 'd'];
    const key = `${prefix}once.json`;
    const created = await Promise.all(bodies.map((body) => store.create('bucket', key, body, 'text/plain')));
    expect(created.filter(Boolean)).toEqual([true]);
    const { text } = await store.read('bucket', key);
    expect(text).toBe(bodies[created.indexOf(true)]);
    expect(await store.create('bucket', key, 'later', 'text/plain')).toBe(false);
  });

  test('what is missing is no error, and S3 tells its time all the same', async () => {
    const missing = `${prefix}missing`;
    expect(await store.open('bucket', missing)).toBeUndefined();
    const { text, date } = await store.read('bucket', missing);
    expect(text).toBeUndefined();
    expect(Math.abs(date.getTime() - Date.now())).toBeLessThan(5000);
    expect(date.getMilliseconds()).toBe(0);
  });

  test('the pages of a long listing tell S3’s time', async () => {
    await Promise.all(Array.from({ length: 25 }, (_, n) => write(String(n).padStart(3, '0'), 'x')));
    const pages = [];
    for await (const page of store.list('bucket', prefix)) {
      pages.push(page);
    }
    expect(pages.flatMap(({ objects }) => objects)).toHaveLength(25);
    expect(pages[0]?.date.getMilliseconds()).toBe(0);
  });

  test.each(['a b', 'a+b', 'a%20b', 'ü/€', 'a\u0001b', 'a&<b>'])('a key is listed as it is: %j', async (key) => {
    await write(key, 'x');
    expect((await listed()).map((object) => object.key)).toEqual([prefix + key]);
  });

  test('a long stream goes up in parts, and comes down whole', async () => {
    const piece = Buffer.alloc(1024 * 1024, 'abcdefgh');
    const pieces = 40;
    const body = Readable.from(
      (function* () {
        for (let n = 0; n < pieces; n++) {
          yield piece;
        }
      })(),
    );
    await store.upload('bucket', `${prefix}long`, body, 'application/gzip');
    const opened = await store.open('bucket', `${prefix}long`);
    expect(opened?.size).toBe(pieces * piece.length);
    let bytes = 0;
    for await (const chunk of opened?.body ?? []) {
      bytes += (chunk as Buffer).length;
    }
    expect(bytes).toBe(pieces * piece.length);
  });

  test('a stream that breaks leaves nothing behind, and its own error comes through', async () => {
    const broken = Readable.from(
      (async function* () {
        yield Buffer.alloc(20 * 1024 * 1024);
        throw new PermanentError('InvalidManifest', 'the source is wrong');
      })(),
    );
    const upload = store.upload('bucket', `${prefix}broken`, broken, 'application/gzip');
    await expect(upload).rejects.toMatchObject({ name: 'PermanentError', reason: 'InvalidManifest' });
    expect(await listed()).toEqual([]);
  });

  test('a reader that stops early does not hold its connection', async () => {
    await write('big', Buffer.alloc(5_000_000));
    for (let n = 0; n < 80; n++) {
      (await store.open('bucket', `${prefix}big`))?.body.destroy();
    }
    expect((await listed()).length).toBe(1);
  });

  test('more uploads at once than there are places do not wait for one another, though each reads from the same S3', async () => {
    await write('origin', Buffer.alloc(10_000, 'x'));
    const copy = async (n: number) => {
      async function* content() {
        yield* (await store.open('bucket', `${prefix}origin`))?.body ?? [];
      }
      await store.upload('bucket', `${prefix}copy-${n}`, Readable.from(content(), { objectMode: false }), 'text/plain');
    };
    await Promise.all(Array.from({ length: 100 }, (_, n) => copy(n)));
    expect((await listed(`${prefix}copy-`)).every(({ size }) => size === 10_000)).toBe(true);
  });

  test('a missing bucket says which command makes it', async () => {
    const list = store.list('no-such-bucket', '')[Symbol.asyncIterator]().next();
    await expect(list).rejects.toMatchObject({
      name: 'PermanentError',
      reason: 'NoSource',
      message: expect.stringContaining('aws s3 mb s3://no-such-bucket'),
    });
  });
});

const error = (code: string): string =>
  `<?xml version="1.0"?><Error><Code>${code}</Code><Message>The key AKIDEXAMPLE of ${SECRET} is wrong</Message><AWSAccessKeyId>AKIDEXAMPLE</AWSAccessKeyId></Error>`;

describe('against an S3 that is ill', () => {
  test.each<{ case: string; answer: Answer; name: string; reason: string; retryAfter?: number }>([
    {
      case: '500',
      answer: { status: 500, body: error('InternalError') },
      name: 'RetryableError',
      reason: 'Unavailable',
    },
    {
      case: '503',
      answer: { status: 503, body: 'upstream connect error' },
      name: 'RetryableError',
      reason: 'Unavailable',
    },
    {
      case: '503 SlowDown',
      answer: { status: 503, body: error('SlowDown') },
      name: 'RetryableError',
      reason: 'Throttled',
    },
    {
      case: '429 with a time',
      answer: { status: 429, headers: { 'retry-after': '3600' }, body: error('TooManyRequests') },
      name: 'RetryableError',
      reason: 'Throttled',
      retryAfter: 3600,
    },
    { case: '403', answer: { status: 403, body: error('AccessDenied') }, name: 'PermanentError', reason: 'Forbidden' },
    {
      case: 'a wrong key',
      answer: { status: 403, body: error('InvalidAccessKeyId') },
      name: 'PermanentError',
      reason: 'Forbidden',
    },
    {
      case: 'credentials that have expired',
      answer: { status: 400, body: error('ExpiredToken') },
      name: 'RetryableError',
      reason: 'Unavailable',
    },
    {
      case: 'another region',
      answer: { status: 301, body: error('PermanentRedirect') },
      name: 'PermanentError',
      reason: 'Refused',
    },
    {
      case: 'an HTML page',
      answer: { status: 400, body: `<html>${SECRET}</html>` },
      name: 'PermanentError',
      reason: 'Refused',
    },
  ])('$case: $name $reason, and nobody’s secrets', async ({ answer, name, reason, retryAfter }) => {
    const server = await scriptedServer(() => answer);
    const ill = createObjectStore(settings(server.url));
    try {
      const failure = await ill.write('bucket', 'key', 'x', 'text/plain').catch((thrown: Error) => thrown);
      expect(failure).toMatchObject({ name, reason, ...(retryAfter ? { retryAfter } : {}) });
      const told = JSON.stringify([
        failure,
        (failure as Error).message,
        (failure as Error).stack,
        String((failure as Error).cause),
      ]);
      expect(told).not.toContain(SECRET);
      expect(told).not.toContain('AKIDEXAMPLE');
      expect((failure as Error).message).toContain('s3://bucket/key');
      // Ours alone, not three of ours with some of the SDK's each.
      expect(server.requests.length).toBeLessThanOrEqual(3);
    } finally {
      ill.close();
      await server.close();
    }
  });

  test('a blip is not seen: the same bytes are sent again', async () => {
    const server = await scriptedServer(() =>
      server.requests.length < 3 ? { status: 503, body: error('InternalError') } : { status: 200 },
    );
    const ill = createObjectStore(settings(server.url));
    await ill.write('bucket', 'key', Buffer.from('hello'), 'text/plain');
    expect(server.requests.map(({ method, body }) => [method, body])).toEqual(Array(3).fill(['PUT', 'hello']));
    ill.close();
    await server.close();
  });

  test('one that keeps failing is left alone for a while; refusals are no failures', async () => {
    // Its pause is over when the test says so, however slow the machine.
    vi.useFakeTimers({ toFake: ['Date'] });
    const server = await scriptedServer(() =>
      server.requests.length <= 10
        ? { status: 403, body: error('AccessDenied') }
        : { status: 500, body: error('InternalError') },
    );
    const ill = createObjectStore(settings(server.url));
    const write = () => ill.write('bucket', 'key', 'x', 'text/plain').catch((thrown: Error) => thrown);
    for (let n = 0; n < 10; n++) {
      expect(await write()).toMatchObject({ reason: 'Forbidden' });
    }
    for (let n = 0; n < 5; n++) {
      expect(await write()).toMatchObject({ name: 'RetryableError', reason: 'Unavailable' });
    }
    expect(await write()).toMatchObject({
      retryAfter: 1,
      message: expect.stringContaining('S3 has failed 5 times in a row, at last with InternalError (HTTP 500)'),
    });
    expect(server.requests).toHaveLength(15);
    vi.useRealTimers();
    ill.close();
    await server.close();
  });

  test('the end of an upload that was done before, and is not known any more, is no refusal', async () => {
    const server = await scriptedServer(({ method, url = '' }) => {
      if (method === 'POST' && url.includes('uploads')) {
        return {
          status: 200,
          body: '<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>',
        };
      }
      return method === 'PUT'
        ? { status: 200, headers: { etag: '"x"' } }
        : { status: 404, body: error('NoSuchUpload') };
    });
    const ill = createObjectStore(settings(server.url));
    const body = Readable.from([Buffer.alloc(9 * 1024 * 1024)]);
    await expect(ill.upload('bucket', 'key', body, 'application/gzip')).rejects.toMatchObject({
      name: 'RetryableError',
      reason: 'Conflict',
    });
    ill.close();
    await server.close();
  });

  test('nobody answers', async () => {
    const ill = createObjectStore(settings(await deadUrl()));
    await expect(ill.read('bucket', 'key')).rejects.toMatchObject({
      name: 'RetryableError',
      reason: 'Unavailable',
      message: expect.stringContaining('ECONNREFUSED'),
    });
    ill.close();
  });

  test('it takes the request and says nothing', async () => {
    const server = await scriptedServer(() => undefined);
    const ill = createObjectStore(settings(server.url), { connect: 200, idle: 200 });
    await expect(ill.read('bucket', 'key')).rejects.toMatchObject({ name: 'RetryableError', reason: 'Unavailable' });
    ill.close();
    await server.close();
  });

  test('it hangs up in the middle of a body', async () => {
    const server = await scriptedServer((_request, response) => {
      response.writeHead(200, { 'content-length': '1000', etag: '"x"' });
      response.write('half');
      setTimeout(() => response.destroy(), 20);
      return undefined;
    });
    const ill = createObjectStore(settings(server.url));
    const opened = await ill.open('bucket', 'key');
    await expect(buffer(opened?.body ?? Readable.from([]))).rejects.toMatchObject({
      name: 'RetryableError',
      reason: 'Unavailable',
    });
    ill.close();
    await server.close();
  });

  test('it can’t remove one of many', async () => {
    const body =
      '<DeleteResult><Error><Key>b</Key><Code>InternalError</Code><Message>no</Message></Error></DeleteResult>';
    const server = await scriptedServer(() => ({ status: 200, body }));
    const ill = createObjectStore(settings(server.url));
    await expect(ill.remove('bucket', ['a', 'b'])).rejects.toMatchObject({ name: 'RetryableError' });
    ill.close();
    await server.close();
  });

  test('a header without a date leaves ours', async () => {
    const server = await scriptedServer((_request, response) => {
      response.sendDate = false;
      return { status: 200, body: 'x' };
    });
    const ill = createObjectStore(settings(server.url));
    expect(Math.abs((await ill.read('bucket', 'key')).date.getTime() - Date.now())).toBeLessThan(5000);
    ill.close();
    await server.close();
  });
});

describe('who we are', () => {
  test('a key pair is taken as it is, with its session', () => {
    expect(awsCredentials({ ...settings('http://x'), AWS_SESSION_TOKEN: 's' })).toEqual({
      accessKeyId: 'AKIDEXAMPLE',
      secretAccessKey: SECRET,
      sessionToken: 's',
    });
  });

  test('else the pod’s identity, asked only when it is needed', async () => {
    const server = await scriptedServer(() => ({
      status: 200,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        AccessKeyId: 'POD',
        SecretAccessKey: 's',
        Token: 't',
        Expiration: '2099-01-01T00:00:00Z',
      }),
    }));
    const provider = awsCredentials({
      AWS_REGION: 'eu-west-1',
      AWS_CONTAINER_CREDENTIALS_FULL_URI: `${server.url}/creds`,
    });
    expect(server.requests).toHaveLength(0);
    expect(await (provider as () => Promise<unknown>)()).toMatchObject({ accessKeyId: 'POD', sessionToken: 't' });
    await server.close();
  });

  test('else nobody, which is said at the start', () => {
    expect(() => awsCredentials({ AWS_REGION: 'eu-west-1' })).toThrow(/AWS_ACCESS_KEY_ID.*knative-lambda-s3/);
  });
});
