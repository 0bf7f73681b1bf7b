import { describe, expect, test } from 'vitest';
import { newerGo } from '#languages/go/go-mod.ts';
import { type Files, ours, plan } from '#test/languages/conformance/sources.ts';

const python = { 'parser.py': 'def handler(event): ...' };
const node = { 'parser.js': 'exports.handler = () => {}' };
const go = { 'p.go': 'package p\nfunc Handle() {}' };

describe('a broken manifest', () => {
  test.each<{ case: string; files: Files; says: string[] }>([
    {
      case: 'package.json with a comma too many',
      files: { ...node, 'package.json': '{\n  "name": "x",\n}' },
      says: ['package.json:3:1', 'is no JSON'],
    },
    {
      case: 'package.json with a bare word',
      files: {
        ...node,
        'package.json': '{\n  "name": "some long name of it",\n  "version": oops,\n  "private": true\n}',
      },
      says: ['package.json:3:14'],
    },
    {
      case: 'package.json that ends early',
      files: { ...node, 'package.json': '{\n  "name": "x"' },
      says: ['package.json:2:14'],
    },
    { case: 'an empty package.json', files: { ...node, 'package.json': '' }, says: ['package.json:1:1'] },
    {
      case: 'package.json with dependencies that are none',
      files: { ...node, 'package.json': '{"dependencies":["left-pad"]}' },
      says: ['dependencies'],
    },
    { case: 'package.json that is a list', files: { ...node, 'package.json': '[]' }, says: ['package.json'] },
    {
      case: 'requirements.txt with a sentence',
      files: { ...python, 'requirements.txt': 'requests\n\nplease install numpy' },
      says: ['requirements.txt:3', 'please install numpy'],
    },
    {
      case: 'requirements.txt with a merge conflict',
      files: { ...python, 'requirements.txt': '<<<<<<< HEAD' },
      says: ['requirements.txt:1'],
    },
    {
      case: 'requirements.txt in UTF-16',
      files: { ...python, 'requirements.txt': Buffer.from('requests', 'utf16le') },
      says: ['UTF-8'],
    },
    {
      case: 'pyproject.toml that is no TOML',
      files: { ...python, 'pyproject.toml': '[project\nname = "x"' },
      says: ['pyproject.toml:1:'],
    },
    {
      case: 'pyproject.toml with a dependency that is none',
      files: { ...python, 'pyproject.toml': '[project]\ndependencies = ["--index-url=http://x"]' },
      says: ['--index-url'],
    },
    {
      case: 'pyproject.toml with dependencies that are no list',
      files: { ...python, 'pyproject.toml': '[project]\ndependencies = "requests"' },
      says: ['project.dependencies'],
    },
    {
      case: "Poetry's own dependencies",
      files: { ...python, 'pyproject.toml': '[tool.poetry.dependencies]\npython = "^3.13"\nrequests = "^2"' },
      says: ['(requests)', 'poetry export', 'requirements.txt'],
    },
    {
      case: 'dynamic dependencies',
      files: { ...python, 'pyproject.toml': '[project]\ndynamic = ["dependencies"]' },
      says: ['dynamic'],
    },
    { case: 'no go.mod', files: { ...go }, says: ['go mod init'] },
    { case: 'go.mod without a module', files: { ...go, 'go.mod': 'go 1.24\n' }, says: ['no module line'] },
    {
      case: 'go.mod with an unknown word',
      files: { ...go, 'go.mod': 'module x\nrequires y v1.0.0\n' },
      says: ['go.mod:2', 'requires'],
    },
    { case: 'go.mod with an open block', files: { ...go, 'go.mod': 'module x\nrequire (\n' }, says: ['go.mod:2'] },
    {
      case: 'go.mod with a requirement without version',
      files: { ...go, 'go.mod': 'module x\nrequire (\n  y\n)\n' },
      says: ['go.mod:3', 'go mod tidy'],
    },
    { case: 'go.mod with code in its module path', files: { ...go, 'go.mod': 'module x"\n' }, says: ['go.mod:1'] },
    { case: 'a Dockerfile without FROM', files: { Dockerfile: 'RUN true' }, says: ['FROM'] },
  ])('is refused with its place: $case', async ({ files, says }) => {
    const request = 'p.go' in files ? ({ language: 'go' } as const) : {};
    const error = await plan(files, request).catch((reason) => reason);
    expect(error.reason).toBe('InvalidManifest');
    for (const part of says) {
      expect(error.message).toContain(part);
    }
  });
});

test.each([
  'requests',
  'requests==2.32.4',
  'requests [security] >= 2.8.1, == 2.8.* ; python_version < "3.9"',
  'requests @ https://example.com/requests.whl',
  'git+https://github.com/psf/requests@main',
  '-r other.txt',
  '--index-url https://example.com/simple',
  './local',
  'lib/package.whl',
  'cryptography==1 \\\n  --hash=sha256:00',
  '# a comment',
  'requests # a comment',
  '\ufeffrequests\r\nnumpy',
])('requirements.txt may have %j', async (text) => {
  await plan({ ...python, 'requirements.txt': text });
});

test('the dependencies of a project become a requirements file', async () => {
  const planned = await plan({
    ...python,
    'pyproject.toml':
      '[project]\nname = "x"\ndependencies = ["requests>=2", "numpy"]\n[tool.poetry.dependencies]\npython = "^3"',
  });
  expect(ours(planned, 'project-requirements.txt')).toBe('requests>=2\nnumpy\n');
  expect(ours(planned, 'Dockerfile')).toContain('-r .knative-lambda/project-requirements.txt || exit 65');
});

test.each([
  { a: '1.24', b: '1.9', newer: '1.24' },
  { a: '1.24', b: '1.24.2', newer: '1.24.2' },
  { a: '1.25.1', b: '1.25.10', newer: '1.25.10' },
  { a: '1.25', b: '1.24.9', newer: '1.25' },
])('of go $a and $b, $newer is newer', ({ a, b, newer }) => {
  expect(newerGo(a, b)).toBe(newer);
  expect(newerGo(b, a)).toBe(newer);
});
