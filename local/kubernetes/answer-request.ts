/** GET, POST, PUT and DELETE. */
import { ApiError } from './api-error.ts';
import { type Answer, type ApiRequest, managerOf, refuseDryRun, selectionOf, viewOf } from './api-request.ts';
import { createObject } from './create-object.ts';
import { type DeleteOptions, deleteObject } from './delete-object.ts';
import { givenObject } from './given-object.ts';
import { readBody } from './read-body.ts';
import { representList, representObject } from './represent.ts';
import type { PropagationPolicy } from './types.ts';
import { updateObject, updateStatus } from './update-object.ts';

const BODY_TYPES = ['application/json', 'application/yaml'];
const POLICIES = ['Foreground', 'Background'];

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

export async function answerCreate(request: ApiRequest): Promise<Answer> {
  const { table, target, message } = request;
  const { resource, namespace, name } = target;
  if (name !== undefined || (resource.namespaced && namespace === undefined)) {
    throw ApiError.methodNotAllowed();
  }
  const view = viewOf(request);
  const object = givenObject((await readBody(message, BODY_TYPES)).value, target);
  const options = { manager: managerOf(request) };
  return { code: 201, body: representObject(resource, createObject(table, resource, object, options), view) };
}

export async function answerReplace(request: ApiRequest): Promise<Answer> {
  const { table, target, message } = request;
  const { resource, namespace, name, subresource } = target;
  if (name === undefined) {
    throw ApiError.methodNotAllowed();
  }
  const view = viewOf(request);
  const object = givenObject((await readBody(message, BODY_TYPES)).value, target);
  const options = { manager: managerOf(request) };
  const current = table.get(resource, namespace, name);
  if (resource.custom && !object.metadata.resourceVersion) {
    throw ApiError.invalid(resource, name, [
      { field: 'metadata.resourceVersion', message: 'is required for an update' },
    ]);
  }
  const write = subresource === 'status' ? updateStatus : updateObject;
  return { code: 200, body: representObject(resource, write(table, resource, current, object, options), view) };
}

export async function answerDelete(request: ApiRequest): Promise<Answer> {
  const { table, target } = request;
  const { resource, namespace, name } = target;
  const view = viewOf(request);
  const options = await deleteOptions(request);
  if (name === undefined) {
    const found = table.list(resource, namespace).filter(selectionOf(request));
    const deleted = found.map((object) => deleteObject(table, resource, object, options).object);
    return { code: 200, body: representList(resource, deleted, table.version, view) };
  }
  const { object, gone } = deleteObject(table, resource, table.get(resource, namespace, name), options);
  if (!gone || resource.returnsDeleted) {
    const code = !gone && options.propagationPolicy === 'Foreground' ? 202 : 200;
    return { code, body: representObject(resource, object, view) };
  }
  const { group, plural } = resource;
  const details = { name, ...(group && { group }), kind: plural, uid: object.metadata.uid };
  return { code: 200, body: { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', details } };
}

/** From the body, as clients send them, or from the query. */
async function deleteOptions({ query, message }: ApiRequest): Promise<DeleteOptions> {
  const body = ((await readBody(message, BODY_TYPES)).value ?? {}) as Record<string, unknown>;
  const policy = body['propagationPolicy'] ?? query.get('propagationPolicy') ?? undefined;
  if (policy !== undefined && !POLICIES.includes(String(policy))) {
    throw ApiError.badRequest(`propagationPolicy must be ${POLICIES.join(' or ')}, not "${policy}"`);
  }
  const seconds = body['gracePeriodSeconds'] ?? query.get('gracePeriodSeconds') ?? undefined;
  const preconditions = (body['preconditions'] ?? {}) as { uid?: string; resourceVersion?: string };
  refuseDryRun(body['dryRun']);
  return {
    propagationPolicy: policy as PropagationPolicy | undefined,
    gracePeriodSeconds: seconds === undefined ? undefined : Number(seconds),
    uid: preconditions.uid,
    resourceVersion: preconditions.resourceVersion,
  };
}
