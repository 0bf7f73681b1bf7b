/** go.mod, for the module's path, its Go version and what it replaces. */
import { invalidManifest } from '#languages/invalid-manifest.ts';
import { type Statement, statementsOf, unquoted } from './go-statements.ts';

export interface GoMod {
  /** Import path of the user's module. */
  module: string;
  /** The `go` line, such as `1.24` or `1.24.2`; undefined where there is none. */
  go: string | undefined;
  /** It replaces a module by a folder: that folder must be there when dependencies are downloaded. */
  replacesLocally: boolean;
  requires: { path: string; version: string; line: number }[];
}

const DIRECTIVES = [
  'module',
  'go',
  'toolchain',
  'godebug',
  'require',
  'exclude',
  'replace',
  'retract',
  'tool',
  'ignore',
];
const MODULE_PATH = /^[A-Za-z0-9._~-]+(?:\/[A-Za-z0-9._~-]+)*$/;

/** Throws PermanentError InvalidManifest with the line. */
export function parseGoMod(text: string, file = 'go.mod'): GoMod {
  const requires: GoMod['requires'] = [];
  let module: string | undefined;
  let go: string | undefined;
  let replacesLocally = false;
  for (const statement of statementsOf(text, file, DIRECTIVES)) {
    switch (statement.directive) {
      case 'module':
        module = modulePath(statement, file);
        break;
      case 'go':
        go = goVersion(statement, file);
        break;
      case 'require':
        requires.push(requirement(statement, file));
        break;
      case 'replace':
        replacesLocally ||= replacesByFolder(statement);
        break;
      default:
    }
  }
  if (module === undefined) {
    throw invalidManifest(
      file,
      undefined,
      'has no module line. Add one such as "module example.com/parser" (`go mod init`)',
    );
  }
  return { module, go, replacesLocally, requires };
}

function modulePath({ line, words }: Statement, file: string): string {
  const path = unquoted(words[0] ?? '');
  if (!MODULE_PATH.test(path)) {
    throw invalidManifest(
      file,
      { line },
      `has ${JSON.stringify(path)} for a module path. Write one such as "example.com/parser"`,
    );
  }
  return path;
}

function goVersion({ line, words }: Statement, file: string): string {
  const version = unquoted(words[0] ?? '');
  if (!/^\d+\.\d+(?:\.\d+|rc\d+)?$/.test(version)) {
    throw invalidManifest(file, { line }, `has ${JSON.stringify(version)} for a Go version. Write one such as "1.24"`);
  }
  return version;
}

function requirement({ line, words }: Statement, file: string): GoMod['requires'][number] {
  const module = unquoted(words[0] ?? '');
  if (!/^v\d/.test(words[1] ?? '')) {
    throw invalidManifest(file, { line }, `requires ${JSON.stringify(module)} without a version. Run \`go mod tidy\``);
  }
  return { path: module, version: words[1] ?? '', line };
}

function replacesByFolder({ words }: Statement): boolean {
  const target = unquoted(words[words.indexOf('=>') + 1] ?? '');
  return words.includes('=>') && /^\.{0,2}\//.test(target);
}

/** The newer of two `go` lines, which is what a workspace with both needs. */
export function newerGo(a: string, b: string): string {
  const [left, right] = [a, b].map((version) => version.split(/\.|rc/).map(Number)) as [number[], number[]];
  for (let index = 0; index < 3; index += 1) {
    const difference = (left[index] ?? 0) - (right[index] ?? 0);
    if (difference !== 0) {
      return difference > 0 ? a : b;
    }
  }
  return a;
}
