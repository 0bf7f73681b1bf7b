/** The command as a process: what it prints, how it ends, and that nothing but the platform it was told is asked. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { bundledCommand, stable } from './command.ts';
import { aFunction, builds, IMAGE, json, problem, Stub } from './stub.ts';
import { wait } from './wait.ts';

const command = bundledCommand();

function folder(name: string, files: Record<string, string>): string {
  const place = join(command.directory, name, 'hello');
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(place, path, '..'), { recursive: true });
    writeFileSync(join(place, path), text);
  }
  return place;
}

const HELLO = { 'parser.js': 'export const handler = () => 1;\n', 'event.json': '{"a":1}\n', 'node_modules/x.js': '' };

describe('wrong use ends with 2 and says what was meant', () => {
  test.each([
    [['deplyo'], 'unknown command', 'Did you mean deploy?'],
    [['deploy', '--wach'], "unknown option '--wach'", 'Did you mean --watch?'],
    [['list', '-o', 'xml'], "argument 'xml' is invalid", 'json, yaml, name'],
    [['invoke', 'a/b/c'], '"a/b/c" is no name of a function', 'with the tenant and "/" before it'],
    [['list', '--server', 'nowhere'], '"nowhere" is no address', '--server https://gateway.example.com'],
    [['list', '--server', 'http://u:p@h'], 'must hold no password', 'KN_LAMBDA_TOKEN'],
    [['invoke', 'hello', '--data', '{'], '--data is no JSON', '--content-type text/plain'],
    [['explain', 'letter'], 'which dead letter?', 'kn-lambda dead-letters list'],
    [['dead-letters', 'purge'], 'must say which letters', 'kn-lambda dead-letters purge --help'],
    [['logs', '--since', 'yesterday'], 'It must be a duration', '"90s"'],
    [['init', 'a b'], '"a b" cannot be', '--name NAME'],
    [['login'], 'at which server?', 'kn-lambda login --server'],
  ])('%j', async (args, ...says) => {
    await using stub = await new Stub().start();
    const environment = { ...(args.includes('--server') || args[0] === 'login' ? {} : { KN_LAMBDA_SERVER: stub.url }) };
    const { code, stdout, stderr } = await command.run(args, { environment });
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    for (const text of says) {
      expect(stderr).toContain(text);
    }
  });

  test('without a verb the help is shown', async () => {
    const { code, stdout } = await command.run([]);
    expect(code).toBe(2);
    expect(stdout).toContain('Usage: kn-lambda <verb> [options]');
  });
});

describe('where there is no answer', () => {
  test('no platform: it says how to start one', async ({ skip }) => {
    const platform = await fetch('http://127.0.0.1:8080/api/v1/me').catch(() => undefined);
    skip(platform?.ok === true, 'make run runs on this machine, at the port of the laptop');
    const { code, stderr } = await command.run(['list'], { environment: { KN_LAMBDA_SERVER: '' } });
    // Port 8080 of this machine may be somebody's: then it says that it is no platform.
    expect(code).toBe(1);
    expect(stderr).toMatch(/^error: http:\/\/127\.0\.0\.1:8080 /);
  });

  test.each([
    [
      'a port at which nobody listens',
      'http://127.0.0.1:47',
      'cannot be reached: nothing listens there',
      '--server URL',
    ],
    ['a host that is not there', 'http://nowhere.invalid', 'cannot be reached', '--server URL'],
  ])('%s', async (_case, server, cause, next) => {
    const { code, stderr } = await command.run(['list', '--server', server]);
    expect(code).toBe(1);
    expect(stderr).toContain(cause);
    expect(stderr).toContain(next);
  });

  test('a server that is something else', async () => {
    await using stub = await new Stub().start();
    stub.answers.set('GET /api/v1/functions', (_, response) =>
      response.writeHead(200, { 'content-type': 'text/html' }).end('<html>'),
    );
    const { code, stderr } = await command.run(['list', '--server', stub.url]);
    expect(code).toBe(1);
    expect(stable(stderr)).toBe(`error: SERVER is no Knative Lambda that speaks the API: it answers text/html
Name the address of the gateway, or of the platform of make run: --server URL.
`);
  });

  test('a platform of another version', async () => {
    await using stub = await new Stub().start();
    stub.answers.set('GET /api/v1/functions', (_, response) => json(response, { items: [{ parser_id: 'x' }] }));
    const { code, stderr } = await command.run(['list', '--server', stub.url]);
    expect(code).toBe(1);
    expect(stderr).toContain('is not understood: items.0.third_party_id');
    expect(stderr).toContain('kn-lambda version shows both');
  });

  test('no token, and a wrong one', async () => {
    await using stub = await new Stub().start();
    stub.token = 'right';
    const none = await command.run(['list', '--server', stub.url]);
    const wrong = await command.run(['list', '--server', stub.url], { environment: { KN_LAMBDA_TOKEN: 'wrong' } });
    const right = await command.run(['list', '--server', stub.url], { environment: { KN_LAMBDA_TOKEN: 'right' } });
    expect([none.code, wrong.code, right.code]).toEqual([1, 1, 0]);
    expect(stable(none.stderr)).toContain('SERVER wants to know who you are');
    expect(stable(wrong.stderr)).toContain('SERVER does not accept the token: the token is expired');
    expect(wrong.stderr).toContain('kn-lambda login');
    expect(wrong.stderr).not.toContain('wrong\n');
  });

  test('a token goes to no other server, by no redirection', async () => {
    await using stub = await new Stub().start();
    await using other = await new Stub().start();
    stub.answers.set('GET /api/v1/functions', (_, response) =>
      response.writeHead(302, { location: `${other.url}/api/v1/functions` }).end(),
    );
    const { code } = await command.run(['list', '--server', stub.url, '--token', 'secret']);
    expect(code).toBe(1);
    expect(other.asked).toEqual([]);
  });
});

const DEMO = { third_party_id: 'demo', parser_id: 'hello' };

describe('answers', () => {
  test('as a table, as JSON, as YAML, as names', async () => {
    await using stub = await new Stub().start();
    stub.functions.set('demo/hello', aFunction({ message: 'evil \u001b[2J\u202e text' }));
    const run = (...args: string[]) => command.run(['list', '--server', stub.url, ...args]);
    const [table, asJson, yaml, name] = await Promise.all([
      run(),
      run('-o', 'json'),
      run('-o', 'yaml'),
      run('-o', 'name'),
    ]);
    expect(table.stdout.replace(/ \d+[smhd] /, ' AGE ')).toMatch(
      /^FUNCTION +STATE +VERSION .*\ndemo\/hello +ready +fn-hello-12345678-00002 +node +0 /,
    );
    expect(table.stdout).toContain('evil ?[2J? text');
    expect(JSON.parse(asJson.stdout)[0].message).toBe('evil \u001b[2J\u202e text');
    expect(asJson.stdout).not.toContain('\u202e');
    expect(yaml.stdout).toContain('parser_id: hello');
    expect(name.stdout).toBe('demo/hello\n');
  });

  test('calls of the last hour and the last build, as the API tells them', async () => {
    await using stub = await new Stub().start();
    const last_build = { ...DEMO, correlation_id: 'c1', status: 'failed' as const };
    stub.functions.set('demo/hello', aFunction({ calls: 1200, errors: 7, p95_ms: 1234, last_build }));
    const numbers = { calls: 1200, errors: 7, retried: 2, cold_starts: 3, p50_ms: 12, p95_ms: 1234 };
    const total = { ...numbers, errors_by_reason: { Timeout: 7 } };
    const now = new Date().toISOString();
    stub.answers.set('GET /api/v1/functions/demo/hello/metrics', (_, response) =>
      json(response, { ...DEMO, from: now, to: now, pods: 2, total, points: [], versions: [] }),
    );
    const list = await command.run(['list', '--server', stub.url]);
    expect(list.stdout).toMatch(/CALLS +ERRORS +P95 +LAST BUILD/);
    expect(list.stdout).toMatch(/ 1200 +7 +1\.2 s +failed /);
    const { stdout } = await command.run(['describe', 'demo/hello', '--server', stub.url]);
    expect(stdout).toMatch(
      /Last hour +1200 calls, half of them within 12 ms, 95 % within 1\.2 s, 3 may have waited for a pod, 2 more tries that nobody answered/,
    );
    expect(stdout).toMatch(/Errors +7 Timeout/);
    expect(stub.asked.some((asked) => asked.includes('/api/v1/builds'))).toBe(false);
  });

  test('nobody yet: it says how to begin', async () => {
    await using stub = await new Stub().start();
    const { code, stdout, stderr } = await command.run(['list', '--server', stub.url]);
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' });
    expect(stderr).toContain('kn-lambda init hello && kn-lambda deploy hello');
  });

  test('no colours in a pipe, some where they are forced, none by NO_COLOR', async () => {
    await using stub = await new Stub().start();
    stub.functions.set('demo/hello', aFunction());
    const coloured = async (environment: Record<string, string>) =>
      (await command.run(['list', '--server', stub.url], { environment })).stdout.includes('\u001b[');
    expect(await coloured({})).toBe(false);
    expect(await coloured({ FORCE_COLOR: '1' })).toBe(true);
    expect(await coloured({ FORCE_COLOR: '1', NO_COLOR: '1' })).toBe(false);
  });

  test('a reader that has had enough is no failure', async () => {
    await using stub = await new Stub().start();
    for (let n = 0; n < 150; n++) {
      stub.functions.set(`demo/f${n}`, aFunction({ parser_id: `f${n}`, message: 'x'.repeat(2000) }));
    }
    const { child, ended } = command.start(['list', '-o', 'json', '--server', stub.url]);
    child.stdout?.once('data', () => child.stdout?.destroy());
    expect(await ended).toMatchObject({ code: 0, stderr: '' });
  });
});

describe('deploy', () => {
  test('uploads what counts, builds, and ends when the new version answers', async () => {
    await using stub = await new Stub().start();
    stub.onEvent = builds(stub);
    const place = folder('deploys', { ...HELLO, 'function.yaml': 'parameters: { timeout_seconds: 5 }\n' });
    const { code, stdout, stderr } = await command.run(['deploy', '--server', stub.url], { cwd: place });
    expect(stable(stderr)).toBe(`Deploying demo/hello to SERVER
✔ Read 1 file, 32 B; left out: event.json, function.yaml, node_modules/ (TIME)
✔ Uploaded: 1 sent, 0 unchanged (TIME)
  Build: the source is looked at
  Build: the source is packed
  Build: runs as Job build-hello-1
✔ Built (TIME)
  Start: waits until the new version answers
✔ Answers: version fn-hello-12345678-00002 (TIME)
`);
    expect(stable(stdout)).toBe('demo/hello answers (TIME). Call it: kn-lambda invoke demo/hello\n');
    expect(code).toBe(0);
    expect([...stub.files]).toEqual([['demo/hello/parser.js', HELLO['parser.js']]]);
    const [event] = stub.sent;
    expect(JSON.parse(event?.body ?? '')).toMatchObject({
      third_party_id: 'demo',
      parser_id: 'hello',
      s3_prefix: 'demo/hello/',
      parameters: { timeout_seconds: 5 },
    });
    expect(event?.correlationId).toMatch(/^deploy-/);
  });

  test('a failed build: its log, the explanation, and exit code 1', async () => {
    await using stub = await new Stub().start();
    stub.onEvent = (event) => {
      const path = `GET /api/v1/builds/demo/hello/${event.correlationId}`;
      stub.answers.set(path, (_, response) =>
        json(response, {
          third_party_id: 'demo',
          parser_id: 'hello',
          correlation_id: event.correlationId,
          status: 'failed',
          phases: [],
          timeline: [],
          log_tail: ['npm error 404 lefft-pad'],
          explanation: {
            about: 'build',
            healthy: false,
            reason: 'DependencyInstallFailed',
            cause: 'npm finds no package lefft-pad.',
            evidence: [{ kind: 'file', text: '"lefft-pad": "1"', where: 'package.json:3' }],
            next: { say: 'Correct the name, then deploy again.', command: 'kn-lambda deploy hello' },
          },
        }),
      );
      builds(stub, { reason: 'DependencyInstallFailed', error_message: 'no' })(event);
    };
    const { code, stdout, stderr } = await command.run(['deploy', '--server', stub.url], {
      cwd: folder('fails', HELLO),
    });
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stable(stderr).split('✖ Build\n')[1]).toBe(`  npm error 404 lefft-pad

DependencyInstallFailed: npm finds no package lefft-pad.
  · package.json:3  "lefft-pad": "1"

Next: Correct the name, then deploy again.
  kn-lambda deploy hello
A version that was there before goes on as it was. The build's id: deploy-ID
`);
  });

  test('goes on where the stream of events breaks off, and where an event was missed', async () => {
    await using stub = await new Stub().start();
    stub.onEvent = (event) => {
      stub.emit(event, 'job.start', {});
      stub.endStreams();
      stub.functions.set('demo/hello', aFunction());
      stub.answers.set(`GET /api/v1/builds/demo/hello/${event.correlationId}`, (_, response) =>
        json(response, {
          third_party_id: 'demo',
          parser_id: 'hello',
          correlation_id: event.correlationId,
          status: 'success',
          image_uri: IMAGE,
          phases: [],
          timeline: [],
        }),
      );
    };
    const { code, stdout } = await command.run(['deploy', '--server', stub.url, '-o', 'json'], {
      cwd: folder('breaks', HELLO),
    });
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ function: 'demo/hello', image: IMAGE });
  });

  test.each([
    ['no folder', ['deploy', 'nowhere'], 'there is no folder', 'kn-lambda init'],
    ['an empty folder', ['deploy', 'empty'], 'there is nothing to upload', 'kn-lambda init NAME'],
    ['a name that cannot be', ['deploy', 'a b'], '"a b" cannot be the function\'s', '--name a-b'],
    ['a function.yaml with a mistyped field', ['deploy', 'typo'], 'Unrecognized key', 'Did you mean parameters?'],
  ])('%s', async (_case, args, cause, next) => {
    await using stub = await new Stub().start();
    const cwd = join(command.directory, 'odd');
    for (const name of ['empty', 'a b', 'typo']) {
      mkdirSync(join(cwd, name), { recursive: true });
    }
    writeFileSync(join(cwd, 'typo/function.yaml'), 'paramters: {}\n');
    const { code, stderr } = await command.run([...args, '--server', stub.url], { cwd });
    expect(code).toBeGreaterThan(0);
    expect(stderr).toContain(cause);
    expect(stderr).toContain(next);
    expect(stub.sent).toEqual([]);
  });

  describe('Ctrl-C says what goes on', () => {
    test.each([
      ['while it asks who you are', 'GET /api/v1/me', 'interrupted\n'],
      [
        'while it asks where to upload',
        'POST /api/v1/uploads/demo/hello',
        'Nothing was asked for yet: demo/hello is as it was',
      ],
      ['while a file is sent', 'PUT /bucket/demo/hello/parser.js', 'Nothing was asked for yet'],
      ['while the upload is finished', 'POST /api/v1/uploads/demo/hello/finish', 'Nothing was asked for yet'],
      ['while the stream is opened', 'GET /api/v1/events', 'Nothing was asked for yet'],
      ['while the build is followed', 'nothing', 'The build goes on without this command'],
    ])('%s', async (_case, hangs, told) => {
      await using stub = await new Stub().start();
      stub.answers.set(hangs, () => {});
      let wasAsked = false;
      stub.onEvent = (event) => {
        stub.emit(event, 'job.start', {});
        wasAsked = true;
      };
      const { child, ended } = command.start(['deploy', '--server', stub.url], { cwd: folder('stops', HELLO) });
      await wait(() => stub.asked.includes(hangs) || wasAsked);
      await new Promise((resolve) => setTimeout(resolve, 100));
      const began = performance.now();
      child.kill('SIGINT');
      const { code, stderr } = await ended;
      expect(performance.now() - began).toBeLessThan(5000);
      expect(code).toBe(130);
      expect(stderr).toContain(told);
      if (hangs === 'nothing') {
        expect(stderr).toMatch(/kn-lambda explain build demo\/hello deploy-/);
      } else {
        expect(stub.sent).toEqual([]);
      }
    });
  });

  test('a version with the same image counts only when this build has deployed it', async () => {
    await using stub = await new Stub().start();
    const failure = { reason: 'SecretNotFound', error_message: 'there is no Secret db' };
    const cached = { status: 'success', image_uri: IMAGE, cached: true };
    stub.functions.set('demo/hello', aFunction());
    stub.onEvent = (event) => {
      stub.emit(event, 'build.complete', cached);
      setTimeout(() => stub.emit(event, 'lifecycle.build.failed', { status: 'failed', ...failure }), 800);
    };
    const { code, stderr } = await command.run(['deploy', '--server', stub.url], { cwd: folder('refused', HELLO) });
    expect(code).toBe(1);
    expect(stderr).toContain('SecretNotFound: there is no Secret db');
  });

  test('--watch deploys again after a change, and calls the function', async () => {
    await using stub = await new Stub().start();
    const build = builds(stub);
    stub.onEvent = (event) => {
      build(event);
      if (event.type === 'parser.start') {
        stub.emit(event, 'parser.complete', { succeeded: true, result: { called: stub.sent.length } });
      }
    };
    const place = folder('watches', HELLO);
    const { child, ended, said } = command.start(['deploy', '--watch', '--server', stub.url], { cwd: place });
    await wait(() => said().includes('Watching'));
    writeFileSync(join(place, 'parser.js'), 'export const handler = () => 2;\n');
    await wait(() => said().split('save → answer').length === 3);
    child.kill('SIGINT');
    const { code, stdout, stderr } = await ended;
    expect(code).toBe(130);
    expect(stub.files.get('demo/hello/parser.js')).toContain('=> 2');
    expect(stdout).toBe('{\n  "called": 2\n}\n{\n  "called": 4\n}\n');
    expect(stderr).toContain('demo/hello stays deployed as it is');
  });
});

describe('invoke', () => {
  async function called(answer: { type: string; data: unknown }, ...args: string[]) {
    await using stub = await new Stub().start();
    stub.functions.set('demo/hello', aFunction());
    stub.onEvent = (event) => {
      stub.logs = [
        { time: '2026-11-27T10:00:00Z', pod: 'p', call: event.id, text: '{"level":"error","msg":"no block"}' },
      ];
      stub.emit(event, answer.type, answer.data);
    };
    const ended = await command.run(['invoke', 'hello', '--server', stub.url, ...args]);
    return { ...ended, sent: stub.sent[0] };
  }

  test('shows the answer, and beside it how it came', async () => {
    const data = { succeeded: true, result: { a: 1 }, duration_ms: 12 };
    const { code, stdout, stderr, sent } = await called({ type: 'parser.complete', data }, '--data', '{"x":1}');
    expect({ code, stdout }).toEqual({ code: 0, stdout: '{\n  "a": 1\n}\n' });
    expect(stable(stderr)).toBe('✔ answered (TIME, cold, version fn-hello-12345678-00002, trace TRACE)\n');
    expect(sent).toMatchObject({ type: 'parser.start', subject: 'demo/hello', body: '{"x":1}' });
    expect(sent?.headers['ce-traceparent']).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
  });

  test('exit code 1 where it failed, with what it wrote and the next step', async () => {
    const data = { succeeded: false, error: { type: 'TypeError', message: 'x is undefined' } };
    const { code, stdout, stderr } = await called({ type: 'parser.complete', data }, '--data', '{}');
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stable(stderr)).toBe(`✖ failed (TIME, cold, version fn-hello-12345678-00002, trace TRACE)
TypeError: x is undefined
10:00:00.000  error: no block
Next: kn-lambda explain call demo/hello ID
`);
  });

  test('a refusal is a failure, too', async () => {
    const data = { reason: 'FunctionNotReady', problems: [{ path: 'subject', message: 'is not ready' }] };
    const { code, stderr } = await called({ type: 'event.rejected', data });
    expect(code).toBe(1);
    expect(stderr).toContain('FunctionNotReady: subject is not ready');
  });

  test('--output json has all of it', async () => {
    const { stdout } = await called({ type: 'parser.complete', data: { succeeded: true, result: 7 } }, '-o', 'json');
    expect(JSON.parse(stdout)).toMatchObject({
      succeeded: true,
      result: 7,
      cold: true,
      version: 'fn-hello-12345678-00002',
    });
  });

  test('an answer that the stream has missed is found in the timeline', async () => {
    await using stub = await new Stub().start();
    stub.functions.set('demo/hello', aFunction());
    stub.onEvent = (sent) => {
      const event = {
        cursor: '1',
        time: '2026-11-27T10:00:00Z',
        type: 'parser.complete',
        source: 's',
        id: '1',
        data: { succeeded: true, result: 'found' },
      };
      const entry = { time: event.time, after_ms: 0, kind: 'event', title: 'parser.complete', event };
      stub.answers.set(`GET /api/v1/timeline/demo/hello/${sent.correlationId}`, (_, response) =>
        json(response, { items: [entry] }),
      );
    };
    const { code, stdout } = await command.run(['invoke', 'hello', '--server', stub.url]);
    expect({ code, stdout }).toEqual({ code: 0, stdout: '"found"\n' });
  });

  test('no such function: told before anything is sent', async () => {
    await using stub = await new Stub().start();
    const { code, stderr } = await command.run(['invoke', 'nobody', '--server', stub.url]);
    expect({ code, sent: stub.sent }).toEqual({ code: 1, sent: [] });
    expect(stderr).toContain('there is no function demo/nobody, or you may not see it');
  });

  test('nobody answers: it says who was waited for', async () => {
    await using stub = await new Stub().start();
    stub.functions.set('demo/hello', aFunction());
    const { code, stderr } = await command.run(['invoke', 'hello', '--timeout', '1s', '--server', stub.url]);
    expect(code).toBe(1);
    expect(stderr).toContain('demo/hello has not answered within 1 s; the call was taken (id ');
    expect(stderr).toContain('kn-lambda explain function demo/hello');
  });

  test('the data comes from standard input, or from event.json in the folder of that name', async () => {
    await using stub = await new Stub().start();
    stub.functions.set('demo/hello', aFunction());
    stub.onEvent = (event) => stub.emit(event, 'parser.complete', { succeeded: true });
    const cwd = join(folder('invokes', HELLO), '..');
    await command.run(['invoke', 'hello', '--server', stub.url], { cwd });
    await command.run(['invoke', 'hello', '--file', '-', '--server', stub.url], { cwd, input: '[2]' });
    expect(stub.sent.map(({ body }) => body)).toEqual(['{"a":1}\n', '[2]']);
  });
});

describe('delete', () => {
  test('asks, and without a terminal wants to be told', async () => {
    await using stub = await new Stub().start();
    stub.functions.set('demo/hello', aFunction());
    const { code, stderr } = await command.run(['delete', 'hello', '--server', stub.url]);
    expect({ code, sent: stub.sent }).toEqual({ code: 2, sent: [] });
    expect(stderr).toContain('--yes');
  });

  test('ends when it is gone', async () => {
    await using stub = await new Stub().start();
    stub.functions.set('demo/hello', aFunction());
    stub.onEvent = (event) => stub.emit(event, 'lifecycle.function.deleted', { deleted: [] });
    const { code, stdout } = await command.run(['delete', 'hello', '--yes', '--server', stub.url]);
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'demo/hello is deleted\n' });
  });
});

describe('explain and doctor', () => {
  test('explain ends with 1 where something is wrong', async () => {
    await using stub = await new Stub().start();
    const answer = (healthy: boolean) => ({
      about: 'now',
      healthy,
      cause: healthy ? 'All is well.' : 'It is not.',
      evidence: [],
    });
    stub.answers.set('GET /api/v1/explain', (_, response) => json(response, answer(true)));
    const well = await command.run(['explain', '--server', stub.url]);
    stub.answers.set('GET /api/v1/explain', (_, response) => json(response, answer(false)));
    const ill = await command.run(['explain', '--server', stub.url]);
    expect([well.code, well.stdout, ill.code, ill.stdout]).toEqual([0, 'All is well.\n', 1, 'It is not.\n']);
  });

  test.each([
    [[], 0],
    [['warning'], 1],
    [['unknown'], 1],
    [['warning', 'failed'], 2],
  ])('doctor with %j ends with %i', async (statuses, exit) => {
    await using stub = await new Stub().start();
    const checks = ['ok', ...statuses].map((status) => ({
      name: `a ${status}`,
      group: 'g',
      status,
      message: 'so',
      next: { say: 'do', command: 'this' },
    }));
    stub.answers.set('GET /api/v1/doctor', (_, response) => json(response, { checks }));
    const { code, stdout } = await command.run(['doctor', '--server', stub.url]);
    expect(code).toBe(exit);
    expect(stdout).not.toContain('a ok');
    expect(stdout.includes('$ this')).toBe(statuses.length > 0);
  });
});

describe('logs', () => {
  test('-f goes on through a gateway that sleeps, without doubles', async () => {
    await using stub = await new Stub().start();
    const line = (n: number) => ({
      time: `2026-11-27T10:00:0${n}.000Z`,
      pod: 'fn-hello-00001-deployment-abc-xyz',
      text: `line ${n}`,
    });
    stub.logs = [line(1), line(1), line(2)];
    const { child, ended, said } = command.start(['logs', 'hello', '-f', '--server', stub.url]);
    await wait(() => said().includes('line 2'));
    stub.logs = [...stub.logs, line(3)];
    await wait(() => said().includes('line 3'));
    child.kill('SIGINT');
    const { code, stdout } = await ended;
    expect(code).toBe(130);
    expect(
      stdout
        .trim()
        .split('\n')
        .map((text) => text.split('  ').at(-1)),
    ).toEqual(['line 1', 'line 1', 'line 2', 'line 3']);
  });

  test('of what is not there: no endless waiting', async () => {
    await using stub = await new Stub().start();
    stub.answers.set('GET /api/v1/functions/demo/hello/logs', (_, response) =>
      problem(response, 404, 'NotFound', 'nothing'),
    );
    const { code, stderr } = await command.run(['logs', 'hello', '-f', '--server', stub.url]);
    expect(code).toBe(1);
    expect(stderr).toContain('there is no function demo/hello');
  });
});

describe('the command itself', () => {
  test('init makes a function that has all it needs', async () => {
    const cwd = join(command.directory, 'inits');
    mkdirSync(cwd);
    for (const language of ['node', 'python', 'go', 'rust']) {
      const { code, stdout } = await command.run(['init', `in-${language}`, '-l', language], { cwd });
      expect(code).toBe(0);
      expect(stdout).toContain(`Next: kn-lambda deploy in-${language} && kn-lambda invoke in-${language}`);
      expect(readFileSync(join(cwd, `in-${language}`, 'function.yaml'), 'utf8')).toContain(`name: in-${language}`);
      expect(() => JSON.parse(readFileSync(join(cwd, `in-${language}`, 'event.json'), 'utf8'))).not.toThrow();
    }
    const again = await command.run(['init', 'in-node'], { cwd });
    expect(again.code).toBe(1);
    expect(again.stderr).toContain('in-node is not empty');
  });

  test('login keeps a token that counts, for its owner alone, and only for its server', async () => {
    await using stub = await new Stub().start();
    await using other = await new Stub().start();
    stub.token = 'right';
    const environment = { XDG_CONFIG_HOME: join(command.directory, 'config') };
    const wrong = await command.run(['login', '--server', stub.url, '--token', '-'], { environment, input: 'wrong' });
    const right = await command.run(['login', '--server', stub.url, '--token', '-'], { environment, input: 'right\n' });
    expect([wrong.code, right.code]).toEqual([1, 0]);
    const file = join(environment.XDG_CONFIG_HOME, 'kn-lambda/credentials.json');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect((await command.run(['list'], { environment })).code).toBe(0);
    const seen: (string | undefined)[] = [];
    other.answers.set('GET /api/v1/functions', (request, response) => {
      seen.push(request.headers.authorization);
      json(response, { items: [] });
    });
    await command.run(['list', '--server', other.url], { environment });
    expect(seen).toEqual([undefined]);
    await command.run(['login', '--server', stub.url, '--forget'], { environment });
    expect(readFileSync(file, 'utf8')).not.toContain('right');
  });

  test('login by a device code', async () => {
    await using stub = await new Stub().start();
    await using issuer = await new Stub().start();
    stub.token = 'of-the-issuer';
    let polls = 0;
    issuer.answers.set('GET /.well-known/openid-configuration', (_, response) =>
      json(response, { device_authorization_endpoint: `${issuer.url}/device`, token_endpoint: `${issuer.url}/token` }),
    );
    issuer.answers.set('POST /device', (_, response) =>
      json(response, { device_code: 'd', user_code: 'ABCD', verification_uri: `${issuer.url}/go`, interval: 0.01 }),
    );
    issuer.answers.set('POST /token', (_, response) => {
      polls += 1;
      json(
        response,
        polls < 3 ? { error: 'authorization_pending' } : { id_token: 'of-the-issuer' },
        polls < 3 ? 400 : 200,
      );
    });
    const environment = { XDG_CONFIG_HOME: join(command.directory, 'device') };
    const args = ['login', '--server', stub.url, '--issuer', issuer.url];
    const { code, stdout, stderr } = await command.run(args, { environment });
    expect(code).toBe(0);
    expect(stderr).toContain('confirm the code ABCD');
    expect(stdout).toContain('You are anybody');
  });

  test.each(['bash', 'zsh', 'fish'])(
    'completion for %s is a script of that shell, where it is there',
    async (shell) => {
      const { code, stdout } = await command.run(['completion', shell]);
      expect(code).toBe(0);
      expect(stdout).toContain('dead-letters');
      const checked = spawnSync(shell, ['-n'], { input: stdout });
      expect(checked.error !== undefined || checked.status === 0).toBe(true);
    },
  );

  test('bash completes verbs, and flags of a verb', async () => {
    const { stdout } = await command.run(['completion', 'bash']);
    const complete = (words: string) =>
      spawnSync('bash', [
        '-c',
        `${stdout}\nCOMP_WORDS=(${words}); COMP_CWORD=$((\${#COMP_WORDS[@]} - 1)); _kn_lambda; echo "\${COMPREPLY[*]}"`,
      ])
        .stdout.toString()
        .trim();
    expect(complete('kn-lambda depl')).toBe('deploy');
    expect(complete('kn-lambda deploy --wa')).toBe('--watch');
    expect(complete('kn-lambda dead-letters re')).toBe('replay');
    expect(complete('kn-lambda dead-letters replay --dry')).toBe('--dry-run');
  });

  test('version tells both, and of the command alone where the platform does not answer', async () => {
    await using stub = await new Stub().start();
    const both = await command.run(['version', '--server', stub.url]);
    const alone = await command.run(['version', '--server', 'http://127.0.0.1:47']);
    expect(stable(both.stdout)).toBe('kn-lambda  0.1.0\nPlatform   0.1.0 (laptop, SERVER)\nYou are    anybody\n');
    expect([alone.code, alone.stdout]).toEqual([0, 'kn-lambda  0.1.0\n']);
  });
});
