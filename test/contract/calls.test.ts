/** What becomes of every call, whatever the function does: the table of docs/functions.md, row by row. */
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { deriveId } from '#shared/events/event.ts';
import { type Identity, subjectOf } from '#shared/events/identity.ts';
import { answering, answeringAsTold, slowToBuild } from './sources.ts';
import { PATIENCE, pause, until } from './until.ts';
import { DELIVERY, type RecordedEvent, World } from './world.ts';

/** Of each call of `odd`. */
const TIMEOUT_SECONDS = 2 * PATIENCE;
/** The Broker's retries. */
const LAST_TRY_SECONDS = 62;
const MIB = 1024 * 1024;

const TEXT = { 'content-type': 'text/plain; charset=utf-8' };
const JSON_TYPE = { 'content-type': 'application/json' };
const STRUCTURED = { 'content-type': 'application/cloudevents+json' };

let world: World;
/** A server in a Dockerfile, which answers as the call says. */
let odd: Identity;
/** Another tenant's function. */
let bystander: Identity;
/** Another server of that kind, whose process ends. */
let crashing: Identity;
/** Ids of calls whose outcome takes as long as the Broker tries. */
let lost: string;
let neverReady: Promise<string>;
/** Of all events that `odd` answers instead of a parser.complete. */
const FORGED = `forged-${crypto.randomUUID()}`;
/** Of every call that must have had one parser.complete, and nothing else. */
const answered: { id: string; identity: Identity }[] = [];

beforeAll(async () => {
  world = await new World().open();
  odd = world.lastingParser('odd');
  bystander = world.lastingParser('bystander', `neighbour-${world.platform.run}`);
  crashing = world.lastingParser('crashing');
  const server = answeringAsTold((await world.config())['BASE_IMAGE_NODE'] ?? '');
  neverReady = callOneThatIsNeverReady();
  await Promise.all([
    deployed(odd, server, { timeout_seconds: TIMEOUT_SECONDS }),
    deployed(crashing, server),
    deployed(bystander, answering('the neighbour')),
  ]);
  lost = await call(odd, { act: 'reset' });
});
afterAll(async () => world.close());

async function deployed(identity: Identity, files: Record<string, string>, parameters: object = {}): Promise<void> {
  await world.upload(identity, files);
  await world.send({ type: 'build.start', data: { ...identity, parameters } });
  await world.seen('lifecycle.function.ready', identity, undefined, 120);
  await until(
    'its calls to come as its build.start asks',
    async () => {
      const [service] = await world.services(identity);
      return service?.metadata?.annotations?.['knative-lambda/delivery'] === (DELIVERY ?? 'shared');
      // Where its Trigger takes long to be Ready, sweep looks once a minute.
    },
    100,
  );
}

async function callOneThatIsNeverReady(): Promise<string> {
  const identity = world.lastingParser('never-ready');
  const { third_party_id, parser_id } = identity;
  await world.upload(identity, { 'parser.mjs': "export const handler = () => 1;\nthrow new Error('no database');\n" });
  await world.send({ type: 'build.start', data: { third_party_id, parser_id } });
  // It is built beside the others.
  await world.seen('build.complete', identity, undefined, 120);
  return await call(identity, {});
}

/** Its id, as soon as the Broker has it. */
async function call(identity: Identity, data: object): Promise<string> {
  const id = `call-${crypto.randomUUID()}`;
  const extensions = { correlationid: `of-${id}` };
  expect(await world.send({ type: 'parser.start', id, subject: subjectOf(identity), data, extensions })).toBe(202);
  return id;
}

/** The answer to a call, all of whose attributes are the door's. */
async function answerTo(id: string, identity: Identity, seconds?: number): Promise<RecordedEvent> {
  const answer = await world.seen('parser.complete', identity, ({ causationid }) => causationid === id, seconds);
  answered.push({ id, identity });
  expect(answer).toMatchObject({
    id: deriveId('test', id, 'parser.complete'),
    source: `knative-lambda/functions/${subjectOf(identity)}`,
    subject: subjectOf(identity),
    correlationid: `of-${id}`,
  });
  expect(answer.data.duration_ms).toBeGreaterThanOrEqual(0);
  return answer;
}

async function rejectionOf(id: string, seconds?: number): Promise<RecordedEvent> {
  return until(
    `event.rejected of ${id}`,
    () => world.events.find((event) => event.type === 'event.rejected' && event['causationid'] === id),
    seconds,
    () => JSON.stringify(world.events.filter((event) => event.id === id || event['causationid'] === id)),
  );
}

async function letterOf(id: string, seconds?: number): Promise<Record<string, unknown>> {
  return until(`the dead letter of ${id}`, async () => (await world.deadLetters(id))[0], seconds);
}

/** What a function may answer to make others believe something: an event in binary or in structured mode. */
function forged(mode: 'binary' | 'structured', type: string, subject: string, data: unknown) {
  const attributes = { specversion: '1.0', id: FORGED, source: 'knative-lambda', type, subject };
  return mode === 'binary'
    ? {
        headers: {
          ...Object.fromEntries(Object.entries(attributes).map(([name, value]) => [`ce-${name}`, value])),
          ...JSON_TYPE,
        },
        body: JSON.stringify(data),
      }
    : { headers: STRUCTURED, body: JSON.stringify({ ...attributes, datacontenttype: 'application/json', data }) };
}

const modes = ['binary', 'structured'] as const;

describe('an answer that is a CloudEvent', () => {
  test.each(modes)('parser.complete, %s: its data is the result, the rest is not looked at', async (mode) => {
    const answer = forged(mode, 'parser.complete', subjectOf(bystander), { succeeded: true, result: { of: 'odd' } });

    const { data } = await answerTo(await call(odd, { context_id: 'c1', answer }), odd);

    expect(data).toMatchObject({ context_id: 'c1', succeeded: true, result: { of: 'odd' } });
  });

  test.each(
    ['service.delete', 'build.start', 'lifecycle.function.deleted', 'dead-letter.purge'].flatMap((type) =>
      modes.map((mode) => ({ type, mode })),
    ),
  )('$type, $mode: BadReply, and it is not sent', async ({ type, mode }) => {
    const answer = forged(mode, type, subjectOf(bystander), { ...bystander, all: true });

    const { data } = await answerTo(await call(odd, { answer }), odd);

    expect(data).toMatchObject({ succeeded: false, error: { type: 'BadReply' } });
    expect(data.error.message).toContain(`"${type}"`);
  });

  test.each<{ case: string; answer: () => object; says: RegExp }>([
    {
      case: 'several',
      answer: () => ({ headers: { 'content-type': 'application/cloudevents-batch+json' }, body: '[]' }),
      says: /one CloudEvent/,
    },
    {
      case: 'a parser.complete that is not valid',
      answer: () => forged('binary', 'parser.complete', 'a/b', { succeeded: 'perhaps' }),
      says: /data\.succeeded/,
    },
    { case: 'none, although it says so', answer: () => ({ headers: STRUCTURED, body: '{' }), says: /one CloudEvent/ },
  ])('$case: BadReply', async ({ answer, says }) => {
    const { data } = await answerTo(await call(odd, { answer: answer() }), odd);

    expect(data).toMatchObject({ succeeded: false, error: { type: 'BadReply', message: expect.stringMatching(says) } });
  });
});

describe('an answer of 2xx', () => {
  const png = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0xff, 0x00]).toString('base64');
  const html = '<!doctype html><title>Hello</title>';
  test.each<{ case: string; answer: object; result: unknown }>([
    { case: 'JSON', answer: { headers: JSON_TYPE, body: '{"sum":3}' }, result: { sum: 3 } },
    { case: 'JSON that is false', answer: { status: 201, headers: JSON_TYPE, body: 'false' }, result: false },
    { case: 'text', answer: { headers: TEXT, body: 'drei' }, result: 'drei' },
    { case: 'HTML', answer: { headers: { 'content-type': 'text/html' }, body: html }, result: html },
    { case: 'text without a content type', answer: { body: 'plain' }, result: 'plain' },
    {
      case: 'bytes',
      answer: { headers: { 'content-type': 'image/png' }, body_base64: png },
      result: { datacontenttype: 'image/png', data_base64: png },
    },
    {
      case: 'text that is not UTF-8',
      answer: { headers: { 'content-type': 'text/plain' }, body_base64: '/w==' },
      result: { datacontenttype: 'text/plain', data_base64: '/w==' },
    },
    { case: '200 without a body', answer: {}, result: null },
    { case: '204', answer: { status: 204 }, result: null },
  ])('$case is the result', async ({ answer, result }) => {
    const { data } = await answerTo(await call(odd, { context_id: 7, answer }), odd);

    expect(data).toEqual({ context_id: 7, succeeded: true, result, duration_ms: expect.any(Number) });
  });
});

describe("an answer that is the function's fault", () => {
  test.each<{ case: string; answer: object; says: string }>([
    { case: 'no JSON, although it says so', answer: { headers: JSON_TYPE, body: '{"sum":' }, says: 'application/json' },
    {
      case: 'a redirect to the Kubernetes API',
      answer: { status: 302, headers: { location: 'https://kubernetes.default.svc/api/v1/secrets' } },
      says: 'https://kubernetes.default.svc/api/v1/secrets, which nobody follows',
    },
    {
      case: 'a redirect that keeps the method',
      answer: { status: 307, headers: { location: 'http://build-start/' } },
      says: '307',
    },
    { case: '400', answer: { status: 400, headers: TEXT, body: 'no such block' }, says: '400: "no such block"' },
    { case: '404', answer: { status: 404, headers: TEXT, body: 'no such path' }, says: '404: "no such path"' },
    { case: '409', answer: { status: 409 }, says: '409: without a body' },
    { case: '429', answer: { status: 429, headers: { 'retry-after': '3600' } }, says: '429' },
    { case: '500', answer: { status: 500, headers: TEXT, body: 'Traceback' }, says: '500: "Traceback"' },
    { case: '503 of its own', answer: { status: 503, headers: JSON_TYPE, body: '{"db":"down"}' }, says: 'db' },
    { case: '2 MB', answer: { headers: TEXT, body: 'x'.repeat(100), times: 20_000 }, says: '1 MiB' },
  ])('$case: BadReply', async ({ answer, says }) => {
    const { data } = await answerTo(await call(odd, { answer }), odd);

    expect(data).toMatchObject({ succeeded: false, error: { type: 'BadReply' } });
    expect(data.error.message).toContain(says);
  });

  test('JSON below 1 MiB whose result is above it: BadReply', async () => {
    const answer = { headers: { 'content-type': 'application/octet-stream' }, body: 'x', times: 0.9 * MIB };

    const { data } = await answerTo(await call(odd, { answer }), odd);

    expect(data.error).toMatchObject({ type: 'BadReply', message: expect.stringContaining('1 MiB') });
  });

  test("an error that its handler raises: the error's own type and message", async () => {
    const raising = world.parser('raising');
    await deployed(raising, {
      'parser.mjs': "export const handler = () => {\n  throw new RangeError('no such block');\n};\n",
    });

    const { data } = await answerTo(await call(raising, { contextId: 'c2' }), raising);

    expect(data).toMatchObject({
      context_id: 'c2',
      succeeded: false,
      error: { type: 'RangeError', message: 'no such block' },
    });
  });

  test.runIf(inject('platform').languages.includes('python'))('the same in Python', async () => {
    const raising = world.parser('raising-python');
    await deployed(raising, { 'parser.py': "def handler(event):\n    raise KeyError('block')\n" });

    const { data } = await answerTo(await call(raising, { context_id: 'c3' }), raising);

    expect(data).toMatchObject({ context_id: 'c3', succeeded: false, error: { type: 'KeyError' } });
  });
});

describe.concurrent('a function that takes longer than its timeout_seconds: Timeout', () => {
  test.each([
    { case: 'it never answers', act: 'hang' },
    { case: 'it sends 100 Continue for ever', act: 'continue' },
    { case: 'it sends one byte a second', act: 'trickle' },
  ])('$case', async ({ act }) => {
    const { data } = await answerTo(await call(odd, { context_id: act, act }), odd);

    expect(data).toMatchObject({ context_id: act, succeeded: false, error: { type: 'Timeout' } });
    expect(data.error.message).toContain(`${TIMEOUT_SECONDS} s`);
    expect(data.duration_ms).toBeGreaterThanOrEqual(TIMEOUT_SECONDS * 1000);
    expect(data.duration_ms).toBeLessThan((TIMEOUT_SECONDS + 8) * 1000);
  });
});

describe.concurrent('what breaks is tried again', () => {
  test.each([
    { case: 'the connection, before the answer', act: 'reset' },
    { case: 'the connection, in the middle of the answer', act: 'break' },
  ])('$case: what the next attempt answers is the answer', async ({ act }) => {
    const several = [{ act }, { answer: { headers: TEXT, body: `after ${act}` } }];

    const { data } = await answerTo(await call(odd, { several }), odd);

    expect(data).toMatchObject({ succeeded: true, result: `after ${act}` });
  });

  test('the process: what the next one answers is the answer', async () => {
    // There must be a process that began before.
    await answerTo(await call(crashing, {}), crashing);

    const id = await call(crashing, { act: 'exit', sent: Date.now() });

    const { data } = await answerTo(id, crashing);

    expect(data).toMatchObject({ succeeded: true, result: 'after exit' });
    expect(world.events.filter((event) => event.id === id && event.type === 'parser.deliver')).not.toEqual([]);
  });
});

describe('a function that is not there', () => {
  test('is rejected by name, with the nearest one of the same tenant', async () => {
    const mistyped = { ...bystander, parser_id: `${bystander.parser_id}x` };

    const id = await call(mistyped, { n: 1 });

    const { data, subject } = await rejectionOf(id);
    expect(data).toMatchObject({ reason: 'NoSuchFunction', event: { id, type: 'parser.start', data: { n: 1 } } });
    expect(subject).toBe(subjectOf(mistyped));
    expect(data.problems[0].message).toContain(`Did you mean "${subjectOf(bystander)}"?`);
    expect(await letterOf(id)).toMatchObject({ reason: 'NoSuchFunction', category: 'permanent' });
  });

  test('of another tenant has no nearest one', async () => {
    const stranger = { ...bystander, third_party_id: `stranger-${world.platform.run}` };

    const { data } = await rejectionOf(await call(stranger, {}));

    expect(data.problems[0].message).not.toContain('Did you mean');
  });

  test('because it was deleted is rejected with when, at once', async () => {
    const identity = world.parser('deleted');
    await deployed(identity, answering('still here'));
    await answerTo(await call(identity, {}), identity);
    const before = Date.now();
    await world.send({ type: 'service.delete', data: identity });
    await world.seen('lifecycle.function.deleted', identity);
    // For 5 s the door may not know, and the pod that ends still answers: see docs/failures.md.
    await pause(6 / PATIENCE);

    const { data } = await rejectionOf(await call(identity, {}));

    expect(data.reason).toBe('NoSuchFunction');
    const [, at = ''] = /deleted at (\S+?):? /.exec(data.problems[0].message) ?? [];
    expect(Math.abs(Date.parse(at) - before)).toBeLessThan(300_000);
  });

  test('yet, because it is being built, is called once it is ready', { timeout: 120_000 * PATIENCE }, async () => {
    const identity = world.parser('coming');
    await world.upload(identity, slowToBuild('here', 3));
    await world.send({ type: 'build.start', data: identity });
    await world.seen('job.start', identity);

    const { data } = await answerTo(await call(identity, { n: 1 }), identity, LAST_TRY_SECONDS);

    expect(data).toMatchObject({ succeeded: true, result: { answer: 'here', echoed: { n: 1 } } });
  });
});

test('a call that is sent the moment its function is told ready is answered, though its own queue may not be bound yet', async () => {
  const identity = world.parser('just-ready');
  await world.upload(identity, answering('at once'));
  await world.send({ type: 'build.start', data: identity });
  await world.seen('lifecycle.function.ready', identity, undefined, 120);

  const { data } = await answerTo(await call(identity, { n: 1 }), identity, LAST_TRY_SECONDS);

  expect(data).toMatchObject({ succeeded: true, result: { answer: 'at once', echoed: { n: 1 } } });
});

test('the same event twice has one answer, and may have it twice', async () => {
  const id = await call(odd, { answer: { body: 'once' } });
  const first = await answerTo(id, odd);
  const subject = subjectOf(odd);
  const data = { answer: { body: 'once' } };
  const extensions = { correlationid: `of-${id}` };
  await world.send({ type: 'parser.start', id, subject, data, extensions });

  await until('its second delivery', () => answersOf(id).length === 2);

  expect(answersOf(id).map((event) => [event.source, event.id])).toEqual(Array(2).fill([first.source, first.id]));
});

test('an event without a subject calls the function that its data names', async () => {
  const id = `call-${crypto.randomUUID()}`;
  const data = { ...bystander, context_id: 'by-data' };
  await world.send({ type: 'parser.start', id, data, extensions: { correlationid: `of-${id}` } });

  const answer = await answerTo(id, bystander);

  expect(answer.data).toMatchObject({ context_id: 'by-data', succeeded: true, result: { echoed: data } });
});

test('a call that names no function is rejected', async () => {
  const id = `call-${crypto.randomUUID()}`;
  await world.send({ type: 'parser.start', id, data: { third_party_id: 7 } });

  expect((await rejectionOf(id)).data).toMatchObject({ reason: 'InvalidEvent' });
});

test('every call had its answer, and nothing else in the system noticed', async () => {
  await pause(1);

  for (const { id, identity } of answered) {
    const chain = world.events.filter((event) => event['correlationid'] === `of-${id}`);
    const told = chain.filter(({ type }) => type !== 'parser.start' && type !== 'parser.deliver');
    expect(new Set(told.map((event) => `${event.type} ${event.subject} ${event.source} ${event.id}`)).size).toBe(1);
    expect(told.every(({ type, subject }) => type === 'parser.complete' && subject === subjectOf(identity))).toBe(true);
  }
  expect(world.events.filter(({ id, causationid }) => [id, causationid].includes(FORGED))).toEqual([]);
  expect(await world.deadLetters(FORGED)).toEqual([]);
  expect(world.of('lifecycle.function.deleted', bystander)).toEqual([]);
  expect(world.endings(bystander)).toHaveLength(1);
  const { data } = await answerTo(await call(bystander, {}), bystander);
  expect(data).toMatchObject({ succeeded: true, result: { answer: 'the neighbour' } });
});

test.runIf((DELIVERY ?? 'shared') === 'shared')('a function whose calls are shared has no Trigger', async () => {
  expect(await world.triggers(odd)).toEqual([]);
});

test.runIf(DELIVERY === 'own')('the calls of a function with a queue of its own come through that one', async () => {
  const id = await call(odd, { answer: { body: 'through it' } });
  await answerTo(id, odd);

  const lanes = world.events.filter(({ type, id: of }) => type === 'parser.deliver' && of === id);

  expect(new Set(lanes.map(({ deliverylane }) => deliverylane))).toEqual(new Set(['own']));
  expect(await world.triggers(odd)).toHaveLength(1);
});

describe('what was not mended while the Broker tried', () => {
  const seconds = LAST_TRY_SECONDS + 30;
  test('of a function that breaks every connection, is kept as a dead letter', {
    timeout: seconds * 1000 * PATIENCE,
  }, async () => {
    const letter = await letterOf(lost, seconds);

    expect(letter).toMatchObject({ category: 'transient', reason: 'Unavailable', code: 503 });
    expect(answersOf(lost)).toEqual([]);
  });

  test('of a function that never became ready, is rejected with why', {
    timeout: seconds * 1000 * PATIENCE,
  }, async () => {
    const id = await neverReady;

    const { data } = await rejectionOf(id, seconds);

    expect(data).toMatchObject({ reason: 'FunctionNotReady', event: { id, type: 'parser.start' } });
    expect(answersOf(id)).toEqual([]);
  });
});

function answersOf(id: string): RecordedEvent[] {
  return world.events.filter((event) => event.type === 'parser.complete' && event['causationid'] === id);
}
