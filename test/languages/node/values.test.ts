/** What goes in and out of a handler beyond plain JSON: long integers, whatever is thrown or returned. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildImage, type Image } from '#test/languages/conformance/image.ts';
import { type RunningFunction, runFunction } from '#test/languages/conformance/run-function.ts';

const HANDLER = `
const { inspect } = require('node:util');
const errors = {
  object: () => ({ code: 'E_LIMIT', detail: 'too many rows' }),
  'without prototype': () => Object.assign(Object.create(null), { code: 7 }),
  nothing: () => undefined,
  text: () => 'out of paper',
  symbol: () => Symbol('paper'),
  'cause alone': () => new Error('', { cause: new Error('connect ECONNREFUSED 127.0.0.1:1') }),
  'with a cause': () => new TypeError('fetch failed', { cause: new Error('getaddrinfo ENOTFOUND nowhere') }),
  'its own cause': () => { const error = new Error('ring'); error.cause = error; return error; },
  several: () => new AggregateError([new Error('no IPv6'), new Error('no IPv4')]),
  empty: () => new RangeError(''),
  code: () => Object.assign(new Error(''), { code: 'ECONNRESET' }),
  hostile: () => ({ get message() { throw new Error('no') }, toJSON() { throw new Error('no') }, toString() { throw new Error('no') } }),
};
const results = {
  Map: () => new Map([['a', 1]]),
  Set: () => ({ deep: [new Set([1])] }),
  Response: () => Response.json({}),
  Generator: () => (function* () { yield 1; })(),
  AsyncGenerator: () => (async function* () { yield 1; })(),
  Promise: () => ({ later: Promise.resolve(1) }),
  Error: () => ({ why: new Error('returned') }),
  bytes: () => Buffer.from('abc'),
  'typed array': () => ({ values: new Float64Array(2) }),
  NaN: () => ({ mean: 0 / 0 }),
  Infinity: () => 1 / 0,
  function: () => () => 1,
  Date: () => new Date(0),
  URL: () => new URL('http://a/b'),
  BigInt: () => ({ amount: 12345678901234567890n }),
  'class of its own': () => new (class Row { get [Symbol.toStringTag]() { return 'Row'; } id = 7; secret() {} })(),
  'without prototype': () => Object.assign(Object.create(null), { a: 1 }),
};
exports.handler = async ({ data }) => {
  if (data.throw) throw errors[data.throw]();
  if (data.return) return results[data.return]();
  if (data.show) return inspect(data.show);
  return data;
};`;

let image: Image;
let running: RunningFunction;
beforeAll(async () => {
  image = await buildImage({ 'index.js': HANDLER });
  running = await runFunction(image);
});
afterAll(() => {
  running?.kill();
  image?.remove();
});

const binary = { 'ce-specversion': '1.0', 'ce-id': '1', 'ce-source': 's', 'ce-type': 't' };

async function call(body: string, headers: Record<string, string> = { 'content-type': 'application/json' }) {
  const answer = await fetch(running.url, { method: 'POST', headers: { ...binary, ...headers }, body });
  expect(answer.status).toBe(200);
  return await answer.text();
}

describe('long integers', () => {
  test('are BigInts for the handler, and come back with all their digits', async () => {
    const data =
      '{"context_id":9007199254740993,"list":[-12345678901234567890,9007199254740991,0.1234567890123456789]}';
    const answer = await call(data);
    expect(answer).toContain('"context_id":9007199254740993');
    expect(answer).toContain('"list":[-12345678901234567890,9007199254740991,0.12345678901234568]');
    expect(await call('{"show":[9007199254740993,9007199254740991,1e20]}')).toContain(
      '[ 9007199254740993n, 9007199254740991, 100000000000000000000 ]',
    );
  });

  test('also of an event in structured mode', async () => {
    const event = '{"specversion":"1.0","id":"1","source":"s","type":"t","data":{"order":9007199254740993}}';
    const headers = { 'content-type': 'application/cloudevents+json' };
    const answer = await fetch(running.url, { method: 'POST', headers, body: event });
    expect(await answer.text()).toContain('"result":{"order":9007199254740993}');
  });
});

test.each([
  ['object', 'Error', '{"code":"E_LIMIT","detail":"too many rows"}'],
  ['without prototype', 'Error', '{"code":7}'],
  ['nothing', 'Error', 'undefined'],
  ['text', 'Error', 'out of paper'],
  ['symbol', 'Error', 'Symbol(paper)'],
  ['cause alone', 'Error', 'connect ECONNREFUSED 127.0.0.1:1'],
  ['with a cause', 'TypeError', 'fetch failed: getaddrinfo ENOTFOUND nowhere'],
  ['its own cause', 'Error', 'ring'],
  ['several', 'AggregateError', 'no IPv6: no IPv4'],
  ['empty', 'RangeError', 'RangeError without a message'],
  ['code', 'Error', 'ECONNRESET'],
  ['hostile', 'Error', 'an object that has no text'],
])('what is thrown is told: %s', async (thrown, type, message) => {
  const { succeeded, error } = JSON.parse(await call(JSON.stringify({ throw: thrown })));
  expect({ succeeded, error }).toEqual({ succeeded: false, error: { type, message } });
});

test.each([
  ['Map', 'it has a Map', 'Object.fromEntries'],
  ['Set', 'it has a Set', '[...set]'],
  ['Response', 'it has a Response', 'await response.json()'],
  ['Generator', 'it has a Generator', '[...generator]'],
  ['AsyncGenerator', 'it has a AsyncGenerator', 'Array.fromAsync'],
  ['Promise', 'it has a Promise', 'await it'],
  ['Error', 'it has a Error', 'throw it'],
  ['bytes', 'it has bytes', 'base64'],
  ['typed array', 'it has bytes', 'base64'],
  ['NaN', 'NaN is no number of JSON', 'null'],
  ['Infinity', 'Infinity is no number of JSON', 'null'],
  ['function', 'it is a function', 'objects, arrays'],
])('a result that JSON has no form for is refused, and says what to return: %s', async (returned, problem, instead) => {
  const { error } = JSON.parse(await call(JSON.stringify({ return: returned })));
  expect(error.type).toBe('ResultNotSerializable');
  expect(error.message).toContain(`can't be written as JSON (${problem}): return `);
  expect(error.message).toContain(instead);
});

test.each([
  ['Date', '"1970-01-01T00:00:00.000Z"'],
  ['URL', '"http://a/b"'],
  ['BigInt', '{"amount":12345678901234567890}'],
  ['class of its own', '{"id":7}'],
  ['without prototype', '{"a":1}'],
])('a result of another class is written: %s', async (returned, json) => {
  expect(await call(JSON.stringify({ return: returned }))).toContain(`"succeeded":true,"result":${json},`);
});

test.each([
  ['no UTF-8', Buffer.from('{"a":"\xe9"}', 'latin1'), 'is not valid UTF-8'],
  ['100,000 levels', Buffer.from('['.repeat(100_000) + ']'.repeat(100_000)), 'is nested more than 200 levels deep'],
])('data that cannot be read is answered: %s', async (_, body, problem) => {
  const headers = { ...binary, 'content-type': 'application/json', 'ce-dataschema': '::no URI::' };
  const answer = await fetch(running.url, { method: 'POST', headers, body });
  expect(answer.status).toBe(200);
  expect(await answer.json()).toMatchObject({
    succeeded: false,
    error: { type: 'BadData', message: `the event's data ${problem}` },
  });
});
