/** The embedded Kubernetes API as our own controllers use it: ObjectStorage over the table of objects. */

import { randomUUID } from 'node:crypto';
import type { KubeObject, ResourceName } from '#shared/kubernetes/object.ts';
import { resourceNamed, resourceOfKind } from '#shared/kubernetes/resource.ts';
import type { Resource } from '#shared/kubernetes/resource-table.ts';
import { ApiError } from './api-error.ts';
import { applyObject } from './apply-object.ts';
import type { Change } from './change-feed.ts';
import { copy } from './copy.ts';
import { createObject } from './create-object.ts';
import { deleteObject } from './delete-object.ts';
import { collectGarbage } from './garbage-collector.ts';
import { parseLabelSelector } from './label-selector.ts';
import { ObjectTable } from './object-table.ts';
import type { ObjectStorage, Origin, WatchEvent } from './types.ts';
import { updateObject, updateStatus } from './update-object.ts';

/** Recorded in managedFields for writes from within this process. */
const MANAGER = 'embedded-platform';
const SYSTEM_NAMESPACES = ['default', 'kube-system'];

/** ObjectStorage, and the table under it, which the HTTP API works on. */
export interface Storage extends ObjectStorage {
  readonly table: ObjectTable;
  /** Nothing may be written afterwards. */
  close(): void;
}

/**
 * What is in the file, which every change is written to; without one, or where it is not there yet, an empty cluster:
 * the namespaces `default` and `kube-system`, nothing else.
 *
 * Watchers are called from a microtask, in the order of the changes, each change once; garbage is collected the same
 * way, so dependents of a removed owner are gone a microtask later, not at once (see ChangeFeed).
 */
export function createStorage(
  file?: string,
  { now = () => Date.now(), newUid = () => randomUUID() }: Partial<Origin> = {},
): Storage {
  const table = new ObjectTable(file, { now, newUid });
  collectGarbage(table);
  for (const name of SYSTEM_NAMESPACES) {
    const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name } };
    const resource = kindOf(namespace);
    if (!table.find(resource, undefined, name)) {
      createObject(table, resource, namespace, { manager: MANAGER });
    }
  }
  return {
    table,
    close: () => table.close(),

    get(resource, namespace, name) {
      const found = table.find(named(resource), namespace, name);
      return found && copy(found);
    },

    list(resource, { namespace, labelSelector } = {}) {
      const matches = parseLabelSelector(labelSelector ?? '');
      const found = table.list(named(resource), namespace);
      return found.filter(({ metadata }) => matches(metadata.labels ?? {})).map(copy);
    },

    create(object) {
      return copy(createObject(table, kindOf(object), object, { manager: MANAGER }));
    },

    update(object) {
      const resource = kindOf(object);
      const current = table.get(resource, object.metadata.namespace, object.metadata.name);
      return copy(updateObject(table, resource, current, object, { manager: MANAGER }));
    },

    updateStatus(name, namespace, object, status) {
      const resource = named(name);
      const current = table.find(resource, namespace, object);
      if (!current) {
        return undefined;
      }
      // Without a resourceVersion, so that nothing but the status is compared.
      const proposed = { ...current, metadata: { name: object }, status };
      return copy(updateStatus(table, resource, current, proposed));
    },

    apply(object, options) {
      return copy(applyObject(table, kindOf(object), object, options));
    },

    remove(name, namespace, object, options) {
      const resource = named(name);
      const current = table.find(resource, namespace, object);
      return current && copy(deleteObject(table, resource, current, options).object);
    },

    watch(name, listener) {
      const resource = named(name);
      const present = table.list(resource).map((object) => added(resource, object));
      return table.feed.subscribe((change) => {
        if (change.resource === resource) {
          listener(eventOf(change));
        }
      }, present);
    },
  };
}

function eventOf({ type, object }: Change): WatchEvent {
  return { type, object: copy(object) };
}

function added(resource: Resource, object: KubeObject): Change {
  const version = Number(object.metadata.resourceVersion);
  return { type: 'ADDED', resource, object, previous: undefined, version };
}

function named(name: ResourceName): Resource {
  const resource = resourceNamed(name);
  if (!resource) {
    throw ApiError.unknownResource();
  }
  return resource;
}

function kindOf({ apiVersion, kind }: Pick<KubeObject, 'apiVersion' | 'kind'>): Resource {
  const resource = resourceOfKind(apiVersion, kind);
  if (!resource) {
    throw new ApiError(404, 'NotFound', `no matches for kind "${kind}" in version "${apiVersion}"`);
  }
  return resource;
}
