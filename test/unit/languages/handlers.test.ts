import { describe, expect, test } from 'vitest';
import { nodeNames } from '#languages/node/exported-names.ts';
import { pythonNames } from '#languages/python/exported-names.ts';
import { type Files, ours, plan } from '#test/languages/conformance/sources.ts';

describe('the names of a Python module', () => {
  test.each([
    { case: 'a function', source: 'def handler(event):\n  return 1', names: ['handler'] },
    { case: 'an async function', source: 'async def handler(event): ...', names: ['handler'] },
    { case: 'a decorated function', source: '@trace\ndef handler(event): ...', names: ['handler'] },
    { case: 'a class', source: 'class Handler:\n  def handler(self): ...', names: ['Handler'] },
    { case: 'an assignment', source: 'handler = make()', names: ['handler'] },
    { case: 'an annotated assignment', source: 'handler: Callable[[dict], dict] = make()', names: ['handler'] },
    { case: 'a chain of assignments', source: 'handle = handler = make()', names: ['handle', 'handler'] },
    { case: 'a tuple', source: 'handler, other = make()', names: ['handler', 'other'] },
    { case: 'an import', source: 'from lib import handler', names: ['handler'] },
    { case: 'an import under another name', source: 'from lib import x as handler, y', names: ['handler', 'y'] },
    { case: 'a long import', source: 'from lib import (\n  x as handler,\n  y,\n)', names: ['handler', 'y'] },
    { case: 'a package', source: 'import os.path', names: ['os'] },
    { case: 'a branch', source: 'if FAST:\n    def handler(e): ...\nelse:\n    handler = slow', names: ['handler'] },
    { case: 'a try', source: 'try:\n  from fast import handler\nexcept ImportError:\n  pass', names: ['handler'] },
    { case: 'an inner function', source: 'def outer():\n    def handler(e): ...', names: ['outer'] },
    { case: 'a comment', source: '# def handler(event): ...', names: [] },
    { case: 'a docstring', source: '"""\ndef handler(event): ...\n"""', names: [] },
    { case: 'a comparison', source: 'handler == 1', names: [] },
    { case: 'a keyword argument', source: 'run(\n  handler = 1\n)', names: [] },
    { case: 'an attribute', source: 'app.handler = 1', names: [] },
    { case: 'a string with an escaped quote', source: `x = "\\"#"\ndef handler(e): ...`, names: ['x', 'handler'] },
  ])('with $case', ({ source, names }) => {
    expect(pythonNames(source)).toEqual({ names, open: false });
  });

  test.each(['from lib import *', 'globals()["handler"] = 1', 'def __getattr__(name): ...', 'exec(open("x").read())'])(
    'may be any after %j',
    (source) => {
      expect(pythonNames(source).open).toBe(true);
    },
  );
});

describe('the exports of a Node module', () => {
  test.each([
    { case: 'a function', source: 'export function handler(event) {}', names: ['handler'] },
    { case: 'an async function', source: 'export async function handler(event) {}', names: ['handler'] },
    { case: 'a constant', source: 'export const handler = async (event) => {}', names: ['handler'] },
    { case: 'a typed constant', source: 'export const handler: Handler = (e) => 1', names: ['handler'] },
    { case: 'a default', source: 'export default async (event) => {}', names: ['default'] },
    { case: 'a list', source: 'function f() {}\nexport { f as handler, g }', names: ['handler', 'g'] },
    { case: 'a list from elsewhere', source: "export { handler } from './lib.js'", names: ['handler'] },
    { case: 'a type', source: 'export type handler = string; export interface handle {}', names: [] },
    { case: 'a type in a list', source: 'export { type handler, handle }', names: ['handle'] },
    { case: 'CommonJS', source: 'exports.handler = (event) => {}', names: ['handler'] },
    { case: 'CommonJS on module', source: 'module.exports.handler = handler', names: ['handler'] },
    {
      case: 'a CommonJS object',
      source: 'module.exports = { handler, a: { parse: 1 }, handle() {} }',
      names: ['handler', 'a', 'handle'],
    },
    { case: 'a CommonJS function', source: 'module.exports = async function (event) {}', names: ['default'] },
    { case: 'a CommonJS arrow', source: 'module.exports = event => 1', names: ['default'] },
    { case: 'a comparison', source: 'exports.handler == 1', names: [] },
    { case: 'a comment', source: '// export function handler() {}\n/* exports.handler = 1 */', names: [] },
    { case: 'a string', source: 'const s = "export function handler() {}"', names: [] },
    { case: 'a template', source: 'const s = `\nexport function handler() {}\n`', names: [] },
    {
      case: 'a regular expression with a quote',
      source: 'const r = /["`]/; export const handler = 1',
      names: ['handler'],
    },
    { case: 'a division', source: 'const a = b / c; export const handler = d / 2', names: ['handler'] },
  ])('with $case', ({ source, names }) => {
    expect(nodeNames(source)).toEqual({ names, open: false });
  });

  test.each([
    "export * from './lib.js'",
    "module.exports = require('./lib')",
    'module.exports = handlers',
    'module.exports = { ...handlers }',
    'module.exports = { [name]: f }',
    'export const { handler } = make()',
    'Object.assign(exports, make())',
    '__exportStar(require("./lib"), exports)',
    'register(exports)',
    'exports[name] = f',
  ])('may be any after %j', (source) => {
    expect(nodeNames(source).open).toBe(true);
  });
});

const goMod = 'module example.com/p\n\ngo 1.24\n';
const cargoToml = '[package]\nname = "p"\n';
const rustFile = (name: string) => `pub async fn ${name}() {}\n`;
const goFile = (name: string) => `package p\n\nfunc ${name}() {}\n`;

describe('the handler', () => {
  test.each<{ case: string; files: Files; request?: object; settings: object }>([
    {
      case: 'the first file that has one',
      files: { 'parser.py': 'x = 1', 'main.py': 'def parse(e): ...' },
      settings: { file: 'main.py', module: 'main', function: null },
    },
    {
      case: 'a sure one before a possible one',
      files: { 'parser.py': 'from x import *', 'main.py': 'def handle(e): ...' },
      settings: { file: 'main.py', module: 'main', function: null },
    },
    {
      case: 'a possible one where none is sure',
      files: { 'parser.py': 'from x import *' },
      settings: { file: 'parser.py', module: 'parser', function: null },
    },
    {
      case: 'the one that is named',
      files: { 'a/b.py': 'def run(e): ...', 'parser.py': 'def handler(e): ...' },
      request: { handler: 'a.b.run' },
      settings: { file: 'a/b.py', module: 'a.b', function: 'run' },
    },
    {
      case: 'one of a package',
      files: { 'a/__init__.py': 'def run(e): ...' },
      request: { handler: 'a.run' },
      settings: { file: 'a/__init__.py', module: 'a', function: 'run' },
    },
    {
      case: "package.json's main before the usual names",
      files: {
        'package.json': '{"main":"src/app.js"}',
        'src/app.js': 'exports.handler = 1',
        'index.js': 'exports.handler = 1',
      },
      settings: { file: 'src/app.js', function: null },
    },
    {
      case: 'a default export',
      files: { 'index.mjs': 'export default () => 1' },
      settings: { file: 'index.mjs', function: null },
    },
    {
      case: 'a named one of TypeScript',
      files: { 'src/app.ts': 'export function run() {}' },
      request: { handler: 'src/app.run' },
      settings: { file: 'src/app.ts', function: 'run' },
    },
  ])('is $case', async ({ files, request, settings }) => {
    expect(JSON.parse(ours(await plan(files, request), 'function.json') ?? '')).toEqual(settings);
  });

  test.each<{ case: string; files: Files; request?: object; imports: string; calls: string }>([
    {
      case: 'Handle at the top',
      files: { 'go.mod': goMod, 'p.go': goFile('Handle') },
      imports: '"example.com/p"',
      calls: 'function.Handle',
    },
    {
      case: 'one in a folder',
      files: { 'go.mod': goMod, 'a/b/p.go': goFile('Run') },
      request: { handler: 'a/b.Run' },
      imports: '"example.com/p/a/b"',
      calls: 'function.Run',
    },
    {
      case: 'one named by its file',
      files: { 'go.mod': goMod, 'p.go': goFile('Run') },
      request: { handler: 'p.Run' },
      imports: '"example.com/p"',
      calls: 'function.Run',
    },
  ])('of Go is $case', async ({ files, request, imports, calls }) => {
    const program = ours(await plan(files, request), 'go/cmd/main.go');
    expect(program).toContain(imports);
    expect(program).toContain(calls);
  });

  test('of Go and of Rust stands with its file and line where a compiler finds that it cannot be called', async () => {
    const go = await plan({ 'go.mod': goMod, 'a/b/p.go': `// A comment.\n${goFile('Run')}` }, { handler: 'a/b.Run' });
    expect(ours(go, 'go/cmd/main.go')).toMatch(
      /\/\/line \.\.\/\.\.\/\.\.\/a\/b\/p\.go:\d+\n\tadapter\.Run\(function\.Run\)/,
    );
    const source = '\npub async fn handle(\n    e: i32,\n) -> Result<i32, String> {\n';
    const rust = await plan({ 'Cargo.toml': cargoToml, 'src/lib.rs': source }, {});
    expect(ours(rust, 'rust/handler.txt')).toBe(
      'the handler is src/lib.rs:2: pub async fn handle( e: i32, ) -> Result<i32, String>\n',
    );
  });

  const lib = 'src/lib.rs';
  test.each<{ case: string; files: Files; handler?: string; calls: string }>([
    { case: 'handle of the library', files: { [lib]: rustFile('handle') }, calls: 'handle' },
    {
      case: 'one of a library elsewhere',
      files: { 'Cargo.toml': `${cargoToml}[lib]\npath = "./parser.rs"\n`, 'parser.rs': rustFile('handle') },
      calls: 'handle',
    },
    { case: 'one that is named', files: { [lib]: rustFile('run') }, handler: 'lib.run', calls: 'run' },
    { case: 'one named by its path', files: { [lib]: rustFile('run') }, handler: 'src/lib.run', calls: 'run' },
    {
      case: 'one of a module',
      files: { [lib]: 'pub mod a;', 'src/a.rs': rustFile('run') },
      handler: 'a.run',
      calls: 'a::run',
    },
    {
      case: 'one of a module in a folder',
      files: { [lib]: 'pub mod a;', 'src/a/mod.rs': 'pub mod b;', 'src/a/b.rs': rustFile('run') },
      handler: 'src/a/b.run',
      calls: 'a::b::run',
    },
    {
      case: "one of a module in the library's file",
      files: { [lib]: `pub mod a {\n${rustFile('run')}}\n` },
      handler: 'a.run',
      calls: 'a::run',
    },
    { case: 'one from elsewhere', files: { [lib]: 'mod a;\npub use a::{b, handle};\n' }, calls: 'handle' },
    { case: 'one that may be from elsewhere', files: { [lib]: 'pub use a::*;\n' }, calls: 'handle' },
    { case: 'one that a macro may write', files: { [lib]: 'handlers! { handle }\n' }, calls: 'handle' },
    {
      case: 'one behind lifetimes and characters',
      files: { [lib]: `fn a<'a>(b: &'a str) -> char { '"' }\n${rustFile('handle')}// "` },
      calls: 'handle',
    },
  ])('of Rust is $case', async ({ files, handler, calls }) => {
    const planned = await plan({ 'Cargo.toml': cargoToml, ...files }, { handler });
    expect(ours(planned, 'rust/main.rs')).toContain(`run(function::${calls});`);
  });

  test.each<{ case: string; files: Files; request?: object; says: string[] }>([
    {
      case: 'Python',
      files: { 'parser.py': 'def run(event): ...\nimport os' },
      says: ['handler, handle, parse', 'parser.py has run, os', 'parameters.handler'],
    },
    {
      case: 'a handler.py',
      files: { 'handler.py': 'def greet(event):\n    return 1\n' },
      says: ['was found: handler.py has greet', '`def handler(event): …` to handler.py', '"handler.function"'],
    },
    { case: 'a Python file with nothing', files: { 'parser.py': '' }, says: ['parser.py has none'] },
    {
      case: 'Node',
      files: { 'parser.js': 'exports.run = 1' },
      says: ['handler, handle, parse, default', 'parser.js has run'],
    },
    {
      case: 'a module that is named',
      files: { 'parser.py': 'def handler(e): ...' },
      request: { handler: 'lib.app.run', language: 'python' },
      says: ['lib/app.py', 'parser.py'],
    },
    {
      case: 'a function that is named',
      files: { 'parser.py': 'def handler(e): ...' },
      request: { handler: 'parser.run' },
      says: ['no function run', 'parser.py has handler'],
    },
    {
      case: 'a Go program',
      files: { 'go.mod': goMod, 'main.go': 'package main\nfunc main() {}' },
      says: ['main.go is in package main', 'Rename'],
    },
    {
      case: 'Go',
      files: { 'go.mod': goMod, 'p.go': goFile('Run') },
      says: ['no function Handle', 'exports Run', 'func Handle(ctx context.Context'],
    },
    {
      case: 'Go in a test alone',
      files: { 'go.mod': goMod, 'p.go': goFile('Run'), 'p_test.go': goFile('Handle') },
      says: ['no function Handle'],
    },
    {
      case: 'Go in a comment alone',
      files: { 'go.mod': goMod, 'p.go': 'package p\n/*\nfunc Handle() {}\n*/' },
      says: ['exports nothing'],
    },
    {
      case: 'Go for Lambda',
      files: {
        'go.mod': goMod,
        'main.go':
          'package main\n\nfunc handle(ctx context.Context, name MyEvent) {}\nfunc main() { lambda.Start(handle) }',
      },
      says: ['main.go:4 starts a handler of AWS Lambda', 'func Handle(ctx context.Context, event cloudevents.Event)'],
    },
    {
      case: 'Go for func',
      files: {
        'go.mod': goMod,
        'handle.go': 'package function\n\nfunc Handle(w http.ResponseWriter, r *http.Request) {}',
      },
      says: ['handle.go:3 Handle takes an HTTP request', 'write `func Handle(ctx'],
    },
    {
      case: 'a Rust program for Lambda',
      files: { 'Cargo.toml': `${cargoToml}[dependencies]\nlambda_runtime = "0.13"\n`, 'src/main.rs': 'fn main() {}' },
      says: ['AWS Lambda (lambda_runtime)', 'src/lib.rs', 'pub async fn handle(event: cloudevents::Event)'],
    },
    {
      case: 'a Rust library for Lambda',
      files: {
        'Cargo.toml': cargoToml,
        'src/lib.rs': '\npub async fn handle(event: LambdaEvent<Value>) -> Result<Value, Error> {}',
      },
      says: ['src/lib.rs:2 handle takes a LambdaEvent', 'pub async fn handle(event: cloudevents::Event)'],
    },
    {
      case: 'Rust for func',
      files: { 'Cargo.toml': cargoToml, 'src/lib.rs': 'pub async fn handle(\n  req: HttpRequest,\n) {}' },
      says: ['src/lib.rs:1 handle takes a HttpRequest, as func calls it'],
    },
    {
      case: 'a Go function that is not exported',
      files: { 'go.mod': goMod, 'p.go': goFile('run') },
      request: { handler: 'p.run' },
      says: ['capital letter'],
    },
    {
      case: 'a Rust program',
      files: { 'Cargo.toml': cargoToml, 'src/main.rs': 'fn main() {}' },
      says: ['a program but no library', 'src/lib.rs', 'pub async fn handle(event: cloudevents::Event)'],
    },
    {
      case: 'Rust without a library',
      files: { 'Cargo.toml': cargoToml, 'src/blocks.rs': '' },
      says: ['there is no src/lib.rs'],
    },
    {
      case: 'Rust',
      files: { 'Cargo.toml': cargoToml, 'src/lib.rs': rustFile('run') },
      says: ['no public function handle in src/lib.rs, which has run', 'parameters.handler'],
    },
    {
      case: 'Rust that is not async',
      files: { 'Cargo.toml': cargoToml, 'src/lib.rs': 'pub fn handle() {}' },
      says: ['handle in src/lib.rs is not async'],
    },
    {
      case: 'Rust that is not public',
      files: { 'Cargo.toml': cargoToml, 'src/lib.rs': 'async fn handle() {}\npub(crate) async fn handle() {}' },
      says: ['no public function handle'],
    },
    {
      case: 'Rust in comments and strings alone',
      files: {
        'Cargo.toml': cargoToml,
        'src/lib.rs': `// ${rustFile('handle')}/* ${rustFile('handle')} */ const A: &str = r#"\n"${rustFile('handle')}"#; const B: char = '"';`,
      },
      says: ['which has none'],
    },
    {
      case: 'a Rust module that is named',
      files: { 'Cargo.toml': cargoToml, 'src/lib.rs': rustFile('handle') },
      request: { handler: 'blocks.run', language: 'rust' },
      says: ['no module blocks', 'src/blocks.rs nor src/blocks/mod.rs', 'src/lib.rs'],
    },
    {
      case: 'a Rust function that has no name of Rust',
      files: { 'Cargo.toml': cargoToml, 'src/lib.rs': rustFile('handle') },
      request: { handler: 'lib.$run', language: 'rust' },
      says: ['"$run"'],
    },
  ])('that is missing in $case: what was looked for and what is there', async ({ files, request, says }) => {
    const error = await plan(files, request).catch((reason) => reason);
    expect(error.reason).toBe('HandlerNotFound');
    for (const part of says) {
      expect(error.message).toContain(part);
    }
  });
});
