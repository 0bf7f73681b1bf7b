/** GET of an object or of a collection. */
import { type Answer, type ApiRequest, selectionOf, viewOf } from './api-request.ts';
import { representList, representObject } from './represent.ts';

/** `limit` is not applied: a list is always whole, so there is never a `continue`. */
export function answerRead(request: ApiRequest): Answer {
  const { table, target } = request;
  const { resource, namespace, name } = target;
  const view = viewOf(request);
  if (name !== undefined) {
    return { code: 200, body: representObject(resource, table.get(resource, namespace, name), view) };
  }
  const found = table.list(resource, namespace).filter(selectionOf(request));
  return { code: 200, body: representList(resource, found, table.version, view) };
}
