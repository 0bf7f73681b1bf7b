/** What is an event, what is none, and what becomes of each: by HTTP, against a running function. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { demo, type Running, run } from './run.ts';
import { type Received, send, sendBinary, sendStructured } from './send.ts';

let running: Running;
let handled: unknown[] = [];

beforeAll(async () => {
  running = await run(
    demo((event) => {
      handled.push(event);
      return { type: 'demo.done', data: { subject: event.subject, data: event.data, time: event.time } };
    }),
  );
});
afterAll(() => running.close());

const MIB = 1024 * 1024;
const CE = { 'ce-specversion': '1.0', 'ce-id': 'e1', 'ce-source': 'test', 'ce-type': 'demo.start' };

describe('what is no CloudEvent is refused as problem+json', () => {
  const cases: { case: string; when: (url: string) => Promise<Received>; status: number; paths?: string[] }[] = [
    { case: 'GET', when: (url) => send(url, { method: 'GET' }), status: 405 },
    { case: 'PUT', when: (url) => send(url, { method: 'PUT', headers: CE, body: '{}' }), status: 405 },
    { case: 'OPTIONS', when: (url) => send(url, { method: 'OPTIONS' }), status: 405 },
    { case: 'another path', when: (url) => send(`${url}other`, { headers: CE, body: '{}' }), status: 404 },
    { case: "the runtime's metrics", when: (url) => send(`${url}metrics`, { method: 'GET' }), status: 404 },
    {
      case: 'an empty request',
      when: (url) => send(url, {}),
      status: 400,
      paths: ['specversion', 'id', 'source', 'type'],
    },
    {
      case: 'plain JSON',
      when: (url) => send(url, { headers: { 'content-type': 'application/json' }, body: '{}' }),
      status: 400,
    },
    {
      case: 'a form',
      when: (url) => send(url, { headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: 'a=b' }),
      status: 415,
    },
    {
      case: 'text',
      when: (url) => send(url, { headers: { 'content-type': 'text/plain' }, body: 'hello' }),
      status: 415,
    },
    { case: '?cloudevent=', when: (url) => send(`${url}?cloudevent=x`, {}), status: 400 },
    {
      case: '?cloudevent= with a body',
      when: (url) =>
        send(`${url}?cloudevent=x&headers=y`, { headers: { 'content-type': 'application/json' }, body: '{}' }),
      status: 400,
    },
    { case: 'no ce-id', when: (url) => sendBinary(url, { 'ce-id': undefined }), status: 400, paths: ['id'] },
    { case: 'an empty ce-id', when: (url) => sendBinary(url, { 'ce-id': '' }), status: 400, paths: ['id'] },
    {
      case: 'no ce-specversion',
      when: (url) => sendBinary(url, { 'ce-specversion': undefined }),
      status: 400,
      paths: ['specversion'],
    },
    {
      case: 'no ce-type and no ce-source',
      when: (url) => sendBinary(url, { 'ce-type': undefined, 'ce-source': undefined }),
      status: 400,
      paths: ['source', 'type'],
    },
    {
      case: 'version 11.0',
      when: (url) => sendBinary(url, { 'ce-specversion': '11.0' }),
      status: 400,
      paths: ['specversion'],
    },
    {
      case: 'version 2.0',
      when: (url) => sendStructured(url, { specversion: '2.0' }),
      status: 400,
      paths: ['specversion'],
    },
    {
      case: 'a time that is none',
      when: (url) => sendBinary(url, { 'ce-time': 'yesterday' }),
      status: 400,
      paths: ['time'],
    },
    {
      case: 'a month that is none',
      when: (url) => sendBinary(url, { 'ce-time': '2026-13-01T00:00:00Z' }),
      status: 400,
      paths: ['time'],
    },
    {
      case: 'a time without zone',
      when: (url) => sendStructured(url, { time: '2026-01-01T00:00:00' }),
      status: 400,
      paths: ['time'],
    },
    {
      case: 'an extension with a dash',
      when: (url) => sendBinary(url, { 'ce-my-ext': 'x' }),
      status: 400,
      paths: ['"my-ext"'],
    },
    {
      case: 'an extension __proto__',
      when: (url) => sendBinary(url, { 'ce-__proto__': 'x' }),
      status: 400,
      paths: ['"__proto__"'],
    },
    {
      case: 'an extension with capitals',
      when: (url) => sendStructured(url, { myExt: 'x' }),
      status: 400,
      paths: ['"myExt"'],
    },
    {
      case: 'an extension that is an object',
      when: (url) => sendStructured(url, { ext: {} }),
      status: 400,
      paths: ['ext'],
    },
    {
      case: 'an extension that is a fraction',
      when: (url) => sendStructured(url, { ext: 1.5 }),
      status: 400,
      paths: ['ext'],
    },
    {
      case: 'ce-datacontenttype',
      when: (url) => sendBinary(url, { 'ce-datacontenttype': 'text/plain' }),
      status: 400,
      paths: ['datacontenttype'],
    },
    { case: 'ce-id twice', when: (url) => sendBinary(url, { 'ce-id': ['a', 'b'] }), status: 400, paths: ['id'] },
    { case: 'an id that is a number', when: (url) => sendStructured(url, { id: 5 }), status: 400, paths: ['id'] },
    {
      case: 'a subject that is a number',
      when: (url) => sendStructured(url, { subject: 5 }),
      status: 400,
      paths: ['subject'],
    },
    {
      case: 'everything at once',
      when: (url) => sendStructured(url, { id: 5, type: '', time: 'x', aB: 1 }),
      status: 400,
      paths: ['type', 'id', '"aB"', 'time'],
    },
    {
      case: 'malformed structured JSON',
      when: (url) => send(url, { headers: { 'content-type': 'application/cloudevents+json' }, body: '{"id":' }),
      status: 400,
      paths: [''],
    },
    {
      case: 'an empty structured body',
      when: (url) => send(url, { headers: { 'content-type': 'application/cloudevents+json' } }),
      status: 400,
      paths: [''],
    },
    {
      case: 'a structured array',
      when: (url) => send(url, { headers: { 'content-type': 'application/cloudevents+json' }, body: '[]' }),
      status: 400,
      paths: [''],
    },
    {
      case: 'structured JSON that is no UTF-8',
      when: (url) =>
        send(url, {
          headers: { 'content-type': 'application/cloudevents+json' },
          body: Buffer.from([0x22, 0xff, 0x22]),
        }),
      status: 400,
      paths: [''],
    },
    {
      case: 'structured data too deep',
      when: (url) =>
        send(url, {
          headers: { 'content-type': 'application/cloudevents+json' },
          body: `{"data":${'['.repeat(5000)}${']'.repeat(5000)}}`,
        }),
      status: 400,
      paths: [''],
    },
    {
      case: 'data and data_base64',
      when: (url) => sendStructured(url, { data_base64: 'e30=' }),
      status: 400,
      paths: ['data_base64'],
    },
    {
      case: 'broken base64',
      when: (url) => sendStructured(url, { data: undefined, data_base64: '***' }),
      status: 400,
      paths: ['data_base64'],
    },
    {
      case: 'a batch',
      when: (url) => send(url, { headers: { 'content-type': 'application/cloudevents-batch+json' }, body: '[]' }),
      status: 415,
    },
    {
      case: 'a batch with attributes',
      when: (url) => sendBinary(url, { 'content-type': 'application/cloudevents-batch+json' }),
      status: 415,
    },
    {
      case: 'structured XML',
      when: (url) => send(url, { headers: { 'content-type': 'application/cloudevents+xml' }, body: '<x/>' }),
      status: 415,
    },
    {
      case: 'a large body that is no event',
      when: (url) => send(url, { headers: { 'content-type': 'application/json' }, body: Buffer.alloc(MIB + 1, 0x20) }),
      status: 413,
    },
    {
      case: 'a structured event too large to be read',
      when: (url) => sendStructured(url, { data: 'x'.repeat(9 * MIB) }),
      status: 413,
    },
  ];
  test.each(cases)('$case: $status', async ({ when, status, paths }) => {
    handled = [];
    const answer = await when(running.url);
    expect(answer.status).toBe(status);
    expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/);
    expect(answer.json).toMatchObject({ status, reason: 'NotACloudEvent', detail: expect.any(String) });
    expect(answer.headers['x-correlation-id']).toMatch(/^.+$/);
    expect(answer.headers['x-trace-id']).toMatch(/^[0-9a-f]{32}$/);
    expect(answer.headers['ce-id']).toBeUndefined();
    if (paths) {
      expect(answer.json.problems.map((problem: { path: string }) => problem.path)).toEqual(paths);
    }
    expect(handled).toEqual([]);
  });

  test('GET says how to send an event', async () => {
    const answer = await send(running.url, { method: 'GET' });
    expect(answer.headers['allow']).toBe('POST');
    expect(answer.json.detail).toContain('curl -X POST');
  });
});

describe('an event is handled', () => {
  const ids = { third_party_id: 'acme', parser_id: 'p1' };
  const data = { ...ids, count: 1 };
  const cases: { case: string; when: (url: string) => Promise<Received>; sees: object }[] = [
    { case: 'binary', when: (url) => sendBinary(url), sees: { data } },
    { case: 'binary with a query', when: (url) => sendBinary(`${url}?cloudevent=x&body=y`), sees: { data } },
    { case: 'structured', when: (url) => sendStructured(url), sees: { data } },
    {
      case: 'structured with a charset',
      when: (url) =>
        send(url, {
          headers: { 'content-type': 'application/cloudevents+json; charset=utf-8' },
          body: JSON.stringify({ specversion: '1.0', id: '1', source: 's', type: 'demo.start', data: ids }),
        }),
      sees: { data },
    },
    {
      case: 'data_base64',
      when: (url) =>
        sendStructured(url, { data: undefined, data_base64: Buffer.from(JSON.stringify(ids)).toString('base64') }),
      sees: { data },
    },
    {
      case: 'application/vnd.acme+json',
      when: (url) => sendBinary(url, { 'content-type': 'application/vnd.acme+json' }),
      sees: { data },
    },
    {
      case: 'a charset',
      when: (url) => sendBinary(url, { 'content-type': 'application/json; charset=utf-8' }),
      sees: { data },
    },
    { case: 'no content type', when: (url) => sendBinary(url, { 'content-type': undefined }), sees: { data } },
    {
      case: 'ids from the subject, no data',
      when: (url) => sendBinary(url, { 'ce-subject': 'acme/p1' }, ''),
      sees: { data },
    },
    {
      case: 'ids from source and subject',
      when: (url) => sendBinary(url, { 'ce-source': 'network.notifi.acme', 'ce-subject': 'p1' }, {}),
      sees: { data },
    },
    {
      case: 'ids that are integers',
      when: (url) => sendBinary(url, {}, { third_party_id: 12, parser_id: 34 }),
      sees: { data: { third_party_id: '12', parser_id: '34', count: 1 } },
    },
    { case: 'unknown fields', when: (url) => sendBinary(url, {}, { ...ids, other: 1 }), sees: { data } },
    {
      case: 'an encoded subject',
      when: (url) => sendBinary(url, { 'ce-subject': 'a%20%E2%82%AC%25' }),
      sees: { subject: 'a €%' },
    },
    {
      case: 'a quoted subject',
      when: (url) => sendBinary(url, { 'ce-subject': '"a \\"b\\""' }),
      sees: { subject: 'a "b"' },
    },
    {
      case: 'a subject in bare UTF-8',
      when: (url) => sendBinary(url, { 'ce-subject': Buffer.from('zürich').toString('latin1') }),
      sees: { subject: 'zürich' },
    },
    {
      case: 'a % that encodes nothing',
      when: (url) => sendBinary(url, { 'ce-subject': '100%' }),
      sees: { subject: '100%' },
    },
    { case: 'an empty subject', when: (url) => sendBinary(url, { 'ce-subject': '' }), sees: { subject: undefined } },
    {
      case: 'null attributes',
      when: (url) => sendStructured(url, { subject: null, time: null }),
      sees: { subject: undefined, time: undefined },
    },
    { case: 'no time', when: (url) => sendBinary(url), sees: { time: undefined } },
    {
      case: "a broker's zero time",
      when: (url) => sendBinary(url, { 'ce-time': '0001-01-01T00:00:00Z' }),
      sees: { time: undefined },
    },
    {
      case: 'a time',
      when: (url) => sendBinary(url, { 'ce-time': '2026-11-22T10:00:00.123456789+01:00' }),
      sees: { time: '2026-11-22T10:00:00.123456789+01:00' },
    },
    {
      case: 'an extension called validate',
      when: (url) =>
        sendBinary(url, { 'ce-validate': 'x', 'ce-emit': 'x', 'ce-constructor': 'x', 'ce-schemaurl': 'x' }),
      sees: { data },
    },
    {
      case: 'extensions that are numbers and booleans',
      when: (url) => sendStructured(url, { partition: 5, sampled: true }),
      sees: { data },
    },
    { case: 'a source that is no URI', when: (url) => sendBinary(url, { 'ce-source': 'a b|c' }), sees: { data } },
    {
      case: '100 KiB of headers',
      when: (url) => sendBinary(url, { 'ce-large': 'x'.repeat(100 * 1024) }),
      sees: { data },
    },
    {
      case: 'data of exactly 1 MiB',
      when: (url) => sendBinary(url, {}, JSON.stringify(ids).padEnd(MIB)),
      sees: { data },
    },
  ];
  test.each(cases)('$case', async ({ when, sees }) => {
    handled = [];
    const answer = await when(running.url);
    expect(answer.status).toBe(200);
    expect(answer.headers['ce-type']).toBe('demo.done');
    expect(handled).toHaveLength(1);
    expect(handled[0]).toMatchObject(sees);
  });
});

describe('an event that must be refused is kept as event.rejected', () => {
  const cases: {
    case: string;
    when: (url: string) => Promise<Received>;
    reason?: string;
    problems: { path: string; message?: RegExp }[];
    event?: object;
  }[] = [
    {
      case: 'ids missing',
      when: (url) => sendBinary(url, {}, {}),
      problems: [{ path: 'data.third_party_id' }, { path: 'data.parser_id' }],
    },
    {
      case: 'no data',
      when: (url) => sendBinary(url, {}, ''),
      problems: [{ path: 'data.third_party_id' }, { path: 'data.parser_id' }],
    },
    {
      case: 'five problems',
      when: (url) =>
        sendBinary(
          url,
          { 'ce-subject': 'acme/p1' },
          { third_party_id: 'a/b', parser_id: 'x'.repeat(200), correlation_id: 5, count: 'x' },
        ),
      problems: [
        { path: 'data.third_party_id', message: /subject/ },
        { path: 'data.parser_id', message: /subject/ },
        { path: 'data.third_party_id' },
        { path: 'data.parser_id' },
        { path: 'data.correlation_id' },
        { path: 'data.count' },
      ],
    },
    {
      case: 'ids that disagree',
      when: (url) => sendBinary(url, { 'ce-subject': 'other/p1' }),
      problems: [{ path: 'data.third_party_id', message: /"acme".*"other"/ }],
      event: { subject: 'other/p1', data: { third_party_id: 'acme', parser_id: 'p1' } },
    },
    {
      case: 'data that is a string',
      when: (url) => sendStructured(url, { data: 'hello' }),
      problems: [{ path: 'data', message: /must be a JSON object/ }],
      event: { data: 'hello' },
    },
    {
      case: 'data that is an array',
      when: (url) => sendBinary(url, {}, '[]'),
      problems: [{ path: 'data', message: /an array/ }],
      event: { data: [] },
    },
    {
      case: 'data that is null',
      when: (url) => sendBinary(url, {}, 'null'),
      problems: [{ path: 'data', message: /null/ }],
    },
    {
      case: 'data that is 0',
      when: (url) => sendStructured(url, { data: 0 }),
      problems: [{ path: 'data', message: /a number/ }],
      event: { data: 0 },
    },
    {
      case: 'text',
      when: (url) => sendBinary(url, { 'content-type': 'text/plain' }, 'hello'),
      problems: [{ path: 'data', message: /a string/ }],
      event: { data: 'hello', datacontenttype: 'text/plain' },
    },
    {
      case: 'bytes',
      when: (url) => sendBinary(url, { 'content-type': 'application/octet-stream' }, Buffer.from([0, 255])),
      problems: [{ path: 'data', message: /binary/ }],
      event: { data_base64: 'AP8=' },
    },
    {
      case: 'malformed JSON, which a broker delivers',
      when: (url) => sendBinary(url, {}, '{"a":'),
      problems: [{ path: 'data', message: /no valid JSON/ }],
      event: { data_base64: Buffer.from('{"a":').toString('base64') },
    },
    {
      case: 'JSON that is no UTF-8',
      when: (url) => sendBinary(url, {}, Buffer.from([0x22, 0xff, 0x22])),
      problems: [{ path: 'data', message: /UTF-8/ }],
    },
    {
      case: 'JSON too deep',
      when: (url) => sendBinary(url, {}, `${'['.repeat(100_000)}${']'.repeat(100_000)}`),
      problems: [{ path: 'data', message: /deep/ }],
    },
    {
      case: 'an extension "data", which a broker delivers',
      when: (url) => sendBinary(url, { 'ce-data': 'x' }),
      problems: [{ path: 'data', message: /as the body/ }],
      event: { id: 'e1' },
    },
    {
      case: 'version 0.3, which a broker delivers',
      when: (url) => sendBinary(url, { 'ce-specversion': '0.3', 'ce-schemaurl': 'x' }),
      problems: [{ path: 'specversion', message: /1\.0/ }],
      event: { specversion: '0.3', schemaurl: 'x' },
    },
    {
      case: 'more than 1 MiB',
      when: (url) => sendBinary(url, { 'ce-subject': 'acme/p1', 'ce-extra': 'kept' }, Buffer.alloc(MIB + 1, 0x20)),
      problems: [{ path: 'data', message: /1048577 bytes/ }],
      event: { id: 'e1', source: 'test', type: 'demo.start', subject: 'acme/p1', extra: 'kept' },
    },
    {
      case: 'far more than 1 MiB',
      when: (url) => sendBinary(url, {}, Buffer.alloc(20 * MIB)),
      problems: [{ path: 'data', message: /20971520 bytes/ }],
    },
    {
      case: 'more than 1 MiB, structured',
      when: (url) => sendStructured(url, { data: 'x'.repeat(MIB) }),
      problems: [{ path: 'data', message: /bytes/ }],
      event: { id: 'e1' },
    },
    {
      case: 'another type',
      when: (url) => sendBinary(url, { 'ce-type': 'other' }),
      reason: 'UnsupportedEvent',
      problems: [{ path: 'type', message: /"other".*demo\.start/ }],
      event: { type: 'other' },
    },
    {
      case: 'a type that every object has',
      when: (url) => sendBinary(url, { 'ce-type': 'constructor' }),
      reason: 'UnsupportedEvent',
      problems: [{ path: 'type' }],
    },
  ];
  test.each(cases)('$case', async ({ when, reason = 'InvalidEvent', problems, event }) => {
    handled = [];
    const answer = await when(running.url);
    expect(answer.status).toBe(200);
    expect(answer.headers).toMatchObject({
      'ce-type': 'event.rejected',
      'ce-specversion': '1.0',
      'ce-causationid': 'e1',
    });
    expect(answer.json.reason).toBe(reason);
    expect(answer.json.problems).toHaveLength(problems.length);
    for (const [index, { path, message }] of problems.entries()) {
      expect(answer.json.problems[index].path).toBe(path);
      expect(answer.json.problems[index].message).toMatch(message ?? /./);
    }
    expect(answer.json.event).toMatchObject({ id: 'e1', source: 'test', ...event });
    expect(handled).toEqual([]);
  });

  test('but an event.rejected that comes to the wrong function is not rejected in turn, for ever', async () => {
    const answer = await sendBinary(running.url, { 'ce-type': 'event.rejected' });
    expect(answer).toMatchObject({ status: 202, text: '' });
  });
});
