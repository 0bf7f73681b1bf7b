import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { adapterContract } from '#test/languages/conformance/adapter-contract.ts';
import { exampleContract } from '#test/languages/conformance/example-contract.ts';
import { buildImage, type Image, installed, RunFailed } from '#test/languages/conformance/image.ts';
import { runFunction } from '#test/languages/conformance/run-function.ts';
import type { Files } from '#test/languages/conformance/sources.ts';

const hasPython = installed('python', '-c', 'import pip, sys; assert sys.version_info >= (3, 10)');

const images: Image[] = [];
afterAll(() => {
  for (const image of images) {
    image.remove();
  }
});

async function image(...parameters: Parameters<typeof buildImage>): Promise<Image> {
  const built = await buildImage(...parameters);
  images.push(built);
  return built;
}

describe.skipIf(!hasPython)('the Python adapter (needs python 3.10 with pip)', () => {
  exampleContract('python');

  adapterContract(
    {
      'parser.py': `
import time

def handler(event):
    # Blocks its thread, on purpose.
    match event.data["do"]:
        case "echo": return {"id": event.id, "subject": event.subject, "data": event.data}
        case "fail": raise LookupError(event.data["message"])
        case "unserializable": return {1, 2}
        case "wait": time.sleep(event.data["ms"] / 1000)
`,
    },
    'LookupError',
  );

  test.each<{ case: string; files: Files; request?: object }>([
    {
      case: 'an async handler',
      files: { 'main.py': 'import asyncio\nasync def handle(event):\n  await asyncio.sleep(0)\n  return 1' },
    },
    {
      case: 'what returns a coroutine',
      files: { 'main.py': 'async def work(event): return 1\ndef parse(event): return work(event)' },
    },
    {
      case: 'one that is named',
      files: { 'a-b/app.py': 'def run(event): return 1' },
      request: { handler: 'a-b/app.run' },
    },
    {
      case: 'one that imports its neighbour',
      files: { 'handler.py': 'from lib.one import ONE\ndef handler(event): return ONE', 'lib/one.py': 'ONE = 1' },
    },
    {
      case: "modules of its own that are called as the adapter's are",
      files: {
        'parser.py':
          'import click, h11, events, uvicorn\nfrom cloudevents import mine\ndef handler(event): return click.ONE * h11.ONE * events.ONE * uvicorn.ONE * mine.ONE',
        'click.py': 'ONE = 1',
        'h11.py': 'ONE = 1',
        'events.py': 'ONE = 1',
        'uvicorn.py': 'ONE = 1',
        'cloudevents/__init__.py': '',
        'cloudevents/mine.py': 'ONE = 1',
      },
    },
    {
      case: 'a file whose name is no module',
      files: { 'a/parser.v2.py': 'def handler(event): return 1' },
      request: { handler: 'a/parser.v2.handler' },
    },
    {
      case: 'a file that is called as a module of Python is',
      files: { 'json.py': 'def handler(event): return 1' },
      request: { handler: 'json.handler' },
    },
    {
      case: 'packages in src/',
      files: {
        'main.py': 'from shop.core import ONE\ndef handler(event): return ONE',
        'src/shop/__init__.py': '',
        'src/shop/core.py': 'ONE = 1',
        'pyproject.toml': '[project]\nname = "shop"',
      },
    },
    {
      case: 'an attribute of the event that is an extension',
      files: {
        'parser.py': 'def handler(event): return 1 if event.get("missing") is None and event.myext == "x" else 0',
      },
    },
  ])('calls $case', async ({ files, request }) => {
    const running = await runFunction(await image(files, request));
    expect(await (await running.send({ data: {}, myext: 'x' })).json()).toMatchObject({ succeeded: true, result: 1 });
    expect(await running.stop()).toBe(0);
  });

  test("finds the user's packages before all others", async () => {
    const running = await runFunction(
      await image({
        'requirements.txt': 'h11==0.14.0\n',
        'parser.py': 'import h11\ndef handler(event): return h11.__version__',
      }),
    );
    expect(await (await running.send({ data: {} })).json()).toMatchObject({ result: '0.14.0' });
    expect(await running.stop()).toBe(0);
  });

  test.each<{ case: string; files: Files; says: string[] }>([
    {
      case: 'a package that is missing',
      files: { 'parser.py': 'x = 1\nimport leftpad\ndef handler(e): ...' },
      says: ['parser.py:2', "No module named 'leftpad'", 'requirements.txt'],
    },
    {
      case: 'an error at the top',
      files: { 'parser.py': 'def handler(e): ...\n1 / 0' },
      says: ['parser.py:2: ZeroDivisionError'],
    },
    {
      case: 'a handler that is no function',
      files: { 'parser.py': 'handler = 5\ndef other(): ...' },
      says: ['parser.py has no function handler or handle or parse (it has other)'],
    },
    {
      case: 'a module that was uploaded, elsewhere',
      files: { 'parser.py': 'import shop\ndef handler(e): ...', 'lib/shop.py': '' },
      says: ['parser.py:1', 'It is in lib/', 'lib.shop'],
    },
    {
      case: 'a handler with the parameters of another platform',
      files: { 'parser.py': '\nasync def handle(scope, receive, send): ...' },
      says: ['parser.py:2 handle takes (scope, receive, send)', 'def handler(event)'],
    },
  ])('ends the build with one line that says what to do: $case', async ({ files, says }) => {
    const error = await image(files).catch((reason) => reason);
    expect(error).toBeInstanceOf(RunFailed);
    expect(error.exitCode).toBe(66);
    expect(error.message.trim().split('\n')).toHaveLength(1);
    for (const part of ['send build.start again', ...says]) {
      expect(error.message).toContain(part);
    }
  });

  test('leaves to the pod what only the pod may have, and ends it with one line', async () => {
    const files = { 'parser.py': 'import os\nKEY = os.environ["KEY"]\ndef handler(e): return KEY' };
    const built = await image(files);
    const error = await runFunction(built).catch((reason) => reason);
    expect(error.exitCode).toBe(1);
    expect(error.message.trim().split('\n')).toHaveLength(1);
    for (const part of ['cannot start: ', 'send build.start again', "parser.py:2: KeyError: 'KEY'"]) {
      expect(error.message).toContain(part);
    }
    const running = await runFunction(built, { KEY: 'x' });
    expect(await (await running.send({ data: {} })).json()).toMatchObject({ result: 'x' });
    expect(await running.stop()).toBe(0);
  });

  describe('answers', () => {
    const handlers = `
import asyncio, sqlite3
connection = sqlite3.connect(":memory:")

class Mute(Exception):
    def __str__(self): raise RuntimeError("no")

def handler(event):
    match event.data and event.data.get("do") if isinstance(event.data, dict) else "given":
        case "given": return [type(event.data).__name__, event.get("comexname")]
        case "stop": return next(iter([]))
        case "cancel": raise asyncio.CancelledError()
        case "exit": raise SystemExit(3)
        case "interrupt": raise KeyboardInterrupt()
        case "mute": raise Mute()
        case "surrogate": raise ValueError("\\ud800")
        case "cause":
            try: {}["x"]
            except KeyError as error: raise ValueError() from error
        case "loop": return asyncio.get_event_loop().run_until_complete(asyncio.sleep(0, "looped"))
        case "run": return asyncio.run(asyncio.sleep(0, "ran"))
        case "sqlite": return connection.execute("select 7").fetchone()[0]
        case "generator": return (n for n in [1])
        case "nan": return float("nan")
        case "half": return "\\ud800"
`;
    let running: Awaited<ReturnType<typeof runFunction>>;
    beforeAll(async () => {
      running = await runFunction(await image({ 'parser.py': handlers }));
    });

    test.each([
      { do: 'stop', error: { type: 'StopIteration' } },
      { do: 'cancel', error: { type: 'CancelledError' } },
      { do: 'exit', error: { type: 'SystemExit', message: '3' } },
      { do: 'interrupt', error: { type: 'KeyboardInterrupt' } },
      { do: 'mute', error: { type: 'Mute', message: "its message can't be read: RuntimeError in str()" } },
      { do: 'surrogate', error: { type: 'ValueError', message: '\ufffd' } },
      { do: 'cause', error: { type: 'ValueError', message: "caused by KeyError: 'x'" } },
      { do: 'generator', error: { type: 'ResultNotSerializable' } },
      { do: 'nan', error: { type: 'ResultNotSerializable' } },
      { do: 'loop', result: 'looped' },
      { do: 'run', result: 'ran' },
      { do: 'loop', result: 'looped' },
      { do: 'sqlite', result: 7 },
      { do: 'half', result: '\ud800' },
    ])('to $do', async ({ do: what, ...expected }) => {
      const answer = await running.send({ data: { do: what } });
      expect(answer.status).toBe(200);
      expect(await answer.json()).toMatchObject({ succeeded: 'result' in expected, ...expected });
    });

    const binary = { 'ce-specversion': '1.0', 'ce-id': '1', 'ce-source': 's', 'ce-type': 't' };
    test.each([
      { type: 'text/csv', body: Buffer.from('caf\xe9', 'latin1'), result: ['bytes', null] },
      { type: 'text/csv', body: Buffer.from('café'), result: ['str', null] },
      { type: 'application/xml', body: Buffer.from('<a/>'), result: ['str', null] },
      { type: 'application/svg+xml; charset=utf-8', body: Buffer.from('<a/>'), result: ['str', null] },
      { type: 'application/octet-stream', body: Buffer.from('x'), result: ['bytes', null] },
      { type: 'text/plain', body: Buffer.from('x'), name: 'Euro%20%E2%82%AC', result: ['str', 'Euro €'] },
      { type: 'text/plain', body: Buffer.from('x'), name: '"a \\" b"', result: ['str', 'a " b'] },
      { type: 'text/plain', body: Buffer.from('x'), name: '100%', result: ['str', '100%'] },
    ])('to $type, with an attribute $name', async ({ type, body, name, result }) => {
      const headers = { ...binary, 'content-type': type, ...(name ? { 'ce-comexname': name } : {}) };
      const answer = await fetch(running.url, { method: 'POST', headers, body });
      expect(await answer.json()).toMatchObject({ succeeded: true, result });
    });

    test.each([
      { case: 'JSON that is nested too deep', headers: {}, body: '['.repeat(100_000) + ']'.repeat(100_000) },
      { case: 'JSON that is not UTF-8', headers: {}, body: Buffer.from('"\xe9"', 'latin1') },
      { case: 'NaN', headers: {}, body: 'NaN' },
    ])('by BadData to $case', async ({ headers, body }) => {
      const answer = await fetch(running.url, {
        method: 'POST',
        headers: { ...binary, 'content-type': 'application/json', ...headers },
        body,
      });
      expect(await answer.json()).toMatchObject({ succeeded: false, error: { type: 'BadData' } });
    });

    test('whatever its other attributes are', async () => {
      const odd = { 'ce-data': 'x', 'ce-dataschema': 'no uri', 'ce-time': 'yesterday', 'content-type': 'text/plain' };
      const answer = await fetch(running.url, { method: 'POST', headers: { ...binary, ...odd }, body: 'x' });
      expect(await answer.json()).toMatchObject({ succeeded: true, result: ['str', null] });
    });

    test('in the chain of the event, encoded once', async () => {
      const answer = await running.send({ data: '', correlationid: 'bestellung-ü', comexname: 'Euro €' });
      expect(answer.headers.get('ce-correlationid')).toBe('bestellung-%C3%BC');
      expect(await answer.json()).toMatchObject({ result: ['str', 'Euro €'] });
    });
  });

  describe.each([
    {
      kind: 'a thread',
      source:
        'import re, time\ndef handler(event):\n  match event.data["do"]:\n    case "loop":\n      while True: pass\n    case "lock": re.match("(a+)+$", "a" * 40 + "b")\n    case "block": time.sleep(60)\n  return 1',
    },
    {
      kind: 'the event loop',
      source:
        'import asyncio, re, time\nasync def handler(event):\n  match event.data["do"]:\n    case "loop":\n      while True: pass\n    case "lock": re.match("(a+)+$", "a" * 40 + "b")\n    case "block": time.sleep(60)\n  return 1',
    },
  ])('a handler in $kind that does not end', ({ source }) => {
    let running: Awaited<ReturnType<typeof runFunction>>;
    beforeAll(async () => {
      running = await runFunction(await image({ 'parser.py': source }), { FUNCTION_TIMEOUT_SECONDS: '1' });
    });

    test.each(['loop', 'lock', 'block'])('is ended, and the next event answered: %s', async (what) => {
      // The answer says Timeout, or the connection ends where the process could not answer any more.
      const first = await running.send({ data: { do: what } }).then(
        (answer) => answer.json(),
        () => ({ error: { type: 'Timeout' } }),
      );
      expect(first).toMatchObject({ error: { type: 'Timeout' } });
      // Into the process that is being replaced, perhaps: that one is called again.
      const next = async (): Promise<unknown> => {
        const answer = await running.send({ data: { do: 'next' } }).catch(() => undefined);
        return answer === undefined ? next() : answer.json();
      };
      expect(await next()).toMatchObject({ result: 1 });
      expect(running.process.exitCode).toBeNull();
    });
  });

  test('does not build what it could not load', async () => {
    const error = await image({ 'parser.py': 'def handler(event):\n  return (' }).catch((reason) => reason);
    expect(error).toBeInstanceOf(RunFailed);
    expect(error.exitCode).toBe(66);
    expect(error.message).toContain('parser.py:2: SyntaxError');
  });
});
