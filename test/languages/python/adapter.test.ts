import { afterAll, describe, expect, test } from 'vitest';
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
  ])('ends with one line that says what to do: $case', async ({ files, says }) => {
    const error = await runFunction(await image(files)).catch((reason) => reason);
    expect(error.exitCode).toBe(1);
    expect(error.message.trim().split('\n')).toHaveLength(1);
    for (const part of ['cannot start: ', 'send build.start again', ...says]) {
      expect(error.message).toContain(part);
    }
  });

  test('does not build what it could not load', async () => {
    const error = await image({ 'parser.py': 'def handler(event):\n  return (' }).catch((reason) => reason);
    expect(error).toBeInstanceOf(RunFailed);
    expect(error.exitCode).toBe(66);
    expect(error.message).toContain('parser.py:2: SyntaxError');
  });
});
