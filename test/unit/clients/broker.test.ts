/** The Broker's client against a real HTTP server. */
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { createBroker } from '#shared/clients/broker.ts';
import { causedBy } from '#shared/events/event.ts';

let server: Server;
const received: { headers: IncomingMessage['headers']; body: Buffer }[] = [];

async function listening(status: number | 'silent'): Promise<string> {
  received.length = 0;
  server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) {
      chunks.push(chunk as Buffer);
    }
    received.push({ headers: request.headers, body: Buffer.concat(chunks) });
    if (status !== 'silent') {
      response.writeHead(status, { location: '/elsewhere' }).end('why');
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
afterEach(
  () =>
    new Promise((resolve) => {
      server.close(resolve);
      server.closeAllConnections();
    }),
);

test('headers and data go out as the bytes they are, and no content type is made up', async () => {
  const url = await listening(202);
  const subject = Buffer.from('é a%20b "q"', 'utf8').toString('latin1');
  const body = Buffer.from([0, 255, 123]);

  await createBroker({ BROKER_URL: url }).publish({ headers: { 'ce-id': '1', 'ce-subject': subject }, body });

  expect(received[0]?.headers).toMatchObject({ 'ce-id': '1', 'ce-subject': subject });
  expect(received[0]?.headers).not.toHaveProperty('content-type');
  expect(received[0]?.body).toEqual(body);
});

test('an event of ours goes out in binary mode, whatever its attributes are', async () => {
  const url = await listening(202);
  const event = causedBy(
    { id: 'c', source: 's', correlationId: '中文', traceparent: 't' },
    { type: 'parser.start', data: { n: 1 }, extensions: { constructor: 'x' } },
  );

  await createBroker({ BROKER_URL: url }).send(event);

  expect(received[0]?.headers).toMatchObject({
    'content-type': 'application/json',
    'ce-specversion': '1.0',
    'ce-type': 'parser.start',
    'ce-correlationid': '%E4%B8%AD%E6%96%87',
    'ce-traceparent': 't',
    'ce-constructor': 'x',
    traceparent: 't',
  });
  expect(received[0]?.body.toString()).toBe('{"n":1}');
});

test('what is ours is signed; what is passed on is signed for whom we are told, or not at all', async () => {
  const url = await listening(202);
  const broker = createBroker({ BROKER_URL: url, EVENT_KEY: `k1:${Buffer.alloc(32, 1).toString('base64')}` });
  const headers = { 'ce-id': '1', 'ce-source': 's', 'ce-type': 'parser.start', 'ce-subject': 'acme/p1' };

  await broker.send(
    causedBy({ id: 'c', source: 's', correlationId: 'c' }, { type: 'parser.start', subject: 'acme/p1' }),
  );
  await broker.publish({ headers, body: Buffer.from('{}') }, { tenant: 'acme', hops: 3 });
  await broker.publish({ headers, body: Buffer.from('{}') });

  expect(received.map(({ headers }) => headers['ce-kauth'])).toEqual([
    expect.stringMatching(/^k1\.acme\.0\./),
    expect.stringMatching(/^k1\.acme\.3\./),
    undefined,
  ]);
});

test('whoever has no more time waits for no answer', async () => {
  const url = await listening('silent');

  const published = createBroker({ BROKER_URL: url }, 60_000, AbortSignal.timeout(50)).publish({
    headers: {},
    body: Buffer.alloc(0),
  });

  await expect(published).rejects.toMatchObject({ reason: 'BrokerUnavailable' });
});

test.each([500, 503, 404, 302])('a %d is an event that may not be stored: try again', async (status) => {
  const url = await listening(status);

  const published = createBroker({ BROKER_URL: url }).publish({ headers: { 'ce-id': '1' }, body: Buffer.alloc(0) });

  await expect(published).rejects.toMatchObject({ name: 'RetryableError', reason: 'BrokerUnavailable' });
  await expect(published).rejects.toThrow(`answered ${status}`);
  expect(received).toHaveLength(1);
});

test.each([400, 413])('a %d is an event that it never takes', async (status) => {
  const url = await listening(status);

  const published = createBroker({ BROKER_URL: url }).publish({ headers: { 'ce-id': '1' }, body: Buffer.alloc(0) });

  await expect(published).rejects.toMatchObject({ name: 'PermanentError', reason: 'InvalidEvent' });
});

test('no answer in time, which a Broker without RabbitMQ gives, may have been stored, too', async () => {
  const url = await listening('silent');

  const published = createBroker({ BROKER_URL: url }, 50).publish({ headers: {}, body: Buffer.alloc(0) });

  await expect(published).rejects.toMatchObject({ name: 'RetryableError', reason: 'BrokerUnavailable' });
});

test('and so is nobody there', async () => {
  const url = await listening(202);
  await new Promise((resolve) => server.close(resolve));

  const published = createBroker({ BROKER_URL: url }).publish({ headers: {}, body: Buffer.alloc(0) });

  await expect(published).rejects.toThrow(/cannot be reached/);
});
