/**
 * The event door, over HTTP: whatever is sent, it is answered within a second, no event is destroyed by a 4xx, and the
 * next one is answered rightly.
 */
import { Agent, request } from 'node:http';
import { connect } from 'node:net';
import { CloudEvent, HTTP } from 'cloudevents';
import * as fc from 'fast-check';
import * as z from 'zod';
import { encodeHeaderValue } from '#shared/runtime/header-value.ts';
import { type RunningFunction, startFunction } from '#shared/runtime/start-function.ts';
import { type Area, quick } from '#test/fuzz/area.ts';
import { type Fuzzed, functions } from '#test/fuzz/functions.ts';
import { hostileText, hostileValue, mutated } from '#test/fuzz/hostile.ts';
import { samples } from '#test/fuzz/samples.ts';
import { uploaded, World } from '#test/unit/handlers/world.ts';

interface Answer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: string;
}

interface Sent {
  headers: Record<string, string | string[]>;
  body: Buffer;
  /** A broker could deliver it, so it must not be answered with a 4xx. */
  isEvent: boolean;
}

/** A new world from time to time, so that what was made does not slow the rest down. */
const WORLD_LASTS = 100;
const REPLY_BYTES = 200_000;

const types = fc.oneof({ weight: 9, arbitrary: fc.constantFrom(...Object.keys(samples)) }, hostileText);

/** Undefined members are left out of JSON as of headers. */
const attributes = fc.record(
  {
    id: hostileText,
    source: fc.oneof(hostileText, fc.constantFrom('network.notifi.evil', 'network.notifi.')),
    subject: fc.oneof(hostileText, fc.constantFrom('evil/p1', 'victim/p1', 'evil/', '/p1', 'a/b/c')),
    time: fc.oneof(hostileText, fc.constant('2026-01-01T00:00:00Z')),
    correlationid: hostileText,
    traceparent: hostileText,
    knativeerrordest: fc.oneof(hostileText, fc.constant('http://dead-letter.x/')),
    knativeerrorcode: fc.oneof(hostileText, fc.constantFrom('-1', '500')),
    redeliveries: hostileText,
    schemaurl: hostileText,
    validate: hostileText,
    constructor: hostileText,
  },
  { requiredKeys: [] },
);

const contentTypes = fc.oneof(
  { weight: 6, arbitrary: fc.constant('application/json') },
  fc.constantFrom(
    '',
    'text/plain',
    'application/octet-stream',
    'application/x+json; charset=utf-16',
    'application/xml',
    '/',
  ),
);

const dataOf = (type: string) => (Object.hasOwn(samples, type) ? mutated(samples[type]) : hostileValue);

const bodies = (type: string) =>
  fc.oneof(
    { weight: 7, arbitrary: dataOf(type).map((data) => Buffer.from(JSON.stringify(data) ?? '')) },
    fc.tuple(dataOf(type), fc.nat()).map(([data, at]) => {
      const json = Buffer.from(JSON.stringify(data) ?? '');
      return json.subarray(0, json.length === 0 ? 0 : at % json.length);
    }),
    fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
    fc.constantFrom(300, 100_000, 1_100_000, 4_300_000).map((length) => Buffer.alloc(length, '[')),
    fc.constantFrom(100_000, 1_000_000).map((length) => Buffer.from(JSON.stringify('"'.repeat(length / 2)))),
  );

const required = { id: 'id-1', source: 'fuzz' };

const binary: fc.Arbitrary<Sent> = types.chain((type) =>
  fc
    .record({
      given: attributes,
      body: bodies(type),
      media: contentTypes,
      extensions: fc.constantFrom(0, 0, 0, 3, 1500),
    })
    .map(({ given, body, media, extensions }) => {
      const all = Object.entries({ ...required, ...given, type })
        .map(([name, value]) => [`ce-${name}`, encodeHeaderValue(value)] as const)
        .filter(([, value]) => value !== '');
      const more = Array.from({ length: extensions }, (_, index) => [`ce-x${index}`, 'v'] as const);
      const headers = {
        ...Object.fromEntries([...more, ...all]),
        'ce-specversion': '1.0',
        ...(media ? { 'content-type': media } : {}),
      };
      // What an ingress would not let in is refused, and so it should be.
      const isEvent =
        ['ce-id', 'ce-source', 'ce-type'].every((name) => name in headers) &&
        (!('ce-time' in headers) || headers['ce-time'] === '2026-01-01T00:00:00Z');
      return { headers, body, isEvent };
    }),
);

const structured: fc.Arbitrary<Sent> = types.chain((type) =>
  fc
    .record({
      given: attributes,
      data: dataOf(type),
      other: fc.option(hostileValue),
      cut: fc.constantFrom(0, 0, 0, 1, 30),
    })
    .map(({ given, data, other, cut }) => {
      const event = {
        specversion: '1.0',
        ...required,
        ...given,
        type,
        data,
        ...(other === null ? {} : { data_base64: other }),
      };
      const json = Buffer.from(JSON.stringify(event));
      return {
        headers: { 'content-type': 'application/cloudevents+json' },
        body: json.subarray(0, json.length - cut),
        isEvent: false,
      };
    }),
);

const unlike: fc.Arbitrary<Sent> = fc
  .record({
    names: fc.array(fc.stringMatching(/^(ce-)?[a-z0-9_-]{1,12}$/), { maxLength: 6 }),
    value: fc.stringMatching(/^[\x20-\x7e\x80-\xff]{0,40}$/),
    body: fc.uint8Array({ maxLength: 100 }),
    twice: fc.boolean(),
  })
  .map(({ names, value, body, twice }) => {
    const refusedByNode = [
      'content-length',
      'transfer-encoding',
      'connection',
      'host',
      'expect',
      'upgrade',
      'te',
      'trailer',
    ];
    const kept = names.filter((name) => !refusedByNode.includes(name));
    return {
      headers: Object.fromEntries(kept.map((name) => [name, twice ? [value, value] : value])),
      body: Buffer.from(body),
      isEvent: false,
    };
  });

const EVENT =
  'Host: x\r\nce-specversion: 1.0\r\nce-id: 1\r\nce-source: s\r\nce-type: build.start\r\ncontent-type: application/json\r\n';

/** Raw bytes for a connection: sent in pieces, and broken off. */
const raw = fc.record({
  text: fc.constantFrom(
    `POST / HTTP/1.1\r\n${EVENT}content-length: 100\r\n\r\n{}`,
    `POST / HTTP/1.1\r\n${EVENT}content-length: 1\r\n\r\n{"a":1}GET / HTTP/1.1\r\n\r\n`,
    `POST / HTTP/1.1\r\n${EVENT}content-length: -1\r\n\r\n{}`,
    `POST / HTTP/1.1\r\n${EVENT}content-length: 2\r\ncontent-length: 3\r\n\r\n{}`,
    `POST / HTTP/1.1\r\n${EVENT}content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n{}`,
    `POST / HTTP/1.1\r\n${EVENT}transfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n`,
    `POST / HTTP/1.1\r\n${EVENT}transfer-encoding: chunked\r\n\r\nFFFFFFFFF\r\n{}`,
    `POST / HTTP/1.1\r\n${EVENT}transfer-encoding: chunked\r\n\r\nzz\r\n`,
    `POST / HTTP/1.1\r\n${EVENT}transfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nce-type: other\r\n\r\n`,
    `POST / HTTP/1.1\r\n${EVENT}expect: 100-continue\r\ncontent-length: 2\r\n\r\n{}`,
    `POST / HTTP/1.1\r\n${EVENT}expect: nonsense\r\ncontent-length: 2\r\n\r\n{}`,
    `POST / HTTP/1.1\r\n${EVENT}connection: upgrade\r\nupgrade: websocket\r\ncontent-length: 2\r\n\r\n{}`,
    `POST / HTTP/1.0\r\n${EVENT}content-length: 2\r\n\r\n{}`,
    `POST http://x/ HTTP/1.1\r\n${EVENT}content-length: 2\r\n\r\n{}`,
    'CONNECT x:80 HTTP/1.1\r\nHost: x\r\n\r\n',
    'GET /health/readiness HTTP/1.1\r\nHost: x\r\nce-id: 1\r\ncontent-type: application/cloudevents+json\r\ncontent-length: 1\r\n\r\n{',
    'GET /health/liveness?cloudevent={ HTTP/1.1\r\nHost: x\r\n\r\n',
    'TRACE * HTTP/1.1\r\nHost: x\r\n\r\n',
    'POST / HTTP/9.9\r\n\r\n',
    `POST / HTTP/1.1\r\nHost: x\r\nce-type: ${'x'.repeat(1_200_000)}\r\n\r\n`,
    '\0\0\0\0',
    '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03',
  ),
  cuts: fc.array(fc.nat(), { maxLength: 3 }),
  brokenOff: fc.boolean(),
});

type Input = { which: number } & ({ sent: Sent } | { line: { text: string; cuts: number[]; brokenOff: boolean } });

const input: fc.Arbitrary<Input> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ which: fc.nat(functions.length - 1), sent: binary }) },
  { weight: 3, arbitrary: fc.record({ which: fc.nat(functions.length - 1), sent: structured }) },
  { weight: 1, arbitrary: fc.record({ which: fc.nat(functions.length - 1), sent: unlike }) },
  { weight: 1, arbitrary: fc.record({ which: fc.nat(functions.length - 1), line: raw }) },
);

export const door: Area = {
  name: 'event door',
  share: 16,
  async start() {
    const agent = new Agent({ keepAlive: true });
    let world = uploaded(new World());
    let inputs = 0;
    const running = await Promise.all(functions.map((fuzzed) => startDoor(fuzzed, () => world)));
    const property = fc.asyncProperty(input as fc.Arbitrary<unknown>, async (given) => {
      const { which, ...what } = given as Input;
      if (inputs++ % WORLD_LASTS === 0) {
        world = uploaded(new World());
      }
      const { port } = running[which] as RunningFunction;
      if ('line' in what) {
        await quick(() => sendRaw(port, what.line));
      } else {
        const answer = await quick(() => send(port, what.sent, agent));
        check(answer, what.sent);
      }
      await checkNext(port, functions[which] as Fuzzed, agent);
    });
    return {
      property,
      async close() {
        agent.destroy();
        await Promise.all(running.map((one) => one.close()));
      },
    };
  },
};

function startDoor({ name, events, handle }: Fuzzed, world: () => World): Promise<RunningFunction> {
  const definition = {
    name,
    config: z.object({}),
    events,
    dependencies: () => ({}),
    handle: (event: Parameters<Fuzzed['handle']>[0], _: unknown, context: Parameters<Fuzzed['handle']>[2]) =>
      handle(event, world(), context),
  };
  // What is logged must be JSON, one line an entry.
  const log = { write: (line: string) => void JSON.parse(line) };
  return startFunction(definition as Parameters<typeof startFunction>[0], { PORT: '0', METRICS_PORT: '0' }, log);
}

function send(port: number, { headers, body }: Sent, agent: Agent): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const all = { ...headers, 'content-length': String(body.length) };
    const outgoing = request(
      { port, host: '127.0.0.1', method: 'POST', headers: all, agent, maxHeaderSize: 4 * 1024 * 1024 },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            body: Buffer.concat(chunks).toString(),
          }),
        );
      },
    );
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

/** Waits until it is answered or cut off. We break off a request that stays incomplete. */
function sendRaw(
  port: number,
  { text, cuts, brokenOff }: { text: string; cuts: number[]; brokenOff: boolean },
): Promise<void> {
  return new Promise((resolve) => {
    const bytes = Buffer.from(text, 'latin1');
    const places = [...cuts.map((cut) => cut % bytes.length).sort((a, b) => a - b), bytes.length];
    const socket = connect(port, '127.0.0.1');
    const end = () => {
      clearTimeout(timer);
      socket.destroy();
      resolve();
    };
    const timer = setTimeout(end, 20);
    socket.on('data', end);
    socket.on('error', end);
    socket.on('close', end);
    let from = 0;
    for (const place of places) {
      socket.write(bytes.subarray(from, place));
      from = place;
    }
    if (brokenOff) {
      socket.end(end);
    }
  });
}

function check({ status, headers, body }: Answer, { isEvent, body: sent }: Sent): void {
  const allowed = isEvent ? [200, 202, 429, 503] : [200, 202, 400, 413, 415, 429, 503];
  if (!allowed.includes(status)) {
    throw new Error(`answered ${status}: ${body.slice(0, 500)}`);
  }
  if (Buffer.byteLength(body) > 2 * sent.length + REPLY_BYTES) {
    throw new Error(`answered ${body.length} characters to ${sent.length} bytes`);
  }
  if (status !== 200) {
    return;
  }
  // The SDK calls methods of these names.
  const { 'ce-validate': _, 'ce-constructor': __, ...readable } = headers;
  // A call goes on as it came, also with data that is no JSON: then only its attributes can be read.
  const isReadable = headers['ce-type'] !== 'parser.deliver' || parsed(body) !== undefined;
  const event = HTTP.toEvent({ headers: readable, body: isReadable ? body : 'null' }) as CloudEvent<unknown>;
  // Strict, as the SDK reads the specification.
  new CloudEvent({ ...event.toJSON(), data: undefined });
  const names = Object.keys(headers).filter((name) => name.startsWith('ce-'));
  if (!names.every((name) => /^ce-[a-z0-9]+$/.test(name) && headers[name] !== '')) {
    throw new Error(`answered with a header that is no attribute: ${names}`);
  }
  if (headers['ce-type'] !== 'parser.deliver') {
    JSON.parse(body);
  } else if (!sent.subarray(0, 1).equals(OBJECT) && sent.length > 0) {
    // Passed on; JSON may be spelt otherwise.
    const spelt = (text: string) => parsed(text) ?? text;
    if (JSON.stringify(spelt(body)) !== JSON.stringify(spelt(sent.toString()))) {
      throw new Error(`passed on ${body.slice(0, 200)} for ${sent.toString().slice(0, 200)}`);
    }
  }
}

const OBJECT = Buffer.from('{');

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

async function checkNext(port: number, { name, events }: Fuzzed, agent: Agent): Promise<void> {
  const type = Object.keys(events)[0] === '*' ? 'event.rejected' : (Object.keys(events)[0] as string);
  const headers = {
    'ce-specversion': '1.0',
    'ce-id': 'next',
    'ce-source': 'fuzz',
    'ce-type': type,
    'content-type': 'application/json',
  };
  const body = Buffer.from(JSON.stringify(samples[type]));
  const answer = await send(port, { headers, body, isEvent: true }, agent);
  if (!(name in REPLIES) || !REPLIES[name]?.includes(String(answer.headers['ce-type'] ?? answer.status))) {
    throw new Error(
      `${name} answered the next event by ${answer.headers['ce-type'] ?? answer.status}: ${answer.body.slice(0, 500)}`,
    );
  }
}

/** To the samples, whatever came before. */
const REPLIES: Record<string, string[]> = {
  'build-start': ['job.start', 'build.complete'],
  'job-start': ['lifecycle.build.started', 'build.complete'],
  // Nobody confirms it.
  'build-complete': ['event.rejected', 'lifecycle.build.failed', 'lifecycle.build.completed'],
  'service-delete': ['lifecycle.function.deleted'],
  'cluster-events': ['202', 'build.complete'],
  'dead-letter': ['202'],
  recorder: ['202'],
  'parser-events': ['event.rejected', 'parser.deliver', 'parser.complete'],
};
