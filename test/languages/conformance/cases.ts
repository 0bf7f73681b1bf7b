/**
 * One request a case, and what every language's function answers to it. The suite sends them all to every adapter, and
 * docs/functions.md shows them as a table. `act` is what the handler does: see test/fixtures/conformance.
 */

export const LANGUAGES = ['node', 'python', 'go', 'rust'] as const;
export type Language = (typeof LANGUAGES)[number];

export type Answer =
  /** The result; of objects, the fields that are named. */
  | { result: unknown }
  /** The type of an error, without its module, and a part of its message. */
  | { error: string; says?: string }
  /** No parser.complete. */
  | { status: number };

export interface Case {
  area: string;
  case: string;
  act?: string;
  method?: string;
  path?: string;
  /** Beside those of a valid event in binary mode; undefined leaves one out. */
  headers?: Record<string, string | string[] | undefined>;
  body?: string | Buffer;
  /** Sent in structured mode: attributes and data beside those that are needed. */
  structured?: object;
  answer: Answer;
  /** Headers of the answer. */
  reply?: Record<string, string>;
  contextId?: unknown;
  /** A language in which it is otherwise, or 'none' where it has nothing of the kind. */
  but?: Partial<Record<Language, Answer | 'none'>>;
}

const JSON_TYPE = 'application/json';
const STRUCTURED = { 'content-type': 'application/cloudevents+json' };
const NO_EVENT = {
  'ce-specversion': undefined,
  'ce-id': undefined,
  'ce-source': undefined,
  'ce-type': undefined,
  'ce-act': undefined,
};
/** ECMAScript 2026: the bytes of a text as a header has them. */
const asBytes = (text: string) => Buffer.from(text).toString('latin1');
const latin1 = (text: string) => Buffer.from(text, 'latin1');
const nested = (levels: number) => '['.repeat(levels) + ']'.repeat(levels);
const NOT_SERIALIZABLE: Answer = { error: 'ResultNotSerializable', says: "can't be written as JSON" };
const BAD_DATA: Answer = { error: 'BadData' };
const TRACE = '0af7651916cd43dd8448eb211c80319c';

function attributes(name: string, headers: Case['headers'] = {}, result: object = {}, more: Partial<Case> = {}): Case {
  return { area: 'attributes', case: name, act: 'attributes', headers, answer: { result }, ...more };
}

function data(
  name: string,
  type: string | undefined,
  body: string | Buffer,
  answer: Answer,
  but: Case['but'] = {},
): Case {
  return { area: 'data', case: name, headers: { 'content-type': type }, body, answer, but };
}

function structured(name: string, event: object, answer: Answer, more: Partial<Case> = {}): Case {
  return { area: 'structured mode', case: name, structured: event, answer, ...more };
}

function raised(name: string, act: string, answer: Answer, but: Case['but'] = {}, body?: object): Case {
  return { area: 'what is thrown', case: name, act, answer, but, ...(body ? { body: JSON.stringify(body) } : {}) };
}

function returned(name: string, act: string, answer: Answer, but: Case['but'] = {}): Case {
  return { area: 'what is returned', case: name, act: `return-${act}`, answer, but };
}

function refused(name: string, status: number, request: Partial<Case>): Case {
  return { area: 'no event', case: name, ...request, answer: { status } };
}

export const CASES: readonly Case[] = [
  attributes('all that an event must have', {}, { id: 'event-1', source: 'test', type: 'parser.start' }),
  attributes('an optional one that is missing', {}, { subject: null, comexname: null }),
  attributes('an extension, `Euro%20%E2%82%AC`', { 'ce-comexname': 'Euro%20%E2%82%AC' }, { comexname: 'Euro €' }),
  attributes('an extension, not encoded', { 'ce-comexname': asBytes('Euro €') }, { comexname: 'Euro €' }),
  attributes('an extension in quotes, `"a \\" b"`', { 'ce-comexname': '"a \\" b"' }, { comexname: 'a " b' }),
  attributes('an extension, `100%`', { 'ce-comexname': '100%' }, { comexname: '100%' }),
  attributes('an extension, `%FF`, which is no UTF-8', { 'ce-comexname': '%FF' }, { comexname: '%FF' }),
  attributes('an extension, `100%2525`: decoded once', { 'ce-comexname': '100%2525' }, { comexname: '100%25' }),
  attributes('an extension without a value', { 'ce-comexname': '' }, { comexname: null }),
  attributes('an extension of 100 KiB', { 'ce-comexname': 'x'.repeat(100 * 1024) }, { id: 'event-1' }),
  attributes(
    '150 extensions',
    Object.fromEntries(Array.from({ length: 150 }, (_, at) => [`ce-extension${at}`, String(at)])),
    { id: 'event-1' },
    { but: { rust: { status: 431 } } },
  ),
  attributes(
    'the subject `gr%C3%BCn/p1`',
    { 'ce-subject': 'gr%C3%BCn/p1' },
    { subject: 'grün/p1' },
    {
      reply: { 'ce-subject': 'gr%C3%BCn/p1' },
    },
  ),
  attributes(
    'the id `bestellung-%C3%BC`',
    { 'ce-id': 'bestellung-%C3%BC' },
    { id: 'bestellung-ü' },
    {
      reply: { 'ce-causationid': 'bestellung-%C3%BC', 'ce-correlationid': 'bestellung-%C3%BC' },
    },
  ),
  attributes(
    'the chain `k%C3%BC 100%25`',
    { 'ce-correlationid': 'k%C3%BC 100%25' },
    {},
    {
      reply: { 'ce-correlationid': 'k%C3%BC%20100%25', 'x-correlation-id': 'k%C3%BC%20100%25' },
    },
  ),
  attributes(
    'the chain in quotes, `"a \\" b"`',
    { 'ce-correlationid': '"a \\" b"' },
    {},
    {
      reply: { 'ce-correlationid': 'a%20%22%20b' },
    },
  ),
  attributes(
    'a trace',
    { 'ce-traceparent': `00-${TRACE}-b7ad6b7169203331-01` },
    {},
    {
      reply: { 'ce-traceparent': `00-${TRACE}-b7ad6b7169203331-01`, 'x-trace-id': TRACE },
    },
  ),
  attributes(
    '`traceparent` that is none',
    { 'ce-traceparent': 'a-b-c-d' },
    {},
    { reply: { 'ce-traceparent': 'a-b-c-d' } },
  ),
  attributes(
    'a dataschema that is no URI',
    { 'ce-dataschema': '%' },
    { id: 'event-1' },
    {
      but: { go: BAD_DATA, rust: BAD_DATA },
    },
  ),
  attributes(
    'a time that is none',
    { 'ce-time': 'yesterday' },
    {},
    {
      answer: BAD_DATA,
      but: { python: { result: { id: 'event-1' } } },
    },
  ),
  attributes('a header `ce-data`', { 'ce-data': 'x' }, { id: 'event-1' }),
  attributes(
    'an extension that is there twice',
    { 'ce-comexname': ['a', 'b'] },
    {},
    {
      answer: { error: 'BadData', says: 'comexname' },
    },
  ),
  attributes('CloudEvents 0.3', { 'ce-specversion': '0.3' }, {}, { answer: { error: 'BadData', says: '1.0' } }),

  data('JSON', JSON_TYPE, '{"a":["é",1.5,true,null]}', { result: { a: ['é', 1.5, true, null] } }),
  data('JSON of another type', 'application/vnd.api+json; charset=utf-8', '{"a":1}', { result: { a: 1 } }),
  data('`text/json`', 'text/json', '{"a":1}', { result: { a: 1 } }),
  data('JSON without a content type', undefined, '{"a":1}', { result: { a: 1 } }),
  data('JSON after a byte order mark', JSON_TYPE, '\ufeff{"a":1}', { result: { a: 1 } }),
  data('the JSON `null`', JSON_TYPE, 'null', { result: null }),
  data('the JSON `false`', JSON_TYPE, 'false', { result: false }),
  data('the JSON `""`', JSON_TYPE, '""', { result: '' }),
  data('no body, JSON', JSON_TYPE, '', { result: null }),
  data('no body, text', 'text/plain', '', { result: null }),
  data('no body, no content type', undefined, '', { result: null }),
  data('an integer beyond 2^53', JSON_TYPE, '{"a":[9007199254740993]}', { result: { a: [9007199254740993n] } }),
  data(
    'an integer beyond 64 bits',
    JSON_TYPE,
    '{"a":-123456789012345678901}',
    { result: { a: -123456789012345678901n } },
    {
      rust: { result: { a: -123456789012345680000 } },
    },
  ),
  data('numbers with a point or an exponent', JSON_TYPE, '[0.1,1e21,-2.5e-7]', { result: [0.1, 1e21, -2.5e-7] }),
  data('a name that is there twice', JSON_TYPE, '{"a":1,"a":2}', { result: { a: 2 } }),
  data('half a surrogate pair', JSON_TYPE, '"\\ud800"', { result: '\ud800' }, { rust: BAD_DATA }),
  data('200 levels of JSON', JSON_TYPE, nested(200), { result: JSON.parse(nested(200)) }),
  data('201 levels of JSON', JSON_TYPE, nested(201), BAD_DATA),
  data('100,000 levels of JSON', JSON_TYPE, nested(100_000), { error: 'BadData', says: '200 levels' }),
  data('JSON that is cut off', JSON_TYPE, '{"a":', BAD_DATA),
  data('JSON with something behind it', JSON_TYPE, '{} {}', BAD_DATA),
  data('no JSON, no content type', undefined, 'hello', BAD_DATA),
  data('`NaN`', JSON_TYPE, '[NaN]', BAD_DATA),
  data('JSON that is not UTF-8', JSON_TYPE, latin1('"\xe9"'), BAD_DATA),
  data('text', 'text/plain; charset=utf-8', 'Grüße', { result: 'Grüße' }),
  data('text that is not UTF-8', 'text/csv', latin1('caf\xe9'), { result: { hex: '636166e9' } }),
  data('CSV', 'text/csv', 'a;b\r\n1;é\r\n', { result: 'a;b\r\n1;é\r\n' }),
  data('XML', 'application/xml', '<a>é</a>', { result: '<a>é</a>' }),
  data('XML of another type', 'application/svg+xml', '<svg/>', { result: '<svg/>' }),
  data('YAML', 'application/yaml', 'a: 1\n', { result: 'a: 1\n' }),
  data('bytes', 'application/octet-stream', latin1('\x00\xff'), { result: { hex: '00ff' } }),
  data('a picture', 'image/png', latin1('\x89PNG'), { result: { hex: '89504e47' } }),
  data('a content type that is none', 'nonsense', 'abc', { result: { hex: '616263' } }),
  { ...data('2 MiB, past the door', JSON_TYPE, `"${'x'.repeat(2 << 20)}"`, { result: 2 << 20 }), act: 'length' },
  data('more than 8 MiB', 'text/plain', Buffer.alloc(9 << 20, 'x'), { error: 'BadData', says: 'bytes' }),
  {
    ...data('`context_id` beyond 2^53', JSON_TYPE, '{"context_id":9007199254740993}', { result: {} }),
    contextId: 9007199254740993n,
  },
  { ...data('`contextId`', JSON_TYPE, '{"context_id":null,"contextId":"é"}', { result: {} }), contextId: 'é' },
  { ...data('`context_id` that is an object', JSON_TYPE, '{"context_id":{}}', { result: {} }), contextId: null },

  structured('JSON', { data: { a: 'é' } }, { result: { a: 'é' } }),
  structured('an extension of text', { comexname: 'Euro €', act: 'attributes' }, { result: { comexname: 'Euro €' } }),
  structured(
    'an extension of a number and of a boolean',
    { number: 7, flag: true, act: 'attributes' },
    {
      result: { number: 7, flag: true },
    },
  ),
  structured('an integer beyond 2^53', { data: { a: 9007199254740993n } }, { result: { a: 9007199254740993n } }),
  structured('text', { datacontenttype: 'text/plain', data: 'é' }, { result: 'é' }),
  structured('text in base64', { datacontenttype: 'text/plain', data_base64: 'w6k=' }, { result: 'é' }),
  structured(
    'bytes',
    { datacontenttype: 'application/octet-stream', data_base64: 'AP8=' },
    { result: { hex: '00ff' } },
  ),
  structured('JSON in base64', { datacontenttype: JSON_TYPE, data_base64: 'eyJhIjoxfQ==' }, { result: { a: 1 } }),
  structured('no data', {}, { result: null }),
  structured('the data `null`', { data: null }, { result: null }),
  structured('`data_base64` that is none', { data_base64: '?' }, BAD_DATA),
  structured('`data` and `data_base64`', { data: 1, data_base64: 'MQ==' }, BAD_DATA),
  structured(
    'the chain',
    { correlationid: 'bestellung-ü' },
    { result: null },
    {
      reply: { 'ce-correlationid': 'bestellung-%C3%BC' },
    },
  ),

  raised('an error', 'error', { error: 'BlockError', says: 'no such block' }, {}, { message: 'no such block' }),
  raised(
    'an error whose message has quotes, lines and emoji',
    'error',
    { error: 'BlockError', says: '"é"\n🦊' },
    {},
    {
      message: '"é"\n🦊',
    },
  ),
  raised('an error without a message', 'error', { error: 'BlockError', says: 'message' }, {}, { message: '' }),
  raised(
    'an error without a message, with a cause',
    'cause',
    { error: 'BlockError', says: 'connection refused' },
    {
      rust: 'none',
    },
  ),
  raised(
    'an error that is its own cause',
    'own-cause',
    { error: 'BlockError' },
    { go: { error: 'OwnCause' }, rust: 'none' },
  ),
  raised(
    'an error whose message cannot be read',
    'unprintable',
    { error: 'Error', says: 'no text' },
    {
      python: { error: 'Unprintable', says: "can't be read" },
      go: { error: 'panic', says: 'no' },
      rust: { error: 'panic', says: 'Display' },
    },
  ),
  raised(
    'an object, or a panic with one',
    'object',
    { error: 'Error', says: '{"code":"E_LIMIT"}' },
    {
      python: 'none',
      go: { error: 'panic', says: 'E_LIMIT' },
      rust: { error: 'panic' },
    },
  ),
  raised(
    'an object without a prototype',
    'without-prototype',
    { error: 'Error', says: '{"code":7}' },
    {
      python: 'none',
      go: 'none',
      rust: 'none',
    },
  ),
  raised(
    'nothing, or a panic with nothing',
    'nothing',
    { error: 'Error', says: 'undefined' },
    {
      python: 'none',
      go: { error: 'panic', says: 'nil' },
      rust: 'none',
    },
  ),
  raised(
    'that something was cancelled',
    'cancelled',
    { error: 'AbortError', says: 'cancelled' },
    {
      python: { error: 'CancelledError', says: 'cancelled' },
      go: { error: 'errorString', says: 'context canceled' },
      rust: 'none',
    },
  ),
  raised('`StopIteration`', 'stop', { error: 'StopIteration' }, { node: 'none', go: 'none', rust: 'none' }),
  raised(
    '`KeyboardInterrupt`',
    'interrupt',
    { error: 'KeyboardInterrupt' },
    { node: 'none', go: 'none', rust: 'none' },
  ),
  raised(
    'the end of the process, `exit(3)`',
    'exit',
    { error: 'ProcessExit', says: '3' },
    {
      python: { error: 'SystemExit', says: '3' },
      go: 'none',
      rust: 'none',
    },
  ),
  raised('a panic', 'panic', { error: 'panic', says: 'at block 7' }, { node: 'none', python: 'none' }),
  raised(
    'a field of nothing',
    'missing',
    { error: 'TypeError' },
    {
      python: { error: 'AttributeError' },
      go: { error: 'panic', says: 'nil pointer' },
      rust: { error: 'panic', says: 'None' },
    },
  ),
  raised(
    'a recursion without an end',
    'recursion',
    { error: 'RangeError' },
    {
      python: { error: 'RecursionError' },
      go: 'none',
      rust: 'none',
    },
  ),

  returned('nothing', 'nothing', { result: null }),
  returned('text', 'text', { result: 'Grüße, "🦊"\n' }),
  returned('an empty text', 'empty-text', { result: '' }),
  returned('a number', 'number', { result: 1.5 }),
  returned('an integer beyond 2^53', 'integer', { result: 12345678901234567890n }),
  returned('false', 'false', { result: false }),
  returned('a list', 'list', { result: [1, [null, 'a']] }),
  returned('a map with keys that are no text', 'map', NOT_SERIALIZABLE),
  returned('a set', 'set', NOT_SERIALIZABLE, { go: 'none', rust: 'none' }),
  returned('a generator, a channel', 'generator', NOT_SERIALIZABLE, { rust: 'none' }),
  returned('NaN', 'nan', NOT_SERIALIZABLE, { rust: { result: { mean: null } } }),
  returned('Infinity', 'infinity', NOT_SERIALIZABLE, { rust: { result: { mean: null } } }),
  returned(
    'a date',
    'date',
    { result: '1970-01-01T00:00:00Z' },
    {
      node: { result: '1970-01-01T00:00:00.000Z' },
      rust: 'none',
    },
  ),
  returned('bytes', 'bytes', NOT_SERIALIZABLE, { go: { result: 'YWJj' }, rust: { result: [97, 98, 99] } }),
  returned('a Response', 'response', NOT_SERIALIZABLE, { python: 'none', go: 'none', rust: 'none' }),
  returned('an error, not thrown', 'error', NOT_SERIALIZABLE, { rust: 'none' }),
  returned('a function', 'function', NOT_SERIALIZABLE, { rust: 'none' }),
  returned('what holds itself', 'circular', NOT_SERIALIZABLE, { rust: 'none' }),
  returned('100,000 levels', 'deep', NOT_SERIALIZABLE, { go: 'none', rust: 'none' }),
  returned('half a surrogate pair', 'half', { result: '\ud800' }, { go: 'none', rust: 'none' }),
  returned('2 MiB, past the door', 'large', { result: 'x'.repeat(2 << 20) }),
  returned('a CloudEvent', 'event', { result: { id: 'own', type: 'own.type', comexname: 'Euro €', data: { a: 1 } } }),

  refused('plain JSON', 400, { headers: { ...NO_EVENT, 'content-type': JSON_TYPE }, body: '{}' }),
  refused('no id', 400, { headers: { 'ce-id': undefined } }),
  refused('CloudEvents 9.0', 400, { headers: { 'ce-specversion': '9.0' } }),
  refused('structured mode: cut off', 400, { headers: { ...NO_EVENT, ...STRUCTURED }, body: '{"specversion":' }),
  refused('structured mode: 100,000 levels', 400, { headers: { ...NO_EVENT, ...STRUCTURED }, body: nested(100_000) }),
  refused('a batch', 415, {
    headers: { ...NO_EVENT, 'content-type': 'application/cloudevents-batch+json' },
    body: '[]',
  }),
  refused('structured mode: another format', 415, {
    headers: { ...NO_EVENT, 'content-type': 'application/cloudevents+xml' },
    body: '<event/>',
  }),
  refused('`GET /`', 405, { method: 'GET' }),
  refused('`PUT /`', 405, { method: 'PUT', body: '{}' }),
  refused('`POST /other`', 404, { path: '/other', body: '{}' }),
  refused('`GET /health/liveness`', 200, { method: 'GET', path: '/health/liveness' }),
  refused('`GET /health/readiness`', 200, { method: 'GET', path: '/health/readiness' }),
];
