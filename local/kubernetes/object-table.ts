/** All objects, in one map, and the one counter of their versions. Knows nothing of what may be written. */
import { Journal } from '#local/disk/journal.ts';
import type { KubeObject } from '#shared/kubernetes/object.ts';
import { qualifiedName, resourceOfKind } from '#shared/kubernetes/resource.ts';
import type { Resource } from '#shared/kubernetes/resource-table.ts';
import { ApiError } from './api-error.ts';
import { ChangeFeed } from './change-feed.ts';
import type { Origin } from './types.ts';

/** A line of the file: the next state of an object, what names one that is gone, or the counter alone. */
type Entry = { put: KubeObject } | { discard: KubeObject } | { version: number };

/**
 * Objects in the table are shared with watchers and with answers under way: they are replaced, never changed in place.
 * Everything is synchronous, so a read, a decision and a write in one turn are a transaction.
 */
export class ObjectTable {
  readonly feed: ChangeFeed;
  readonly origin: Origin;
  readonly #journal: Journal<Entry> | undefined;
  readonly #objects = new Map<string, { resource: Resource; object: KubeObject }>();
  readonly #keyOfUid = new Map<string, string>();
  /** Keys by the uid of each owner. */
  readonly #dependents = new Map<string, Set<string>>();
  #version = 0;

  /**
   * With a file it begins with what that holds, and whatever is put or discarded is written there before anybody learns
   * of it.
   */
  constructor(file: string | undefined, origin: Origin) {
    this.origin = origin;
    this.#journal =
      file === undefined
        ? undefined
        : new Journal<Entry>(file, { replay: (entry) => this.#replay(entry), snapshot: () => this.#snapshot() });
    this.feed = new ChangeFeed(this.#version);
  }

  /** Nothing may be written afterwards. */
  close(): void {
    this.#journal?.close();
  }

  /** The resourceVersion of the last change. */
  get version(): number {
    return this.#version;
  }

  find(resource: Resource, namespace: string | undefined, name: string): KubeObject | undefined {
    return this.#objects.get(keyOf(resource, namespace, name))?.object;
  }

  get(resource: Resource, namespace: string | undefined, name: string): KubeObject {
    const found = this.find(resource, namespace, name);
    if (!found) {
      throw ApiError.notFound(resource, name);
    }
    return found;
  }

  findUid(uid: string): { resource: Resource; object: KubeObject } | undefined {
    const key = this.#keyOfUid.get(uid);
    return key === undefined ? undefined : this.#objects.get(key);
  }

  /** In the order of their names, as etcd keeps them. */
  list(resource: Resource, namespace?: string): KubeObject[] {
    const prefix = keyOf(resource, namespace, '');
    const found: [string, KubeObject][] = [];
    for (const [key, { object }] of this.#objects) {
      if (key.startsWith(prefix)) {
        found.push([key, object]);
      }
    }
    return found.sort(([a], [b]) => (a < b ? -1 : 1)).map(([, object]) => object);
  }

  /** Objects that name this uid as an owner. */
  dependentsOf(uid: string): { resource: Resource; object: KubeObject }[] {
    const keys = [...(this.#dependents.get(uid) ?? [])];
    return keys.map((key) => this.#objects.get(key)).filter((found) => found !== undefined);
  }

  *all(): Iterable<{ resource: Resource; object: KubeObject }> {
    yield* this.#objects.values();
  }

  /** Stores a new object or the next state of one, stamped with the next resourceVersion. */
  put(resource: Resource, next: KubeObject): KubeObject {
    const { namespace, name } = next.metadata;
    const previous = this.find(resource, namespace, name);
    const version = this.#version + 1;
    const object = { ...next, metadata: { ...next.metadata, resourceVersion: String(version) } };
    this.#journal?.append({ put: object });
    this.#set(resource, object);
    this.feed.publish({ type: previous ? 'MODIFIED' : 'ADDED', resource, object, previous, version });
    return object;
  }

  /** Takes an object out for good. `last` is the state that watchers are told of. */
  discard(resource: Resource, last: KubeObject): KubeObject {
    const { namespace, name } = last.metadata;
    const previous = this.find(resource, namespace, name);
    const version = this.#version + 1;
    const object = { ...last, metadata: { ...last.metadata, resourceVersion: String(version) } };
    this.#journal?.append({ discard: nameOf(object) });
    this.#delete(resource, object);
    this.feed.publish({ type: 'DELETED', resource, object, previous, version });
    return object;
  }

  #set(resource: Resource, object: KubeObject): void {
    const { namespace, name, uid, resourceVersion } = object.metadata;
    const key = keyOf(resource, namespace, name);
    this.#index(key, this.#objects.get(key)?.object, object);
    this.#objects.set(key, { resource, object });
    if (uid) {
      this.#keyOfUid.set(uid, key);
    }
    this.#version = Math.max(this.#version, Number(resourceVersion));
  }

  #delete(resource: Resource, { metadata: { namespace, name, uid, resourceVersion } }: KubeObject): void {
    const key = keyOf(resource, namespace, name);
    this.#index(key, this.#objects.get(key)?.object, undefined);
    this.#objects.delete(key);
    if (uid) {
      this.#keyOfUid.delete(uid);
    }
    this.#version = Math.max(this.#version, Number(resourceVersion));
  }

  #replay(entry: Entry): void {
    if ('version' in entry) {
      this.#version = entry.version;
      return;
    }
    const object = 'put' in entry ? entry.put : entry.discard;
    const resource = resourceOfKind(object.apiVersion, object.kind);
    if (!resource) {
      throw new Error(`the embedded API has no ${object.apiVersion} ${object.kind} any more`);
    }
    if ('put' in entry) {
      this.#set(resource, object);
    } else {
      this.#delete(resource, object);
    }
  }

  *#snapshot(): Iterable<Entry> {
    yield { version: this.#version };
    for (const { object } of this.#objects.values()) {
      yield { put: object };
    }
  }

  #index(key: string, previous: KubeObject | undefined, next: KubeObject | undefined): void {
    for (const { uid } of previous?.metadata.ownerReferences ?? []) {
      const keys = this.#dependents.get(uid);
      keys?.delete(key);
      if (keys?.size === 0) {
        this.#dependents.delete(uid);
      }
    }
    for (const { uid } of next?.metadata.ownerReferences ?? []) {
      const keys = this.#dependents.get(uid) ?? new Set();
      this.#dependents.set(uid, keys.add(key));
    }
  }
}

function nameOf({ apiVersion, kind, metadata }: KubeObject): KubeObject {
  const { name, namespace, uid, resourceVersion = '' } = metadata;
  return {
    apiVersion,
    kind,
    metadata: { name, resourceVersion, ...(namespace && { namespace }), ...(uid && { uid }) },
  };
}

/** Neither names nor namespaces hold a slash, so that a prefix of a key is a namespace, or a resource. */
function keyOf(resource: Resource, namespace: string | undefined, name: string): string {
  const prefix = `${qualifiedName(resource)}/`;
  if (!resource.namespaced) {
    return prefix + name;
  }
  return namespace === undefined ? prefix : `${prefix}${namespace}/${name}`;
}
