/** A module is loaded once when its image is built: what fails there everywhere fails the build, in its own words. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { buildImage, type Image, RunFailed } from '#test/languages/conformance/image.ts';
import { runFunction } from '#test/languages/conformance/run-function.ts';
import type { Files } from '#test/languages/conformance/sources.ts';

const images: Image[] = [];
afterAll(() => {
  for (const image of images) {
    image.remove();
  }
});

async function built(files: Files): Promise<Image> {
  const image = await buildImage(files);
  images.push(image);
  return image;
}

const HANDLER = 'export const handler = () => 1;\n';

describe('a build fails, and says why, where', () => {
  test.each<{ case: string; files: Files; says: RegExp }>([
    {
      case: 'a package is missing',
      files: { 'index.mjs': `import "left-pad";\n${HANDLER}` },
      says: /^index\.mjs: Error: Cannot find package 'left-pad' imported from index\.mjs\. Add it to the dependencies in package\.json$/m,
    },
    {
      case: 'a file is missing',
      files: { 'index.js': 'require("./lib/rows");\nexports.handler = () => 1' },
      says: /^index\.js:1: Error: Cannot find module '\.\/lib\/rows'\. Upload it, or correct the import$/m,
    },
    {
      case: 'an import has no such name',
      files: { 'index.mjs': `import { rows } from './rows.mjs';\n${HANDLER}`, 'rows.mjs': 'export const row = 1' },
      says: /SyntaxError: .*does not provide an export named 'rows'/,
    },
    {
      case: 'an imported file cannot be parsed',
      files: {
        'index.mjs': `import { rows } from './lib/rows.mjs';\n${HANDLER}`,
        'lib/rows.mjs': "import './more.mjs';\nexport const rows = 1;\n",
        'lib/more.mjs': 'const a = 1;\nconst b = ;\n',
      },
      says: /^lib\/more\.mjs:2: SyntaxError: Unexpected token ';', in `const b = ;`$/m,
    },
    {
      case: 'only tsconfig.json says where a file is',
      files: {
        'index.ts': `import { rows } from '@/rows';\n${HANDLER}`,
        'rows.ts': 'export const rows = 1',
        'tsconfig.json': '{ "compilerOptions": { /* ours */ "paths": { "@/*": ["./*"] } } }',
      },
      says: /^index\.ts: Error: Cannot find package '@\/rows' .*tsconfig\.json says where it is, which Node does not read/m,
    },
    {
      case: 'a name is not defined',
      files: { 'index.js': '\nhelper();\nexports.handler = () => 1' },
      says: /^index\.js:2: ReferenceError: helper is not defined/m,
    },
    {
      case: 'another file has an enum',
      files: { 'index.ts': `import './kind.ts';\n${HANDLER}`, 'kind.ts': 'export enum Kind { A }' },
      says: /enum/,
    },
    {
      case: 'a file is read that was not uploaded',
      files: { 'index.mjs': `import fs from 'node:fs';\nfs.readFileSync('./rows.csv');\n${HANDLER}` },
      says: /^index\.mjs:2: Error: ENOENT: no such file or directory, open '\.\/rows\.csv'/m,
    },
    {
      case: 'an await never settles',
      files: { 'index.mjs': `await new Promise(() => {});\n${HANDLER}` },
      says: /^index\.mjs never finishes loading: an await at the top level/m,
    },
    {
      case: 'it ends the process',
      files: { 'index.js': 'exports.handler = () => 1; process.exit(0)' },
      says: /^index\.js ends the process while it is loaded/m,
    },
    {
      case: 'it takes the port',
      files: {
        'index.js': 'require("http").createServer().listen(process.env.PORT || 8080);\nexports.handler = () => 1',
      },
      says: /^index\.js:1: Error: port 8080 can't be listened on: PORT is set by the platform/m,
    },
    {
      case: 'it exports no function',
      files: { 'index.js': 'module.exports = [].concat({ handler: 5 })[0]' },
      says: /^index\.js exports no function handler, handle, parse or default \(it exports handler\)/m,
    },
  ])('$case', async ({ files, says }) => {
    const error = await built(files).catch((reason) => reason);
    expect(error).toBeInstanceOf(RunFailed);
    expect(error.exitCode).toBe(66);
    expect(error.message).toMatch(says);
  });

  test('it loops', { timeout: 240_000 }, async () => {
    const error = await built({ 'index.js': 'exports.handler = () => 1; for (;;);' }).catch((reason) => reason);
    expect(error.message).toMatch(/^index\.js does not finish loading within 30 s/m);
  });
});

test.each<{ case: string; source: string }>([
  { case: 'a variable', source: 'const { host } = new URL(process.env.ONLY_IN_THE_POD);' },
  { case: 'a service', source: "throw new Error('no database');" },
  { case: 'a folder', source: "require('fs').readFileSync('/var/run/only-in-the-pod/token');" },
  { case: 'a rejection that nobody awaits', source: "void Promise.reject(new Error('no database'));" },
])('what only the pod has is left to the pod: $case', async ({ source }) => {
  const image = await built({ 'index.js': `exports.handler = () => 1;\n${source}` });
  await expect(runFunction(image)).rejects.toThrow();
});

test('a pod names the line that cannot be parsed, where only the code was changed', async () => {
  const image = await built({ 'index.mjs': HANDLER });
  writeFileSync(join(image.folder, 'index.mjs'), 'export function handler(event) {\n  return event.;\n}\n');
  await expect(runFunction(image)).rejects.toThrow(
    "cannot start: index.mjs:2: SyntaxError: Unexpected token ';', in `return event.;`. Mend it",
  );
});

test('another port is the function’s own', async () => {
  const source = "require('http').createServer().listen(0);\nexports.handler = () => 1";
  const running = await runFunction(await built({ 'index.js': source }));
  expect(await (await running.send({ data: {} })).json()).toMatchObject({ result: 1 });
});

describe('TypeScript is imported as it is written', () => {
  test.each<{ case: string; files: Files }>([
    {
      case: 'with the endings of what it is compiled to',
      files: {
        'package.json': '{"type":"module","main":"index.ts"}',
        'index.ts':
          "import { one } from './lib/one.js';\nimport { two } from './two.mjs';\nexport const handler = () => one + two;",
        'lib/one.ts': "import { zero } from '../zero.cjs';\nexport const one: number = 1 + zero;",
        'two.mts': 'export const two: number = 2;',
        'zero.cts': 'exports.zero = 0 as number;',
      },
    },
    {
      case: 'without an ending, and by the folder',
      files: {
        'index.ts':
          "import { one } from './one';\nimport { two } from './two';\nexport const handler = () => one + two;",
        'one.ts': 'export const one: number = 1;',
        'two/index.ts': 'export const two: number = 2;',
      },
    },
    {
      case: 'by require',
      files: {
        'index.cts': "const { one } = require('./one.cjs');\nexports.handler = (): number => one + require('./two');",
        'one.cts': 'exports.one = 1 as number;',
        'two.cts': 'module.exports = 2 as number;',
        'package.json': '{"main":"index.cts"}',
      },
    },
    {
      case: 'a file that has the very name comes first',
      files: {
        'index.ts': "import { three } from './three.js';\nexport const handler = () => three;",
        'three.js': 'exports.three = 3;',
        'three.ts': 'export const three = 4;',
      },
    },
  ])('$case', async ({ files }) => {
    const running = await runFunction(await built(files));
    expect(await (await running.send({ data: {} })).json()).toMatchObject({ succeeded: true, result: 3 });
  });
});
