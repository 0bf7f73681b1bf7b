/** The lines of go.mod and go.work, which have the same form. */
import { invalidManifest } from '#languages/invalid-manifest.ts';

export interface Statement {
  line: number;
  directive: string;
  /** What follows the directive. */
  words: string[];
}

/** One for each line that says something; those of a block `require ( … )` have the block's directive. */
export function* statementsOf(text: string, file: string, directives: readonly string[]): Iterable<Statement> {
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
    checkDirective(directive, line, file, directives);
    if (block === undefined && words[0] === '(') {
      block = { directive, line };
      continue;
    }
    yield { line, directive, words };
  }
  if (block !== undefined) {
    throw invalidManifest(file, { line: block.line }, `opens "${block.directive} (" and never closes it. Add the ")"`);
  }
}

function checkDirective(directive: string, line: number, file: string, directives: readonly string[]): void {
  if (!directives.includes(directive)) {
    throw invalidManifest(
      file,
      { line },
      `begins with ${JSON.stringify(directive.slice(0, 50))}, which is no directive of ${file.replace(/.*\//, '')}. Mend it (\`go ${file.endsWith('.work') ? 'work' : 'mod'} edit -json\` checks it)`,
    );
  }
}

export function unquoted(word: string): string {
  return word.replace(/^["`](.*)["`]$/, '$1');
}
