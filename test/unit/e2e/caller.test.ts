/** The caller against a Broker that does with each call what its data say. */
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { signingKeys, takeSignature, verifyHeaders } from '#shared/runtime/signing.ts';
import { type Report, type Stream, startCaller } from '#test/e2e/caller.ts';
import { signedStream } from '#test/e2e/open-caller.ts';

let caller: Awaited<ReturnType<typeof startCaller>>;
let broker: Server;
let brokerUrl: string;
const order: string[] = [];
const delivered: { headers: IncomingHttpHeaders; body: string }[] = [];

beforeAll(async () => {
  caller = await startCaller({ subscriber: 0, suite: 0 });
  broker = createServer(async (incoming, response) => {
    const received = await text(incoming);
    const { outcomes } = JSON.parse(received) as { outcomes: Outcome[] };
    delivered.push({ headers: { ...incoming.headers }, body: received });
    const id = String(incoming.headers['ce-id']);
    order.push(String(incoming.headers['ce-subject']));
    response.writeHead(202).end();
    for (const [type, answerId, body] of outcomes) {
      const headers = { 'ce-type': type, 'ce-id': `${answerId}-${id}`, 'ce-causationid': id };
      await fetch(`http://127.0.0.1:${caller.subscriber}/`, { method: 'POST', headers, body: JSON.stringify(body) });
    }
  });
  await new Promise<void>((resolve) => broker.listen(0, '127.0.0.1', resolve));
  brokerUrl = `http://127.0.0.1:${(broker.address() as AddressInfo).port}`;
});
afterAll(() => {
  caller.close();
  broker.close();
});

type Outcome = [type: string, id: string, data: object];
const COMPLETE: Outcome = ['parser.complete', 'a', { succeeded: true }];

test('tells what became of each call', async () => {
  const streams = [
    stream('answered', [COMPLETE]),
    stream('answered twice with one id', [COMPLETE, COMPLETE]),
    stream('failed', [['parser.complete', 'a', { succeeded: false }]]),
    stream('rejected', [['event.rejected', 'a', {}]]),
    stream('without outcome', []),
    stream('answered and rejected', [COMPLETE, ['event.rejected', 'a', {}]]),
    stream('answered with two ids', [COMPLETE, ['parser.complete', 'b', { succeeded: true }]]),
  ];

  const reports = await run({ streams, patience: 0.5 });

  const figures = reports.map(({ sent, complete, failed, rejected, unanswered, contradicted }) =>
    [sent, complete, failed, rejected, unanswered.length, contradicted.length].join(' '),
  );
  expect(figures).toEqual([
    '2 2 0 0 0 0',
    '2 2 0 0 0 0',
    '2 2 2 0 0 0',
    '2 0 0 2 0 0',
    '2 0 0 0 2 0',
    '2 2 0 0 0 2',
    '2 2 0 0 0 2',
  ]);
  expect(reports.map(({ latencies }) => latencies.length)).toEqual([2, 2, 2, 2, 0, 2, 2]);
});

test('calls in turns', async () => {
  order.length = 0;
  await run({ streams: [stream('one', [COMPLETE]), stream('other', [COMPLETE])], inTurns: true, patience: 5 });
  expect(order).toEqual(['one', 'other', 'one', 'other']);
});

test('sends with each call the signature that was made for it, which the door accepts', async () => {
  const eventKey = `k1:${Buffer.alloc(32, 1).toString('base64')}`;
  const keys = signingKeys({ EVENT_KEY: eventKey });
  delivered.length = 0;

  await run({ streams: [signedStream(stream('acme/p1', [COMPLETE]), eventKey)], patience: 5 });

  expect(delivered.length).toBe(2);
  for (const { headers, body } of delivered) {
    const verified = keys && verifyHeaders(headers, body, takeSignature(headers), keys);
    expect(verified).toMatchObject({ claims: { tenant: 'acme', hops: 0 } });
  }
});

function stream(name: string, outcomes: Outcome[]): Stream {
  return { name, url: brokerUrl, subject: name, data: { outcomes }, count: 2, every: 0 };
}

async function run(plan: object): Promise<Report['streams']> {
  const plans = `http://127.0.0.1:${caller.suite}/plans`;
  const number = await (await fetch(plans, { method: 'POST', body: JSON.stringify(plan) })).text();
  for (;;) {
    const report = (await (await fetch(`${plans}/${number}`)).json()) as Report;
    if (report.done) {
      return report.streams;
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
