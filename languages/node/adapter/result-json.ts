/** What a handler returns, as JSON. What JSON has no form for is refused: `{}` in its place would be a silent loss. */

/** ECMAScript 2026, which TypeScript does not know yet. */
const { rawJSON } = JSON as unknown as { rawJSON(text: string): object };

export class ResultNotSerializable extends Error {
  override readonly name = 'ResultNotSerializable';

  constructor(problem: string, instead = 'objects, arrays, strings, numbers, booleans or null') {
    super(`the handler's result can't be written as JSON (${problem}): return ${instead}`);
  }
}

/** Throws ResultNotSerializable. */
export function resultJson(result: unknown): string {
  let json: string | undefined;
  try {
    json = JSON.stringify(result, writable);
  } catch (error) {
    throw error instanceof ResultNotSerializable
      ? error
      : new ResultNotSerializable(String(Object(error).message ?? error).split('\n')[0] ?? '');
  }
  if (json === undefined) {
    throw new ResultNotSerializable(`it is a ${typeof result}`);
  }
  return json;
}

/** For what the adapter itself writes: long integers keep their digits. */
export function exactJson(value: unknown): string {
  return JSON.stringify(value, (_, entry) => (typeof entry === 'bigint' ? rawJSON(String(entry)) : entry));
}

/** By name of the class: what to return in its place. */
const INSTEAD: Record<string, string> = {
  Map: 'Object.fromEntries(map)',
  Set: '[...set]',
  Response: 'what is in it, such as await response.json()',
  Promise: 'what it resolves to: await it',
  Generator: 'all that it yields: [...generator]',
  AsyncGenerator: 'all that it yields: await Array.fromAsync(generator)',
  Error: 'its message, or throw it',
};

function writable(this: unknown, key: string, value: unknown): unknown {
  if (typeof value === 'number' && !Number.isFinite(value)) {
    throw new ResultNotSerializable(`${value} is no number of JSON`, 'null, or a string, in its place');
  }
  if (typeof value === 'bigint') {
    return rawJSON(String(value));
  }
  // Buffers have a toJSON, which ran before: a list of numbers, four times as long.
  const original = (this as Record<string, unknown>)[key];
  if (ArrayBuffer.isView(original) || original instanceof ArrayBuffer) {
    throw new ResultNotSerializable('it has bytes', "Buffer.from(bytes).toString('base64')");
  }
  if (typeof value === 'object' && value !== null) {
    const tag = Object.prototype.toString.call(value).slice('[object '.length, -1);
    const name = value instanceof Error ? 'Error' : tag;
    // A class of the user's may have a name of its own, and all its data in fields.
    if (name === 'Error' || (!PLAIN.has(tag) && Object.keys(value).length === 0)) {
      throw new ResultNotSerializable(`it has a ${name}`, INSTEAD[name]);
    }
  }
  return value;
}

const PLAIN = new Set(['Object', 'Array', 'String', 'Number', 'Boolean', 'Arguments']);
