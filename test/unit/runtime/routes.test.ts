/** Requests that are no events: by method and path, whole or streamed, beside `POST /`. */
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { RetryableError } from '#shared/events/errors.ts';
import { RequestProblem } from '#shared/runtime/failure-answer.ts';
import type { Route } from '#shared/runtime/routes.ts';
import { demo, type Running, run } from './run.ts';
import { sendBinary } from './send.ts';

const json = (value: unknown) => ({
  statusCode: 200,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(value),
});

let ended = 0;
const routes: Route<unknown>[] = [
  { method: 'GET', path: '/things/{id}', handle: async ({ params, query }) => json({ ...params, q: query.get('q') }) },
  { method: 'POST', path: '/things', handle: async ({ body }) => json({ bytes: body?.length }) },
  {
    method: 'GET',
    path: '/refused',
    handle: async () => {
      throw new RequestProblem({ status: 404, reason: 'NotFound', detail: 'there is no such thing' });
    },
  },
  {
    method: 'GET',
    path: '/down',
    handle: async () => {
      throw new RetryableError('Unavailable', 'S3 is down', { retryAfter: 3 });
    },
  },
  {
    method: 'GET',
    path: '/broken',
    handle: async () => {
      throw Object.assign(new Error('a secret'), { code: 418 });
    },
  },
  {
    method: 'GET',
    path: '/ticks',
    handle: async () => ({ statusCode: 200, headers: { 'content-type': 'application/x-ndjson' }, stream: ticks() }),
  },
  { method: 'GET', path: '/*', handle: async ({ params }) => json({ rest: params['rest'] }) },
];

async function* ticks() {
  try {
    for (let n = 0; ; n += 1) {
      yield `${n}\n`;
      await wait(5);
    }
  } finally {
    ended += 1;
  }
}

let running: Running;
beforeAll(async () => {
  running = await run({ ...demo(), routes });
});
afterAll(() => running.close());
beforeEach(() => {
  ended = 0;
});

const get = (path: string, init?: RequestInit) => fetch(new URL(path, running.url), init);

describe('a route', () => {
  test('gets its parameters decoded, and its query', async () => {
    expect(await (await get('/things/a%2Fb?q=1')).json()).toEqual({ id: 'a/b', q: '1' });
  });

  test('gets a body', async () => {
    expect(await (await get('/things', { method: 'POST', body: 'four' })).json()).toEqual({ bytes: 4 });
  });

  test('answers HEAD without a body', async () => {
    const answer = await get('/things/a', { method: 'HEAD' });
    expect(answer.headers.get('content-length')).toBe('19');
    expect(await answer.text()).toBe('');
  });

  test('is not sent again to who has it', async () => {
    const first = await get('/things/a');
    const etag = first.headers.get('etag') ?? '';
    expect(etag).toMatch(/^"/);
    expect((await get('/things/a', { headers: { 'if-none-match': `"x", W/${etag}` } })).status).toBe(304);
    expect((await get('/things/b', { headers: { 'if-none-match': etag } })).status).toBe(200);
  });

  test('a star takes any rest, but not the place of events', async () => {
    expect(await (await get('/some/page.css')).json()).toEqual({ rest: 'some/page.css' });
    expect((await sendBinary(running.url, {}, { third_party_id: 'a', parser_id: 'p' })).headers['ce-type']).toBe(
      'demo.done',
    );
    expect((await get('/things', { method: 'DELETE' })).status).toBe(404);
  });

  test('a path that is no UTF-8 is nothing', async () => {
    expect((await get('/things/%ff')).status).toBe(404);
  });
});

describe('what fails is a problem:', () => {
  test.each([
    ['/refused', 404, 'NotFound', 'there is no such thing'],
    ['/down', 503, 'Unavailable', 'S3 is down'],
    ['/broken', 500, 'InternalError', expect.stringMatching(/fingerprint/)],
  ])('%s', async (path, status, reason, detail) => {
    const answer = await get(path);
    expect(answer.headers.get('content-type')).toBe('application/problem+json');
    expect(await answer.json()).toMatchObject({ status, reason, detail });
  });
});

describe('a stream', () => {
  test('is sent as it is made, and ends when nobody reads', async () => {
    const gone = new AbortController();
    const { body } = await get('/ticks', { signal: gone.signal });
    const reader = body?.getReader();
    expect(Buffer.from((await reader?.read())?.value ?? '').toString()).toMatch(/^0\n/);
    gone.abort();
    await expect.poll(() => ended).toBe(1);
  });

  test('ends, whole, when the function drains', async () => {
    const other = await run({ ...demo(), routes });
    const answer = await fetch(new URL('/ticks', other.url));
    const text = answer.text();
    await wait(30);
    await other.close();
    expect(await text).toMatch(/^0\n1\n(\d+\n)*$/);
    await expect.poll(() => ended).toBe(1);
  });
});

test('each request is one line of the log, and counted', async () => {
  running.lines.length = 0;
  await get('/things/a');
  expect(running.lines).toContainEqual(
    expect.objectContaining({ msg: 'request replied', route: 'GET /things/{id}', status: 200, id: 'a' }),
  );
  const metrics = await (await fetch(`http://127.0.0.1:${running.metricsPort}/metrics`)).text();
  expect(metrics).toMatch(/events_total\{function="demo",type="GET \/things\/\{id\}",outcome="replied"\} [1-9]/);
});
