/** Parses JSON that came from outside. */

/** JSON.parse takes any depth, but JSON.stringify overflows the stack at some thousands of levels. */
const MAX_DEPTH = 200;

/** Throws an Error whose message says what is wrong, for UTF-8, syntax and depth alike. */
export function parseJson(bytes: Buffer): unknown {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new Error('is not valid UTF-8');
  }
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    throw new Error(`is no valid JSON: ${(error instanceof Error ? error.message : String(error)).slice(0, 200)}`);
  }
  if (isTooDeep(text)) {
    throw new Error(`is nested more than ${MAX_DEPTH} levels deep`);
  }
  return parsed;
}

/** Whether it is nested deeper than we accept. `text` must be valid JSON. */
export function isTooDeep(text: string): boolean {
  // Most texts are shorter than that.
  return text.length > MAX_DEPTH && depthOf(text) > MAX_DEPTH;
}

function depthOf(text: string): number {
  let depth = 0;
  let deepest = 0;
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"|[[\]{}]/gs)) {
    if (token === '[' || token === '{') {
      depth += 1;
      deepest = Math.max(deepest, depth);
    } else if (token === ']' || token === '}') {
      depth -= 1;
    }
  }
  return deepest;
}
