/** What the gateway answers and sends on, over HTTP, with a token that is taken for what it says. */
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import * as z from 'zod';
import { CLIENT_EVENTS } from '#functions/gateway/bind.ts';
import type { GatewayDependencies } from '#functions/gateway/dependencies.ts';
import { gateway } from '#functions/gateway/handler.ts';
import { createRates } from '#functions/gateway/rates.ts';
import type { RawEvent } from '#shared/clients/broker.ts';
import { parsePrincipals } from '#shared/clients/principals.ts';
import { RetryableError } from '#shared/events/errors.ts';
import type { EventClaims } from '#shared/events/signature.ts';
import { type Running, run } from '#test/unit/runtime/run.ts';
import { send, sendBinary, sendStructured } from '#test/unit/runtime/send.ts';

const parsed = parsePrincipals(`
principals:
  - { name: acme, tokens: [{ service_account: acme/ci }], third_party_ids: [acme], events_per_minute: 1000000 }
  - { name: slow, tokens: [{ service_account: slow/ci }], third_party_ids: [slow], events_per_minute: 1 }
  - { name: mallory, tokens: [{ service_account: mallory/ci }], third_party_ids: [mallory], blocked: true }
  - { name: narrow, tokens: [{ service_account: narrow/ci }], third_party_ids: [narrow], source_prefixes: [global/parser/narrow/a/] }
  - { name: root, tokens: [{ service_account: ops/root }], operator: true }
`);
const principals = 'principals' in parsed ? parsed.principals : { issuers: [], principals: [] };

let sent: { event: RawEvent; claims: EventClaims | undefined }[] = [];
let down = false;
let deps: GatewayDependencies;
let running: Running;

beforeAll(async () => {
  deps = {
    broker: {
      publish: async (event, claims) => {
        if (down) {
          throw new RetryableError('BrokerUnavailable', 'the Broker cannot be reached');
        }
        sent.push({ event, claims });
      },
    },
    principals: async () => principals,
    verify: async (token) =>
      token.startsWith('of-')
        ? { claims: { sub: `system:serviceaccount:${token.slice(3).replace('/', ':')}` }, isOfCluster: true }
        : { problem: 'the token does not count: signature verification failed' },
    rates: createRates(),
    authentication: 'required',
    sourcePrefix: 'global/parser/{third_party_id}/{parser_id}/',
  };
  running = await run({
    name: 'gateway',
    config: z.object({}),
    events: CLIENT_EVENTS,
    answers: 'clients',
    dependencies: () => deps,
    handle: gateway,
  });
});

afterAll(async () => running.close());

beforeEach(() => {
  sent = [];
  down = false;
});

const ACME = { authorization: 'Bearer of-acme/ci' };
const ROOT = { authorization: 'Bearer of-ops/root' };
const BUILD = { third_party_id: 'acme', parser_id: 'p1' };
const post = (headers: Record<string, string | undefined> = {}, body: unknown = BUILD) =>
  sendBinary(running.url, { 'ce-type': 'build.start', ...ACME, ...headers }, body);

describe('who sends is told by the token:', () => {
  test.each<[string, string | undefined, number, RegExp]>([
    ['none', undefined, 401, /send a token/],
    ['one that does not count', 'Bearer x', 401, /does not count/],
    ['another scheme', 'Digest x', 401, /does not count/],
    ['no text', 'Bearer ', 401, /does not count/],
    ['of nobody here', 'Bearer of-who/ever', 403, /speaks for nobody here/],
    ['of somebody who is blocked', 'Bearer of-mallory/ci', 403, /mallory is blocked/],
  ])('%s', async (_, authorization, status, says) => {
    const answer = await post({ authorization });
    expect(answer.status).toBe(status);
    expect(answer.json.detail).toMatch(says);
    expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/);
    expect(answer.headers['www-authenticate'] !== undefined).toBe(status === 401);
    expect(sent).toEqual([]);
  });

  test('as the password of a URL as well', async () => {
    const authorization = `Basic ${Buffer.from('token:of-acme/ci').toString('base64')}`;
    expect((await post({ authorization })).status).toBe(202);
  });

  test('by no word where authentication is off, but a wrong one is still refused', async () => {
    deps.authentication = 'off';
    try {
      expect((await post({ authorization: undefined })).status).toBe(202);
      expect((await post({ authorization: 'Bearer x' })).status).toBe(401);
    } finally {
      deps.authentication = 'required';
    }
  });
});

describe('what is accepted', () => {
  test('goes to the Broker for its tenant, with an id of the tenant, and the answer says how to follow it', async () => {
    const answer = await post({ 'ce-id': 'e7' });
    expect(answer.status).toBe(202);
    expect(answer.json).toEqual({
      id: 'acme.e7',
      subject: 'acme/p1',
      correlation_id: expect.any(String),
      next: expect.stringContaining(answer.json.correlation_id),
    });
    const [one] = sent;
    expect(one?.claims).toEqual({ tenant: 'acme' });
    expect(one?.event.headers).toMatchObject({
      'ce-id': 'acme.e7',
      'ce-type': 'build.start',
      'ce-subject': 'acme/p1',
      'ce-source': 'test',
      'ce-correlationid': answer.json.correlation_id,
      'content-type': 'application/json',
    });
    expect(JSON.parse(one?.event.body.toString() ?? '')).toEqual(BUILD);
  });

  test('the answer names the fields that nothing will read', async () => {
    const body = { ...BUILD, paramters: {}, parameters: { timout_seconds: 5, env: { ANY: 'x' } } };
    const answer = await post({}, body);
    expect(answer.status).toBe(202);
    expect(answer.json.ignored).toEqual([
      'paramters is no field (did you mean parameters?)',
      'parameters.timout_seconds is no field (did you mean parameters.timeout_seconds?)',
    ]);
  });

  test('has none of the extensions by which our functions talk to each other', async () => {
    const lies = ['kauth', 'causationid', 'deliverylane', 'resent', 'firstseen', 'replayof', 'replays', 'redeliveries'];
    const more = ['task', 'knativeerrordest', 'knativeerrorcode', 'knativearrivaltime'];
    const headers = Object.fromEntries([...lies, ...more].map((name) => [`ce-${name}`, 'x']));
    await post({ ...headers, 'ce-mine': 'kept', authorization: ACME.authorization });
    const names = Object.keys(sent[0]?.event.headers ?? {});
    expect(names).toContain('ce-mine');
    expect(names.filter((name) => name in headers)).toEqual([]);
    expect(names).not.toContain('authorization');
  });

  test.each([
    ['JSON, byte for byte', '{ "n": 12345678901234567890, "e": 1.0 }', 'application/json'],
    ['bytes that are no text', Buffer.from([0, 255, 128]), 'application/octet-stream'],
    ['nothing', '', 'application/json'],
  ])('of a call may be %s', async (_, body, type) => {
    await post({ 'ce-type': 'parser.start', 'ce-subject': 'acme/p1', 'content-type': type }, body);
    expect(sent[0]?.event.body).toEqual(Buffer.from(body));
    expect(sent[0]?.event.headers['content-type']).toBe(type);
  });

  test('in structured mode keeps long numbers, texts and bytes', async () => {
    const structured = (members: string) =>
      send(running.url, {
        headers: { ...ACME, 'content-type': 'application/cloudevents+json' },
        body: `{"specversion":"1.0","id":"1","source":"s","type":"parser.start","subject":"acme/p1",${members}}`,
      });
    await structured('"data":{"n":12345678901234567890}');
    await structured('"datacontenttype":"text/plain","data":"a text"');
    await structured('"datacontenttype":"application/octet-stream","data_base64":"AP+A"');
    await structured('"time":"2026-01-01T00:00:00Z"');
    expect(sent.map(({ event }) => event.body)).toEqual([
      Buffer.from('{"n":12345678901234567890}'),
      Buffer.from('a text'),
      Buffer.from([0, 255, 128]),
      Buffer.from(''),
    ]);
  });

  test('is not lost where the Broker is down: the client is told to try again', async () => {
    down = true;
    const answer = await post();
    expect([answer.status, answer.json.reason]).toEqual([503, 'BrokerUnavailable']);
  });

  test('is limited by the minute', async () => {
    const headers = { authorization: 'Bearer of-slow/ci' };
    const body = { third_party_id: 'slow', parser_id: 'p1' };
    expect((await post(headers, body)).status).toBe(202);
    const answer = await post(headers, body);
    expect([answer.status, answer.headers['retry-after']]).toEqual([429, '60']);
    expect((await post()).status).toBe(202);
  });
});

describe('what is wrong is told at once:', () => {
  test('every problem of the data, as a problem and not as an event', async () => {
    const answer = await post({}, { third_party_id: 'acme', parser_id: 'p/1', priority: 99 });
    expect(answer.status).toBe(400);
    expect(answer.headers['ce-type']).toBeUndefined();
    expect(answer.json.problems.map(({ path }: { path: string }) => path)).toEqual(['data.parser_id', 'data.priority']);
  });

  test('a type that no client sends', async () => {
    for (const type of [
      'job.start',
      'build.complete',
      'parser.deliver',
      'event.rejected',
      'lifecycle.function.ready',
    ]) {
      const answer = await post({ 'ce-type': type, ...ROOT });
      expect([answer.status, answer.json.reason]).toEqual([400, 'UnsupportedEvent']);
    }
  });

  test('a batch, by its name', async () => {
    const headers = { ...ACME, 'content-type': 'application/cloudevents-batch+json' };
    const answer = await send(running.url, { headers, body: '[]' });
    expect([answer.status, answer.json.detail]).toEqual([415, expect.stringMatching(/batch/)]);
  });

  test('a call that names no function', async () => {
    const answer = await post({ 'ce-type': 'parser.start' }, { n: 1 });
    expect([answer.status, answer.json.reason]).toEqual([400, 'InvalidEvent']);
  });
});

describe('a tenant cannot', () => {
  const types = ['build.start', 'parser.start', 'service.delete'];

  test('name another one, in any type, mode or place', async () => {
    const other = fc.stringMatching(/^[A-Za-z0-9_-]{1,20}$/).filter((id) => id !== 'acme');
    const place = fc.constantFrom('data', 'subject', 'both', 'source', 'subject against data', 'data against subject');
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...types), place, fc.boolean(), other, async (type, where, isStructured, id) => {
        sent = [];
        const subjects = {
          data: {},
          subject: { subject: `${id}/p1` },
          both: { subject: `${id}/p1` },
          source: { subject: 'p1', source: `network.notifi.${id}` },
          'subject against data': { subject: `${id}/p1` },
          'data against subject': { subject: 'acme/p1' },
        };
        const data =
          where === 'subject' || where === 'source'
            ? {}
            : { parser_id: 'p1', third_party_id: where === 'subject against data' ? 'acme' : id };
        const attributes: Record<string, string> = { type, ...subjects[where] };
        const answer = isStructured
          ? await send(running.url, {
              headers: { ...ACME, 'content-type': 'application/cloudevents+json' },
              body: JSON.stringify({ specversion: '1.0', id: '1', source: 's', ...attributes, data }),
            })
          : await post(
              Object.fromEntries(Object.entries(attributes).map(([name, value]) => [`ce-${name}`, value])),
              data,
            );
        // The data of a call is the user's own, where the subject names the function.
        const isOwnCall = type === 'parser.start' && where === 'data against subject';
        expect(answer.status).toSatisfy((status) => (isOwnCall ? status === 202 : status === 403 || status === 400));
        expect(sent.map(({ event }) => event.headers['ce-subject'])).toEqual(isOwnCall ? ['acme/p1'] : []);
      }),
      { numRuns: 300 },
    );
  });

  test.each(['global/parser/', 'global/parser/other/p1/', 'global/parser/acme', 'global/', 'acme/'])(
    'build the sources under %s',
    async (s3_prefix) => {
      const answer = await post({}, { ...BUILD, s3_prefix });
      expect(answer.status).toBe(s3_prefix === 'global/parser/acme' ? 202 : 403);
    },
  );

  test('build what lies elsewhere than its own list of prefixes', async () => {
    const narrow = { authorization: 'Bearer of-narrow/ci' };
    const ids = { third_party_id: 'narrow', parser_id: 'a' };
    expect((await post(narrow, ids)).status).toBe(202);
    expect((await post(narrow, { ...ids, parser_id: 'b' })).status).toBe(403);
    expect((await post(narrow, { ...ids, s3_prefix: 'global/parser/narrow/b/' })).status).toBe(403);
  });

  test.each(['dead-letter.replay', 'dead-letter.purge'])('send %s; an operator can', async (type) => {
    expect((await post({ 'ce-type': type }, { all: true })).status).toBe(403);
    expect((await post({ 'ce-type': type, ...ROOT }, { all: true })).status).toBe(202);
    expect(sent[0]?.claims).toEqual({ tenant: '*' });
  });
});

test('an operator speaks for everybody', async () => {
  expect((await post({ ...ROOT, 'ce-id': 'x' }, { third_party_id: 'any', parser_id: 'p' })).json.id).toBe('any.x');
  const structured = await sendStructured(running.url, { type: 'build.start' });
  expect(structured.status).toBe(401);
});
