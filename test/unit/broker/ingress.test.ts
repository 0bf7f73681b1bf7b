/** What the ingress accepts, and what it answers to the rest. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startIngress } from '#local/broker/ingress.ts';
import { type Subscriber, startWorld, until, type World } from './world.ts';

let world: World;
let subscriber: Subscriber;

beforeAll(async () => {
  world = await startWorld();
  subscriber = await world.subscriber();
  await world.trigger('all', subscriber.url);
});
afterAll(() => world.close());

const binary = { 'ce-specversion': '1.0', 'ce-id': '1', 'ce-source': '/s', 'ce-type': 't' };
const structured = { 'content-type': 'application/cloudevents+json; charset=utf-8' };
const event = { specversion: '1.0', id: '1', source: '/s', type: 't' };

describe('answers', () => {
  test.each([
    { case: 'a binary event', status: 202, headers: binary },
    { case: 'a structured event', status: 202, headers: structured, body: JSON.stringify(event) },
    { case: 'an absent subject given as empty', status: 202, headers: { ...binary, 'ce-subject': '' } },
    { case: 'a PUT', status: 405, method: 'PUT', headers: binary },
    { case: 'a DELETE of another path', status: 405, method: 'DELETE', path: '/x' },
    { case: 'another path', status: 404, path: '/ns/default', headers: binary },
    { case: 'a query', status: 404, path: '/?x=1', headers: binary },
    { case: 'no event at all', status: 400, headers: { 'content-type': 'application/json' } },
    { case: 'an unknown specversion', status: 400, headers: { ...binary, 'ce-specversion': '2.0' } },
    { case: 'an empty id', status: 400, headers: { ...binary, 'ce-id': '' } },
    { case: 'a missing type', status: 400, headers: { ...binary, 'ce-type': ' ' } },
    { case: 'a source that is no URI reference', status: 400, headers: { ...binary, 'ce-source': '%zz' } },
    { case: 'a time that is none', status: 400, headers: { ...binary, 'ce-time': 'yesterday' } },
    { case: 'an attribute name with a dash', status: 400, headers: { ...binary, 'ce-my-ext': '1' } },
    { case: 'a structured event that is no JSON', status: 400, headers: structured, body: '{' },
    {
      case: 'a structured event without specversion',
      status: 400,
      headers: structured,
      body: '{"id":"1","source":"s","type":"t"}',
    },
    {
      case: 'a structured extension that is an object',
      status: 400,
      headers: structured,
      body: JSON.stringify({ ...event, ext: {} }),
    },
    {
      case: 'a structured extension beyond 32 bits',
      status: 400,
      headers: structured,
      body: JSON.stringify({ ...event, ext: 2 ** 31 }),
    },
    {
      case: 'structured text data that is no string',
      status: 400,
      headers: structured,
      body: JSON.stringify({ ...event, datacontenttype: 'text/plain', data: 1 }),
    },
    {
      case: 'base64 that is none',
      status: 400,
      headers: structured,
      body: JSON.stringify({ ...event, data_base64: '*' }),
    },
    {
      case: 'a batch',
      status: 400,
      headers: { 'content-type': 'application/cloudevents-batch+json' },
      body: `[${JSON.stringify(event)}]`,
    },
    { case: 'more than RabbitMQ takes', status: 500, headers: binary, body: 'x'.repeat(16 * 2 ** 20 + 1) },
  ])(
    '$status to $case',
    async ({ status, method = 'POST', path = '/', headers = {}, body = method === 'POST' ? '{}' : undefined }) => {
      const response = await fetch(world.url + path, { method, headers, ...(body === undefined ? {} : { body }) });

      expect([response.status, status === 202 ? '' : await response.text()]).toEqual([
        status,
        status === 202 ? '' : expect.any(String),
      ]);
    },
  );
});

describe('what a subscriber gets', () => {
  async function delivered(headers: Record<string, string>, body: string) {
    const before = subscriber.received.length;
    const response = await fetch(world.url, { method: 'POST', headers, body });
    expect(response.status).toBe(202);
    return until(() => subscriber.received[before]);
  }

  test('a structured event arrives in binary mode, its data byte for byte', async () => {
    const data = '{ "big": 12345678901234567890, "deep": {"data": [1, "}\\""]} }';

    const { headers, body } = await delivered(
      structured,
      `{"specversion":"1.0","id":"7","data":${data},"source":"/s","type":"t","datacontenttype":"application/json","number":5,"flag":true}`,
    );

    expect(body).toBe(data);
    expect(headers).toMatchObject({
      'content-type': 'application/json',
      'ce-id': '7',
      'ce-number': '5',
      'ce-flag': 'true',
    });
  });

  test('a time where the sender gave none: that of the delivery', async () => {
    const { headers } = await delivered(binary, '{}');

    expect(Math.abs(Date.parse(headers['ce-time'] as string) - Date.now())).toBeLessThan(5000);
  });

  test.each([
    { case: 'trailing zeros', time: '2026-01-02T03:04:05.120Z', seen: '2026-01-02T03:04:05.12Z' },
    { case: 'another zone', time: '2026-01-02T03:04:05+02:00', seen: '2026-01-02T01:04:05Z' },
    { case: 'nanoseconds', time: '2026-01-02T03:04:05.123456789Z', seen: '2026-01-02T03:04:05.123456789Z' },
  ])('a time as Go prints it: $case', async ({ time, seen }) => {
    const { headers } = await delivered({ ...binary, 'ce-time': time }, '{}');

    expect(headers['ce-time']).toBe(seen);
  });

  const A = `00-${'a'.repeat(32)}-${'1'.repeat(16)}-01`;
  const B = `00-${'b'.repeat(32)}-${'2'.repeat(16)}-01`;
  test.each([
    { case: 'the HTTP header: kept', sent: { traceparent: A }, seen: [A, undefined] },
    {
      case: 'the extension before the HTTP header',
      sent: { 'ce-traceparent': A, traceparent: B },
      seen: [A, undefined],
    },
    { case: 'the extension alone: lost', sent: { 'ce-traceparent': A }, seen: [undefined, undefined] },
    { case: 'both extensions: kept', sent: { 'ce-traceparent': A, 'ce-tracestate': 'x=y' }, seen: [A, 'x=y'] },
    {
      case: 'both extensions, one of them empty: kept',
      sent: { 'ce-traceparent': A, 'ce-tracestate': '' },
      seen: [A, undefined],
    },
    { case: 'nonsense: lost', sent: { 'ce-traceparent': 'x', 'ce-tracestate': 'x=y' }, seen: [undefined, undefined] },
    { case: 'nothing', sent: {}, seen: [undefined, undefined] },
  ])('trace context as HTTP headers and no longer as extensions, from $case', async ({ sent, seen }) => {
    const { headers } = await delivered({ ...binary, ...sent } as Record<string, string>, '{}');

    expect([headers['traceparent'], headers['tracestate']]).toEqual(seen);
    expect(Object.keys(headers).filter((name) => name.startsWith('ce-trace'))).toEqual([]);
  });

  test('UTF-8 in an attribute', async () => {
    const { headers } = await delivered(structured, JSON.stringify({ ...event, subject: 'grün/日本' }));

    expect(Buffer.from(headers['ce-subject'] as string, 'latin1').toString()).toBe('grün/日本');
  });

  test('binary data', async () => {
    const { body, headers } = await delivered(
      structured,
      JSON.stringify({ ...event, datacontenttype: 'text/plain', data_base64: 'aGk=' }),
    );

    expect([body, headers['content-type']]).toEqual(['hi', 'text/plain']);
  });
});

test('answers 500 while there is no such Broker, and 202 once there is one again', async () => {
  const other = await startWorld();
  const [broker] = other.storage.list('brokers.eventing.knative.dev');
  other.storage.remove('brokers.eventing.knative.dev', 'ns', 'default');
  await new Promise((resolve) => setTimeout(resolve, 50));

  expect(await other.send({})).toBe(500);

  const { resourceVersion: _, uid: __, creationTimestamp: ___, ...metadata } = broker?.metadata ?? { name: 'default' };
  other.storage.create({ apiVersion: 'eventing.knative.dev/v1', kind: 'Broker', metadata, spec: broker?.['spec'] });
  await until(() => other.storage.get('brokers.eventing.knative.dev', 'ns', 'default')?.['status']);
  expect(await other.send({})).toBe(202);
  await other.close();
});

describe('beside events', () => {
  test('GET, HEAD and /api/ go to the gateway, but not for a foreign page; POST / stays the Broker', async () => {
    const asked: string[] = [];
    const ingress = await startIngress(
      0,
      () => true,
      (request, response) => {
        asked.push(`${request.method} ${request.url}`);
        response.end('the gateway');
      },
    );
    const ask = async (path: string, init?: RequestInit) => (await fetch(`${ingress.url}${path}`, init)).status;
    expect(await ask('/')).toBe(200);
    expect(await ask('/page.css', { method: 'HEAD' })).toBe(200);
    expect(await ask('/api/v1/uploads/a/b', { method: 'POST', body: '{}' })).toBe(200);
    expect(asked).toEqual(['GET /', 'HEAD /page.css', 'POST /api/v1/uploads/a/b']);
    expect(await ask('/', { method: 'POST', headers: binary })).toBe(202);
    expect(await ask('/x', { method: 'POST', headers: binary })).toBe(404);
    expect(await ask('/api/v1/me', { headers: { origin: 'https://evil.example' } })).toBe(403);
    expect(asked).toHaveLength(3);
    await ingress.close();
  });
});
