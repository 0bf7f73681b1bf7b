import { describe, expect, test } from 'vitest';
import { type Files, plan } from '#test/languages/conformance/sources.ts';

const python = 'def handler(event): pass';
const node = 'exports.handler = () => {}';
const goFiles = { 'go.mod': 'module example.com/p\ngo 1.24\n', 'p.go': 'package p\nfunc Handle() {}' };
const rustFiles = { 'Cargo.toml': '[package]\nname = "p"\n', 'src/lib.rs': 'pub async fn handle() {}' };

describe('the language of a source', () => {
  test.each<{ case: string; files: Files; language: string; request?: object }>([
    { case: 'parser.py', files: { 'parser.py': python }, language: 'python' },
    { case: 'main.py', files: { 'main.py': python }, language: 'python' },
    { case: 'handler.py', files: { 'handler.py': python }, language: 'python' },
    { case: 'parser.js', files: { 'parser.js': node }, language: 'node' },
    { case: 'index.mjs', files: { 'index.mjs': 'export default () => {}' }, language: 'node' },
    { case: 'handler.cjs', files: { 'handler.cjs': node }, language: 'node' },
    { case: 'parser.ts', files: { 'parser.ts': 'export const handler = (): number => 1' }, language: 'node' },
    {
      case: "package.json's main",
      files: { 'package.json': '{"main":"./src/app"}', 'src/app.js': node },
      language: 'node',
    },
    { case: 'go.mod and a .go file', files: goFiles, language: 'go' },
    { case: 'Cargo.toml and a .rs file', files: rustFiles, language: 'rust' },
    { case: 'a Dockerfile', files: { Dockerfile: 'FROM scratch\nUSER 1', 'a.rs': '' }, language: 'docker' },
    {
      case: 'a Dockerfile beside a handler',
      files: { Dockerfile: 'FROM x/y', 'parser.py': python },
      language: 'docker',
    },
    {
      case: 'parameters.language beside a Dockerfile',
      files: { Dockerfile: 'FROM x/y', 'parser.py': python },
      language: 'python',
      request: { language: 'python' },
    },
    {
      case: 'parameters.language where two are there',
      files: { 'parser.py': python, 'parser.js': node },
      language: 'node',
      request: { language: 'node' },
    },
    {
      case: 'parameters.handler, where only one language has that module',
      files: { 'src/app.py': python, 'index.html': '' },
      language: 'python',
      request: { handler: 'src.app.handler' },
    },
    {
      case: 'the handler, not a package.json of tools',
      files: { 'parser.py': python, 'package.json': '{"devDependencies":{"husky":"9"}}' },
      language: 'python',
    },
    {
      case: 'the handler, not a requirements.txt of tools',
      files: { 'parser.js': node, 'requirements.txt': 'pre-commit' },
      language: 'node',
    },
    {
      case: "the handler, not a main that isn't there",
      files: { 'parser.py': python, 'package.json': '{"main":"index.js"}' },
      language: 'python',
    },
    {
      case: 'go.mod, not one that lacks .go files',
      files: { 'go.mod': 'module x', 'parser.py': python },
      language: 'python',
    },
  ])('is told by $case', async ({ files, language, request }) => {
    expect((await plan(files, request)).language).toBe(language);
  });

  test('is unknown where nothing tells it: what is there and what would be recognised is said', async () => {
    const error = await plan({ 'main.rs': '', 'src/lib.rs': '', 'README.md': '' }).catch((reason) => reason);
    expect(error.reason).toBe('UnknownLanguage');
    for (const named of [
      '"main.rs"',
      '"src/"',
      '"README.md"',
      'parser.py',
      'package.json',
      'go.mod',
      'Cargo.toml',
      'Dockerfile',
    ]) {
      expect(error.message).toContain(named);
    }
  });

  test.each<{ case: string; files: Files; named: string[] }>([
    {
      case: 'two handlers',
      files: { 'parser.py': python, 'parser.js': node },
      named: ['python (parser.py)', 'node (parser.js)'],
    },
    {
      case: 'three',
      files: { 'main.py': python, 'index.js': node, ...goFiles },
      named: ['"python"', '"node"', '"go"'],
    },
    {
      case: 'Rust beside another',
      files: { 'main.py': python, ...rustFiles },
      named: ['"python"', '"rust"', 'Cargo.toml, src/lib.rs'],
    },
    {
      case: 'two manifests without a handler',
      files: { 'requirements.txt': '', 'package.json': '{}' },
      named: ['requirements.txt', 'package.json'],
    },
  ])('is ambiguous with $case', async ({ files, named }) => {
    const error = await plan(files).catch((reason) => reason);
    expect(error.reason).toBe('AmbiguousLanguage');
    expect(error.message).toContain('parameters.language');
    for (const name of named) {
      expect(error.message).toContain(name);
    }
  });

  test('by its manifest alone leads to the handler that is missing', async () => {
    const error = await plan({ 'requirements.txt': 'requests', 'app.py': python }).catch((reason) => reason);
    expect(error.reason).toBe('HandlerNotFound');
    expect(error.message).toContain('parser.py, main.py or handler.py');
    expect(error.message).toContain('app.py');
  });
});
