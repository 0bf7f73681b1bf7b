/** Words, quotes and variables of a Dockerfile's line. */
import { BuildError } from './build-error.ts';

/**
 * A process can't be started with a variable longer than this (Linux's MAX_ARG_STRLEN): doubled line by line, one would
 * fill the memory.
 */
const MAX_LENGTH = 128 * 1024;

export type Variables = Readonly<Record<string, string | undefined>>;

/** At blanks that no quote and no backslash protects; the words keep their quotes. */
export function splitWords(text: string): string[] {
  return text.match(/(?:\\[\s\S]|"(?:\\[\s\S]|[^"\\])*"|'[^']*'|\S)+/g) ?? [];
}

/** `$NAME`, `${NAME}`, `${NAME:-word}`; the word may hold variables, which hold no further words. */
const VARIABLE =
  /\$(?:(?<bare>[a-z_]\w*)|\{(?<name>[a-z_]\w*)(?:(?<operator>:?[-+?])(?<word>(?:[^{}]|\$\{[^{}]*\})*))?\})/i.source;
const WORD = new RegExp(
  `'(?<single>[^']*)'|"(?<double>(?:\\\\[^]|[^"\\\\])*)"|\\\\(?<escaped>[^])|${VARIABLE}|(?<broken>['"]|\\$\\{)`,
  'gi',
);
const QUOTED = new RegExp(`\\\\(?<escaped>["$\\\\])|${VARIABLE}|(?<broken>\\$\\{)`, 'gi');

/** Removes quotes and backslashes, and puts variables in, but not within single quotes. Throws BuildError. */
export function expandWord(text: string, variables: Variables): string {
  const expanded = expand(text, WORD, variables);
  if (expanded.length > MAX_LENGTH && expanded.length > text.length) {
    throw new BuildError(
      `${shorten(text)} becomes ${expanded.length} characters with its variables; at most ${MAX_LENGTH} are taken`,
    );
  }
  return expanded;
}

function expand(text: string, pattern: RegExp, variables: Variables): string {
  return text.replace(pattern, (...match) => {
    const groups = match.at(-1) as Record<string, string | undefined>;
    const { single, double, escaped, broken } = groups;
    if (broken !== undefined) {
      throw new BuildError(`a quote without its end, or a variable that is not supported, in: ${shorten(text)}`);
    }
    if (double !== undefined) {
      return expand(double, QUOTED, variables);
    }
    return single ?? escaped ?? variableValue(groups, variables);
  });
}

function variableValue(
  { bare, name = bare ?? '', operator = '', word = '' }: Record<string, string | undefined>,
  variables: Variables,
): string {
  const value = Object.hasOwn(variables, name) ? variables[name] : undefined;
  const isSet = value !== undefined && !(operator.startsWith(':') && value === '');
  switch (operator.at(-1)) {
    case '+':
      return isSet ? expandWord(word, variables) : '';
    case '-':
      return isSet ? value : expandWord(word, variables);
    case '?':
      if (!isSet) {
        throw new BuildError(`${name}: ${word || 'is not allowed to be unset'}`);
      }
      return value;
    default:
      return value ?? '';
  }
}

function shorten(text: string): string {
  return text.length <= 200 ? text : `${text.slice(0, 200)}…`;
}
