/** JSON whose numbers keep their digits: a result with an id beyond 2^53 must reach the caller as it was written. */
import { isTooDeep } from './parse-json.ts';

interface Source {
  source?: string;
}
// TypeScript does not know these two yet (ECMAScript 2026).
const { parse, rawJSON } = JSON as unknown as {
  parse(text: string, reviver?: (key: string, value: unknown, context: Source) => unknown): unknown;
  rawJSON(text: string): object;
};

/** Throws where it is no JSON, or nested too deep to be written again. Only for values that are written as JSON. */
export function parseExactJson(text: string): unknown {
  const value = parse(text);
  if (isTooDeep(text)) {
    throw new RangeError('it is nested too deep');
  }
  // A reviver makes parsing slow, and short numbers need none; 1e999 has no other form.
  return /\d{16}|\d[eE][+-]?\d{3}/.test(text) ? parse(text, keepDigits) : value;
}

function keepDigits(_: string, value: unknown, { source }: Source): unknown {
  return typeof value === 'number' && source !== undefined && String(value) !== source ? rawJSON(source) : value;
}
