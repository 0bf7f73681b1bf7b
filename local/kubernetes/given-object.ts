/** The object in a request's body, checked against the path it was sent to. */

import type { KubeObject } from '#shared/kubernetes/object.ts';
import { apiVersionOf } from '#shared/kubernetes/resource.ts';
import { ApiError } from './api-error.ts';
import type { RequestTarget } from './request-target.ts';

/** Fills in what the path says; refuses what contradicts it. */
export function givenObject(value: unknown, { resource, namespace, name }: RequestTarget): KubeObject {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) {
    throw ApiError.badRequest('the body of the request is not an object');
  }
  const given = value as Partial<KubeObject>;
  const apiVersion = apiVersionOf(resource);
  if (resource.custom && !given.kind) {
    throw ApiError.badRequest(`Object 'Kind' is missing in '${JSON.stringify(given)}'`);
  }
  if ((given.kind ?? resource.kind) !== resource.kind || (given.apiVersion ?? apiVersion) !== apiVersion) {
    throw ApiError.badRequest(
      `the object provided is ${given.kind} of ${given.apiVersion}, the URL is for ${resource.kind} of ${apiVersion}`,
    );
  }
  const metadata = given.metadata ?? {};
  if (typeof metadata !== 'object' || Array.isArray(metadata)) {
    throw ApiError.badRequest('metadata is not an object');
  }
  const meta = metadata as Partial<KubeObject['metadata']>;
  if (name !== undefined && meta.name && meta.name !== name) {
    throw ApiError.badRequest(`the name of the object (${meta.name}) does not match the name on the URL (${name})`);
  }
  if (namespace !== undefined && meta.namespace && meta.namespace !== namespace) {
    throw ApiError.badRequest('the namespace of the provided object does not match the namespace sent on the request');
  }
  return {
    ...given,
    apiVersion,
    kind: resource.kind,
    metadata: { ...meta, name: name ?? meta.name ?? '', ...(namespace !== undefined && { namespace }) },
  };
}
