/** The sidecar's event reaches a broker that is slow to take it. */
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { CloudEvent } from 'cloudevents';
import { afterEach, expect, test } from 'vitest';
import * as z from 'zod';
import { sendEvent } from '#build-pod/send-event.ts';
import { causedBy } from '#shared/events/event.ts';
import { readEnvelope } from '#shared/runtime/envelope.ts';
import { receiveEvent } from '#shared/runtime/received-event.ts';

const TRACEPARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) {
    close();
  }
});

async function broker(answers: number[]) {
  const received: { headers: IncomingHttpHeaders; body: string }[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => {
      body += chunk;
    });
    request.on('end', () => {
      received.push({ headers: request.headers, body });
      response.writeHead(answers.shift() ?? 202).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, received };
}

const event = new CloudEvent<unknown>({
  id: 'e1',
  source: 'knative-lambda',
  type: 'build.complete',
  subject: 'a/p',
  data: { n: 1 },
});

test('in binary mode, again until it is taken', async () => {
  const { url, received } = await broker([500, 503, 202]);

  expect(await sendEvent(url, event, AbortSignal.timeout(20_000), () => undefined)).toBe(true);

  expect(received).toHaveLength(3);
  expect(received[2]?.headers).toMatchObject({ 'ce-id': 'e1', 'ce-type': 'build.complete', 'ce-subject': 'a/p' });
  expect(JSON.parse(received[2]?.body ?? '')).toEqual({ n: 1 });
});

test('with attributes in any language', async () => {
  const { url, received } = await broker([202]);
  const chinese = causedBy(
    { id: 'j1', source: 'knative-lambda', correlationId: '中文 "é"', traceparent: TRACEPARENT },
    { type: 'parser.complete', id: 'e2', data: { succeeded: true } },
  );

  expect(await sendEvent(url, chinese, AbortSignal.timeout(2000), () => undefined)).toBe(true);

  const { headers = {}, body = '' } = received[0] ?? {};
  const request = { method: 'POST', path: '/', headers, repeated: [], body: Buffer.from(body), size: body.length };
  const { event } = receiveEvent(readEnvelope(request, 1000), { '*': z.unknown() });
  expect(event).toMatchObject({
    id: 'e2',
    correlationId: '中文 "é"',
    traceparent: TRACEPARENT,
    data: { succeeded: true },
  });
  expect(event.original.toJSON()).toEqual(chinese.toJSON());
  expect(headers['traceparent']).toBe(TRACEPARENT);
});

test('and no longer than there is time', async () => {
  const { url } = await broker(Array(1000).fill(500));
  const stop = new AbortController();
  const lines: string[] = [];
  const log = (line: string) => {
    lines.push(line);
    if (lines.length === 2) {
      stop.abort();
    }
  };

  expect(await sendEvent(url, event, stop.signal, log)).toBe(false);

  const line = `the Broker at ${url} answered 500: see \`kubectl get brokers,pods\``;
  expect(lines).toEqual([expect.stringContaining(line), expect.stringContaining(line)]);
});

test('what it never takes is not sent again', async () => {
  const { url, received } = await broker([413]);

  await expect(sendEvent(url, event, AbortSignal.timeout(5000), () => undefined)).rejects.toMatchObject({
    reason: 'InvalidEvent',
  });

  expect(received).toHaveLength(1);
});

test('a broker that is not there is told, and tried again', async () => {
  const lines: string[] = [];
  expect(await sendEvent('http://127.0.0.1:9/', event, AbortSignal.timeout(300), (line) => lines.push(line))).toBe(
    false,
  );
  expect(lines[0]).toMatch(/cannot be reached/);
});
