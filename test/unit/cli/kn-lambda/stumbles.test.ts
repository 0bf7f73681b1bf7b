/** What new users stumbled over: long silences, wrong guesses, and words of somebody else's tools. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { waitingText } from '#cli/kn-lambda/wait-for-start.ts';
import { ownStack } from '#shared/own-stack.ts';
import { bundledCommand, stable } from './command.ts';
import { aFunction, builds, IMAGE, json, lines, problem, Stub } from './stub.ts';
import { wait } from './wait.ts';

const command = bundledCommand();
const FIVE_SECONDS = 5000;

function folder(name: string, files: Record<string, string> = { 'parser.js': 'export const handler = () => 1;\n' }) {
  const place = join(command.directory, name, 'hello');
  mkdirSync(place, { recursive: true });
  for (const [path, text] of Object.entries(files)) {
    writeFileSync(join(place, path), text);
  }
  return place;
}

describe('a function.yaml with mistyped parameters', () => {
  test('is refused before anything is sent, each by its name and with what was meant', async () => {
    await using stub = await new Stub().start();
    const text = 'parameters: { timout_seconds: 5, scaling: { mx: 2 }, timeout_seconds: 0 }\n';
    const cwd = folder('mistyped', { 'parser.js': '', 'function.yaml': text });
    const { code, stderr } = await command.run(['deploy', '--server', stub.url], { cwd });
    expect({ code, sent: stub.sent, files: stub.files.size }).toEqual({ code: 1, sent: [], files: 0 });
    for (const said of [
      '"parameters.timout_seconds"',
      '"parameters.scaling.mx"',
      'parameters.timeout_seconds Too small',
    ]) {
      expect(stderr).toContain(said);
    }
    expect(stderr).toContain('Did you mean parameters.timeout_seconds for parameters.timout_seconds');
  });
});

describe('a platform that goes away', () => {
  test('while a build is followed: told within 5 s, with what to do', async () => {
    const stub = await new Stub().start();
    stub.onEvent = (event) => stub.emit(event, 'build.start', {});
    const { child, ended, said } = command.start(['deploy', '--server', stub.url], { cwd: folder('away') });
    await wait(() => said().includes('the source is looked at'));
    const gone = performance.now();
    await stub[Symbol.asyncDispose]();
    await wait(() => said().includes('the connection is lost'));
    expect(performance.now() - gone).toBeLessThan(FIVE_SECONDS);
    child.kill('SIGINT');
    const { code, stderr } = await ended;
    expect(code).toBe(130);
    expect(stderr).toContain('nothing listens there');
    expect(stderr).toContain('Is `make run` still running?');
    expect(stderr).toContain('ends with exit code 1');
  });

  test('while a log is followed: told within 5 s, and it goes on', async () => {
    const stub = await new Stub().start();
    stub.functions.set('demo/hello', aFunction());
    const line = { time: '2026-11-27T10:00:00.000Z', pod: 'p', text: 'first' };
    stub.logs = [line];
    const { child, ended, said } = command.start(['logs', 'hello', '-f', '--server', stub.url]);
    await wait(() => said().includes('first'));
    const gone = performance.now();
    await stub[Symbol.asyncDispose]();
    await wait(() => said().includes('the connection is lost'));
    expect(performance.now() - gone).toBeLessThan(FIVE_SECONDS);
    child.kill('SIGINT');
    expect(await ended).toMatchObject({ code: 130, stderr: expect.stringContaining('Trying again until Ctrl-C') });
  });
});

describe('two deployments of one function', () => {
  /** A second person asks for a build of the same function right after this one. */
  async function raced(isOther: boolean) {
    await using stub = await new Stub().start();
    const build = builds(stub);
    stub.onEvent = (event) => {
      stub.emit(event, 'build.start', {});
      stub.emit({ ...event, correlationId: 'deploy-newer' }, 'build.start', {});
      if (isOther) {
        stub.files.set('demo/hello/parser.js', 'another');
      }
      setTimeout(() => build(event), 100);
    };
    return await command.run(['deploy', '--server', stub.url], { cwd: folder(`raced-${isOther}`) });
  }

  test('the older one says that it is replaced', async () => {
    const { code, stdout, stderr } = await raced(true);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain('a newer source of demo/hello was sent while this one was deployed');
    expect(stderr).toContain('(deploy-newer)');
  });

  test('of the same source both answer', async () => {
    expect(await raced(false)).toMatchObject({ code: 0, stdout: expect.stringContaining('demo/hello answers') });
  });

  test('the older one does not wait for a version that was replaced before anybody saw it', async () => {
    await using stub = await new Stub().start();
    const newer = IMAGE.replace('abab', 'cdcd');
    stub.onEvent = (event) => {
      const other = { ...event, correlationId: 'deploy-newer' };
      stub.emit(event, 'build.start', {});
      stub.emit(other, 'build.start', {});
      stub.emit(event, 'build.complete', { status: 'success', image_uri: IMAGE });
      stub.emit(other, 'build.complete', { status: 'success', image_uri: newer });
      stub.functions.set('demo/hello', aFunction({ image_uri: newer }));
    };
    const { code, stderr } = await command.run(['deploy', '--server', stub.url], { cwd: folder('overtaken') });
    expect(code).toBe(1);
    expect(stderr).toContain('it replaces this one (deploy-newer)');
  });

  test('files that another upload has written over are sent once more', async () => {
    await using stub = await new Stub().start();
    stub.onEvent = builds(stub);
    let refusals = 0;
    stub.answers.set('POST /api/v1/uploads/demo/hello/finish', (_, response) => {
      refusals += 1;
      if (refusals === 1) {
        stub.files.clear();
        problem(response, 409, 'UploadIncomplete', '1 of the files are not there');
      } else {
        json(response, { prefix: 'demo/hello/', removed: [] });
      }
    });
    expect(await command.run(['deploy', '--server', stub.url], { cwd: folder('overwritten') })).toMatchObject({
      code: 0,
    });
    expect([...stub.files.keys()]).toEqual(['demo/hello/parser.js']);
  });
});

describe('a call', () => {
  test('of a function that cannot start: what is known meanwhile, then the cause, and never warm', async () => {
    await using stub = await new Stub().start();
    const message = 'Revision "r" failed with message: Container failed with: cannot start: a.js:1: Error: no DB_URL';
    stub.functions.set('demo/hello', aFunction({ state: 'failed', message, pods: 1 }));
    stub.answers.set('GET /api/v1/explain', (_, response) =>
      json(response, {
        about: 'function',
        healthy: false,
        reason: 'FunctionNotReady',
        cause: 'its newest version does not start: a.js:1: Error: no DB_URL',
        evidence: [],
        next: { say: 'Mend it, then deploy again', command: 'kn-lambda deploy' },
      }),
    );
    const refusal = {
      reason: 'FunctionNotReady',
      problems: [{ path: 'subject', message: 'the function is not ready' }],
    };
    stub.onEvent = (event) => setTimeout(() => stub.emit(event, 'event.rejected', refusal), 2500);
    const { code, stderr } = await command.run(['invoke', 'hello', '-d', '{}', '--server', stub.url]);
    expect(code).toBe(1);
    expect(stable(stderr)).toBe(`it does not start: a.js:1: Error: no DB_URL
✖ it could not be called (TIME, trace TRACE)
FunctionNotReady: its newest version does not start: a.js:1: Error: no DB_URL

Next: Mend it, then deploy again
  kn-lambda deploy
`);
  });

  test('that failed shows the end of its own log, and where the rest is', async () => {
    await using stub = await new Stub().start();
    stub.functions.set('demo/hello', aFunction());
    stub.onEvent = (event) => {
      stub.logs = Array.from({ length: 100 }, (_, n) => ({
        time: '2026-11-27T10:00:00Z',
        pod: 'p',
        call: event.id,
        text: `line ${n}.`,
      }));
      stub.emit(event, 'parser.complete', { succeeded: false, error: { type: 'E', message: 'no' } });
    };
    const { stderr } = await command.run(['invoke', 'hello', '-d', '{}', '--server', stub.url]);
    expect(stderr.match(/line \d+\./g)).toEqual(Array.from({ length: 20 }, (_, n) => `line ${n + 80}.`));
    expect(stderr).toMatch(/The last 20 lines; 80 before: kn-lambda logs demo\/hello --call [0-9a-f-]{36}\n/);
  });

  test('that raised an error tells it once, and then its stack', async () => {
    await using stub = await new Stub().start();
    stub.functions.set('demo/hello', aFunction());
    stub.onEvent = (event) => {
      const text = JSON.stringify({ level: 'error', msg: 'the handler panicked', stack: 'panic: no\n\tparser.go:3' });
      stub.logs = [{ time: '2026-11-27T10:00:00Z', pod: 'p', call: event.id, text }];
      stub.emit(event, 'parser.complete', { succeeded: false, error: { type: 'panic', message: 'no' } });
    };
    const { stderr } = await command.run(['invoke', 'hello', '-d', '{}', '--server', stub.url]);
    expect(stderr.split('panic: no')).toHaveLength(2);
    expect(stderr).toContain('parser.go:3');
  });

  test('without data says what was sent', async () => {
    await using stub = await new Stub().start();
    stub.functions.set('demo/hello', aFunction());
    stub.onEvent = (event) => stub.emit(event, 'parser.complete', { succeeded: true, result: 1 });
    const { stdout, stderr } = await command.run(['invoke', 'hello', '--server', stub.url]);
    expect(stdout).toBe('1\n');
    expect(stderr).toContain('data: {} (there is no event.json here; --data and --file give other data)\n');
  });

  test.each([
    [{ state: 'building' as const }, 'waiting for its build'],
    [{ state: 'starting' as const, message: 'no room' }, 'waiting for it to start: no room'],
    [{ state: 'ready' as const, pods: 0 }, 'waiting for it to start'],
    [{ state: 'ready' as const, pods: 1 }, 'waiting for its answer'],
  ])('waits: %j', (found, told) => {
    expect(waitingText(found)).toBe(told);
  });
});

describe('logs --build with the name of a function', () => {
  test.each([[['--build', 'hello']], [['hello', '--build', 'hello']], [['hello', '--build']]])('%j', async (args) => {
    await using stub = await new Stub().start();
    const build = { third_party_id: 'demo', parser_id: 'hello', correlation_id: 'deploy-1', status: 'success' };
    stub.answers.set('GET /api/v1/builds', (_, response) => json(response, { items: [build] }));
    stub.answers.set('GET /api/v1/builds/demo/hello/deploy-1/log', (_, response) =>
      lines(response, [{ time: '2026-11-27T10:00:00Z', pod: '', text: 'built' }]),
    );
    const { code, stdout } = await command.run(['logs', ...args, '--server', stub.url]);
    expect({ code, stdout }).toEqual({ code: 0, stdout: '10:00:00.000  built\n' });
  });

  test('in the folder of a function an id is an id, and another function is a name', async () => {
    await using stub = await new Stub().start();
    const build = { third_party_id: 'demo', parser_id: 'hello', correlation_id: 'deploy-1', status: 'success' };
    const log = (text: string) => [{ time: '2026-11-27T10:00:00Z', pod: '', text }];
    stub.answers.set('GET /api/v1/builds/demo/hello/deploy-1', (_, response) => json(response, build));
    stub.answers.set('GET /api/v1/builds/demo/hello/deploy-1/log', (_, response) => lines(response, log('of hello')));
    stub.answers.set('GET /api/v1/builds', (_, response) =>
      json(response, { items: [{ ...build, parser_id: 'other', correlation_id: 'deploy-2' }] }),
    );
    stub.answers.set('GET /api/v1/builds/demo/other/deploy-2/log', (_, response) => lines(response, log('of other')));
    const cwd = folder('builds');
    const own = await command.run(['logs', '--build', 'deploy-1', '--server', stub.url], { cwd });
    const other = await command.run(['logs', '--build', 'other', '--server', stub.url], { cwd });
    expect([own.stdout, other.stdout]).toEqual(['10:00:00.000  of hello\n', '10:00:00.000  of other\n']);
  });
});

describe('the command is written as the person calls it', () => {
  test('by npx', async () => {
    await using stub = await new Stub().start();
    stub.onEvent = builds(stub);
    const environment = { npm_command: 'exec' };
    const cwd = join(folder('by-npx'), '..');
    const init = await command.run(['init', 'made'], { cwd, environment });
    expect(init.stdout).toContain('Next: npx kn-lambda deploy made && npx kn-lambda invoke made\n');
    const deploy = await command.run(['deploy', 'hello', '--server', stub.url], { cwd, environment });
    expect(deploy.stdout).toContain('Call it: npx kn-lambda invoke hello\n');
    const { stderr } = await command.run(['invoke', 'nobody', '--server', stub.url], { cwd, environment });
    expect(stderr).toContain('\nnpx kn-lambda list shows those');
  });
});

test('describe says of an address whether it is one of the cluster alone', async () => {
  await using stub = await new Stub().start();
  const described = async (url: string) => {
    stub.functions.set('demo/hello', aFunction({ url }));
    return (await command.run(['describe', 'demo/hello', '--server', stub.url])).stdout;
  };
  expect(await described('http://fn.ns.svc.cluster.local')).toMatch(/^In cluster +http:\/\/fn\.ns\.svc/m);
  expect(await described('http://fn.ns.localhost:8081')).toMatch(/^Address +http:\/\/fn\.ns\.localhost:8081$/m);
});

test("a stack of Go has the frames of the function's own files", () => {
  const stack = [
    'panic: oh no',
    'goroutine 9 [running]:',
    'runtime/debug.Stack()',
    '\truntime/debug/stack.go:26 +0x5e',
    'knative-lambda.local/adapter.invoke.func1()',
    '\tknative-lambda.local/adapter/adapter.go:87 +0x8e',
    'panic({0x7abc40?, 0x868440?})',
    '\truntime/panic.go:860 +0x13a',
    'example.com/parser.Handle(...)',
    '\texample.com/parser/parser.go:53 +0x485',
    'created by knative-lambda.local/adapter.(*deadlines).invoke in goroutine 7',
    '\tknative-lambda.local/adapter/deadlines.go:45 +0x1a5',
    '',
  ];
  expect(ownStack(stack.join('\n'))).toEqual([
    'panic: oh no',
    'example.com/parser.Handle(...)',
    '\texample.com/parser/parser.go:53 +0x485',
  ]);
});

test('a folder that has nothing but functions is no function: which one is asked', async () => {
  await using stub = await new Stub().start();
  const cwd = join(folder('parent'), '..');
  const { code, stderr } = await command.run(['deploy', '--server', stub.url], { cwd });
  expect({ code, sent: stub.sent }).toEqual({ code: 2, sent: [] });
  expect(stderr).toContain('kn-lambda deploy hello');
});
