/** Words, quotes and variables of a Dockerfile's line. */
import { BuildError } from './build-error.ts';

/** `${a:-${b:-…}}`: deeper than anybody writes, and far from where the stack ends. */
const MAX_DEPTH = 100;
/** A process can't be started with a variable longer than this (Linux's MAX_ARG_STRLEN): doubled line by line, one would fill the memory. */
const MAX_LENGTH = 128 * 1024;

export type Variables = Readonly<Record<string, string | undefined>>;

/** At blanks that no quote and no escape protects; the words keep their quotes. */
export function splitWords(text: string, escapeChar: string): string[] {
  const words: string[] = [];
  let word = '';
  let quote = '';
  for (let index = 0; index < text.length; index++) {
    const char = text.charAt(index);
    if (char === escapeChar && quote !== "'" && index + 1 < text.length) {
      word += char + text.charAt(++index);
    } else if (quote !== '') {
      word += char;
      if (char === quote) {
        quote = '';
      }
    } else if (char === '"' || char === "'") {
      quote = char;
      word += char;
    } else if (/\s/.test(char)) {
      if (word !== '') {
        words.push(word);
      }
      word = '';
    } else {
      word += char;
    }
  }
  if (word !== '') {
    words.push(word);
  }
  return words;
}

/**
 * Removes quotes and escapes and puts variables in: `$NAME`, `${NAME}`, `${NAME:-word}`, `${NAME:+word}`, `${NAME:?word}`, the same without
 * the colon. Within single quotes nothing is replaced. Throws BuildError.
 */
export function expandWord(text: string, variables: Variables, escapeChar: string): string {
  const reader = new WordReader(text, variables, escapeChar);
  const expanded = reader.read('');
  if (expanded.length > MAX_LENGTH && expanded.length > text.length) {
    throw new BuildError(
      `${shorten(text)} becomes ${expanded.length} characters with its variables; at most ${MAX_LENGTH} are taken`,
    );
  }
  return expanded;
}

function shorten(text: string): string {
  return text.length <= 200 ? text : `${text.slice(0, 200)}…`;
}

class WordReader {
  readonly #text: string;
  readonly #variables: Variables;
  readonly #escapeChar: string;
  #index = 0;
  #depth = 0;

  constructor(text: string, variables: Variables, escapeChar: string) {
    this.#text = text;
    this.#variables = variables;
    this.#escapeChar = escapeChar;
  }

  /** Up to `end`, which is taken as well; the empty `end` is that of the text. */
  read(end: string): string {
    let result = '';
    while (this.#index < this.#text.length) {
      const char = this.#text.charAt(this.#index);
      if (char === end) {
        this.#index++;
        return result;
      }
      if (char === "'") {
        result += this.#singleQuoted();
      } else if (char === '"') {
        result += this.#doubleQuoted();
      } else if (char === '$') {
        result += this.#variable();
      } else {
        result += this.#plain();
      }
    }
    if (end !== '') {
      throw new BuildError(`syntax error in "${shorten(this.#text)}": missing ${end}`);
    }
    return result;
  }

  #plain(): string {
    const char = this.#text.charAt(this.#index++);
    if (char !== this.#escapeChar) {
      return char;
    }
    return this.#index < this.#text.length ? this.#text.charAt(this.#index++) : char;
  }

  #singleQuoted(): string {
    const close = this.#text.indexOf("'", this.#index + 1);
    if (close === -1) {
      throw new BuildError(
        `unexpected end of statement while looking for matching single-quote in: ${shorten(this.#text)}`,
      );
    }
    const inside = this.#text.slice(this.#index + 1, close);
    this.#index = close + 1;
    return inside;
  }

  #doubleQuoted(): string {
    this.#index++;
    let result = '';
    while (this.#index < this.#text.length) {
      const char = this.#text.charAt(this.#index);
      if (char === '"') {
        this.#index++;
        return result;
      }
      if (char === '$') {
        result += this.#variable();
      } else if (char === this.#escapeChar && /["$\\]/.test(this.#text.charAt(this.#index + 1))) {
        result += this.#text.charAt(this.#index + 1);
        this.#index += 2;
      } else {
        result += char;
        this.#index++;
      }
    }
    throw new BuildError(
      `unexpected end of statement while looking for matching double-quote in: ${shorten(this.#text)}`,
    );
  }

  #variable(): string {
    this.#index++;
    if (this.#text.charAt(this.#index) === '{') {
      return this.#braced();
    }
    const name = /^(?:[A-Za-z_][A-Za-z0-9_]*|[0-9@*#?!$-])/.exec(this.#text.slice(this.#index))?.[0];
    if (name === undefined) {
      return '$';
    }
    this.#index += name.length;
    return this.#value(name) ?? '';
  }

  #braced(): string {
    const match = /^\{([A-Za-z_][A-Za-z0-9_]*|[0-9]+)(:?[-+?]|\})/.exec(this.#text.slice(this.#index));
    if (match === null) {
      throw new BuildError(
        `unsupported modifier or name in variable "$${this.#text.slice(this.#index, this.#index + 30)}" of: ${shorten(this.#text)}`,
      );
    }
    const [whole, name = '', operator = ''] = match;
    this.#index += whole.length;
    const value = this.#value(name);
    if (operator === '}') {
      return value ?? '';
    }
    if (++this.#depth > MAX_DEPTH) {
      throw new BuildError(`variables are nested more than ${MAX_DEPTH} levels deep in: ${shorten(this.#text)}`);
    }
    const word = this.read('}');
    this.#depth--;
    const isSet = value !== undefined && (operator.length === 1 || value !== '');
    if (operator.endsWith('-')) {
      return isSet ? value : word;
    }
    if (operator.endsWith('+')) {
      return isSet ? word : '';
    }
    if (isSet) {
      return value;
    }
    throw new BuildError(`${name}: ${word === '' ? 'is not allowed to be unset' : word}`);
  }

  #value(name: string): string | undefined {
    return Object.hasOwn(this.#variables, name) ? this.#variables[name] : undefined;
  }
}
