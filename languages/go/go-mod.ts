/** go.mod, for the module's path, its Go version and what it replaces. */
import { invalidManifest } from '#languages/invalid-manifest.ts';

export interface GoMod {
  /** Import path of the user's module. */
  module: string;
  /** The `go` line, such as `1.24` or `1.24.2`; undefined where there is none. */
  go: string | undefined;
  /** It replaces a module by a folder: that folder must be there when dependencies are downloaded. */
  replacesLocally: boolean;
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
export function parseGoMod(text: string): GoMod {
  let module: string | undefined;
  let go: string | undefined;
  let replacesLocally = false;
  let block: { directive: string; line: number } | undefined;
  for (const [index, raw] of text.split(/\r?\n/).entries()) {
    const line = index + 1;
    const words = raw
      .replace(/\/\/.*/, '')
      .trim()
      .split(/\s+/)
      .filter(Boolean);
    if (words.length === 0) {
      continue;
    }
    if (block !== undefined && words[0] === ')') {
      block = undefined;
      continue;
    }
    const directive = block?.directive ?? (words.shift() as string);
    if (!DIRECTIVES.includes(directive)) {
      throw invalidManifest(
        'go.mod',
        { line },
        `begins with ${JSON.stringify(directive.slice(0, 50))}, which is no directive of go.mod. Mend it (\`go mod edit -json\` checks it)`,
      );
    }
    if (block === undefined && words[0] === '(') {
      block = { directive, line };
      continue;
    }
    const value = unquoted(words[0] ?? '');
    if (directive === 'module') {
      if (!MODULE_PATH.test(value)) {
        throw invalidManifest(
          'go.mod',
          { line },
          `has ${JSON.stringify(value)} for a module path. Write one such as "example.com/parser"`,
        );
      }
      module = value;
    }
    if (directive === 'go') {
      if (!/^\d+\.\d+(?:\.\d+|rc\d+)?$/.test(value)) {
        throw invalidManifest(
          'go.mod',
          { line },
          `has ${JSON.stringify(value)} for a Go version. Write one such as "1.24"`,
        );
      }
      go = value;
    }
    if (directive === 'require' && !/^v\d/.test(words[1] ?? '')) {
      throw invalidManifest(
        'go.mod',
        { line },
        `requires ${JSON.stringify(value)} without a version. Run \`go mod tidy\``,
      );
    }
    const target = unquoted(words[words.indexOf('=>') + 1] ?? '');
    replacesLocally ||= directive === 'replace' && words.includes('=>') && /^\.{0,2}\//.test(target);
  }
  if (block !== undefined) {
    throw invalidManifest(
      'go.mod',
      { line: block.line },
      `opens "${block.directive} (" and never closes it. Add the ")"`,
    );
  }
  if (module === undefined) {
    throw invalidManifest(
      'go.mod',
      undefined,
      'has no module line. Add one such as "module example.com/parser" (`go mod init`)',
    );
  }
  return { module, go, replacesLocally };
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

function unquoted(word: string): string {
  return word.replace(/^["`](.*)["`]$/, '$1');
}
