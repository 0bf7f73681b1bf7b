/** Whose event it is: what is refused without a valid signature, and what our own replies carry. */
import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import * as z from 'zod';
import type { EventType } from '#shared/events/catalogue.ts';
import { parseSigningKey, SIGNATURE, type SigningKey, sign } from '#shared/events/signature.ts';
import type { HandlerContext } from '#shared/runtime/types.ts';
import { demo, type Running, run } from './run.ts';
import { sendBinary, sendStructured } from './send.ts';

const KEY = `k2:${Buffer.alloc(32, 2).toString('base64')}`;
const PREVIOUS = `k1:${Buffer.alloc(32, 1).toString('base64')}`;
const STRANGE = `k2:${Buffer.alloc(32, 9).toString('base64')}`;
const key = (text: string) => parseSigningKey(text) as SigningKey;
const IN_AN_HOUR = Math.floor(Date.now() / 1000) + 3600;

const DATA = JSON.stringify({ third_party_id: 'acme', parser_id: 'p1' });
const PARTS = { type: 'demo.start', source: 'test', id: 'e1', subject: 'acme/p1', data: Buffer.from(DATA) };
const signature = (
  by = KEY,
  {
    tenant = 'acme',
    hops = 0,
    expires = IN_AN_HOUR,
    ...parts
  }: Partial<typeof PARTS> & {
    tenant?: string;
    hops?: number;
    expires?: number;
  } = {},
) => sign({ ...PARTS, ...parts }, { tenant, hops, expires }, key(by));

let running: Running | undefined;
afterEach(async () => {
  await running?.close();
  running = undefined;
});

const handled: { event: unknown; context: HandlerContext }[] = [];
async function start(mode = 'required', unsigned: string[] = []): Promise<string> {
  handled.length = 0;
  const definition = demo((event, _, context) => {
    handled.push({ event, context });
    return { type: 'demo.done' };
  });
  const settings = { AUTHENTICATION: mode, EVENT_KEY: KEY, EVENT_KEY_OTHER: PREVIOUS };
  running = await run({ ...definition, unsigned }, settings);
  return running.url;
}

const post = (url: string, kauth: string | undefined, headers: object = {}, body: string = DATA) =>
  sendBinary(url, { 'ce-subject': 'acme/p1', [`ce-${SIGNATURE}`]: kauth, ...headers }, body);

describe('with authentication required, an event', () => {
  test.each([
    { by: 'the key', made: signature() },
    { by: 'the previous key, while keys are changed', made: signature(PREVIOUS) },
  ])('that $by has signed is handled, and nobody behind the runtime sees the signature', async ({ made }) => {
    const url = await start();
    expect((await post(url, made)).headers['ce-type']).toBe('demo.done');
    expect(JSON.stringify(handled[0]?.event)).not.toContain(made);
    expect(JSON.stringify(handled[0]?.context.request.headers)).not.toContain(made);
    expect(handled[0]?.context).not.toHaveProperty('signature');
  });

  test.each<{ case: string; made: string | undefined; headers?: object; body?: string }>([
    { case: 'without a signature', made: undefined },
    { case: 'with nonsense for one', made: 'x.y.z' },
    { case: 'signed by another key of the same name', made: signature(STRANGE) },
    { case: 'whose data was changed', made: signature(), body: DATA.replace('p1', 'p2') },
    { case: 'whose subject was changed', made: signature(), headers: { 'ce-subject': 'acme/p2' } },
    { case: 'whose id was changed', made: signature(), headers: { 'ce-id': 'e2' } },
    { case: 'whose source was changed', made: signature(), headers: { 'ce-source': 'other' } },
    { case: 'of another type', made: signature(KEY, { type: 'parser.start' }) },
    { case: 'whose signature was given another tenant', made: signature().replace('.acme.', '.evil.') },
    { case: 'whose signature was given more time', made: signature().replace(/\.(\d{10})\./, '.9999999999.') },
    { case: 'whose time is over', made: signature(KEY, { expires: 1000 }) },
  ])('$case is rejected', async ({ made, headers, body }) => {
    const url = await start();
    const answer = await post(url, made, headers, body);
    expect(answer.headers['ce-type']).toBe('event.rejected');
    expect(answer.json).toMatchObject({ reason: 'Unauthenticated', problems: [{ path: SIGNATURE }] });
    expect(answer.headers[`ce-${SIGNATURE}`]).toBeDefined();
    expect(handled).toEqual([]);
  });

  test('in structured mode is rejected, since it keeps no bytes that could be signed', async () => {
    const url = await start();
    expect((await sendStructured(url)).json).toMatchObject({ reason: 'Unauthenticated' });
  });

  test('whose signed data is itself an event is not handled as that event, whatever content type it is sent with', async () => {
    const url = await start();
    const inner = JSON.stringify({
      specversion: '1.0',
      id: 'x',
      source: 'x',
      type: 'demo.start',
      data: JSON.parse(DATA),
    });
    const signed = signature(KEY, { data: Buffer.from(inner) });
    const structured = { 'content-type': 'application/cloudevents+json' };
    expect((await post(url, signed, structured, inner)).json).toMatchObject({ reason: 'Unauthenticated' });
    expect(handled).toEqual([]);
  });

  test('that has come over too many functions is rejected', async () => {
    const url = await start();
    expect((await post(url, signature(KEY, { hops: 8 }))).headers['ce-type']).toBe('demo.done');
    expect((await post(url, signature(KEY, { hops: 9 }))).json).toMatchObject({ reason: 'TooManyHops' });
  });

  test('of a type that may come unsigned is handled, but not with a wrong signature', async () => {
    const url = await start('required', ['demo.start']);
    expect((await post(url, undefined)).headers['ce-type']).toBe('demo.done');
    expect((await post(url, signature(STRANGE))).json).toMatchObject({ reason: 'Unauthenticated' });
  });

  test('is answered with a reply that is signed for the same tenant, one hop further', async () => {
    const url = await start();
    const { headers, text } = await post(url, signature(KEY, { hops: 3 }));
    const attribute = (name: string) => String(headers[`ce-${name}`]);
    const parts = {
      type: 'demo.done',
      source: attribute('source'),
      id: attribute('id'),
      subject: 'acme/p1',
      data: Buffer.from(text),
    };
    const [, tenant, hops, expires] = attribute(SIGNATURE).split('.');
    expect([tenant, hops]).toEqual(['acme', '4']);
    expect(sign(parts, { tenant: 'acme', hops: 4, expires: Number(expires) }, key(KEY))).toBe(attribute(SIGNATURE));
  });
});

test('with a warning, an unsigned event is handled and the log says so', async () => {
  const url = await start('warn');
  expect((await post(url, undefined)).headers['ce-type']).toBe('demo.done');
  expect(running?.lines.find((line) => line['unauthenticated'])).toMatchObject({ outcome: 'replied' });
});

test('without authentication nothing is looked at, and nothing is signed', async () => {
  const url = await start('off');
  const answer = await post(url, signature(STRANGE));
  expect(answer.headers['ce-type']).toBe('demo.done');
  expect(answer.headers).not.toHaveProperty(`ce-${SIGNATURE}`);
});

test('a function without a key does not start where authentication is on', async () => {
  await expect(run(demo(), { AUTHENTICATION: 'required' })).rejects.toThrow('EVENT_KEY');
});

/** Every type that goes through the Broker, and the hints of Kubernetes and of the clock. */
const events = Object.fromEntries(
  [
    ...Object.keys({
      'build.start': 0,
      'job.start': 0,
      'build.complete': 0,
      'lifecycle.build.started': 0,
      'lifecycle.build.completed': 0,
      'lifecycle.build.failed': 0,
      'lifecycle.function.ready': 0,
      'lifecycle.function.failed': 0,
      'lifecycle.function.deleted': 0,
      'service.delete': 0,
      'parser.start': 0,
      'parser.deliver': 0,
      'parser.complete': 0,
      'event.rejected': 0,
      'dead-letter.replay': 0,
      'dead-letter.purge': 0,
      'dead-letter.replayed': 0,
      'dead-letter.purged': 0,
    } satisfies Record<EventType, number>),
    'dev.knative.apiserver.resource.update',
    'dev.knative.sources.ping',
  ].map((type) => [type, z.unknown()]),
);

const UNSIGNED = [
  'build-complete: build.complete',
  'cluster-events: dev.knative.apiserver.resource.add dev.knative.apiserver.resource.update dev.knative.apiserver.resource.delete',
  'dead-letter: *',
  // It takes events from clients, by a token.
  'gateway: all',
  // It keeps what was said, and where events are signed it keeps nothing that is not.
  'recorder: build.complete',
  'sweep: dev.knative.sources.ping',
];

test('whatever the type is, nothing but the very event that was signed is handled', async () => {
  const types = Object.keys(events);
  let handledTimes = 0;
  const definition = {
    name: 'all',
    config: z.object({}),
    events,
    dependencies: () => ({}),
    handle: () => {
      handledTimes += 1;
      return undefined;
    },
  };
  running = await run(definition, { AUTHENTICATION: 'required', EVENT_KEY: KEY });
  const url = running.url;
  const cause = fc.constantFrom(
    'unsigned',
    'other key',
    'expired',
    'data',
    'subject',
    'id',
    'source',
    'type',
    'tenant',
  );
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...types), cause, async (type, changed) => {
      const made = signature(changed === 'other key' ? STRANGE : KEY, {
        type: changed === 'type' ? 'other.type' : type,
        ...(changed === 'expired' ? { expires: 1000 } : {}),
        ...(changed === 'tenant' ? { tenant: 'other' } : {}),
        ...(changed === 'id' ? { id: 'other' } : {}),
        ...(changed === 'source' ? { source: 'other' } : {}),
        ...(changed === 'subject' ? { subject: 'acme/p2' } : {}),
      });
      const body = changed === 'data' ? DATA.replace('p1', 'p2') : DATA;
      const before = handledTimes;
      const answer = await post(url, changed === 'unsigned' ? undefined : made, { 'ce-type': type }, body);
      expect(handledTimes).toBe(before);
      // A refusal is answered with no refusal of its own, which would come back as well.
      expect(answer.headers['ce-type']).toBe(type === 'event.rejected' ? undefined : 'event.rejected');
    }),
    { numRuns: 200 },
  );
  for (const type of types) {
    const before = handledTimes;
    await post(url, signature(KEY, { type }), { 'ce-type': type });
    expect(handledTimes).toBe(before + 1);
  }
});

test('only these types are taken without a signature, each read again before it is believed', () => {
  const folder = new URL('../../../functions/', import.meta.url).pathname;
  const found = readdirSync(folder).flatMap((name) => {
    const text = readFileSync(`${folder}${name}/index.ts`, 'utf8');
    const [, list] = /unsigned: \[([^\]]*)\]/.exec(text) ?? [];
    const types = list === undefined ? [] : [...list.matchAll(/'([^']+)'/g)].map(([, type]) => type);
    return [
      ...(types.length > 0 ? [`${name}: ${types.join(' ')}`] : []),
      ...(/answers: 'clients'/.test(text) ? [`${name}: all`] : []),
    ];
  });
  expect(found).toEqual(UNSIGNED);
});
