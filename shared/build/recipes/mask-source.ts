/** Source text without its comments and the contents of its strings, so that what is left can be read with simple patterns. */

interface Syntax {
  /** Tried in order at each position. */
  tokens: RegExp;
  /** Whether the match is a string: its quotes stay. */
  isString: (token: string) => boolean;
}

const python: Syntax = {
  tokens:
    /"""(?:\\[\s\S]|(?!""")[^\\])*"""|'''(?:\\[\s\S]|(?!''')[^\\])*'''|"(?:\\[\s\S]|[^"\\\n])*"|'(?:\\[\s\S]|[^'\\\n])*'|#[^\n]*/y,
  isString: (token) => !token.startsWith('#'),
};

const go: Syntax = {
  tokens: /`[^`]*`|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|\/\/[^\n]*|\/\*[\s\S]*?\*\//y,
  isString: (token) => !token.startsWith('/'),
};

// A template's `${…}` is masked with it: nobody exports from in there. A template inside a template ends the outer one early, which may
// hide an export but never a whole file (see exports-of-node.ts: what is not understood is accepted).
const javascript: Syntax = {
  tokens: /\/\/[^\n]*|\/\*[\s\S]*?\*\/|"(?:\\[\s\S]|[^"\\\n])*"|'(?:\\[\s\S]|[^'\\\n])*'|`(?:\\[\s\S]|[^`\\])*`/y,
  isString: (token) => !token.startsWith('/'),
};

const syntaxes = { python, go, javascript };

/** After these a slash divides; after anything else it begins a regular expression. */
const DIVIDES = /[\w$)\]}]\s*$/;
const REGULAR_EXPRESSION = /\/(?![*/])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\[\n])+\/[a-z]*/y;

/** Same length, same line breaks: offsets and lines are those of the original. */
export function maskSource(source: string, language: keyof typeof syntaxes): string {
  const { tokens, isString } = syntaxes[language];
  let masked = '';
  let position = 0;
  const take = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = position;
    return pattern.exec(source)?.[0];
  };
  while (position < source.length) {
    const token = take(tokens);
    if (token !== undefined) {
      masked += isString(token) ? quoted(token) : blank(token);
      position += token.length;
      continue;
    }
    const character = source[position] as string;
    if (language === 'javascript' && character === '/' && !DIVIDES.test(masked.slice(-80))) {
      const expression = take(REGULAR_EXPRESSION);
      if (expression !== undefined) {
        masked += quoted(expression);
        position += expression.length;
        continue;
      }
    }
    masked += character;
    position += 1;
  }
  return masked;
}

function quoted(token: string): string {
  return token.length < 2 ? token : `${token[0]}${blank(token.slice(1, -1))}${token.at(-1)}`;
}

function blank(text: string): string {
  return text.replace(/[^\n]/g, ' ');
}
