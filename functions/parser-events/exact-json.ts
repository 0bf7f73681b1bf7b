/** JSON whose numbers keep their digits: a result with an id beyond 2^53 must reach the caller as it was written. */

interface Source {
  source?: string;
}
// TypeScript does not know these two yet (ECMAScript 2026).
const { parse, rawJSON } = JSON as unknown as {
  parse(text: string, reviver?: (key: string, value: unknown, context: Source) => unknown): unknown;
  rawJSON(text: string): object;
};

/** Throws SyntaxError. Only for values that are written as JSON again. */
export function parseExactJson(text: string): unknown {
  // A reviver makes parsing slow, and short numbers need none.
  return /\d{16}/.test(text) ? parse(text, keepDigits) : parse(text);
}

function keepDigits(_: string, value: unknown, { source }: Source): unknown {
  return typeof value === 'number' && source !== undefined && String(value) !== source ? rawJSON(source) : value;
}
