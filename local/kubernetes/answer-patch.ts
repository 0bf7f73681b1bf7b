/** PATCH, in its four forms. */

import { JsonPatchError, jsonPatch } from '#shared/kubernetes/json-patch.ts';
import { mergePatch } from '#shared/kubernetes/merge-patch.ts';
import type { KubeObject } from '#shared/kubernetes/object.ts';
import { ApiError } from './api-error.ts';
import { type Answer, type ApiRequest, managerOf, viewOf } from './api-request.ts';
import { applyObject } from './apply-object.ts';
import { isMap } from './field-set.ts';
import { givenObject } from './given-object.ts';
import { readBody } from './read-body.ts';
import { representObject } from './represent.ts';
import { updateObject, updateStatus } from './update-object.ts';

const APPLY = 'application/apply-patch+yaml';
const STRATEGIC = 'application/strategic-merge-patch+json';
const PATCHES: Record<string, (target: unknown, patch: unknown) => unknown> = {
  'application/json-patch+json': jsonPatchOrRefuse,
  'application/merge-patch+json': mergePatch,
  [STRATEGIC]: (target, patch) => mergePatch(target, withoutDirectives(patch)),
};

export async function answerPatch(request: ApiRequest): Promise<Answer> {
  const { table, target, message } = request;
  const { resource, namespace, name, subresource } = target;
  if (name === undefined) {
    throw ApiError.methodNotAllowed();
  }
  const view = viewOf(request);
  // Custom kinds have no schema of merge keys, so no strategic merge patch.
  const types = Object.keys(PATCHES).filter((type) => !resource.custom || type !== STRATEGIC);
  const { contentType, value } = await readBody(message, [...types, APPLY]);
  if (contentType === APPLY && subresource === undefined) {
    return answerApply(request, value);
  }

  const current = table.get(resource, namespace, name);
  const patch = contentType === APPLY ? mergePatch : PATCHES[contentType];
  if (!patch) {
    throw ApiError.badRequest('a patch needs a body');
  }
  const patched = givenObject(patch(current, value), target) as KubeObject;
  const write = subresource === 'status' ? updateStatus : updateObject;
  const written = write(table, resource, current, patched, { manager: managerOf(request) });
  return { code: 200, body: representObject(resource, written, view) };
}

function answerApply(request: ApiRequest, value: unknown): Answer {
  const { table, target, query } = request;
  const { resource, namespace, name } = target;
  const fieldManager = query.get('fieldManager');
  if (!fieldManager) {
    const message = 'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch';
    throw new ApiError(422, 'Invalid', message, { group: 'meta.k8s.io', kind: 'PatchOptions' });
  }
  const existed = table.find(resource, namespace, name ?? '') !== undefined;
  const options = { fieldManager, force: query.get('force') === 'true' };
  const applied = applyObject(table, resource, givenObject(value, target), options);
  return { code: existed ? 200 : 201, body: representObject(resource, applied, viewOf(request)) };
}

/**
 * kubectl sends a strategic merge patch for the built-in kinds (apply, label, patch). Its directives are about the
 * items of lists, and lists are replaced as a whole here.
 */
function withoutDirectives(patch: unknown): unknown {
  if (!isMap(patch)) {
    return patch;
  }
  const fields = Object.entries(patch).filter(([key]) => !key.startsWith('$'));
  return Object.fromEntries(fields.map(([key, value]) => [key, withoutDirectives(value)]));
}

function jsonPatchOrRefuse(target: unknown, operations: unknown): unknown {
  try {
    return jsonPatch(target, operations);
  } catch (error) {
    if (!(error instanceof JsonPatchError)) {
      throw error;
    }
    const causes = [{ reason: 'UnexpectedServerResponse', message: error.message }];
    throw new ApiError(422, 'Invalid', 'the server rejected our request due to an error in our request', { causes });
  }
}
