/**
 * What a hostile function answers to its call: the door replies its parser.complete or hands the call on, always in the
 * name of the function that was called, and never more than an event may hold.
 */
import type { V1Pod } from '@kubernetes/client-node';
import * as fc from 'fast-check';
import pino from 'pino';
import type { CallResult } from '#functions/parser-events/call-function.ts';
import { createKnownFunctions } from '#functions/parser-events/find-function.ts';
import { handleParserEvent } from '#functions/parser-events/handler.ts';
import { createPatience } from '#functions/parser-events/patience.ts';
import { createPlaces } from '#functions/parser-events/places.ts';
import { RetryableError } from '#shared/events/errors.ts';
import { causedBy } from '#shared/events/event.ts';
import { parserCompleteSchema } from '#shared/events/parser.ts';
import { writeBinary } from '#shared/runtime/binary-mode.ts';
import { LANE } from '#shared/specs/delivery.ts';
import { InMemoryCluster } from '#test/fakes/cluster.ts';
import { makeReady, putFunction } from '#test/fakes/function-service.ts';
import { InMemoryObjectStore } from '#test/fakes/object-store.ts';
import { received } from '#test/fakes/received.ts';
import { type Area, quick } from '#test/fuzz/area.ts';
import { hostileText, hostileValue, mutated } from '#test/fuzz/hostile.ts';
import { samples } from '#test/fuzz/samples.ts';

const EVIL = { third_party_id: 'evil', parser_id: 'p1' };
const MIB = 1024 * 1024;
/** Of the attributes, which are headers. */
const HEADERS = 8192;

/** What Knative itself says, which a function may imitate. */
const PLATFORM = [
  'EOF',
  'activator overload',
  'no healthy upstream',
  'request timeout',
  'dial tcp: connection refused',
];

const types = fc.constantFrom('parser.complete', 'parser.deliver', 'service.delete', 'build.start', 'event.rejected');

/** As Node reads them: Latin-1, and without what ends a line. */
const headerText = fc.oneof(hostileText, types).map((text) =>
  Buffer.from(text)
    .toString('latin1')
    .replaceAll(/[\0\r\n]/g, ' '),
);

const headers = fc.record(
  {
    'content-type': fc.oneof(
      fc.constantFrom(
        'application/json',
        'text/html; charset=latin1',
        'application/cloudevents+json',
        'application/cloudevents-batch+json',
        'application/problem+json',
        'application/octet-stream',
      ),
      headerText,
    ),
    'ce-type': fc.oneof(types, headerText),
    'ce-specversion': fc.constantFrom('1.0', '0.3', ''),
    'ce-id': headerText,
    'ce-source': headerText,
    'ce-subject': fc.oneof(fc.constant('victim/p1'), headerText),
    location: headerText,
  },
  { requiredKeys: [] },
);

const answer = mutated(samples['parser.complete']);

const bodies = fc.oneof(
  { weight: 4, arbitrary: fc.oneof(answer, hostileValue).map((value) => JSON.stringify(value) ?? '') },
  fc
    .record({ type: types, data: answer, subject: hostileText, source: hostileText })
    .map((event) => JSON.stringify(event)),
  fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes).toString('base64')),
  fc
    .tuple(answer, hostileText)
    .map(([data, type]) =>
      JSON.stringify({ type, data_base64: Buffer.from(JSON.stringify(data) ?? '').toString('base64') }),
    ),
  fc.constantFrom('', '{', '[1e999]', '{"succeeded":true,"result":12345678901234567890}', ...PLATFORM),
  fc.constantFrom(700_000, MIB).map((length) => '\0'.repeat(length)),
);

const result: fc.Arbitrary<CallResult> = fc.oneof(
  {
    weight: 9,
    arbitrary: fc.record({
      kind: fc.constant('answered' as const),
      status: fc.oneof(fc.constantFrom(200, 204, 302, 404, 500, 502, 503, 504), fc.integer({ min: 101, max: 999 })),
      headers,
      body: fc.oneof(
        bodies.map((text) => Buffer.from(text)),
        fc.uint8Array({ maxLength: 100 }).map((bytes) => Buffer.from(bytes)),
      ),
    }),
  },
  fc.constantFrom<CallResult>({ kind: 'too large' }, { kind: 'too slow' }),
  fc.record({ kind: fc.constant('broken' as const), began: fc.boolean(), detail: hostileText }),
);

const input = fc.record({ result, lane: fc.constantFrom('main', 'overflow', 'own'), data: hostileValue });

export const answers: Area = {
  name: 'answers of functions',
  share: 8,
  async start() {
    const property = fc.asyncProperty(input as fc.Arbitrary<unknown>, async (given) => {
      const { result, lane, data } = given as { result: CallResult; lane: string; data: unknown };
      await quick(() => call(result, lane, data));
    });
    return { property, close: async () => undefined };
  },
};

const cluster = deployed();

async function call(result: CallResult, lane: string, data: unknown): Promise<void> {
  const event =
    lane === 'main'
      ? received('parser.start', data, { subject: 'evil/p1' })
      : received('parser.deliver', data, { subject: 'evil/p1', [LANE]: lane });
  const { headers, body } = writeBinary(event.original);
  const request = { method: 'POST', path: '/', headers, repeated: [], body: Buffer.from(body), size: body.length };
  const deps = {
    cluster: { getService: (name: string) => cluster.getService(name), listFunctionPods: async () => [killed()] },
    store: new InMemoryObjectStore('tmp'),
    temporaryBucket: 'tmp',
    known: createKnownFunctions(),
    call: async () => result,
    callSample: 0,
    places: createPlaces({ perTenant: 1 }),
    patience: createPatience(
      () => new Date(),
      async () => undefined,
    ),
    metrics: { called: () => undefined, handedOn: () => undefined },
    inputs: { keep: () => undefined },
    crashes: { keep: async () => undefined },
    now: () => new Date(),
  };
  const context = { log: pino({ level: 'silent' }), note: () => undefined, request };
  try {
    const reply = await handleParserEvent(event as never, deps, context);
    check(reply && causedBy(event, reply), Buffer.from(body).length);
  } catch (error) {
    // "Later" is an answer too, though not on the main lane.
    if (!(error instanceof RetryableError) || lane === 'main') {
      throw error;
    }
  }
}

function check(event: ReturnType<typeof causedBy> | undefined, sent: number): void {
  if (event?.type !== 'parser.complete' && event?.type !== 'parser.deliver') {
    throw new Error(`replied ${event?.type}`);
  }
  const source = event.type === 'parser.complete' ? 'knative-lambda/functions/evil/p1' : 'test';
  if (event.subject !== 'evil/p1' || event.source !== source) {
    throw new Error(`replied in the name of ${event.subject} from ${event.source}`);
  }
  const { headers, body } = writeBinary(event);
  const bytes = Buffer.byteLength(body);
  if (event.type === 'parser.complete') {
    parserCompleteSchema.parse(JSON.parse(body.toString()));
  }
  const most = event.type === 'parser.complete' ? MIB : sent;
  if (bytes > most || JSON.stringify(headers).length > HEADERS) {
    throw new Error(`replied ${bytes} bytes and ${JSON.stringify(headers).length} of headers`);
  }
}

/** Otherwise each call that breaks is waited for, until the kubelet could have written it. */
function killed(): V1Pod {
  const terminated = { exitCode: 137, reason: 'OOMKilled', finishedAt: new Date() };
  return { status: { containerStatuses: [{ name: 'user-container', lastState: { terminated } }] } } as V1Pod;
}

function deployed(): InMemoryCluster {
  const made = new InMemoryCluster();
  putFunction(made, EVIL, { delivery: 'shared' });
  makeReady(made, EVIL);
  return made;
}
