import { afterAll, describe, expect, test } from 'vitest';
import { adapterContract } from '#test/languages/conformance/adapter-contract.ts';
import { exampleContract } from '#test/languages/conformance/example-contract.ts';
import { buildImage, type Image, RunFailed } from '#test/languages/conformance/image.ts';
import { runFunction } from '#test/languages/conformance/run-function.ts';
import type { Files } from '#test/languages/conformance/sources.ts';

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

/** A build would find it otherwise. */
const IN_A_POD = 'if (process.env.PARSER_ID)';

describe('the Node adapter', () => {
  exampleContract('node');

  adapterContract(
    {
      'parser.js': `
exports.handler = async ({ id, subject, data }) => {
  switch (data.do) {
    case 'echo': return { id, subject, data };
    case 'nothing': return;
    case 'fail': throw new RangeError(data.message);
    case 'unserializable': { const ring = {}; return { ring: Object.assign(ring, { ring }) }; }
    case 'wait': await new Promise((resolve) => setTimeout(resolve, data.ms));
  }
};`,
      // The runtime would take its port from here.
      'func.yaml': 'port: 1\nlogLevel: trace\n',
    },
    'RangeError',
  );

  test.each<{ case: string; files: Files; request?: object }>([
    { case: 'an ES module', files: { 'parser.mjs': 'export const handle = () => 1' } },
    { case: 'a default export', files: { 'index.mjs': 'export default () => 1' } },
    { case: 'TypeScript', files: { 'parser.ts': 'interface A {}\nexport const parse = (event: A): number => 1' } },
    {
      case: 'TypeScript compiled to CommonJS',
      files: {
        'index.js': 'Object.defineProperty(exports, "__esModule", { value: true });\nexports.default = () => 1',
      },
    },
    { case: 'a CommonJS function', files: { 'index.cjs': 'module.exports = () => 1' } },
    {
      case: 'CommonJS built at run time',
      files: { 'index.js': 'const made = { parse: () => 1 };\nmodule.exports = { ...made }' },
    },
    {
      case: 'an ES module without a sign of it',
      files: { 'index.js': 'export async function handler() { return 1 }' },
    },
    {
      case: 'one that is named',
      files: { 'src/a.mjs': 'export const run = () => 1; export const handler = () => 2' },
      request: { handler: 'src/a.run' },
    },
    {
      case: 'package.json that says so',
      files: { 'package.json': '{"type":"module","main":"lib"}', 'lib/index.js': 'export const handler = () => 1' },
    },
  ])('calls $case', async ({ files, request }) => {
    const running = await runFunction(await image(files, request));
    expect(await (await running.send({ data: {} })).json()).toMatchObject({ succeeded: true, result: 1 });
    expect(await running.stop()).toBe(0);
  });

  test.each<{ case: string; files: Files; says: string }>([
    {
      case: 'a module that is missing',
      files: { 'parser.mjs': `${IN_A_POD} await import("left-pad");\nexport const handler = () => 1` },
      says: "Cannot find package 'left-pad'",
    },
    {
      case: 'an error at the top',
      files: { 'parser.js': `\n${IN_A_POD} undefined.x;\nexports.handler = () => 1` },
      says: 'cannot start: parser.js:2: TypeError: ',
    },
    {
      case: 'a handler that is no function',
      files: { 'parser.js': `exports.handler = () => 1; ${IN_A_POD} exports.handler = 5; exports.other = 1` },
      says: 'cannot start: parser.js exports no function handler, handle, parse or default (it exports handler, other)',
    },
    {
      case: 'a name that appears only when it runs',
      files: {
        'parser.js': `module.exports = make();\nfunction make() { ${IN_A_POD} return { run() {} }; return { parse() {} } }`,
      },
      says: 'it exports run',
    },
  ])('ends with one line that says what to do: $case', async ({ files, says }) => {
    const error = await runFunction(await image(files)).catch((reason) => reason);
    expect(error.exitCode).toBe(1);
    expect(error.message.trim().split('\n')).toHaveLength(1);
    expect(error.message).toContain(says);
    expect(error.message).toContain('send build.start again');
  });

  test.each<{ case: string; files: Files; says: string }>([
    { case: 'JavaScript', files: { 'parser.js': 'exports.handler = () => {' }, says: 'parser.js:1' },
    { case: 'TypeScript', files: { 'parser.ts': 'enum A { b }\nexport const handler = () => 1' }, says: 'enum' },
  ])('does not build what it could not load: $case', async ({ files, says }) => {
    const error = await image(files).catch((reason) => reason);
    expect(error).toBeInstanceOf(RunFailed);
    expect(error.exitCode).toBe(66);
    expect(error.message).toContain(says);
  });

  test('a crash ends the process, so that the broker sends the event again', async () => {
    const running = await runFunction(
      await image({
        'parser.js': 'exports.handler = () => new Promise(() => { setTimeout(() => { throw new Error("late") }) })',
      }),
    );
    await expect(running.send({ data: {} })).rejects.toThrow();
    expect(running.errors()).toContain('late');
    expect(running.process.exitCode ?? (await running.stop())).toBe(1);
  });
});
