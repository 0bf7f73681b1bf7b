/** JSON whose long integers keep their digits: they become BigInts, since a number of JavaScript would round them. */
import { isJson, isStructured, mediaType } from '#shared/runtime/media-type.ts';
import type { FunctionRequest } from '#shared/runtime/request.ts';

/** ECMAScript 2026, which TypeScript does not know yet. */
const { parse } = JSON as unknown as {
  parse(text: string, reviver: (key: string, value: unknown, context: { source?: string }) => unknown): unknown;
};

/** `data` as it was decoded already; what has no long integer is that very value. */
export function withExactIntegers(data: unknown, { headers, body }: FunctionRequest): unknown {
  const type = headers['content-type'];
  const structured = isStructured(type);
  if (typeof data !== 'object' && typeof data !== 'number') {
    return data;
  }
  const mayBeJson = structured || isJson(type) || mediaType(type) === '';
  const text = mayBeJson && !Buffer.isBuffer(data) ? (body?.toString('utf8') ?? '') : '';
  // A reviver makes parsing slow, and most data has no number of that length.
  if (!/\d{16}/.test(text)) {
    return data;
  }
  const exact = parse(text, (_, value, { source }) =>
    typeof value === 'number' && !Number.isSafeInteger(value) && /^-?\d+$/.test(source ?? '')
      ? BigInt(source as string)
      : value,
  );
  return structured ? ((exact as { data?: unknown }).data ?? data) : exact;
}
