/** Projects in TypeScript whose entry file is made by a script of theirs: the shapes that such projects have. */
import { afterAll, expect, test } from 'vitest';
import { buildImage, type Image } from '#test/languages/conformance/image.ts';
import { runFunction } from '#test/languages/conformance/run-function.ts';
import { type Files, ours, plan } from '#test/languages/conformance/sources.ts';

const images: Image[] = [];
afterAll(() => {
  for (const image of images) {
    image.remove();
  }
});

/** A compiler that needs no registry: from src/ to the folder that is named. */
const compiler = {
  'tools/tsc/package.json': '{"name":"tsc-of-the-test","version":"1.0.0","bin":{"tsc":"tsc.mjs"}}',
  'tools/tsc/tsc.mjs': `#!/usr/bin/env node
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
const out = process.argv[2] ?? 'dist';
mkdirSync(out, { recursive: true });
for (const name of readdirSync('src')) {
  const text = stripTypeScriptTypes(readFileSync('src/' + name, 'utf8'), { mode: 'transform' });
  writeFileSync(out + '/' + name.replace('.ts', '.js'), text);
}`,
};

// Node alone does not run an enum.
const source =
  'enum Kind { One = 1 }\nexport const handler = (event: object, context: { id: string }) => [Kind.One, context.id];';

const manifest = (fields: object) =>
  JSON.stringify({ type: 'module', devDependencies: { 'tsc-of-the-test': 'file:./tools/tsc' }, ...fields });

test.each<{ case: string; fields: object; request?: object }>([
  { case: 'main in dist/ and a script build', fields: { main: 'dist/index.js', scripts: { build: 'tsc' } } },
  {
    case: 'exports in build/, and only prepare',
    fields: {
      exports: { '.': { types: './build/index.d.ts', import: './build/index.js' } },
      scripts: { prepare: 'tsc build' },
    },
  },
  {
    case: 'a handler that is named in a folder that was not uploaded',
    fields: { scripts: { build: 'tsc out', prepare: 'exit 1' } },
    request: { handler: 'out/index.handler' },
  },
])('$case', async ({ fields, request }) => {
  const image = await buildImage({ 'package.json': manifest(fields), 'src/index.ts': source, ...compiler }, request);
  images.push(image);
  const running = await runFunction(image);
  expect(await (await running.send({ data: {} })).json()).toMatchObject({ succeeded: true, result: [1, '1'] });
  expect(await running.stop()).toBe(0);
});

const tsc = 'rm -rf dist && tsc -p .';
test.each<{ case: string; fields: object; files?: Files; file: string; script: string | undefined }>([
  {
    case: 'main without an ending',
    fields: { main: './lib/index', scripts: { build: tsc } },
    file: 'lib/index.js',
    script: 'build',
  },
  {
    case: 'main that is a folder',
    fields: { main: 'dist', scripts: { build: tsc } },
    file: 'dist/index.js',
    script: 'build',
  },
  {
    case: 'esbuild',
    fields: { main: 'out/f.mjs', scripts: { compile: 'esbuild src/f.ts --outfile=out/f.mjs' } },
    file: 'out/f.mjs',
    script: 'compile',
  },
  {
    case: 'prepack',
    fields: { main: 'dist/a.cjs', scripts: { prepack: 'npm run tsc', tsc } },
    file: 'dist/a.cjs',
    script: 'prepack',
  },
  {
    case: 'exports alone',
    fields: { exports: './dist/a.js', scripts: { build: tsc } },
    file: 'dist/a.js',
    script: 'build',
  },
  {
    case: 'ts-node: main is the source',
    fields: { main: 'src/app.ts', scripts: { start: 'ts-node src/app.ts', build: tsc } },
    file: 'src/app.ts',
    script: undefined,
  },
  {
    case: 'compiled in place: the source is there',
    fields: { main: 'src/app.js', scripts: { build: 'tsc' } },
    file: 'src/app.ts',
    script: undefined,
  },
  {
    case: 'a hook that compiles nothing',
    fields: { main: 'index.js', scripts: { prepare: 'husky' } },
    files: { 'parser.js': 'exports.handler = () => 1' },
    file: 'parser.js',
    script: undefined,
  },
  {
    case: 'what was made was uploaded',
    fields: { main: 'dist/a.js', scripts: { build: tsc } },
    files: { 'dist/a.js': 'exports.handler = () => 1' },
    file: 'dist/a.js',
    script: undefined,
  },
])('$case: what is loaded, and whether anything is compiled', async ({ fields, files, file, script }) => {
  const planned = await plan({ 'package.json': JSON.stringify(fields), 'src/app.ts': source, ...files });
  expect(JSON.parse(ours(planned, 'function.json') ?? '')).toMatchObject({ file });
  const dockerfile = ours(planned, 'Dockerfile') ?? '';
  expect(dockerfile.includes('npm run build')).toBe(script !== undefined);
  expect(/npm pkg get scripts\.(\w+)/.exec(dockerfile)?.[1]).toBe(script === 'build' ? undefined : script);
});

test('an entry that is neither there nor made is told of, with what would make it', async () => {
  const files = { 'package.json': '{"main":"dist/index.js"}', 'src/index.ts': source };
  const error = await plan(files, { language: 'node' }).catch((reason) => reason);
  expect(error.reason).toBe('HandlerNotFound');
  expect(error.message).toContain('dist/index.js, which is "main" in package.json (a script "build" would make it)');
});
