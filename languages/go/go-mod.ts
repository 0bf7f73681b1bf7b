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
  for (const statement of statementsOf(text)) {
    switch (statement.directive) {
      case 'module':
        module = modulePath(statement);
        break;
      case 'go':
        go = goVersion(statement);
        break;
      case 'require':
        checkRequirement(statement);
        break;
      case 'replace':
        replacesLocally ||= replacesByFolder(statement);
        break;
      default:
    }
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

interface Statement {
  line: number;
  directive: string;
  /** What follows the directive. */
  words: string[];
}

/** One for each line that says something; those of a block `require ( … )` have the block's directive. */
function* statementsOf(text: string): Iterable<Statement> {
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
    checkDirective(directive, line);
    if (block === undefined && words[0] === '(') {
      block = { directive, line };
      continue;
    }
    yield { line, directive, words };
  }
  if (block !== undefined) {
    throw invalidManifest(
      'go.mod',
      { line: block.line },
      `opens "${block.directive} (" and never closes it. Add the ")"`,
    );
  }
}

function checkDirective(directive: string, line: number): void {
  if (!DIRECTIVES.includes(directive)) {
    throw invalidManifest(
      'go.mod',
      { line },
      `begins with ${JSON.stringify(directive.slice(0, 50))}, which is no directive of go.mod. Mend it (\`go mod edit -json\` checks it)`,
    );
  }
}

function modulePath({ line, words }: Statement): string {
  const path = unquoted(words[0] ?? '');
  if (!MODULE_PATH.test(path)) {
    throw invalidManifest(
      'go.mod',
      { line },
      `has ${JSON.stringify(path)} for a module path. Write one such as "example.com/parser"`,
    );
  }
  return path;
}

function goVersion({ line, words }: Statement): string {
  const version = unquoted(words[0] ?? '');
  if (!/^\d+\.\d+(?:\.\d+|rc\d+)?$/.test(version)) {
    throw invalidManifest(
      'go.mod',
      { line },
      `has ${JSON.stringify(version)} for a Go version. Write one such as "1.24"`,
    );
  }
  return version;
}

function checkRequirement({ line, words }: Statement): void {
  if (!/^v\d/.test(words[1] ?? '')) {
    const module = unquoted(words[0] ?? '');
    throw invalidManifest(
      'go.mod',
      { line },
      `requires ${JSON.stringify(module)} without a version. Run \`go mod tidy\``,
    );
  }
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

function unquoted(word: string): string {
  return word.replace(/^["`](.*)["`]$/, '$1');
}
