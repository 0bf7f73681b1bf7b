/** What a handler is called with, and which handlers of other platforms are refused when the image is built. */
import { afterAll, describe, expect, test } from 'vitest';
import { signatureProblem, takesContext } from '#languages/node/adapter/handler-signature.ts';
import { buildImage, type Image, RunFailed } from '#test/languages/conformance/image.ts';
import { runFunction } from '#test/languages/conformance/run-function.ts';
import type { Files } from '#test/languages/conformance/sources.ts';

const images: Image[] = [];
afterAll(() => {
  for (const image of images) {
    image.remove();
  }
});

async function built(files: Files, request: object = {}): Promise<Image> {
  const image = await buildImage(files, request);
  images.push(image);
  return image;
}

const TRACE = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

describe('the context', () => {
  const source = `
export async function handler(event, context) {
  const { log, signal, remainingMs, ...attributes } = context;
  switch (event.data) {
    case 'log':
      log.info('rows read', { rows: 3, big: 2n ** 60n, event: 'mine' });
      log.warn('a ring', { ring: context });
      return null;
    case 'wait':
      return await new Promise((resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
  }
  return { attributes, left: remainingMs(), aborted: signal.aborted };
}`;

  test('has the attributes, the time that is left, a signal and a log', async () => {
    const running = await runFunction(await built({ 'parser.mjs': source }), { FUNCTION_TIMEOUT_SECONDS: '2' });
    const event = { id: 'e1', source: 'client', subject: 'acme/p1', correlationid: 'chain-1', traceparent: TRACE };
    const { result } = (await (await running.send(event)).json()) as { result: { left: number } };
    expect(result).toEqual({
      attributes: {
        id: 'e1',
        source: 'client',
        subject: 'acme/p1',
        type: 'parser.start',
        correlationId: 'chain-1',
        traceparent: TRACE,
        thirdPartyId: 'acme',
        parserId: 'p1',
      },
      left: expect.any(Number),
      aborted: false,
    });
    expect(result.left).toBeGreaterThan(1500);
    expect(result.left).toBeLessThanOrEqual(2000);

    await running.send({ ...event, data: 'log' });
    const about = { event: 'e1', correlation_id: 'chain-1', trace_id: '0af7651916cd43dd8448eb211c80319c' };
    const lines = await running.errorLines(2);
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      { level: 'info', msg: 'rows read', rows: 3, big: String(2n ** 60n), ...about },
      { level: 'warn', msg: 'a ring', ...about },
    ]);

    const waited = await running.send({ ...event, data: 'wait' });
    expect(await waited.json()).toMatchObject({ succeeded: false, error: { type: 'TimeoutError' } });
    running.kill();
  });

  test('has no end where calls have none', async () => {
    const running = await runFunction(await built({ 'parser.mjs': source }));
    const answer = (await (await running.send({ id: 'e2' })).json()) as { result: object };
    expect(answer).toMatchObject({
      error: { type: 'ResultNotSerializable', message: expect.stringContaining('Infinity') },
    });
    running.kill();
  });
});

/** As a module has them. */
const made = (source: string) => new Function(`return ${source}`)();

test.each([
  { source: 'event => 1', takes: false },
  { source: '(event) => 1', takes: false },
  { source: "(event, deps = make('a', 'b')) => deps", takes: false },
  { source: '(event, context = {}) => 1', takes: true },
  { source: 'async (event, /* ours */ context) => 1', takes: true },
  { source: 'function handler({ data }, { log }) {}', takes: true },
  { source: '(...all) => 1', takes: true },
  { source: 'function () { return arguments }', takes: true },
  { source: '((event, context) => 1).bind(null)', takes: true },
  { source: '({ async handler(event, _ctx) {} }).handler', takes: true },
])('$source takes a context: $takes', ({ source, takes }) => {
  expect(signatureProblem(made(source), 'handler')).toBeUndefined();
  expect(takesContext(made(source))).toBe(takes);
});

test.each([
  { source: '(event, context, callback) => 1', says: 'takes (event, context, callback), as a handler of AWS Lambda' },
  { source: 'function ({ name }, context, done) {}', says: 'takes 3 parameters, as a handler of AWS Lambda' },
  { source: 'async function handle(context, event) {}', says: 'takes (context, event), as func and Nuclio' },
  { source: 'async (ctx, event = {}) => 1', says: 'write (event, ctx)' },
  { source: '(req, res) => 1', says: 'takes (req, res), as a handler of an HTTP server' },
  { source: '(event, callback) => 1', says: 'takes (event, callback)' },
])('$source is refused', ({ source, says }) => {
  expect(signatureProblem(made(source), 'handler')).toContain(says);
});

describe('a handler of another platform is refused', () => {
  test.each<{ case: string; files: Files; request?: object; says: string[] }>([
    {
      case: 'Lambda with a callback, CommonJS',
      files: { 'index.js': '\nexports.handler = (event, context, callback) => callback(null, event.name);' },
      says: [
        'index.js:2 handler takes (event, context, callback)',
        'AWS Lambda',
        'async function handler(event, context)',
      ],
    },
    {
      case: 'lambda_handler',
      files: { 'index.mjs': 'export const lambda_handler = async (event, context) => event.name' },
      request: { handler: 'index.lambda_handler' },
      says: ['index.mjs:1 lambda_handler is named as', 'lambda_handler(event.data, context)'],
    },
    {
      case: 'func, CommonJS',
      files: {
        'index.js': '// func\nconst handle = async (context, event) => event.data;\nmodule.exports = { handle };',
      },
      says: ['index.js:2 handle takes (context, event)', 'write (event, context)'],
    },
    {
      case: 'func, TypeScript',
      files: {
        'index.ts':
          'interface Context { log: unknown }\n\nconst handle = async (context: Context, event?: object): Promise<unknown> => event;\nexport { handle };',
      },
      says: ['index.ts:3 handle takes (context, event)'],
    },
    {
      case: 'a handler of another file',
      files: { 'index.js': 'exports.handle = require("./lib").run', 'lib.js': 'exports.run = (ctx, event) => event' },
      says: ['index.js handle takes (ctx, event)'],
    },
  ])('$case', async ({ files, request, says }) => {
    const error = await built(files, request).catch((reason) => reason);
    expect(error).toBeInstanceOf(RunFailed);
    expect(error.exitCode).toBe(66);
    expect(error.message.trim().split('\n')).toHaveLength(1);
    for (const part of says) {
      expect(error.message).toContain(part);
    }
  });
});
