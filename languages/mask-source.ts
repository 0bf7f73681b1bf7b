/** Source text without its comments and the contents of its strings, so that what is left can be read with simple patterns. */

/** From an opening sign to a closing one; `body` is all up to the first of them that closes. */
interface Token {
  open: string;
  body: RegExp;
  close: string;
  /** Its signs stay. */
  isString: boolean;
}

const token = (open: string, body: RegExp, close: string, isString = true): Token => ({ open, body, close, isString });

const LINE = /[^\n]*/y;
const BLOCK = /(?:[^*]|\*(?!\/))*/y;
const DOUBLE = /(?:\\[\s\S]|[^"\\\n])*/y;
const SINGLE = /(?:\\[\s\S]|[^'\\\n])*/y;

/** Tried in order at each position. */
const syntaxes = {
  python: [
    token('"""', /(?:\\[\s\S]|(?!""")[^\\])*/y, '"""'),
    token("'''", /(?:\\[\s\S]|(?!''')[^\\])*/y, "'''"),
    token('"', DOUBLE, '"'),
    token("'", SINGLE, "'"),
    token('#', LINE, '', false),
  ],
  go: [
    token('`', /[^`]*/y, '`'),
    token('"', /(?:\\.|[^"\\\n])*/y, '"'),
    token("'", /(?:\\.|[^'\\\n])*/y, "'"),
    token('//', LINE, '', false),
    token('/*', BLOCK, '*/', false),
  ],
  // A template's `${…}` is masked with it: nobody exports from in there. A template inside a template ends the outer one early, which may
  // hide an export but never a whole file (see exports-of-node.ts: what is not understood is accepted).
  javascript: [
    token('//', LINE, '', false),
    token('/*', BLOCK, '*/', false),
    token('"', DOUBLE, '"'),
    token("'", SINGLE, "'"),
    token('`', /(?:\\[\s\S]|[^`\\])*/y, '`'),
  ],
};

/** After these a slash divides; after anything else it begins a regular expression. */
const DIVIDES = /[\w$)\]}]/;

const regularExpression = token('/', /(?!\*)(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\[\n])+/y, '/');

/** Same length, same line breaks: offsets and lines are those of the original. In a time that grows with the length alone, whatever is written. */
export function maskSource(source: string, language: keyof typeof syntaxes): string {
  const tokens = syntaxes[language];
  const starts = new Set(tokens.map(({ open }) => open[0]));
  const masked: string[] = [];
  let position = 0;
  /** Of the last sign that is no blank. */
  let last = '';
  // Where a token that is never closed has been read to: one of its kind that begins before is not closed either, and need not be read again.
  const hopeless = new Map<Token, number>();
  const take = (kind: Token): string | undefined => {
    const { open, body, close } = kind;
    if (!source.startsWith(open, position) || position < (hopeless.get(kind) ?? 0)) {
      return undefined;
    }
    body.lastIndex = position + open.length;
    const inside = body.exec(source)?.[0];
    const end = position + open.length + (inside?.length ?? 0);
    if (inside === undefined || !source.startsWith(close, end)) {
      hopeless.set(kind, kind === regularExpression ? lineEnd(source, end) : end);
      return undefined;
    }
    return source.slice(position, end + close.length);
  };
  const takeAny = (): { text: string; isString: boolean } | undefined => {
    const character = source[position] as string;
    if (starts.has(character)) {
      for (const kind of tokens) {
        const text = take(kind);
        if (text !== undefined) {
          return { text, isString: kind.isString };
        }
      }
    }
    if (language === 'javascript' && character === '/' && !DIVIDES.test(last)) {
      const text = take(regularExpression);
      return text === undefined ? undefined : { text, isString: true };
    }
    return undefined;
  };
  while (position < source.length) {
    const found = takeAny();
    const text = found?.text ?? (source[position] as string);
    const shown = found === undefined ? text : found.isString ? quoted(text) : blank(text);
    masked.push(shown);
    last = /\S$/.exec(shown)?.[0] ?? last;
    position += text.length;
  }
  return masked.join('');
}

function lineEnd(source: string, position: number): number {
  const end = source.indexOf('\n', position);
  return end === -1 ? source.length : end;
}

function quoted(text: string): string {
  return text.length < 2 ? text : `${text[0]}${blank(text.slice(1, -1))}${text.at(-1)}`;
}

function blank(text: string): string {
  return text.replace(/[^\n]/g, ' ');
}
