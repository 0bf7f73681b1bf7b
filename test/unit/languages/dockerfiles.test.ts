import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Files, ours, plan } from '#test/languages/conformance/sources.ts';

const python = { 'parser.py': 'def handler(event): ...' };
const node = { 'parser.js': 'exports.handler = () => {}' };
const go = { 'go.mod': 'module example.com/p\ngo 1.24\n', 'p.go': 'package p\nfunc Handle() {}' };
const rust = { 'Cargo.toml': '[package]\nname = "p"\n', 'src/lib.rs': 'pub async fn handle() {}' };
const withDependency = JSON.stringify({ dependencies: { a: '1' } });

async function dockerfile(files: Files): Promise<string[]> {
  return (ours(await plan(files), 'Dockerfile') ?? '').trimEnd().split('\n');
}

/** The order in which something happens: the numbers of the lines that match. */
function order(lines: string[], ...patterns: RegExp[]): number[] {
  return patterns.map((pattern) => lines.findIndex((line) => pattern.test(line)));
}

describe('a generated Dockerfile', () => {
  test.each<{ case: string; files: Files; base: string }>([
    { case: 'Python', files: { ...python, 'requirements.txt': 'a' }, base: 'python:3.13-slim' },
    { case: 'Node', files: { ...node, 'package.json': withDependency }, base: 'node:24-slim' },
    { case: 'Go', files: go, base: 'golang:1.26 AS build' },
    { case: 'Rust', files: rust, base: 'rust:1.95-alpine AS build' },
  ])('of $case starts from the configured base and runs as nobody, without a shell', async ({ files, base }) => {
    const lines = await dockerfile(files);
    expect(lines[0]).toBe(`FROM ${base}`);
    expect(lines.at(-2)).toBe('USER 65532:65532');
    expect(JSON.parse(lines.at(-1)?.replace('CMD ', '') ?? '')).toBeInstanceOf(Array);
    expect(lines.some((line) => /PORT|ADD|http/.test(line))).toBe(false);
  });

  test.each<{ case: string; files: Files; steps: RegExp[] }>([
    {
      case: "Python installs the adapter's packages, then the user's, then copies the code",
      files: { ...python, 'requirements.txt': 'a' },
      steps: [
        /pip install .*--require-hashes/,
        /^COPY requirements.txt/,
        /-r requirements.txt \|\| exit 65$/,
        /^COPY \. \.$/,
        /\|\| exit 66$/,
      ],
    },
    {
      case: 'Python copies the code first where requirements.txt names files',
      files: { ...python, 'requirements.txt': '.' },
      steps: [/^COPY \. \.$/, /-r requirements.txt \|\| exit 65$/],
    },
    {
      case: 'npm ci with package-lock.json',
      files: { ...node, 'package.json': withDependency, 'package-lock.json': '{}' },
      steps: [
        /^COPY package.json package-lock.json \.\/$/,
        /npm ci --omit=dev .*\|\| exit 65$/,
        /^COPY \. \.$/,
        /\|\| exit 66$/,
      ],
    },
    {
      case: 'npm ci with npm-shrinkwrap.json',
      files: { ...node, 'package.json': withDependency, 'npm-shrinkwrap.json': '{}' },
      steps: [/^COPY package.json npm-shrinkwrap.json/, /npm ci/],
    },
    {
      case: 'npm install without a lock file',
      files: { ...node, 'package.json': withDependency, '.npmrc': '' },
      steps: [/^COPY package.json .npmrc \.\/$/, /npm install --omit=dev/, /^COPY \. \.$/],
    },
    {
      case: 'pnpm',
      files: { ...node, 'package.json': withDependency, 'pnpm-lock.yaml': '' },
      steps: [/^COPY package.json pnpm-lock.yaml/, /pnpm@10 install --prod --frozen-lockfile/],
    },
    {
      case: 'Yarn Classic',
      files: { ...node, 'package.json': withDependency, 'yarn.lock': '# yarn lockfile v1' },
      steps: [/^COPY package.json yarn.lock/, /yarn@1 install --production --frozen-lockfile/],
    },
    {
      case: 'Yarn Berry',
      files: { ...node, 'package.json': withDependency, 'yarn.lock': '__metadata:\n  version: 8' },
      steps: [/cli-dist@4 yarn workspaces focus --all --production/],
    },
    {
      case: 'the pnpm that wrote the lock file',
      files: { ...node, 'package.json': withDependency, 'pnpm-lock.yaml': "lockfileVersion: '6.0'\n" },
      steps: [/pnpm@8 install --prod --frozen-lockfile (?!.*all-builds)/],
    },
    {
      case: 'the scripts of packages by pnpm 10 too, unless the project says which',
      files: { ...node, 'package.json': withDependency, 'pnpm-lock.yaml': "lockfileVersion: '9.0'\n" },
      steps: [/pnpm@10 install .* --dangerously-allow-all-builds/],
    },
    {
      case: 'those scripts of packages that the project names',
      files: {
        ...node,
        'package.json': withDependency,
        'pnpm-lock.yaml': "lockfileVersion: '9.0'\n",
        'pnpm-workspace.yaml': 'onlyBuiltDependencies:\n  - esbuild\n',
      },
      steps: [/^COPY \. \.$/, /pnpm@10 install (?!.*all-builds)/],
    },
    {
      case: 'the version in packageManager',
      files: {
        ...node,
        'package.json': JSON.stringify({ dependencies: { a: '1' }, packageManager: 'pnpm@9.15.9+sha512.00' }),
        'pnpm-lock.yaml': "lockfileVersion: '9.0'\n",
      },
      steps: [/pnpm@9\.15\.9 install/],
    },
    {
      case: 'the Yarn that is checked in',
      files: {
        ...node,
        'package.json': withDependency,
        'yarn.lock': '__metadata:\n  version: 6\n',
        '.yarnrc.yml': 'yarnPath: .yarn/releases/yarn-3.6.4.cjs\n',
        '.yarn/releases/yarn-3.6.4.cjs': '',
      },
      steps: [/^COPY \. \.$/, /node "\.yarn\/releases\/yarn-3\.6\.4\.cjs" install --immutable/],
    },
    {
      case: 'Yarn 3 with its plugin for workspaces, and the packages that are checked in',
      files: {
        ...node,
        'package.json': withDependency,
        'yarn.lock': '__metadata:\n  version: 6\n',
        '.yarn/plugins/@yarnpkg/plugin-workspace-tools.cjs': '',
        '.yarn/cache/a-npm-1.zip': '',
      },
      steps: [/^COPY \. \.$/, /^(?!.*YARN_CACHE_FOLDER).*cli-dist@3 yarn workspaces focus --all --production/],
    },
    {
      case: 'Yarn Classic with its mirror of packages',
      files: {
        ...node,
        'package.json': withDependency,
        'yarn.lock': '# yarn lockfile v1',
        '.yarnrc': 'yarn-offline-mirror "./mirror"\n',
        'mirror/a-1.0.0.tgz': '',
      },
      steps: [/^COPY \. \.$/, /yarn@1 install --production/],
    },
    {
      case: 'TypeScript that is compiled by npm run build',
      files: {
        'src/index.ts': '',
        'package.json': JSON.stringify({ main: 'dist/index.js', scripts: { build: 'tsc' } }),
        'package-lock.json': '{}',
      },
      steps: [
        /^COPY \. \.$/,
        /npm ci --include=dev; .*exit 65$/,
        /npm run build; .*exit 66$/,
        /npm prune --omit=dev .*exit 65$/,
        /--check/,
      ],
    },
    {
      case: 'npm after the code where patches are applied',
      files: {
        ...node,
        'package.json': JSON.stringify({ dependencies: { a: '1' }, scripts: { prepublish: 'tsc' } }),
        'patches/a+1.0.0.patch': '',
      },
      steps: [/^COPY \. \.$/, /npm pkg delete scripts.prepublish && npm install/],
    },
    {
      case: 'npm after the code where a dependency is a folder of it',
      files: { ...node, 'package.json': JSON.stringify({ dependencies: { a: 'file:./lib' } }) },
      steps: [/^COPY \. \.$/, /npm install/],
    },
    {
      case: 'npm without the prepare script, which is for developers',
      files: { ...node, 'package.json': JSON.stringify({ dependencies: { a: '1' }, scripts: { prepare: 'husky' } }) },
      steps: [/npm pkg delete scripts.prepare && .*npm install/],
    },
    {
      case: 'Go downloads modules, then copies the code and compiles, then leaves all but the program',
      files: { ...go, 'go.sum': '' },
      steps: [
        /^COPY go.mod go.sum/,
        /go mod download \|\| exit 65$/,
        /^COPY \. \.$/,
        /go build .*\|\| exit 66$/,
        /^FROM gcr.io\/distroless/,
        /^COPY --from=build/,
      ],
    },
    {
      case: 'Go copies the code first where go.mod replaces a module by a folder',
      files: { ...go, 'go.mod': 'module x\ngo 1.24\nreplace a => ./lib\n' },
      steps: [/^COPY \. \.$/, /go mod download/],
    },
    {
      case: 'Rust compiles dependencies, then copies the code and compiles it, then leaves all but the program',
      files: { ...rust, 'rust-toolchain.toml': '', '.cargo/config.toml': '' },
      steps: [
        /^COPY rust-toolchain.toml \.\/$/,
        /^COPY .cargo\/config.toml .cargo\/$/,
        /^COPY .*\/dependencies\/$/,
        /dependencies && .*cargo build .*\|\| exit 65$/,
        /^COPY \. \.$/,
        /cargo build .* --locked .*\|\| exit 66$/,
        /^FROM gcr.io\/distroless/,
        /^COPY --from=build/,
      ],
    },
    {
      case: 'Rust copies the code first where a dependency is a folder of it',
      files: { ...rust, 'Cargo.toml': '[package]\nname = "p"\n[dependencies]\na = { path = "a" }\n' },
      steps: [/^COPY \. \.$/, /cargo fetch \|\| exit 65$/, /cargo build/],
    },
    {
      case: 'Rust copies the code first where there is a build script',
      files: { ...rust, 'build.rs': '' },
      steps: [/^COPY \. \.$/, /cargo fetch/],
    },
    {
      case: 'Rust copies the code first where the package is the root of a workspace',
      files: { ...rust, 'Cargo.toml': '[package]\nname = "p"\nversion.workspace = true\n[workspace]\n' },
      steps: [/^COPY \. \.$/, /cargo fetch/],
    },
  ])('$case', async ({ files, steps }) => {
    const lines = await dockerfile(files);
    const found = order(lines, ...steps);
    expect(found).not.toContain(-1);
    expect(found).toEqual(found.toSorted((a, b) => a - b));
  });

  test.each<{ case: string; files: Files }>([
    { case: 'Node without package.json', files: node },
    { case: 'Node without dependencies', files: { ...node, 'package.json': '{"type":"commonjs"}' } },
    { case: 'Node with devDependencies alone', files: { ...node, 'package.json': '{"devDependencies":{"a":"1"}}' } },
  ])('installs nothing: $case', async ({ files }) => {
    expect((await dockerfile(files)).some((line) => line.includes('exit 65'))).toBe(false);
  });

  test('of a workspace takes the newer Go version of the two', async () => {
    expect(ours(await plan({ ...go, 'go.mod': 'module x\ngo 1.99.1\n' }), 'go.work')).toMatch(/^go 1\.99\.1\n/);
    expect(ours(await plan({ ...go, 'go.mod': 'module x\ngo 1.13\n' }), 'go.work')).toMatch(/^go 1\.24\n/);
  });

  test("is not affected by the user's .dockerignore", async () => {
    expect(ours(await plan({ ...python, '.dockerignore': '*' }), 'Dockerfile.dockerignore')).toBe('');
  });

  const name = fc.oneof(
    fc.constantFrom('$(id)', '`id`', '$PATH', '"; id; "', "'", ' && id', '\\', '--help', '#', '"]', 'é'),
    fc.string({ unit: 'binary', minLength: 1, maxLength: 20 }),
  );
  test('is the same, whatever the files are called', async () => {
    const expected = {
      python: await dockerfile({ ...python, 'requirements.txt': 'a' }),
      node: await dockerfile({ ...node, 'package.json': withDependency }),
      go: await dockerfile(go),
      rust: await dockerfile(rust),
    };
    await fc.assert(
      fc.asyncProperty(fc.array(name, { minLength: 1, maxLength: 4 }), async (segments) => {
        // Safe paths alone get here.
        const path = `x${segments.join('').replace(/[/\\\p{Cc}\p{Cs}]/gu, '_')}`;
        const main = JSON.stringify({ dependencies: { a: '1' }, main: `${path}.js` });
        expect(await dockerfile({ ...python, 'requirements.txt': 'a', [path]: '' })).toEqual(expected.python);
        expect(await dockerfile({ [`${path}.js`]: node['parser.js'], 'package.json': main })).toEqual(expected.node);
        expect(await dockerfile({ ...go, [`${path}.go`]: 'package p' })).toEqual(expected.go);
        expect(await dockerfile({ ...rust, [`${path}.rs`]: '' })).toEqual(expected.rust);
      }),
      { numRuns: 50 },
    );
  });
});

describe("a user's own Dockerfile", () => {
  const own = 'FROM rust:1\nCOPY . .\nUSER 65532\nCMD ["./x"]\n';

  test('is taken as it is, with its ignore file and nothing else of ours', async () => {
    const planned = await plan({ Dockerfile: own, 'Dockerfile.dockerignore': 'target', 'src/main.rs': '' });
    expect(planned.files.map(({ path, content }) => [path, content.toString()])).toEqual([
      ['.knative-lambda/Dockerfile', own],
      ['.knative-lambda/Dockerfile.dockerignore', 'target'],
    ]);
    expect(['node_modules/a.js', '.git/HEAD', 'src/main.rs'].some(planned.excludes)).toBe(false);
  });

  test.each([
    { case: 'root', dockerfile: 'FROM registry.test/a\nUSER root\n', says: 'Dockerfile line 2: USER root is root' },
    { case: 'root by number', dockerfile: 'FROM a\nUSER 1\nUSER 0:0\n', says: 'line 3: USER 0:0 is root' },
    { case: 'a name', dockerfile: 'FROM node:24\n\nuser node\nCMD ["a"]\n', says: 'line 3: USER node is a name' },
    { case: 'no USER', dockerfile: 'FROM node:24-slim\nCOPY . .\nCMD ["a"]\n', says: 'as node:24-slim does' },
    { case: 'no USER, and where to', dockerfile: 'FROM a\nRUN b \\\n  c\nCMD ["a"]\n', says: 'behind line 3' },
    {
      case: 'no USER behind a here-document',
      dockerfile: 'FROM a\nRUN <<EOF\nUSER 1\nEOF\nCMD ["a"]\n',
      says: 'behind line 4',
    },
    { case: 'an escape character of its own', dockerfile: '# escape=`\nFROM a\nRUN b `\n  c\n', says: 'behind line 4' },
    { case: 'scratch', dockerfile: 'FROM scratch\n', says: 'as scratch does' },
    { case: 'distroless', dockerfile: 'FROM gcr.io/distroless/static-debian12\n', says: 'runs as root' },
    { case: 'a stage before', dockerfile: 'FROM node AS Base\nUSER app\nFROM base\n', says: 'line 2: USER app' },
    { case: 'another stage alone', dockerfile: 'FROM a AS b\nUSER 1\nFROM docker.io/library/c\n', says: 'no USER' },
    { case: 'a document', dockerfile: 'FROM a\nRUN cat <<EOF\nUSER 1\nEOF\n', says: 'no USER' },
  ])('that would not run without root is refused before the build: $case', async ({ dockerfile, says }) => {
    const error = await plan({ Dockerfile: dockerfile }).catch((reason) => reason);
    expect(error.reason).toBe('InvalidManifest');
    for (const part of [says, 'write', 'USER 65532', 'send build.start again']) {
      expect(error.message).toContain(part);
    }
  });

  test.each([
    { case: 'a number', dockerfile: 'FROM node:24\nUSER 1000\n' },
    { case: 'a number and a group', dockerfile: 'FROM node:24\nUSER 65532:app\n' },
    { case: 'a variable', dockerfile: 'FROM node:24\nARG UID=1000\nUSER $UID\n' },
    { case: 'a base of one', dockerfile: 'FROM node AS a\nUSER 7\nFROM node AS b\nUSER 0\nFROM a\n' },
    { case: 'distroless without root', dockerfile: 'FROM gcr.io/distroless/static:nonroot\n' },
    { case: 'an image that nobody knows', dockerfile: 'FROM --platform=linux/amd64 registry.test/base/node:24 AS a\n' },
    { case: 'a base in a variable', dockerfile: 'ARG BASE=node\nFROM $BASE\n' },
  ])('of another user is built: $case', async ({ dockerfile }) => {
    await expect(plan({ Dockerfile: dockerfile })).resolves.toBeTruthy();
  });
});

test.each<{ case: string; files: Files; left: string[]; kept: string[] }>([
  {
    case: 'Python',
    files: python,
    left: ['.venv/bin/python', '__pycache__/a.pyc', 'lib/__pycache__/a.pyc', '.git/HEAD'],
    kept: ['lib/a.py', '.gitignore', '.env'],
  },
  {
    case: 'Node',
    files: { ...node, 'package.json': withDependency },
    left: ['node_modules/a/index.js', 'lib/node_modules/b.js'],
    kept: ['lib/a.js', 'node_modules.md'],
  },
  { case: 'Rust', files: rust, left: ['target/release/p', '.git/HEAD'], kept: ['src/target/mod.rs', 'targets.rs'] },
  {
    case: 'Node that brings its modules and has no package.json',
    files: node,
    left: ['.git/HEAD'],
    kept: ['node_modules/a/index.js'],
  },
])('what the build makes itself does not come into the image of $case', async ({ files, left, kept }) => {
  const { excludes } = await plan(files);
  expect(left.filter((path) => !excludes(path))).toEqual([]);
  expect(kept.filter(excludes)).toEqual([]);
});
