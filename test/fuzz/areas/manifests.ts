/**
 * Manifests, random and real ones changed: InvalidManifest or a plan, and never an instruction in a Dockerfile that a
 * harmless manifest does not bring.
 */
import * as fc from 'fast-check';
import { parse as parseToml } from 'smol-toml';
import { parseDockerfile } from '#local/kaniko/dockerfile.ts';
import { PermanentError } from '#shared/events/errors.ts';
import type { AdapterLanguage } from '#shared/events/parameters.ts';
import { type Area, quick } from '#test/fuzz/area.ts';
import { hostileText, hostileValue, mutated } from '#test/fuzz/hostile.ts';
import { type Files, ours, plan } from '#test/languages/conformance/sources.ts';

/** What would become instructions, or other commands of one, where it got into a Dockerfile. */
const smuggled = fc.constantFrom(
  '\nRUN id',
  '\\\nUSER 0',
  ' && id',
  '"; id; "',
  '$(id)',
  '`id`',
  '<<EOF\nRUN id\nEOF',
  '\r\nENV A=b',
  '# escape=`',
  '\u2028RUN id',
  '../../etc/passwd',
  '"\nimport "os',
  '"]\nRUN ["id"]',
);
const text = fc.oneof(
  smuggled,
  hostileText,
  fc.tuple(fc.constantFrom('a', 'lodash', '1.0.0'), smuggled).map((parts) => parts.join('')),
);

const PACKAGE = {
  name: 'x',
  main: 'parser.js',
  type: 'module',
  scripts: { prepare: 'husky', postinstall: 'node x.js' },
  dependencies: { lodash: '^4', local: 'file:./local' },
  optionalDependencies: { fsevents: '*' },
  workspaces: ['packages/*'],
};

const REQUIREMENTS =
  'requests==2.32.4\n# comment\nnumpy>=1 ; python_version < "3.9"\n-r other.txt\nx @ https://example.com/x.whl\n';
const PYPROJECT =
  '[project]\nname = "x"\ndependencies = ["requests>=2", "numpy"]\n[tool.poetry.dependencies]\npython = "^3"\n';
const GO_MOD = 'module example.com/parser\n\ngo 1.24.1\n\nrequire (\n\tgithub.com/x/y v1.2.3\n)\nreplace a => ./b\n';

const CARGO_TOML = `[package]
name = "parser"
version = "0.1.0"
build = false
[lib]
path = "src/lib.rs"
[features]
default = ["a"]
[dependencies]
cloudevents-sdk = "0.9"
a = { version = "1", optional = true, path = "a" }
[target.'cfg(unix)'.dependencies]
b = "2"
[patch.crates-io]
c = { path = "c" }
[profile.release]
lto = true
`;

/** Pieces cut out, doubled and put in. */
function edited(original: string): fc.Arbitrary<string> {
  const edit = fc.record({ at: fc.nat(original.length), cut: fc.nat(12), put: fc.oneof(text, fc.constant('')) });
  return fc
    .array(edit, { maxLength: 3 })
    .map((edits) => edits.reduce((now, { at, cut, put }) => now.slice(0, at) + put + now.slice(at + cut), original));
}

const source: fc.Arbitrary<{ language: AdapterLanguage; files: Files; handler?: string }> = fc.oneof(
  fc
    .record({
      manifest: fc.oneof(
        mutated(PACKAGE, fc.oneof(text, hostileValue)).map((value) => JSON.stringify(value) ?? ''),
        edited(JSON.stringify(PACKAGE, undefined, 2)),
        text,
      ),
      lock: fc.constantFrom('package-lock.json', 'yarn.lock', 'pnpm-lock.yaml', '.npmrc', 'x'),
      lockText: fc.oneof(text, fc.constant('__metadata:\n  version: 8')),
    })
    .map(({ manifest, lock, lockText }) => ({
      language: 'node' as const,
      files: { 'parser.js': 'exports.handler = () => 1', 'package.json': manifest, [lock]: lockText },
    })),
  fc.oneof(edited(REQUIREMENTS), text).map((requirements) => ({
    language: 'python' as const,
    files: { 'parser.py': 'def handler(event): ...', 'requirements.txt': requirements },
  })),
  fc
    .oneof(
      edited(PYPROJECT),
      text.map((one) => `[project]\ndependencies = [${JSON.stringify(one)}]`),
      text,
    )
    .map((pyproject) => ({
      language: 'python' as const,
      files: { 'parser.py': 'def handler(event): ...', 'pyproject.toml': pyproject },
    })),
  fc
    .oneof(
      edited(GO_MOD),
      text.map((one) => `module ${one}`),
      text.map((one) => `module x\ngo ${one}`),
    )
    .map((manifest) => ({
      language: 'go' as const,
      files: { 'p.go': 'package p\nfunc Handle() {}', 'go.mod': manifest },
    })),
  fc
    .record({
      manifest: fc.oneof(
        edited(CARGO_TOML),
        text.map((one) => `[package]\nname = ${JSON.stringify(one)}`),
        text.map((one) => `[package]\nname = "x"\n[lib]\npath = ${JSON.stringify(one)}`),
        text.map((one) => `[package]\nname = "x"\n[dependencies]\n${JSON.stringify(one)} = ${JSON.stringify(one)}`),
      ),
      lock: fc.oneof(text, fc.constant('[[package]]\nname = "a"\nversion = "1.0.0"\n')),
    })
    .map(({ manifest, lock }) => ({
      language: 'rust' as const,
      files: { 'src/lib.rs': 'pub async fn handle() {}', 'Cargo.toml': manifest, 'Cargo.lock': lock },
    })),
);

export const manifests: Area = {
  name: 'manifests',
  share: 10,
  async start() {
    const harmless = await harmlessInstructions();
    const property = fc.asyncProperty(source as fc.Arbitrary<unknown>, async (given) => {
      const { language, files } = given as { language: AdapterLanguage; files: Files };
      await quick(() => check(language, files, harmless));
    });
    return { property, close: async () => undefined };
  },
};

async function check(language: AdapterLanguage, files: Files, harmless: Set<string>): Promise<void> {
  let planned: Awaited<ReturnType<typeof plan>>;
  try {
    planned = await plan(files, { language });
  } catch (error) {
    const isRefused = error instanceof PermanentError && ['InvalidManifest', 'HandlerNotFound'].includes(error.reason);
    if (!isRefused || error.message.length > 4000) {
      throw error;
    }
    return;
  }
  for (const line of instructionsOf(ours(planned, 'Dockerfile') ?? '')) {
    if (!harmless.has(line)) {
      throw new Error(`the Dockerfile has ${JSON.stringify(line)}`);
    }
  }
  const main = ours(planned, 'go/cmd/main.go');
  if (main !== undefined && !MAIN.test(main)) {
    throw new Error(`the program is ${main}`);
  }
  const rust = ours(planned, 'rust/main.rs');
  if (rust !== undefined && !RUST_MAIN.test(rust)) {
    throw new Error(`the program is ${rust}`);
  }
  const cargo = parseToml(ours(planned, 'rust/Cargo.toml') ?? '') as { dependencies?: { function: { path: string } } };
  if (cargo.dependencies !== undefined && cargo.dependencies.function.path !== '../..') {
    throw new Error(`the program is built of ${JSON.stringify(cargo)}`);
  }
  const workspace = ours(planned, 'go.work');
  if (workspace !== undefined && !/^go \d+\.\d+(?:\.\d+|rc\d+)?\n\nuse \(\n\t\.\.\n\t\.\/go\n\)\n$/.test(workspace)) {
    throw new Error(`the workspace is ${workspace}`);
  }
}

const RUST_MAIN =
  /\nfn main\(\) \{\n(?: {4}knative_lambda_adapter::set_logger\(\);\n)? {4}knative_lambda_adapter::run\(function::handle\);\n\}\n$/;
const MAIN =
  /^\/\/ [^\n]*\npackage main\n\nimport \(\n\t"knative-lambda\.local\/adapter"\n\tfunction "[A-Za-z0-9._~/-]+"\n\)\n\nfunc main\(\) \{\n(?:\/\/line \.\.\/\.\.\/\.\.\/[\w./-]+:\d+\n)?\tadapter\.Run\(function\.Handle\)\n\}\n$/;

/** Every instruction that any combination of ordinary manifests brings. */
async function harmlessInstructions(): Promise<Set<string>> {
  const node = { 'parser.js': 'exports.handler = () => 1' };
  const python = { 'parser.py': 'def handler(event): ...' };
  const go = { 'p.go': 'package p\nfunc Handle() {}' };
  const sources: [Files, AdapterLanguage][] = [
    [node, 'node'],
    [python, 'python'],
  ];
  for (const extra of [
    {},
    { scripts: { prepare: 'x' } },
    { workspaces: [] },
    { scripts: { prepare: 'x', install: 'x' } },
  ]) {
    const manifest = JSON.stringify({ dependencies: { a: '1' }, ...extra });
    for (const lock of ['x', 'package-lock.json', 'pnpm-lock.yaml', 'yarn.lock', '.npmrc']) {
      for (const lockText of lock === 'package-lock.json' ? ['{}'] : ['', '__metadata:']) {
        sources.push([{ ...node, 'package.json': manifest, [lock]: lockText }, 'node']);
      }
    }
  }
  for (const text of ['a', '-r b', '']) {
    sources.push([{ ...python, 'requirements.txt': text, b: '' }, 'python']);
  }
  for (const dependency of ['a', 'a @ file:b']) {
    sources.push([{ ...python, 'pyproject.toml': `[project]\ndependencies = ["${dependency}"]` }, 'python']);
  }
  for (const more of ['', 'replace a => ./b']) {
    sources.push([{ ...go, 'go.mod': `module x\n${more}` }, 'go']);
  }
  const rust = { 'src/lib.rs': 'pub async fn handle() {}' };
  for (const more of ['', '[dependencies]\na = { path = "b" }']) {
    sources.push([{ ...rust, 'Cargo.toml': `[package]\nname = "x"\n${more}` }, 'rust']);
  }
  const planned = await Promise.all(sources.map(([files, language]) => plan(files, { language })));
  return new Set(planned.flatMap((one) => instructionsOf(ours(one, 'Dockerfile') ?? '')));
}

function instructionsOf(dockerfile: string): string[] {
  return parseDockerfile(dockerfile).stages.flatMap(({ from, instructions }) =>
    [from, ...instructions].map(({ whole }) => whole),
  );
}
