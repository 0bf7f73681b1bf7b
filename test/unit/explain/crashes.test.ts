/** A call that a function has broken off, a container on which nothing listens, and what is gravest of it all. */
import { describe, expect, test } from 'vitest';
import type { Crash } from '#shared/api/schemas.ts';
import { placed } from '#shared/explain/place.ts';
import { brokenCall, crashOf } from '#shared/history/crashes.ts';
import { ago, build, fn, letter, NOW, of } from './facts.ts';

const STACK =
  'Error: out of rows\n    at later (file:///srv/rootfs/app/parser.mjs:3:11)\n    at node:internal/timers:1';
const crash = (changes: Partial<Crash> = {}): Crash => ({
  ...crashOf(
    {
      pod: 'fn-p1-x',
      at: Date.parse(ago(20)),
      exitCode: 1,
      reason: 'Error',
      text: `begun\n${JSON.stringify({ level: 'error', msg: 'the function crashed', stack: STACK })}\n`,
    },
    { call: 'c1', revision: 'fn-p1-00001' },
  ),
  ...changes,
});

describe('a process that ended during a call', () => {
  const cause = "the function's process ended during a call, with exit code 1: Error: out of rows";

  test('is the cause of a function whose calls fail, with the stack as its author reads it', () => {
    const found = of('function', { fn: fn(), crash: crash() });
    expect(found).toMatchObject({ healthy: false, cause, next: { command: 'kn-lambda logs acme/p1' } });
    expect(found.evidence[0]?.text).toBe(
      'begun\nthe function crashed\nError: out of rows\n    at later (parser.mjs:3:11)',
    );
    expect(found.evidence).toContainEqual({ kind: 'file', text: 'parser.mjs:3', where: 'parser.mjs:3' });
    expect(found.next?.say).toMatch(/deploy again/);
  });

  test('comes before the pod that waits to be started again', () => {
    const trouble = 'container user-container waits: CrashLoopBackOff: back-off 40s';
    const { cause: told } = of('function', { fn: fn(), crash: crash(), pods: [{ name: 'fn-p1-x', trouble }] });
    expect(told).toMatch(/with exit code 1: Error: out of rows.*each time Kubernetes waits longer/);
  });

  test('of a version before explains nothing', () => {
    expect(of('function', { fn: fn({ observed_at: ago(10) }), crash: crash() })).toMatchObject({ healthy: true });
  });

  test('is told of the call while it is tried again, and of its dead letter', () => {
    expect(of('call', { fn: fn(), crash: crash() }).cause).toMatch(
      /ended during the call, which is tried again.*out of rows/,
    );
    expect(of('call', { fn: fn(), crash: crash({ call: 'another' }) }).healthy).toBe(true);
    const dead = of('letter', { letters: [letter('Unavailable', { crash: crash() })] });
    expect(dead.cause).toMatch(/process ended during the call, with exit code 1: Error: out of rows/);
    expect(dead.next).toMatchObject({
      command: 'kn-lambda logs acme/p1',
      say: expect.stringMatching(/deploy again.*replay/),
    });
  });

  test.each([
    [3, '', 'with exit code 3, and wrote nothing before'],
    [0, '', 'with exit code 0, and wrote nothing before'],
    [139, 'x', 'by signal SIGSEGV (exit code 139): x'],
    [2, 'panic: lost\n\ngoroutine 7 [running]:\nmain.go:3', 'with exit code 2: panic: lost'],
    [
      1,
      'Traceback (most recent call last):\n  File "parser.py", line 3, in f\nKeyError: 7',
      'with exit code 1: KeyError: 7',
    ],
  ])('with exit code %i and %j', (exit_code, text, told) => {
    expect(of('function', { fn: fn(), crash: crash({ exit_code, text }) }).cause).toContain(told);
  });

  test('by itself is told by its pod', () => {
    const { time, pod, text } = crash();
    const { cause: told } = of('function', {
      fn: fn(),
      pods: [{ name: pod, ended: { time, pod, text, exit_code: 4 } }],
    });
    expect(told).toMatch(/process ended by itself, with exit code 4/);
  });
});

test('a connection that the function breaks, and goes on', () => {
  const broken = brokenCall(new Date(ago(5)), { call: 'c1', revision: 'r', detail: 'socket hang up' });
  const found = of('function', { fn: fn(), crash: broken });
  expect(found.cause).toBe('the function broke the connection during a call, and its process goes on: socket hang up');
  expect(found.next?.say).toMatch(/answer every request/);
});

describe('a container that runs and is not ready', () => {
  const pods = [{ name: 'p', unreadySince: ago(12), log: 'listening on 3000' }];

  test('of a Dockerfile listens on another port than $PORT', () => {
    const found = of('function', { fn: fn({ state: 'starting', language: 'docker' }), pods });
    expect(found).toMatchObject({
      healthy: false,
      cause: expect.stringMatching(/nothing in it listens on the port in \$PORT/),
    });
    expect(found.evidence[0]).toMatchObject({ kind: 'log', text: 'listening on 3000' });
    expect(found.next?.say).toMatch(/PORT/);
  });

  test("after its time says so as well, and takes Knative's words for no log", () => {
    const message = 'Revision "fn-p1-00001" failed with message: Initial scale was never achieved.';
    const found = of('function', { fn: fn({ state: 'failed', language: 'docker', message }) });
    expect(found.cause).toMatch(/nothing in it listened on the port in \$PORT/);
    expect(found.evidence.filter(({ kind }) => kind === 'log')).toEqual([]);
  });

  test('of an adapter is loading', () => {
    const found = of('function', { fn: fn({ state: 'starting', language: 'python' }), pods });
    expect(found).toMatchObject({
      healthy: true,
      cause: expect.stringMatching(/code is still being loaded after 12 s/),
    });
  });
});

test('what an adapter advises is the next step', () => {
  const told =
    'Container failed with: cannot start: parser.py:1: ModuleNotFoundError: No module named requests. Add the package to requirements.txt, or to pyproject.toml and send build.start again.';
  const message = `Revision "r" failed with message: ${told}`;
  const { next } = of('function', { fn: fn({ state: 'failed', message }) });
  expect(next?.say).toBe('Add the package to requirements.txt, or to pyproject.toml, then deploy again');
});

test('what a Dockerfile starts and is not there is no word of the container', () => {
  const message =
    'Revision "r" failed with message: Container failed with: exec: "nodee": executable file not found in $PATH.';
  const found = of('function', { fn: fn({ state: 'failed', language: 'docker', message }) });
  expect(found.next?.say).toMatch(/CMD or ENTRYPOINT/);
  expect(found.evidence.map(({ kind }) => kind)).not.toContain('log');
});

describe('now', () => {
  const at = (parser_id: string, changes: object) => fn({ parser_id, ...changes });

  test('names a function whose process ends, before letters', () => {
    const functions = [at('a', { crashed_at: ago(60) })];
    const { cause, next } = of('now', { subject: undefined, functions, letters: [letter('Unavailable')] });
    expect(cause).toMatch(/the process of acme\/a ended during a call, 60 s ago; 1 more below/);
    expect(next?.command).toBe('kn-lambda explain acme/a');
  });

  test('has the newest first, and last what is old', () => {
    const functions = [
      at('old', { state: 'failed', message: 'old', observed_at: ago(7200) }),
      at('first', { state: 'failed', message: 'first', observed_at: ago(300) }),
      at('newest', { state: 'failed', message: 'newest', observed_at: ago(30) }),
    ];
    const letters = [
      letter('Timeout', { id: 'b'.repeat(32), time: ago(50), parser_id: 'x' }),
      letter('Unavailable', { time: ago(10), parser_id: 'x' }),
    ];
    const { cause, evidence } = of('now', { subject: undefined, functions, letters });
    expect(cause).toMatch(/^acme\/newest does not start: newest/);
    expect(evidence.map(({ where }) => where?.replace(/(dead letter .).*/, '$1'))).toEqual([
      'function acme/newest',
      'function acme/first',
      'dead letter a',
      'dead letter b',
      'function acme/old',
    ]);
  });

  test('leaves out letters of a version before', () => {
    const functions = [fn({ observed_at: ago(50) })];
    expect(of('now', { subject: undefined, functions, letters: [letter('Unavailable')] }).healthy).toBe(true);
  });

  test('names a function that was never deployed, and one of which most calls fail', () => {
    const never = at('a', {
      state: 'failed',
      message: 'its build failed: x',
      last_build: build({ reason: 'NoSource' }),
    });
    expect(of('now', { subject: undefined, functions: [never] })).toMatchObject({
      reason: 'NoSource',
      cause: 'acme/a: its build failed: x',
    });
    const failing = at('b', { calls: 4, errors: 4 });
    expect(of('now', { subject: undefined, functions: [failing] }).cause).toBe(
      'acme/b: all of its 4 calls of the last hour failed',
    );
  });
});

describe('a command', () => {
  const cluster = { platform: 'cluster', namespace: 'ns', buildsNamespace: 'ns-builds' } as const;
  const laptop = { ...cluster, platform: 'laptop' } as const;
  const on = (place: typeof cluster | typeof laptop, command: string) => placed({ say: 'See', command }, place).command;

  test.each([
    ['kubectl describe brokers', 'kubectl describe brokers -n ns'],
    [
      'kubectl get ksvc recorder && kubectl get triggers',
      'kubectl get ksvc recorder -n ns && kubectl get triggers -n ns',
    ],
    [
      'kubectl get pods -A -l app.kubernetes.io/component=build',
      'kubectl get pods -A -l app.kubernetes.io/component=build',
    ],
    ['kubectl describe pod p -n other', 'kubectl describe pod p -n other'],
    ['kubectl describe nodes', 'kubectl describe nodes'],
    ['kubectl version', 'kubectl version'],
    ['kn-lambda doctor', 'kn-lambda doctor'],
    ['make deploy', 'make deploy'],
  ])('%s names the namespace of a cluster', (command, expected) => {
    expect(on(cluster, command)).toBe(expected);
  });

  test.each([
    ['kubectl describe brokers', 'kn-lambda doctor'],
    ['kubectl describe nodes', 'kn-lambda doctor'],
    ['make deploy', 'make run'],
    ['kubectl create secret generic s -n ns', 'kubectl create secret generic s -n ns'],
  ])('%s is another one on a laptop', (command, expected) => {
    expect(on(laptop, command)).toBe(expected);
  });

  test('stays what its sentence says', () => {
    expect(NOW.getTime()).toBeGreaterThan(0);
    expect(placed({ say: 'Nothing' } as { say: string; command?: string }, laptop)).toEqual({ say: 'Nothing' });
  });
});
