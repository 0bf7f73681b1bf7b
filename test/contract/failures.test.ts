/** Every failure is explained: one terminal event, its reason, and a message that says what to do. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { answering, slowToBuild } from './sources.ts';
import { until } from './until.ts';
import { World } from './world.ts';

let world: World;
beforeAll(async () => {
  world = await new World().open();
});
afterAll(async () => world.close());

const noDependencies = { name: 'x', version: '1.0.0' };

describe.concurrent('a build fails once, with its reason', () => {
  test.for<{
    case: string;
    files: Record<string, string | Buffer>;
    reason: string;
    says: RegExp;
    parameters?: object;
  }>([
    { case: 'nothing uploaded', files: {}, reason: 'NoSource', says: /aws s3 cp/ },
    { case: 'no language', files: { 'notes.txt': 'hello' }, reason: 'UnknownLanguage', says: /notes\.txt/ },
    {
      case: 'two languages',
      files: { 'parser.py': 'def handler(event): pass\n', 'parser.js': 'exports.handler = () => 1;\n' },
      reason: 'AmbiguousLanguage',
      says: /parameters\.language/,
    },
    {
      case: 'no handler in Python',
      files: { 'parser.py': 'def work(event):\n    pass\n' },
      reason: 'HandlerNotFound',
      says: /parser\.py/,
    },
    {
      case: 'no handler in Node',
      files: { 'parser.mjs': 'export const work = 1;\n' },
      reason: 'HandlerNotFound',
      says: /work/,
    },
    {
      case: 'a handler that is named but not there',
      files: answering('x'),
      parameters: { handler: 'other.run' },
      reason: 'HandlerNotFound',
      says: /other/,
    },
    {
      case: 'unreadable package.json',
      files: { ...answering('x'), 'package.json': '{ "name": ' },
      reason: 'InvalidManifest',
      says: /package\.json/,
    },
    {
      case: 'broken requirements.txt',
      files: {
        'parser.py': 'def handler(event):\n    return 1\n',
        'requirements.txt': 'this is == not a requirement\n',
      },
      reason: 'InvalidManifest',
      says: /requirement/i,
    },
    {
      case: 'a Node dependency that does not exist',
      files: {
        ...answering('x'),
        'package.json': JSON.stringify({
          ...noDependencies,
          dependencies: { 'knative-lambda-does-not-exist-4711': '1.0.0' },
        }),
      },
      reason: 'DependencyInstallFailed',
      says: /knative-lambda-does-not-exist-4711/,
    },
    {
      case: 'over 100 MB',
      files: { ...answering('x'), 'large.bin': Buffer.alloc(101_000_000) },
      reason: 'SourceTooLarge',
      says: /100/,
    },
    { case: 'a key with ..', files: { ...answering('x'), '../escape.js': 'x' }, reason: 'UnsafePath', says: /\.\./ },
    {
      case: 'an absolute key',
      files: { ...answering('x'), '/etc/passwd': 'x' },
      reason: 'UnsafePath',
      says: /etc\/passwd/,
    },
    {
      case: 'a key with a control character',
      files: { ...answering('x'), 'a\u0007b.js': 'x' },
      reason: 'UnsafePath',
      says: /a.*b\.js/,
    },
  ])('$case: $reason', async ({ files, reason, says, parameters = {} }, { skip }) => {
    const identity = world.parser('failing');
    const missing = await world.upload(identity, files);
    skip(missing.length > 0, `this S3 cannot hold a key that ends in ${JSON.stringify(missing)}`);

    await world.send({ type: 'build.start', data: { ...identity, parameters } });

    const ending = await world.seen('build.complete', identity, undefined, 100);
    expect(ending.data).toMatchObject({ status: 'failed', reason });
    expect(ending.data.error_message).toMatch(says);
    const told = await world.seen('lifecycle.build.failed', identity);
    expect(told.data).toMatchObject({ status: 'failed', reason, error_message: ending.data.error_message });
    await until('its Job to be released', async () =>
      (await world.jobs(identity)).every(({ metadata }) => !metadata?.finalizers?.length),
    );
    expect(world.endings(identity)).toHaveLength(1);
    expect(await world.services(identity)).toEqual([]);
    await world.clear(world.platform.sourceBucket, world.prefixOf(identity));
  });

  test('over its deadline: BuildTimeout', async () => {
    const identity = world.parser('late');
    await world.upload(identity, slowToBuild('late', 60));
    await world.send({ type: 'build.start', data: identity });
    const { data } = await world.seen('lifecycle.build.started', identity);

    await world.patch({
      apiVersion: 'batch/v1',
      kind: 'Job',
      metadata: { name: data.job_name, namespace: world.buildsNamespace },
      spec: { activeDeadlineSeconds: 1 },
    });

    const ending = await world.seen('build.complete', identity);
    expect(ending.data).toMatchObject({ status: 'timeout', reason: 'BuildTimeout' });
    expect(ending.data.error_message).toMatch(/deadline|time/i);
    await world.seen('lifecycle.build.failed', identity);
    expect(world.endings(identity)).toHaveLength(1);
  });

  test('a Job deleted by hand: Cancelled', async () => {
    const identity = world.parser('by-hand');
    await world.upload(identity, slowToBuild('by hand', 60));
    await world.send({ type: 'build.start', data: identity });
    const { data } = await world.seen('lifecycle.build.started', identity);

    await world.remove('batch/v1', 'Job', data.job_name, world.buildsNamespace);

    const ending = await world.seen('build.complete', identity);
    expect(ending.data).toMatchObject({ status: 'cancelled', reason: 'Cancelled' });
    await until('the Job to be gone', async () => (await world.jobs(identity)).length === 0);
    expect(world.endings(identity)).toHaveLength(1);
  });

  test('the same request after the failure was mended succeeds', async () => {
    const identity = world.parser('mended');
    await world.upload(identity, { 'parser.mjs': 'export const work = 1;\n' });
    await world.send({ type: 'build.start', data: identity });
    await world.seen('lifecycle.build.failed', identity);

    await world.upload(identity, answering('mended'));
    await world.send({ type: 'build.start', data: identity });

    expect((await world.seen('build.complete', identity, ({ data }) => data.status === 'success')).data.cached).toBe(
      false,
    );
  });
});

test('a function that never becomes ready is told once, with what it printed', async () => {
  const identity = world.parser('never-ready');
  await world.upload(identity, {
    'parser.mjs': "export const handler = () => 1;\nthrow new Error('no database here');\n",
  });
  await world.send({ type: 'build.start', data: identity });

  const told = await world.seen('lifecycle.function.failed', identity, undefined, 90);

  expect(told.data).toMatchObject({ ...identity, reason: 'FunctionNotReady' });
  expect(told.data.error_message).toContain('no database here');
  expect(new Set(world.of('lifecycle.function.failed', identity).map(({ id }) => id)).size).toBe(1);
  expect(world.endings(identity)).toHaveLength(1);
});

test.for([
  { case: 'CommonJS', files: { 'index.cjs': "require('undeclared');\nexports.handler = () => 1;\n" } },
  { case: 'ESM', files: { 'index.mjs': "import 'undeclared';\nexport const handler = () => 1;\n" } },
])('a package that $case imports and nobody declared is not found', async ({ files }) => {
  const identity = world.parser('undeclared');
  await world.upload(identity, files);
  await world.send({ type: 'build.start', data: identity });

  // No build loads the module, since nothing has to be installed: the pod does, where nothing above the image is seen.
  const told = await world.seen('lifecycle.function.failed', identity, undefined, 90);

  expect(told.data).toMatchObject({ ...identity, reason: 'FunctionNotReady' });
  expect(told.data.error_message).toContain('undeclared');
});
