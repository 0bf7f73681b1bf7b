/**
 * An event of which not all can be read, by what an answer needs. Its sender learns by the answer what is wrong: a
 * Broker takes a 4xx for delivered.
 */
import { readBinary } from '#shared/runtime/binary-mode.ts';
import { isStructured } from '#shared/runtime/media-type.ts';
import type { FunctionRequest } from '#shared/runtime/request.ts';
import { readStructured } from '#shared/runtime/structured-mode.ts';

/** Undefined where it is no event at all. */
export function identifiedEvent(request: FunctionRequest, limit: number): Record<string, unknown> | undefined {
  let attributes: Record<string, unknown>;
  try {
    const read = isStructured(request.headers['content-type']) ? readStructured : readBinary;
    ({ attributes } = read(request, limit));
  } catch {
    return undefined;
  }
  const { specversion, id, source, type } = attributes;
  const isEvent = [id, source, type].every((value) => typeof value === 'string' && value !== '');
  return specversion === '1.0' && isEvent ? attributes : undefined;
}
