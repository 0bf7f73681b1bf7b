/**
 * What a manifest says of where packages come from is heeded, or refused by its name before the build. All of these
 * were found by the generated sources of test/fuzz/sources/.
 */
import { describe, expect, test } from 'vitest';
import type { BuildRequest } from '#shared/packing/types.ts';
import { type Files, ours, plan } from '#test/languages/conformance/sources.ts';

const node = { 'parser.js': 'exports.handler = () => {}' };
const python = { 'parser.py': 'def handler(event): ...' };
const depends = JSON.stringify({ dependencies: { a: '1' } });
const managed = (packageManager: string) => JSON.stringify({ dependencies: { a: '1' }, packageManager });
const project = '[project]\nname = "x"\ndependencies = ["a>=1"]\n';

test.each<{ case: string; files: Files; request?: BuildRequest; says: string[] }>([
  {
    case: 'a Dockerfile that is not there',
    files: python,
    request: { language: 'docker' },
    says: ['there is no Dockerfile'],
  },
  {
    case: 'requirements in other letters',
    files: { ...python, 'Requirements.txt': 'a' },
    says: ['Requirements.txt is not read', 'rename it to requirements.txt'],
  },
  {
    case: 'a lock file in other letters',
    files: { ...node, 'package.json': depends, 'PACKAGE-LOCK.JSON': '{}' },
    says: ['PACKAGE-LOCK.JSON is not read'],
  },
  { case: 'a lock file of Bun', files: { ...node, 'package.json': depends, 'bun.lock': '{}' }, says: ['bun.lock is'] },
  {
    case: 'a manager that is not there',
    files: { ...node, 'package.json': managed('bun@1.1.0') },
    says: ['"packageManager": "bun@1.1.0"', 'only npm, pnpm and yarn'],
  },
  {
    case: 'a manager with the lock file of another',
    files: { ...node, 'package.json': managed('yarn@1.22.22'), 'package-lock.json': '{}' },
    says: ['"packageManager": "yarn@1.22.22"', 'package-lock.json'],
  },
  {
    case: 'lock files of two managers',
    files: { ...node, 'package.json': depends, 'package-lock.json': '{}', 'yarn.lock': '' },
    says: ['package-lock.json and yarn.lock are lock files of two package managers'],
  },
  {
    case: 'a lock file with a conflict',
    files: { ...node, 'package.json': depends, 'package-lock.json': '<<<<<<< HEAD\n{}' },
    says: ['package-lock.json is no JSON', 'npm install --package-lock-only'],
  },
  {
    case: 'Pipfile.lock alone',
    files: { ...python, 'Pipfile.lock': '{"default": {"a": {"version": "==1"}}}' },
    says: ['Pipfile.lock lists dependencies'],
  },
  {
    case: 'pylock.toml alone',
    files: { ...python, 'pylock.toml': '[[packages]]\nname = "a"\nversion = "1"\n' },
    says: ['pylock.toml lists dependencies'],
  },
  {
    case: 'a locked package of another index',
    files: {
      ...python,
      'pyproject.toml': project,
      'uv.lock': '[[package]]\nname = "a"\nversion = "1"\nsource = { registry = "https://pip.acme.example/simple" }\n',
    },
    says: ['uv.lock has a from https://pip.acme.example/simple'],
  },
  {
    case: 'an index without an address',
    files: { ...python, 'pyproject.toml': `${project}[[tool.uv.index]]\nname = "internal"\n` },
    says: ['[[tool.uv.index]]'],
  },
  {
    case: 'dependencies of a dependency, written by hand',
    files: {
      ...python,
      'pyproject.toml': `${project}[[tool.uv.dependency-metadata]]\nname = "a"\nrequires-dist = ["b"]\n`,
    },
    says: ['[[tool.uv.dependency-metadata]]'],
  },
  {
    case: 'an index of uv pip',
    files: { ...python, 'pyproject.toml': `${project}[tool.uv.pip]\nindex-url = "https://pip.acme.example/simple"\n` },
    says: ['[tool.uv.pip]'],
  },
  {
    case: 'overrides of PDM',
    files: { ...python, 'pyproject.toml': `${project}[tool.pdm.resolution.overrides]\na = "2"\n` },
    says: ['[tool.pdm.resolution.overrides]'],
  },
  {
    case: 'an internal package of Go',
    files: { 'go.mod': 'module x', 'internal/rows/p.go': 'package rows\nfunc Handle() {}' },
    request: { handler: 'internal/rows.Handle' },
    says: ['internal/rows/ is internal'],
  },
  {
    case: 'an instruction that is none',
    files: { Dockerfile: 'FROM a\n\nCOPPY . .\n' },
    says: ['Dockerfile:3 begins with "COPPY"'],
  },
  {
    case: 'a here-document that never ends',
    files: { Dockerfile: 'FROM a\nRUN cat <<EOF > b\nc\n' },
    says: ['Dockerfile:2 opens the here-document <<EOF'],
  },
  { case: 'no FROM at the beginning', files: { Dockerfile: 'RUN a\nFROM b\n' }, says: ['Dockerfile:1 has RUN before'] },
])('refused: $case', async ({ files, request, says }) => {
  const error = await plan(files, request).catch((reason) => reason);
  expect(error.reason).toMatch(/^(?:InvalidManifest|HandlerNotFound)$/);
  for (const text of says) {
    expect(error.message).toContain(text);
  }
});

test.each([
  ['pnpm@8.15.9', /npx --yes pnpm@8\.15\.9 install --prod --no-frozen-lockfile/],
  ['yarn@1.22.22', /npx --yes yarn@1 install --production --no-lockfile/],
  ['yarn@3.6.1', /cli-dist@3\.6\.1 yarn install --no-immutable/],
  ['yarn@4.5.0', /cli-dist@4\.5\.0 yarn workspaces focus/],
  ['npm@10.2.0', /npm install --omit=dev --no-package-lock/],
])('without a lock file %s installs, as package.json says', async (packageManager, command) => {
  const planned = await plan({ ...node, 'package.json': managed(packageManager) });
  expect(ours(planned, 'Dockerfile')).toMatch(command);
});

test('a named manager takes its own lock file, of several', async () => {
  const files = { ...node, 'package.json': managed('yarn@1.22.22'), 'package-lock.json': '{}', 'yarn.lock': '' };
  expect(ours(await plan(files), 'Dockerfile')).toMatch(/COPY package\.json yarn\.lock .*yarn@1 install/s);
});

describe('a lock file beside pyproject.toml', () => {
  const locked = '[[package]]\nname = "a"\nversion = "1.2.3"\n[[package]]\nname = "b"\nversion = "2.0+cpu"\n';

  test.each(['uv.lock', 'poetry.lock', 'pdm.lock'])('%s decides about the versions', async (file) => {
    const planned = await plan({ ...python, 'pyproject.toml': project, [file]: locked });

    expect(ours(planned, 'constraints.txt')).toBe('a==1.2.3\nb==2.0+cpu\n');
    expect(ours(planned, 'project-requirements.txt')).toBe('-c constraints.txt\na>=1\n');
    expect(ours(planned, 'Dockerfile')).toMatch(/COPY \.knative-lambda\/constraints\.txt [\s\S]*-r \.knative/);
  });

  test('with several versions of a package says for whom each is', async () => {
    const version = (number: string, markers: string) =>
      `[[package]]\nname = "a"\nversion = "${number}"\nsource = { registry = "https://pypi.org/simple" }\nresolution-markers = [${markers}]\n`;
    const lock =
      version('1', `"python_full_version < '3.9'"`) + version('2', `"python_full_version >= '3.9'", "a\\nb"`);
    const planned = await plan({ ...python, 'pyproject.toml': project, 'uv.lock': lock });
    // What is no marker makes the version one that nobody asks for.
    expect(ours(planned, 'constraints.txt')).toBe("a==1 ; (python_full_version < '3.9')\n");
  });

  test('does not decide about what comes from elsewhere, nor write lines of its own', async () => {
    const lock = `[[package]]\nname = "fn"\nversion = "1"\nsource = { virtual = "." }\n[[package]]\nname = "a"\nversion = "1\\n-e ."\n`;
    const planned = await plan({ ...python, 'pyproject.toml': project, 'uv.lock': lock });
    expect(ours(planned, 'constraints.txt')).toBe('');
  });
});

test('an empty requirements.txt does not hide what pyproject.toml lists', async () => {
  const planned = await plan({ ...python, 'requirements.txt': '# none\n', 'pyproject.toml': project });
  expect(ours(planned, 'project-requirements.txt')).toBe('a>=1\n');
});

test('folders that Cargo takes packages from are there when it fetches them', async () => {
  const planned = await plan({
    'src/lib.rs': 'pub async fn handle() {}',
    'Cargo.toml': '[package]\nname = "p"\n',
    '.cargo/config.toml': '[source.vendored-sources]\ndirectory = "vendor"\n',
  });
  expect(ours(planned, 'Dockerfile')).toMatch(/COPY \. \.\nRUN cd \.knative-lambda\/rust && cargo fetch/);
});

test('a bracket that is never closed is left to Python, which knows where it is', async () => {
  await expect(plan({ 'parser.py': 'x = (1,\ndef handler(event):\n    return 1\n' })).resolves.toBeDefined();
});

test.each([
  'FROM registry.example/a\nRUN <<EOF\nCOPPY b\nEOF\nCOPY . .\n',
  'FROM registry.example/a\nRUN b && \\\n  # a comment\n\n  cat <<-"END" > c\n\tD\n\tEND\nCMD ["d"]\n',
  'FROM registry.example/a\nRUN echo "b <<EOF" && echo $((1<<2))\n',
  '# escape=`\nFROM registry.example/a\nRUN b `\n  c\n',
  'ARG A=b\r\nFROM $A\r\nONBUILD RUN c\r\nHEALTHCHECK NONE\r\n',
  '# syntax=docker/dockerfile:1\nFROM registry.example/a AS b\nCOPY <<X <<Y /c/\nd\nX\ne\nY\nCMD f\n',
])('a Dockerfile is left as it is: %j', async (text) => {
  const planned = await plan({ Dockerfile: text });
  expect(ours(planned, 'Dockerfile')).toBe(text);
});
