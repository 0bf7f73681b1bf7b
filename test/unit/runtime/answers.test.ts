/** What becomes of what a handler returns and throws; correlation and causation. */
import { afterEach, describe, expect, test } from 'vitest';
import * as z from 'zod';
import { PermanentError, RetryableError } from '#shared/events/errors.ts';
import { deriveId } from '#shared/events/event.ts';
import { boundedProblems } from '#shared/events/problem.ts';
import { eventRejected } from '#shared/events/rejected.ts';
import { demo, type Running, run } from './run.ts';
import { send, sendBinary, sendStructured } from './send.ts';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const TRACEPARENT = `00-${TRACE}-00f067aa0ba902b7-01`;
const OTHER_TRACEPARENT = '00-11111111111111111111111111111111-2222222222222222-01';

let running: Running | undefined;
afterEach(async () => {
  await running?.close();
  running = undefined;
});

async function start(handle: Parameters<typeof demo>[0]): Promise<string> {
  running = await run(demo(handle));
  return running.url;
}

test('a refusal that a handler returns names the function, as one that it throws', async () => {
  const problems = [{ path: 'data.parameters.size', message: 'is too much' }];
  const url = await start((event) => eventRejected(event.original, 'InvalidEvent', problems));
  const answer = await sendBinary(url, { 'ce-subject': 'acme/p1' });
  expect(answer.headers).toMatchObject({ 'ce-type': 'event.rejected', 'ce-subject': 'acme/p1' });
  expect(answer.json).toMatchObject({ function: 'demo', reason: 'InvalidEvent', problems });
  expect(running?.lines).toContainEqual(expect.objectContaining({ outcome: 'rejected', reason: 'InvalidEvent' }));
});

describe('a reply', () => {
  test('is a CloudEvent in binary mode, caused by the event', async () => {
    const url = await start(() => ({ type: 'demo.done', data: { ok: true } }));
    const answer = await sendBinary(url, { 'ce-subject': 'acme/p1', traceparent: TRACEPARENT });
    expect(answer.status).toBe(200);
    expect(answer.headers).toMatchObject({
      'ce-specversion': '1.0',
      'ce-type': 'demo.done',
      'ce-source': 'knative-lambda',
      'ce-subject': 'acme/p1',
      'ce-id': deriveId('test', 'e1', 'demo.done'),
      'ce-causationid': 'e1',
      'ce-correlationid': 'e1',
      'ce-traceparent': TRACEPARENT,
      'x-correlation-id': 'e1',
      'x-trace-id': TRACE,
    });
    expect(answer.json).toEqual({ ok: true });
  });

  test.each([
    { case: 'an object', data: { a: 1 }, body: '{"a":1}' },
    { case: 'a JSON text', data: 'a"b', body: '"a\\"b"' },
    { case: 'a number', data: 0, body: '0' },
    { case: 'null', data: null, body: 'null' },
    { case: 'text', data: 'a"b', datacontenttype: 'text/plain', body: 'a"b' },
    { case: 'bytes', data: Buffer.from('%PDF'), datacontenttype: 'application/pdf', body: '%PDF' },
    { case: 'nothing', data: undefined, body: '' },
  ])('carries $case', async ({ data, datacontenttype = 'application/json', body }) => {
    const url = await start(() => ({ type: 'demo.done', data, datacontenttype }));
    const answer = await sendBinary(url);
    expect(answer).toMatchObject({ status: 200, text: body });
    expect(String(answer.headers['content-type'])).toContain(body && datacontenttype);
  });

  test.each(['constructor', 'validate', 'valueof'])('may have an extension called %s', async (name) => {
    const url = await start(() => ({ type: 'demo.done', extensions: { [name]: 'x' } }));
    expect(await sendBinary(url, { [`ce-${name}`]: 'x' })).toMatchObject({
      status: 200,
      headers: { [`ce-${name}`]: 'x' },
    });
  });

  test('to a redelivery has the same id', async () => {
    const url = await start(() => ({ type: 'demo.done' }));
    const ids = [await sendBinary(url), await sendBinary(url), await sendStructured(url)].map(
      ({ headers }) => headers['ce-id'],
    );
    expect(new Set(ids).size).toBe(1);
  });

  test('without subject is about the function that the data names', async () => {
    const url = await start(() => ({ type: 'demo.done' }));
    expect((await sendBinary(url)).headers['ce-subject']).toBe('acme/p1');
    const notifi = await sendBinary(url, { 'ce-source': 'network.notifi.acme', 'ce-subject': 'p1' }, {});
    expect(notifi.headers['ce-subject']).toBe('acme/p1');
  });

  test('encodes what headers cannot carry', async () => {
    const url = await start(() => ({ type: 'demo.done', subject: 'a €"%\n\ud800' }));
    const answer = await sendBinary(url);
    expect(answer.headers['ce-subject']).toBe('a%20%E2%82%AC%22%25%0A%EF%BF%BD');
  });

  test('without data has no content type, since empty is no JSON', async () => {
    const url = await start(() => ({ type: 'demo.done' }));
    const answer = await sendBinary(url);
    expect(answer).toMatchObject({ status: 200, text: '', headers: { 'ce-type': 'demo.done' } });
    expect(answer.headers['content-type']).toBeUndefined();
  });

  test('has no headers for browsers', async () => {
    const url = await start(() => ({ type: 'demo.done' }));
    const names = Object.keys((await sendBinary(url)).headers);
    expect(names.filter((name) => name.startsWith('access-control'))).toEqual([]);
  });

  test('of nothing is 202 without a body', async () => {
    const url = await start(() => undefined);
    const answer = await sendBinary(url);
    expect(answer).toMatchObject({ status: 202, text: '' });
    expect(answer.headers['content-type']).toBeUndefined();
    expect(answer.headers).toMatchObject({
      'x-correlation-id': 'e1',
      'x-trace-id': expect.stringMatching(/^[0-9a-f]{32}$/),
    });
  });
});

describe('the correlation id is', () => {
  const long = 'x'.repeat(201);
  const cases: { case: string; attributes: Record<string, string>; data?: object; expected: string }[] = [
    { case: 'the extension', attributes: { 'ce-correlationid': 'c1' }, data: { correlation_id: 'c2' }, expected: 'c1' },
    { case: "else the data's", attributes: {}, data: { correlation_id: 'c2' }, expected: 'c2' },
    { case: "else the event's id", attributes: {}, expected: 'e1' },
    { case: 'one that every later event can carry', attributes: { 'ce-correlationid': long }, expected: 'e1' },
    {
      case: 'derived where even the id is too long',
      attributes: { 'ce-id': long },
      expected: deriveId('correlation', 'test', long),
    },
  ];
  test.each(cases)('$case', async ({ attributes, data, expected }) => {
    const url = await start((event) => ({ type: 'demo.done', data: { seen: event.correlationId } }));
    const answer = await sendBinary(url, attributes, { third_party_id: 'acme', parser_id: 'p1', ...data });
    expect(answer.headers).toMatchObject({ 'ce-correlationid': expected, 'x-correlation-id': expected });
    expect(answer.json.seen).toBe(expected);
  });

  test('also on a refused event and a refused request', async () => {
    const url = await start(() => undefined);
    expect((await sendBinary(url, { 'ce-correlationid': 'c1' }, {})).headers).toMatchObject({
      'ce-correlationid': 'c1',
      'x-correlation-id': 'c1',
    });
    expect((await sendBinary(url, { 'ce-correlationid': 'c1', 'ce-id': undefined })).headers['x-correlation-id']).toBe(
      'c1',
    );
  });
});

describe('the trace is that of', () => {
  const cases: { case: string; headers: Record<string, string>; trace: RegExp }[] = [
    {
      case: 'the hop',
      headers: { traceparent: TRACEPARENT, 'ce-traceparent': OTHER_TRACEPARENT },
      trace: new RegExp(`^${TRACE}$`),
    },
    { case: 'else the event', headers: { 'ce-traceparent': TRACEPARENT }, trace: new RegExp(`^${TRACE}$`) },
    { case: 'else a new one', headers: {}, trace: /^(?!0{32})[0-9a-f]{32}$/ },
    {
      case: 'a new one where it is broken',
      headers: { traceparent: '00-zz', 'ce-traceparent': `00-${'0'.repeat(32)}-00f067aa0ba902b7-01` },
      trace: /^(?!0{32})[0-9a-f]{32}$/,
    },
  ];
  test.each(cases)('$case', async ({ headers, trace }) => {
    const url = await start((event) => ({ type: 'demo.done', data: { seen: event.traceparent } }));
    const answer = await sendBinary(url, headers);
    expect(answer.headers['x-trace-id']).toMatch(trace);
    expect(answer.headers['ce-traceparent']).toContain(String(answer.headers['x-trace-id']));
    expect(answer.json.seen).toBe(answer.headers['ce-traceparent']);
  });
});

describe('a handler that throws', () => {
  const leak = Object.assign(new Error('password=secret'), { code: 'ECONNREFUSED', statusCode: 418 });
  const cases: { case: string; error: unknown; status: number; reason: string; headers?: object }[] = [
    {
      case: 'RetryableError: 503',
      error: new RetryableError('Unavailable', 'S3 is down'),
      status: 503,
      reason: 'Unavailable',
      headers: {},
    },
    {
      case: 'RetryableError with a time: 429',
      error: new RetryableError('Throttled', 'slow down', { retryAfter: 1.2 }),
      status: 429,
      reason: 'Throttled',
      headers: { 'retry-after': '2' },
    },
    {
      case: 'RetryableError with a time of 0',
      error: new RetryableError('Throttled', 'slow down', { retryAfter: 0 }),
      status: 429,
      reason: 'Throttled',
      headers: { 'retry-after': '1' },
    },
    {
      case: 'RetryableError of what is down, with a time: 503',
      error: new RetryableError('Unavailable', 'not asked again for 8 s', { retryAfter: 8 }),
      status: 503,
      reason: 'Unavailable',
      headers: { 'retry-after': '8' },
    },
    { case: 'an error with a string code: 500', error: leak, status: 500, reason: 'InternalError' },
    {
      case: 'an error with a code that is a status: 500',
      error: Object.assign(new Error('secret'), { code: 404 }),
      status: 500,
      reason: 'InternalError',
    },
    { case: 'a string: 500', error: 'secret', status: 500, reason: 'InternalError' },
    { case: 'undefined: 500', error: undefined, status: 500, reason: 'InternalError' },
    { case: 'null: 500', error: null, status: 500, reason: 'InternalError' },
  ];
  test.each(cases)('$case', async ({ error, status, reason, headers }) => {
    const url = await start(() => {
      throw error;
    });
    const answer = await sendBinary(url);
    expect(answer.status).toBe(status);
    expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/);
    expect(answer.json).toMatchObject({ status, reason });
    expect(answer.headers).toMatchObject({ 'x-correlation-id': 'e1', ...headers });
    expect(answer.text).not.toContain('secret');
    expect(answer.headers['ce-id']).toBeUndefined();
  });

  test('PermanentError: event.rejected with its reason', async () => {
    const url = await start(() => {
      throw new PermanentError('NoSource', 'there is nothing under global/parser/p1/: upload the source first');
    });
    const answer = await sendBinary(url);
    expect(answer.status).toBe(200);
    expect(answer.headers['ce-type']).toBe('event.rejected');
    expect(answer.json).toMatchObject({
      reason: 'NoSource',
      problems: [{ path: 'data', message: 'there is nothing under global/parser/p1/: upload the source first' }],
      event: { id: 'e1', data: { third_party_id: 'acme' } },
    });
  });

  test('something unforeseen: the log tells what the answer does not, under the same fingerprint', async () => {
    const url = await start(() => {
      throw leak;
    });
    const answer = await sendBinary(url);
    const entry = running?.lines.find((line) => line['level'] === 'error');
    expect(entry).toMatchObject({
      fingerprint: answer.json.fingerprint,
      outcome: 'failed',
      err: { message: 'password=secret', code: 'ECONNREFUSED', stack: expect.stringContaining('answers.test.ts') },
    });
    expect(answer.json.fingerprint).toMatch(/^[0-9a-f]{12}$/);
  });

  test('a reply that is no event is a failure like any other', async () => {
    const url = await start(() => ({ type: 'demo.done', data: { big: 1n } }));
    expect(await sendBinary(url)).toMatchObject({ status: 500, json: { reason: 'InternalError' } });
  });
});

describe('dependencies', () => {
  test('that fail are 503, and are tried again with the next event', async () => {
    let attempts = 0;
    running = await run({
      ...demo(),
      dependencies: () => {
        attempts += 1;
        if (attempts <= 2) {
          throw new Error('no route to secret host');
        }
        return {};
      },
    });
    const first = await sendBinary(running.url);
    expect(first).toMatchObject({ status: 503, json: { reason: 'DependenciesUnavailable' } });
    expect(first.text).not.toContain('secret');
    let status = 503;
    while (status === 503) {
      ({ status } = await sendBinary(running.url));
    }
    expect(status).toBe(200);
    expect(attempts).toBe(3);
  });

  test('are made once, from the configuration', async () => {
    const made: unknown[] = [];
    running = await run(
      {
        name: 'demo',
        config: z.object({ GREETING: z.string() }),
        events: { '*': z.unknown() },
        dependencies: (config) => {
          made.push(config);
          return config as { GREETING: string };
        },
        handle: (event, { GREETING }) => ({ type: `${event.type}.done`, data: { GREETING } }) as never,
      },
      { GREETING: 'hello' },
    );
    const answers = await Promise.all([sendBinary(running.url), sendBinary(running.url, { 'ce-type': 'anything' })]);
    expect(answers.map(({ headers, json }) => [headers['ce-type'], json.GREETING])).toEqual([
      ['demo.start.done', 'hello'],
      ['anything.done', 'hello'],
    ]);
    expect(made).toEqual([{ GREETING: 'hello' }]);
  });
});

test('a function of every type takes what cannot be read, and keeps it as it came', async () => {
  const seen: unknown[] = [];
  running = await run({
    name: 'keeper',
    config: z.object({}),
    events: { '*': z.unknown() },
    dependencies: () => ({}),
    handle: (event) => {
      seen.push(event.original.toJSON());
      return undefined;
    },
  });
  const broken = await sendBinary(running.url, {}, '{"a":');
  const large = await sendBinary(
    running.url,
    { 'ce-type': 'event.rejected' },
    JSON.stringify({ reason: 'x'.repeat(1_500_000) }),
  );
  const tooLarge = await sendBinary(running.url, {}, Buffer.alloc(5_000_000, 0x20));
  expect([broken.status, large.status]).toEqual([202, 202]);
  expect(seen[0]).toMatchObject({
    data_base64: Buffer.from('{"a":').toString('base64'),
    datacontenttype: 'application/json',
  });
  expect(tooLarge.headers['ce-type']).toBe('event.rejected');
  expect(seen).toHaveLength(2);
});

test('an event that only starts a pod is acknowledged whatever it says: its own function refuses it', async () => {
  const handled: unknown[] = [];
  const wakes = ['demo.begin'];
  const key = { AUTHENTICATION: 'required', EVENT_KEY: `k1:${Buffer.alloc(32, 1).toString('base64')}` };
  running = await run({ ...demo((event) => void handled.push(event)), name: 'woken', wakes }, key);
  const begin = { 'ce-type': 'demo.begin' };
  const answers = [
    await sendBinary(running.url, begin, Buffer.alloc(1_100_000, 0x20)),
    await sendBinary(running.url, begin, '{"a":'),
    await sendBinary(running.url, begin, {}),
  ];
  expect(answers.map(({ status, text }) => [status, text])).toEqual(answers.map(() => [202, '']));
  expect(handled).toEqual([]);
  const { text } = await send(`http://127.0.0.1:${running.metricsPort}/metrics`, { method: 'GET' });
  expect(text).toContain('{function="woken",type="demo.begin",outcome="acknowledged"} 3\n');
});

test('an id that cannot be made a text is refused like any other', async () => {
  const url = await start(() => ({ type: 'demo.done' }));
  const answer = await sendBinary(url, { 'ce-subject': 'acme/p1' }, { third_party_id: { toString: '' } });
  expect(answer).toMatchObject({ status: 200, json: { reason: 'InvalidEvent' } });
});

test('of a hundred thousand problems the first are told', async () => {
  const url = await start(() => ({ type: 'demo.done' }));
  const data = { third_party_id: `${'x'.repeat(500_000)}!`, parser_id: '!', count: 'many' };
  const answer = await sendBinary(url, { 'ce-subject': 'acme/p1' }, data);
  expect(answer.json).toMatchObject({ reason: 'InvalidEvent', event: { data } });
  expect(answer.text.length).toBeLessThan(510_000);
  const many = Array.from({ length: 100_000 }, (_, index) => ({ path: `data.${index}`, message: 'is wrong' }));
  expect(boundedProblems(many)).toHaveLength(51);
  expect(boundedProblems(many).at(-1)).toEqual({ path: '', message: 'and 99950 more' });
});

test('an event may have thousands of extensions, before its attributes', async () => {
  const url = await start(({ original }) => ({ type: 'demo.done', data: { last: original['x2999'] } }));
  const many = Object.fromEntries(Array.from({ length: 3000 }, (_, index) => [`ce-x${index}`, String(index)]));
  const answer = await send(url, {
    headers: {
      ...many,
      'ce-specversion': '1.0',
      'ce-id': 'e1',
      'ce-source': 'test',
      'ce-type': 'demo.start',
      'content-type': 'application/json',
    },
    body: '{"third_party_id":"acme","parser_id":"p1"}',
  });
  expect(answer).toMatchObject({ status: 200, json: { last: '2999' } });
});
