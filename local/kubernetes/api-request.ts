/** One request to an object, a collection or a subresource, as the verbs see it, and what they answer. */
import type { IncomingMessage } from 'node:http';
import type { KubeObject } from '#shared/kubernetes/object.ts';
import { ApiError } from './api-error.ts';
import { parseFieldSelector } from './field-selector.ts';
import { parseLabelSelector } from './label-selector.ts';
import { negotiate } from './media-type.ts';
import type { ObjectTable } from './object-table.ts';
import type { View } from './represent.ts';
import type { RequestTarget } from './request-target.ts';

export interface ApiRequest {
  table: ObjectTable;
  target: RequestTarget;
  query: URLSearchParams;
  message: IncomingMessage;
}

export interface Answer {
  code: number;
  body: unknown;
  /** application/json where it is not said. */
  contentType?: string;
}

export function viewOf({ message, query }: ApiRequest): View {
  return { as: negotiate(message.headers.accept), includeObject: query.get('includeObject') || 'Metadata' };
}

/** Whether an object is of the collection that the request names, by namespace, name and selectors. */
export function selectionOf({ target, query }: ApiRequest): (object: KubeObject) => boolean {
  const labels = parseLabelSelector(query.get('labelSelector') ?? '');
  const fields = parseFieldSelector(query.get('fieldSelector') ?? '');
  return (object) => {
    const { metadata } = object;
    if (target.namespace !== undefined && metadata.namespace !== target.namespace) {
      return false;
    }
    if (target.name !== undefined && metadata.name !== target.name) {
      return false;
    }
    return labels(metadata.labels ?? {}) && fields(object);
  };
}

/** Of a query or of delete options. Whoever only wants to know what would happen must not find it done. */
export function refuseDryRun(asked: unknown): void {
  if (asked && String(asked) !== '') {
    throw ApiError.badRequest('the embedded API has no dry runs');
  }
}

/** Who writes: as the client says, or else the program that its User-Agent names. */
export function managerOf({ query, message }: ApiRequest): string {
  const program = message.headers['user-agent']?.split('/')[0]?.slice(0, 128);
  return query.get('fieldManager') || program || 'unknown';
}
