/**
 * Source text without its comments and the contents of its strings, so that what is left can be read with simple
 * patterns.
 */

/** From an opening sign to a closing one; `body` is all up to the first of them that closes. */
interface Token {
  open: string;
  body: RegExp;
  close: string;
  /** Its signs stay. */
  isString: boolean;
}

export const token = (open: string, body: RegExp, close: string, isString = true): Token => ({
  open,
  body,
  close,
  isString,
});

export const LINE = /[^\n]*/y;
export const BLOCK = /(?:[^*]|\*(?!\/))*/y;
export const DOUBLE = /(?:\\[\s\S]|[^"\\\n])*/y;
export const SINGLE = /(?:\\[\s\S]|[^'\\\n])*/y;

/** What is no code in a language. */
export interface Syntax {
  /** Tried in order at each position. */
  tokens: readonly Token[];
  /** Tried after them, unless the last sign that is no blank matches `notAfter`. */
  regularExpression?: { token: Token; notAfter: RegExp };
}

/**
 * Same length, same line breaks: offsets and lines are those of the original. In a time that grows with the length
 * alone, whatever is written.
 */
export function maskSource(source: string, { tokens, regularExpression }: Syntax): string {
  const starts = new Set(tokens.map(({ open }) => open[0]));
  const masked: string[] = [];
  let position = 0;
  /** Of the last sign that is no blank. */
  let last = '';
  // Where a token that is never closed has been read to: one of its kind that begins before is not closed either, and
  // need not be read again.
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
      hopeless.set(kind, kind === regularExpression?.token ? lineEnd(source, end) : end);
      return undefined;
    }
    return source.slice(position, end + close.length);
  };
  const takeAny = (): { text: string; isString: boolean } | undefined => {
    const character = source[position] as string;
    for (const kind of starts.has(character) ? tokens : []) {
      const text = take(kind);
      if (text !== undefined) {
        return { text, isString: kind.isString };
      }
    }
    if (regularExpression === undefined || regularExpression.notAfter.test(last)) {
      return undefined;
    }
    const text = take(regularExpression.token);
    return text === undefined ? undefined : { text, isString: true };
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
