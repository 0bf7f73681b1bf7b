/** The table "What becomes of each answer" of docs/functions.md, row by row. */
import { describe, expect, test } from 'vitest';
import { judgeAnswer, type Verdict } from '#functions/parser-events/judge-answer.ts';

const CALL = { contextId: 'c1', milliseconds: 12, timeoutSeconds: 30 };
const MIB = 1024 * 1024;

function answered(status: number, contentType: string | undefined, body: string | Buffer = '', headers: object = {}) {
  const all = { ...(contentType === undefined ? {} : { 'content-type': contentType }), ...headers };
  return judgeAnswer({ kind: 'answered', status, headers: all, body: Buffer.from(body as string) }, CALL);
}
const succeeded = (result: unknown) => ({
  kind: 'answer',
  data: { context_id: 'c1', succeeded: true, result, duration_ms: 12 },
});
function failed(reason: string, message: string | RegExp) {
  const error = { type: reason, message: expect.stringMatching(message) };
  return { kind: 'answer', reason, data: { context_id: 'c1', succeeded: false, error, duration_ms: 12 } };
}
const passes = (crashed: boolean) => ({ kind: 'passes', crashed, detail: expect.any(String) });
const written = (verdict: Verdict) => JSON.stringify(verdict.kind === 'answer' ? verdict.data : verdict);

describe('a CloudEvent', () => {
  const binary = { 'ce-type': 'parser.complete', 'ce-specversion': '1.0', 'ce-id': '1', 'ce-source': 'me' };
  const data = { context_id: 7, succeeded: true, result: { n: 1 }, duration_ms: 3, more: 'is left out' };
  const taken = { kind: 'answer', data: { context_id: 7, succeeded: true, result: { n: 1 }, duration_ms: 3 } };

  test('parser.complete gives its data, in either mode', () => {
    expect(answered(200, 'application/json', JSON.stringify(data), binary)).toEqual(taken);
    const event = { specversion: '1.0', type: 'parser.complete', id: '1', source: 'me', data };
    expect(answered(200, 'application/cloudevents+json; charset=utf-8', JSON.stringify(event))).toEqual(taken);
    const { data: _, ...rest } = event;
    const encoded = { ...rest, data_base64: Buffer.from(JSON.stringify(data)).toString('base64') };
    expect(answered(200, 'application/cloudevents+json', JSON.stringify(encoded))).toEqual(taken);
  });

  test('gets what it lacks from the call, and its error is bounded', () => {
    const error = { type: 't'.repeat(500), message: 'm'.repeat(5000), stack: 'is left out' };
    const verdict = answered(200, 'application/json', JSON.stringify({ succeeded: false, error }), binary);
    expect(verdict).toMatchObject({ kind: 'answer', data: { context_id: 'c1', succeeded: false, duration_ms: 12 } });
    expect(written(verdict)).not.toContain('left out');
    expect(written(verdict).length).toBeLessThan(1000);
    expect(verdict).not.toHaveProperty('reason');
  });

  test.each(['binary', 'structured'])('keeps every digit (%s)', (mode) => {
    const json =
      '{"context_id":12345678901234567890,"succeeded":true,"result":{"id":9007199254740993},"duration_ms":0.10000000000000001}';
    const verdict =
      mode === 'binary'
        ? answered(200, 'application/json', json, binary)
        : answered(
            200,
            'application/cloudevents+json',
            `{"specversion":"1.0","type":"parser.complete","data":${json}}`,
          );
    expect(written(verdict)).toContain('"context_id":12345678901234567890');
    expect(written(verdict)).toContain('"id":9007199254740993');
  });

  test.each(['service.delete', 'build.start', 'parser.start', 'x'.repeat(5000)])('%.20s is not sent', (type) => {
    const said = failed('BadReply', `^the function answered with an event of type "${type.slice(0, 100)}`);
    expect(answered(200, 'application/json', JSON.stringify(data), { ...binary, 'ce-type': type })).toEqual(said);
    expect(answered(202, 'application/cloudevents+json', JSON.stringify({ type, data }))).toEqual(said);
  });

  test.each([
    ['without data', ''],
    ['that is no JSON', '{'],
    ['without succeeded', '{"result":1}'],
    ['with another type of succeeded', '{"succeeded":"yes"}'],
    ['that is a list', '[]'],
    ['that is not UTF-8', Buffer.from('7b22737563636565646564223aff7d', 'hex')],
  ])('parser.complete %s is a bad reply', (_, body) => {
    expect(answered(200, 'application/json', body, binary)).toEqual(
      failed('BadReply', /parser\.complete is not valid/),
    );
  });

  test.each([
    ['application/cloudevents-batch+json', JSON.stringify([{ type: 'parser.complete', data }])],
    ['application/cloudevents-batch+json', JSON.stringify({ type: 'parser.complete', data })],
    ['application/cloudevents+json', JSON.stringify([{ type: 'parser.complete', data }])],
    ['application/cloudevents+json', 'null'],
    ['application/cloudevents+xml', '<event/>'],
    ['application/cloudevents+json', ''],
  ])('%s with %.20s is not one event', (contentType, body) => {
    expect(answered(200, contentType, body)).toEqual(failed('BadReply', /is not one CloudEvent/));
  });

  test('without a type is a bad reply', () => {
    expect(answered(200, 'application/json', '{}', { 'ce-specversion': '1.0' })).toEqual(
      failed('BadReply', /an event without a type/),
    );
    expect(answered(200, 'application/cloudevents+json', '{"data":{"succeeded":true}}')).toEqual(
      failed('BadReply', /an event without a type/),
    );
  });
});

describe('a plain 2xx is the result', () => {
  test.each([
    ['application/json', '{"n":[1,null]}', { n: [1, null] }],
    ['application/problem+json; charset=utf-8', '"x"', 'x'],
    ['application/json', 'null', null],
    ['application/json', 'false', false],
    ['text/html; charset=utf-8', '<h1>ä</h1>', '<h1>ä</h1>'],
    ['application/xml', '<a/>', '<a/>'],
    ['application/yaml', 'a: 1', 'a: 1'],
    ['text/plain', '{"n":1}', '{"n":1}'],
    [undefined, 'plain', 'plain'],
  ])('%s: %s', (contentType, body, result) => {
    for (const status of [200, 201, 206, 299]) {
      expect(answered(status, contentType, body)).toEqual(succeeded(result));
    }
  });

  test.each([
    ['image/png', Buffer.from([0x89, 0x50]), { datacontenttype: 'image/png', data_base64: 'iVA=' }],
    ['application/octet-stream', 'abc', { datacontenttype: 'application/octet-stream', data_base64: 'YWJj' }],
    ['text/plain; charset=iso-8859-1', Buffer.from([0xe4]), { datacontenttype: 'text/plain', data_base64: '5A==' }],
    [undefined, Buffer.from([0xff]), { datacontenttype: 'application/octet-stream', data_base64: '/w==' }],
  ])('%s in base64', (contentType, body, result) => {
    expect(answered(200, contentType, body)).toEqual(succeeded(result));
  });

  test.each([
    [204, undefined],
    [200, 'application/json'],
    [202, 'text/plain'],
  ])('null without a body (%s)', (status, contentType) => {
    expect(answered(status, contentType)).toEqual(succeeded(null));
  });

  test.each([
    ['9007199254740993'],
    ['{"a":[0.12345678901234567890123,-12345678901234567890]}'],
    ['{"huge":1e400}'],
    ['{"text":"12345678901234567890"}'],
  ])('keeps the digits of %s', (json) => {
    const verdict = answered(200, 'application/json', json);
    expect(written(verdict)).toContain(`"result":${json}`);
  });

  test.each(['{', 'plain', '{"a":NaN}', Buffer.from([0x22, 0xff, 0x22])])('that says JSON, and is none: %s', (body) => {
    expect(answered(200, 'application/json', body)).toEqual(failed('BadReply', /is not the JSON/));
  });

  test('nested deeper than can be written again is a bad reply', () => {
    const deep = `${'['.repeat(200_000)}${']'.repeat(200_000)}`;
    expect(answered(200, 'application/json', deep)).toEqual(failed('BadReply', /is not the JSON/));
  });

  test.each([
    ['text/plain', 'x'.repeat(MIB - 200), true],
    ['text/plain', 'x'.repeat(MIB), false],
    ['image/png', Buffer.alloc(0.7 * MIB), true],
    ['image/png', Buffer.alloc(0.8 * MIB), false],
    ['text/plain', '\u0001'.repeat(0.2 * MIB), false],
  ])('may have 1 MiB as it is sent: %s, %#', (contentType, body, fits) => {
    const verdict = answered(200, contentType, body);
    expect(verdict).toMatchObject(
      fits ? { kind: 'answer', data: { succeeded: true } } : failed('BadReply', /larger than the 1 MiB/),
    );
    expect(written(verdict).length).toBeLessThanOrEqual(MIB);
  });
});

describe('what the function itself refuses', () => {
  test.each([301, 302, 307, 308])('%i is followed by nobody', (status) => {
    const location = `https://kubernetes.default.svc/${'x'.repeat(5000)}`;
    const verdict = answered(status, undefined, '', { location });
    expect(verdict).toEqual(failed('BadReply', /to https:\/\/kubernetes\.default\.svc\/.*, which nobody follows/));
  });

  test.each([
    [101, undefined, ''],
    [304, undefined, ''],
    [400, 'text/plain', 'no'],
    [404, 'text/html', '<h1>404</h1>'],
    [429, 'application/json', '{}'],
    [500, undefined, ''],
    [501, 'text/plain', 'EOF'],
    [503, 'text/plain', 'Service Unavailable'],
    [503, 'text/plain', 'my database is down, the circuit breaker is open'],
    [503, 'text/html', 'no healthy upstream'],
    [503, 'application/json', '{"error":"pending request queue full"}'],
    [503, 'application/problem+json', '{"reason":"InternalError"}'],
    [502, 'text/plain', 'Bad Gateway'],
    [502, 'text/plain', 'the file ended with an EOF in line 7'],
    [504, 'text/plain', 'my database did not answer'],
    [599, 'text/plain', 'x'.repeat(100_000)],
  ])('%i %s %.40s is its fault', (status, contentType, body) => {
    const verdict = answered(status, contentType, body);
    expect(verdict).toEqual(failed('BadReply', `^the function answered with status ${status}`));
    expect(written(verdict).length).toBeLessThan(800);
  });

  test('a CloudEvent with 503 is its own, whatever it says', () => {
    expect(answered(503, 'text/plain', 'no healthy upstream', { 'ce-type': 'parser.complete' })).toMatchObject({
      reason: 'BadReply',
    });
  });
});

describe('what Knative says in its place', () => {
  test.each([
    [503, 'text/plain; charset=utf-8', 'pending request queue full\n', false],
    [503, 'text/plain; charset=utf-8', 'activator overload\n', false],
    [503, 'text/plain; charset=utf-8', 'context deadline exceeded\n', false],
    [503, 'text/plain', 'no healthy upstream', false],
    [503, 'text/plain', 'upstream connect error or disconnect/reset before headers. reset reason: overflow', false],
    [503, 'text/plain', 'Service "f" is not ready: the image is pulled', false],
    [503, 'text/plain', 'the revision takes no more requests', false],
    [503, 'text/plain', 'no pod had room within 30 s', false],
    [503, 'application/problem+json', '{"status":503,"reason":"Starting","detail":"…"}', false],
    [503, undefined, '', false],
    [504, 'text/plain', 'upstream request timeout', false],
    [504, undefined, '', false],
    [502, 'text/plain; charset=utf-8', 'dial tcp 127.0.0.1:8080: connect: connection refused\n', true],
    [502, 'text/plain; charset=utf-8', 'read tcp 127.0.0.1:1->127.0.0.1:8080: read: connection reset by peer\n', true],
    [502, 'text/plain; charset=utf-8', 'EOF\n', true],
    [502, 'text/plain; charset=utf-8', 'unexpected EOF\n', true],
    [502, 'text/plain; charset=utf-8', 'context canceled\n', true],
    [502, 'text/plain; charset=utf-8', 'http: server closed idle connection\n', true],
    [502, 'text/plain', "the function's pod broke the connection: read ECONNRESET", true],
    [502, undefined, '', true],
  ])('%i %s %s passes', (status, contentType, body, crashed) => {
    expect(answered(status, contentType, body)).toEqual(passes(crashed));
  });

  test('the time-out of the activator, for which a pod may have been there or none', () => {
    const said = answered(504, 'text/plain; charset=utf-8', 'activator request timeout');
    expect(said).toEqual({ ...passes(false), outOfTime: true });
  });

  test.each(['activator request timeout', 'request timeout'])(
    'an answer that it cuts off by "%s" is too slow',
    (words) => {
      const response = {
        kind: 'answered' as const,
        status: 200,
        headers: { 'content-type': 'text/plain' },
        body: Buffer.from(`xxxxxxx${words}`),
      };
      const call = { contextId: 'c1', timeoutSeconds: 8 };
      expect(judgeAnswer(response, { ...call, milliseconds: 8001 })).toMatchObject({ reason: 'Timeout' });
      expect(judgeAnswer(response, { ...call, milliseconds: 7000 })).toMatchObject({ data: { succeeded: true } });
    },
  );

  test('its time-out is the function’s', () => {
    expect(answered(504, 'text/plain; charset=utf-8', 'request timeout\n')).toEqual(
      failed('Timeout', /within its 30 s/),
    );
  });
});

describe('without an answer', () => {
  test('too slow', () => {
    expect(judgeAnswer({ kind: 'too slow' }, CALL)).toEqual(failed('Timeout', /raise parameters\.timeout_seconds/));
  });
  test('too large', () => {
    expect(judgeAnswer({ kind: 'too large' }, CALL)).toEqual(failed('BadReply', /larger than the 1 MiB/));
  });
  test('a broken connection passes, unless queue-proxy cut off what took too long', () => {
    const broken = { kind: 'broken', began: true, detail: 'aborted' } as const;
    expect(judgeAnswer(broken, CALL)).toEqual(passes(true));
    const late = { ...CALL, milliseconds: 30_001 };
    expect(judgeAnswer(broken, late)).toMatchObject({ reason: 'Timeout' });
    expect(judgeAnswer({ ...broken, began: false }, late)).toEqual(passes(true));
  });
});
