/** Every reason has a cause, evidence, and a command that goes with it; nothing is said but what the facts say. */
import { describe, expect, test } from 'vitest';
import type { Build } from '#shared/api/schemas.ts';
import { REASONS } from '#shared/events/reasons.ts';
import type { Facts } from '#shared/explain/facts.ts';
import { ago, build, call, event, fn, letter, of } from './facts.ts';

describe.each(Object.entries(REASONS))('%s', (reason, sentence) => {
  const answers = {
    build: of('build', {
      build: build({ reason, error_message: '' }),
      chain: [event('lifecycle.build.failed', 30, { reason })],
    }),
    call: of('call', { call: call(reason, 'it went wrong in index.js:3'), fn: fn() }),
    letter: of('letter', { letters: [letter(reason)] }),
  };

  test.each(Object.entries(answers))('of a %s', (_, answer) => {
    expect(answer.healthy).toBe(false);
    expect(answer.reason).toBe(reason);
    expect(answer.cause).toMatch(/\S{3,}.*\s/);
    expect(answer.evidence.length).toBeGreaterThan(0);
    expect(answer.next?.say).toMatch(/^\S/);
    expect(answer.next?.command).toMatch(/^(kn-lambda|kubectl) \S/);
  });

  test('never says the sentence of another', () => {
    expect(sentence).toContain(answers.build.cause.slice(0, 20));
  });
});

describe('a build that failed', () => {
  test('is told by its own message, with the telling line of its log and the place in the file', () => {
    const error_message =
      'the code does not compile, or cannot be imported: index.js:7: SyntaxError. Mend it, upload it, then send build.start again. The whole log: `aws s3 cp x -`';
    const log = 'INFO[0001] RUN node check\nindex.js:7: SyntaxError: Unexpected token\nerror building image';
    const answer = of('build', { build: build({ reason: 'CompileFailed', error_message }), log });
    expect(answer.cause).toBe('the code does not compile, or cannot be imported: index.js:7: SyntaxError');
    expect(answer.evidence).toContainEqual({ kind: 'file', text: 'index.js:7', where: 'index.js:7' });
    expect(answer.evidence.some(({ kind, text }) => kind === 'log' && text.includes('Unexpected token'))).toBe(true);
    expect(answer.next).toMatchObject({
      say: expect.stringMatching(/^Mend it/),
      command: 'kn-lambda deploy',
    });
    expect(answer.evidence[0]?.where).toContain('kn-lambda logs acme/p1 --build b1');
  });

  test('after Kaniko has done its work, where the function does not start', () => {
    const error_message =
      'revision fn-p1-2 does not become ready: Container failed with: Error: Cannot find module "x" at index.js:1.';
    const answer = of('build', {
      build: build({ status: 'success', image_uri: 'i@2' }),
      chain: [event('lifecycle.function.failed', 3, { error_message })],
      fn: fn({ state: 'failed', image_uri: 'i@2' }),
    });
    expect(answer).toMatchObject({ healthy: false, reason: 'FunctionNotReady' });
    expect(answer.cause).toContain('Cannot find module');
    expect(answer.evidence).toContainEqual({ kind: 'file', text: 'index.js:1', where: 'index.js:1' });
  });
});

describe('a build that has not ended', () => {
  const running = (changes: Partial<Build> = {}) => ({
    ...build({ status: 'running', ...changes }),
    completed_at: undefined,
    duration_ms: undefined,
  });

  test('waits for a slot: for whom, and how many', () => {
    const answer = of('build', {
      build: running({ status: 'queued', queue_position: 3, job_name: 'j' }) as Build,
      chain: [event('lifecycle.build.started', 20)],
      slots: { running: 10, waiting: 7 },
    });
    expect(answer).toMatchObject({ healthy: true, cause: expect.stringMatching(/place 3: 10 builds run, 7 wait/) });
  });

  test.each([
    ['0/3 nodes are available: 3 Insufficient memory', /No node has room/],
    ['container kaniko waits: ImagePullBackOff: Back-off pulling image "x"', /cannot pull/],
    ['exceeded quota: builds', /quota/],
    ['container kaniko waits: CreateContainerConfigError: secret "s" not found', /Secret/],
  ])('waits for its pod: %s', (trouble, advice) => {
    const answer = of('build', { build: running({ job_name: 'j' }) as Build, pods: [{ name: 'p', trouble }] });
    expect(answer.cause).toContain(trouble);
    expect(answer.next?.say).toMatch(advice);
  });

  test('waits for a function of ours, and which', () => {
    const chain = [event('build.start', 60)];
    const silent = of('build', { build: running() as Build, chain });
    expect(silent.cause).toMatch(/build-start has not answered build.start for 60 s/);
    const platform = [{ object: 'Service build-start', message: 'Unable to fetch image' }];
    expect(of('build', { build: running() as Build, chain, platform }).cause).toMatch(
      /Service build-start does not work/,
    );
  });

  test('that nobody knows: its event never came', () => {
    expect(of('build', { platform: [{ object: 'Broker default', message: 'no exchange' }] }).cause).toMatch(
      /Broker default/,
    );
    expect(of('build').cause).toMatch(/did not reach the Broker/);
  });
});

describe('a function', () => {
  test.each<[string, Partial<Facts>, RegExp, boolean]>([
    ['never was', {}, /there is no function acme\/p1/, false],
    ['was deleted', { deletedAt: ago(600) }, /deleted 10 min ago/, false],
    ['is built for the first time', { fn: fn({ state: 'building' }) }, /being built/, true],
    ['starts', { fn: fn({ state: 'starting' }) }, /is starting/, true],
    ['is ready', { fn: fn() }, /ready, and no call/, true],
    ['is deleted now', { fn: fn({ state: 'deleting' }) }, /being deleted/, true],
    [
      'has calls that fail',
      { fn: fn(), failedCalls: [call('TypeError', 'x is not a function'), call('TypeError', 'y')] },
      /raised TypeError: x is not a function \(so did 1 more\)/,
      false,
    ],
    [
      'is too slow',
      { fn: fn(), failedCalls: [call('Timeout', 'the function did not answer within 20 s')] },
      /did not answer within 20 s/,
      false,
    ],
  ])('%s', (_, facts, cause, healthy) => {
    const answer = of('function', facts);
    expect(answer.cause).toMatch(cause);
    expect(answer.healthy).toBe(healthy);
  });
});

test('a dead letter of a call counts until a newer source is deployed', () => {
  const letters = [letter('FunctionNotReady')];
  expect(of('function', { fn: fn({ observed_at: ago(200) }), letters })).toMatchObject({
    healthy: false,
    reason: 'FunctionNotReady',
  });
  expect(of('function', { fn: fn({ observed_at: ago(20) }), letters }).healthy).toBe(true);
});

test('a call without an id, where none has failed', () => {
  expect(of('call', { fn: fn(), id: '' })).toMatchObject({
    cause: 'no call of acme/p1 that failed is recorded',
    next: { command: 'kn-lambda logs acme/p1' },
  });
});

test('a build.start that was refused: what is wrong with it', () => {
  const problems = [{ path: 'parameters.timeout_seconds', message: 'expected number, received string' }];
  const answer = of('build', {
    build: { ...build({ status: 'running' }), completed_at: undefined, duration_ms: undefined } as Build,
    chain: [event('build.start', 30), event('event.rejected', 29, { reason: 'InvalidEvent', problems })],
  });
  expect(answer).toMatchObject({
    healthy: false,
    reason: 'InvalidEvent',
    cause: 'it was refused: parameters.timeout_seconds expected number, received string',
    next: { command: 'kn-lambda deploy' },
  });
});

test('a Secret that is for another: the command of the message is the command', () => {
  const error_message =
    "Secret db (key k) is not labelled for tenant acme: if it is meant for that tenant's functions, `kubectl label secret db a=b` says so. Then send build.start again";
  const answer = of('build', { build: build({ reason: 'SecretForbidden', error_message }) });
  expect(answer.cause).toBe('Secret db (key k) is not labelled for tenant acme');
  expect(answer.next).toEqual({
    say: "If it is meant for that tenant's functions, `kubectl label secret db a=b` says so. Then send build.start again",
    command: 'kubectl label secret db a=b',
  });
});

describe('a function whose newest build failed', () => {
  const revision = 'fn-p1-00001';
  const failedBuild = build({ reason: 'DependencyInstallFailed', error_message: 'npm found no left-pda. Mend it' });

  test('answers by the version before', () => {
    const answer = of('function', { fn: fn({ revision }), build: failedBuild });
    expect(answer).toMatchObject({
      healthy: false,
      reason: 'DependencyInstallFailed',
      cause: 'its newest build failed, and fn-p1-00001 answers as before: npm found no left-pda',
      next: { command: 'kn-lambda deploy' },
    });
  });

  test('after a version that did not start', () => {
    const failing = fn({ revision, state: 'failed', message: 'boom', observed_at: ago(500) });
    expect(of('function', { fn: failing, build: failedBuild }).cause).toMatch(/newest build failed.*left-pda/);
    const since = fn({ revision, state: 'failed', message: 'boom', observed_at: ago(10) });
    expect(of('function', { fn: since, build: failedBuild }).cause).toMatch(/does not start.*boom/);
  });

  test('was never deployed', () => {
    expect(of('function', { build: failedBuild }).cause).toMatch(/never deployed.*left-pda/);
    expect(of('function', { build: failedBuild, deletedAt: ago(5) }).cause).toMatch(/was deleted 5 s ago/);
  });

  test('is still in the list of what runs, unless that is a build after it', () => {
    const listed = fn({ state: 'building', last_build: failedBuild });
    expect(of('function', { fn: listed, build: failedBuild }).cause).toMatch(/never deployed.*left-pda/);
    const next = fn({ state: 'building', last_build: build({ correlation_id: 'the next' }) });
    expect(of('function', { fn: next, build: failedBuild }).cause).toMatch(/being built/);
  });

  test('was built, and refused by Kubernetes', () => {
    const refused = event('lifecycle.build.failed', 3, {
      reason: 'SecretNotFound',
      error_message: 'there is no Secret db. `kubectl create secret generic db` makes it',
    });
    const facts = { fn: fn({ revision }), build: build({ status: 'success' }), chain: [refused] };
    expect(of('function', facts)).toMatchObject({
      reason: 'SecretNotFound',
      next: { command: 'kubectl create secret generic db' },
    });
  });

  test.each(['cancelled', 'superseded'] as const)('is well where the build was %s', (status) => {
    expect(of('function', { fn: fn(), build: build({ status }) }).healthy).toBe(true);
  });

  test('has calls that failed since: the later failure is told', () => {
    const failedCalls = [call('TypeError', 'x is not a function')];
    expect(of('function', { fn: fn(), build: failedBuild, failedCalls }).cause).toMatch(/raised TypeError/);
    const before = [{ ...call('TypeError', 'x'), time: ago(900) }];
    expect(of('function', { fn: fn(), build: failedBuild, failedCalls: before }).cause).toMatch(/newest build failed/);
  });
});

test('a version that does not start: its own words once, where it is, and who answers meanwhile', () => {
  const message =
    'Revision "fn-p1-00002" failed with message: Container failed with: cannot start: parser.js:2: SyntaxError: Unexpected token \';\', in `const a = ;`. Mend it, and send build.start again.';
  const answer = of('function', {
    fn: fn({ revision: 'fn-p1-00001', state: 'failed', message }),
    pods: [{ name: 'p', trouble: 'container user-container waits: CrashLoopBackOff: back-off 10s' }],
  });
  expect(answer.cause).toBe(
    "its newest version, fn-p1-00002, does not start, and fn-p1-00001 answers as before: parser.js:2: SyntaxError: Unexpected token ';', in `const a = ;`",
  );
  expect(answer.evidence.map(({ kind }) => kind)).toEqual(['log', 'file', 'object']);
  expect(answer.evidence[1]).toMatchObject({ text: 'parser.js:2' });
  expect(answer.next?.command).toBe('kn-lambda deploy');
});

test('now: the platform first, then functions, letters and builds that take long', () => {
  const all: Partial<Facts> = {
    subject: undefined,
    platform: [{ object: 'Service sweep', message: 'crashes' }],
    functions: [fn({ state: 'failed', message: 'boom' }), fn()],
    letters: [letter('Unavailable')],
    running: [{ ...build({ status: 'running', started_at: ago(3600) }), completed_at: undefined } as Build],
  };
  expect(of('now', all).cause).toMatch(/Service sweep does not work/);
  expect(of('now', { ...all, platform: [] }).cause).toMatch(/acme\/p1 does not start: boom/);
  expect(of('now', { ...all, platform: [], functions: [] }).cause).toMatch(/1 event was refused or not delivered/);
  expect(of('now', { ...all, platform: [], functions: [], letters: [] }).cause).toMatch(/under way for 60 min/);
  expect(of('now', { functions: [fn()] })).toMatchObject({
    healthy: true,
    cause: expect.stringMatching(/nothing is wrong/),
  });
});
