/** Creates an object as kube-apiserver does: names it, fills in what the server owns, checks it, stores it. */
import { randomInt } from 'node:crypto';
import type { KubeObject } from '#shared/kubernetes/object.ts';
import { resourceNamed } from '#shared/kubernetes/resource.ts';
import type { Resource } from '#shared/kubernetes/resource-table.ts';
import { ApiError } from './api-error.ts';
import { copy } from './copy.ts';
import { setDefaults } from './defaults.ts';
import { rfc3339, trackUpdate, type WriteOptions } from './managed-fields.ts';
import type { ObjectTable } from './object-table.ts';
import { validate } from './validation.ts';

/** Kubernetes' alphabet: no vowels and nothing that looks like another letter, so no words come out. */
const ALPHABET = 'bcdfghjklmnpqrstvwxz2456789';
const SUFFIX = 5;
const MAX_NAME = 63;

export function createObject(
  table: ObjectTable,
  resource: Resource,
  proposed: KubeObject,
  options: WriteOptions,
): KubeObject {
  const object = copy(proposed);
  const { metadata } = object;
  if (!resource.namespaced) {
    delete metadata.namespace;
  }
  if (!metadata.name && typeof metadata.generateName === 'string') {
    do {
      metadata.name = generateName(metadata.generateName);
    } while (table.find(resource, metadata.namespace, metadata.name));
  }
  validate(resource, object);
  if (resource.namespaced) {
    requireNamespace(table, resource, metadata.namespace ?? '', metadata.name);
  }
  metadata.uid = table.origin.newUid(object);
  metadata.creationTimestamp = rfc3339(table.origin.now());
  delete metadata.resourceVersion;
  delete metadata.deletionTimestamp;
  delete metadata.deletionGracePeriodSeconds;
  delete metadata.generation;
  if (resource.hasGeneration) {
    metadata.generation = 1;
  }
  if (resource.hasStatus) {
    delete object['status'];
  }
  setDefaults(resource, object);
  metadata.managedFields = options.managedFields ?? trackUpdate(undefined, object, resource, options.manager);
  if (table.find(resource, metadata.namespace, metadata.name)) {
    throw ApiError.alreadyExists(resource, metadata.name);
  }
  return table.put(resource, object);
}

function requireNamespace(table: ObjectTable, resource: Resource, namespace: string, name: string): void {
  const namespaces = resourceNamed('namespaces') as Resource;
  if (!namespace) {
    throw ApiError.badRequest('an empty namespace may not be set during creation');
  }
  if (table.get(namespaces, undefined, namespace).metadata.deletionTimestamp) {
    throw ApiError.forbidden(resource, name ?? '', `namespace ${namespace} is being terminated`);
  }
}

/** The base is cut where the name would not fit a label. */
function generateName(base: string): string {
  let suffix = '';
  for (let i = 0; i < SUFFIX; i++) {
    suffix += ALPHABET[randomInt(ALPHABET.length)];
  }
  return base.slice(0, MAX_NAME - SUFFIX) + suffix;
}
