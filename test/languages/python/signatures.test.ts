/** What a handler is called with, which handlers of other platforms are refused in the build, and where calls run. */
import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildImage, type Image, installed, RunFailed } from '#test/languages/conformance/image.ts';
import { type RunningFunction, runFunction } from '#test/languages/conformance/run-function.ts';
import type { Files } from '#test/languages/conformance/sources.ts';

const hasPython = installed('python', '-c', 'import pip, sys; assert sys.version_info >= (3, 10)');

const images: Image[] = [];
afterAll(() => {
  for (const image of images) {
    image.remove();
  }
});

async function image(files: Files, request: object = {}): Promise<Image> {
  const built = await buildImage(files, request);
  images.push(built);
  return built;
}

const TRACE = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

describe.skipIf(!hasPython)('Python (needs python 3.10 with pip)', () => {
  describe.each(['def', 'async def'])('the context of a handler that begins with %s', (def) => {
    test('has the attributes, the time that is left and a log', async () => {
      const source = `
${def} handler(event, context):
    if event.data == "log":
        context.log.info("rows read", rows=3, event="mine", message="own")
        ring = []
        ring.append(ring)
        context.log.warning("odd", ring=ring, at=object)
    names = ["id", "source", "subject", "type", "correlation_id", "traceparent", "third_party_id", "parser_id"]
    return [context.remaining_ms(), {name: getattr(context, name) for name in names}]
`;
      const running = await runFunction(await image({ 'parser.py': source }), { FUNCTION_TIMEOUT_SECONDS: '2' });
      const event = { id: 'e1', source: 'client', subject: 'acme/p1', correlationid: 'chain-1', traceparent: TRACE };
      const { result } = (await (await running.send({ ...event, data: 'log' })).json()) as { result: [number, object] };
      expect(result[1]).toEqual({
        id: 'e1',
        source: 'client',
        subject: 'acme/p1',
        type: 'parser.start',
        correlation_id: 'chain-1',
        traceparent: TRACE,
        third_party_id: 'acme',
        parser_id: 'p1',
      });
      expect(result[0]).toBeGreaterThan(1000);
      expect(result[0]).toBeLessThanOrEqual(2000);
      const about = { event: 'e1', correlation_id: 'chain-1', trace_id: '0af7651916cd43dd8448eb211c80319c' };
      const lines = await running.errorLines(2);
      expect(lines.map((line) => JSON.parse(line))).toMatchObject([
        { level: 'info', msg: 'rows read', rows: 3, message: 'own', ...about },
        { level: 'warn', msg: 'odd', ...about },
      ]);
      expect(await running.stop()).toBe(0);
    });
  });

  /** What the adapter says of handlers, without an image for each. */
  const CHECK = `
import json, sys
sys.path.insert(0, "languages/python/adapter")
import context
for source in json.load(sys.stdin):
    names = {}
    exec(source, names)
    handler = names["handler"]
    problem = context.signature_problem(handler, "handler")
    print(json.dumps(problem or len(context.arguments_of(handler, 1)({"id": "1", "source": "s", "type": "t"}))))
`;
  const DECORATED =
    'import functools\ndef d(f):\n  @functools.wraps(f)\n  def w(*a): return f(*a)\n  return w\n@d\ndef handler(event, context): ...';
  const signatures = [
    { source: 'def handler(event): ...', is: 1 },
    { source: 'def handler(*args): ...', is: 1 },
    { source: 'def handler(event, db="own"): ...', is: 1 },
    { source: 'def handler(event, context=None): ...', is: 2 },
    { source: 'def handler(e, ctx): ...', is: 2 },
    { source: 'def handler(e, _context): ...', is: 2 },
    { source: 'def handler(e, _): ...', is: 2 },
    { source: 'def handler(event, context, db=1, *, key=2): ...', is: 2 },
    { source: 'class H:\n  async def __call__(self, event, context): ...\nhandler = H()', is: 2 },
    { source: DECORATED, is: 2 },
    { source: 'handler = print', is: 1 },
    {
      source: 'def handler(context, event): ...',
      is: /takes \(context, event\), as func .* write \(event, context\)$/,
    },
    { source: 'def handler(req, res): ...', is: /takes \(req, res\)/ },
    { source: 'def handler(event, context, callback): ...', is: /takes \(event, context, callback\)/ },
    { source: 'def handler(event, *, db): ...', is: /takes \(event, \*, db\)/ },
    { source: 'def handler(): ...', is: /takes \(\)/ },
  ];
  const said: unknown[] = hasPython
    ? spawnSync('python', ['-c', CHECK], { input: JSON.stringify(signatures.map(({ source }) => source)) })
        .stdout.toString()
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line))
    : [];
  test.each(signatures.map((one, index) => ({ ...one, index })))('$source', ({ is, index }) => {
    if (is instanceof RegExp) {
      expect(said[index]).toMatch(is);
    } else {
      expect(said[index]).toBe(is);
    }
  });

  test('a key of the data that is looked for in the event is told of', async () => {
    const running = await runFunction(
      await image({ 'parser.py': 'def handler(event, context): return event["name"]' }),
    );
    expect(await (await running.send({ data: { name: 'x' } })).json()).toMatchObject({
      error: { type: 'KeyError', message: expect.stringContaining("event.data['name']") },
    });
    expect(await (await running.send({ data: {} })).json()).toMatchObject({
      error: { type: 'KeyError', message: "'name'" },
    });
    expect(await running.stop()).toBe(0);
  });

  test.each<{ case: string; files: Files; request?: object; says: string[] }>([
    {
      case: 'Lambda',
      files: { 'lambda_function.py': 'import json\n\ndef lambda_handler(event, context): return event["x"]' },
      request: { language: 'python', handler: 'lambda_function.lambda_handler' },
      says: ['lambda_function.py:3 lambda_handler', 'AWS Lambda', 'lambda_handler(event.data, context)'],
    },
    {
      case: 'func of today',
      files: { 'main.py': 'async def handle(scope, receive, send): ...' },
      says: ['main.py:1 handle takes (scope, receive, send)', 'def handler(event, context)'],
    },
    {
      case: 'one that is imported',
      files: { 'main.py': 'from lib.app import handler', 'lib/app.py': '\ndef handler(a, b, c): ...' },
      says: ['lib/app.py:2 handler takes (a, b, c)'],
    },
  ])('a handler of another platform is refused: $case', async ({ files, request, says }) => {
    const error = await image(files, request).catch((reason) => reason);
    expect(error).toBeInstanceOf(RunFailed);
    expect(error.exitCode).toBe(66);
    expect(error.message.trim().split('\n')).toHaveLength(1);
    for (const part of ['send build.start again', ...says]) {
      expect(error.message).toContain(part);
    }
  });

  describe('where handlers run', () => {
    const together = async (running: RunningFunction, count: number, data: object) => {
      const answers = await Promise.all(Array.from({ length: count }, () => running.send({ data })));
      return await Promise.all(answers.map(async (answer) => ((await answer.json()) as { result: string }).result));
    };
    const where = 'import threading\nname = lambda: threading.current_thread().name\n';

    test('one that is not async: in the main thread and in 31 others, 32 calls at once', async () => {
      const source = `${where}import time
def handler(event):
    time.sleep(event.data.get("s", 0))
    return name()`;
      const running = await runFunction(await image({ 'parser.py': source }));
      expect(await together(running, 1, {})).toEqual(['MainThread']);
      expect(await together(running, 1, {})).toEqual(['MainThread']);
      const began = performance.now();
      const threads = await together(running, 32, { s: 2 });
      expect(performance.now() - began).toBeLessThan(3900);
      expect(new Set(threads).size).toBe(32);
      expect(threads).toContain('MainThread');
      // The next ones wait for a thread, and none is lost.
      expect(new Set(await together(running, 40, { s: 0.3 })).size).toBe(32);
      expect(await running.stop()).toBe(0);
    });

    describe('one that is async: in the one event loop of the main thread', () => {
      let running: RunningFunction;
      beforeAll(async () => {
        const source = `${where}import asyncio, time
loops = set()
async def handler(event):
    loops.add(id(asyncio.get_running_loop()))
    if event.data["how"] == "block":
        time.sleep(event.data["s"])
    elif event.data["how"] == "thread":
        await asyncio.to_thread(time.sleep, event.data["s"])
    else:
        await asyncio.sleep(event.data["s"])
    return f"{name()} {len(loops)}"`;
        running = await runFunction(await image({ 'parser.py': source }));
      });
      afterAll(async () => expect(await running.stop()).toBe(0));

      test.each(['wait', 'thread'])('what awaits lets the others go on: %s', async (how) => {
        const began = performance.now();
        // asyncio's own pool has five threads on a machine with one processor.
        expect(new Set(await together(running, 4, { how, s: 1 }))).toEqual(new Set(['MainThread 1']));
        expect(performance.now() - began).toBeLessThan(2500);
      });

      test('what blocks makes all others wait, though not the health checks', async () => {
        const began = performance.now();
        const blocked = together(running, 3, { how: 'block', s: 0.5 });
        await new Promise((resolve) => setTimeout(resolve, 200));
        const asked = performance.now();
        expect((await fetch(`${running.url}/health/readiness`)).status).toBe(200);
        expect(performance.now() - asked).toBeLessThan(450);
        await blocked;
        expect(performance.now() - began).toBeGreaterThan(1450);
      });
    });
  });
});
