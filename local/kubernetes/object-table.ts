/** All objects, in one map, and the one counter of their versions. Knows nothing of what may be written. */
import { ApiError } from './api-error.ts';
import { ChangeFeed } from './change-feed.ts';
import { qualifiedName, type Resource } from './resource.ts';
import type { KubeObject } from './types.ts';

/**
 * Objects in the table are shared with watchers and with answers under way: they are replaced, never changed in place.
 * Everything is synchronous, so a read, a decision and a write in one turn are a transaction.
 */
export class ObjectTable {
  readonly feed = new ChangeFeed();
  readonly #objects = new Map<string, { resource: Resource; object: KubeObject }>();
  readonly #keyOfUid = new Map<string, string>();
  /** Keys by the uid of each owner. */
  readonly #dependents = new Map<string, Set<string>>();
  #version = 0;

  /** The resourceVersion of the last change. */
  get version(): number {
    return this.#version;
  }

  find(resource: Resource, namespace: string | undefined, name: string): KubeObject | undefined {
    return this.#objects.get(keyOf(resource, namespace, name))?.object;
  }

  get(resource: Resource, namespace: string | undefined, name: string): KubeObject {
    const found = this.find(resource, namespace, name);
    if (!found) throw ApiError.notFound(resource, name);
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
    for (const [key, { object }] of this.#objects) if (key.startsWith(prefix)) found.push([key, object]);
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
    const { namespace, name, uid } = next.metadata;
    const key = keyOf(resource, namespace, name);
    const previous = this.#objects.get(key)?.object;
    const version = ++this.#version;
    const object = { ...next, metadata: { ...next.metadata, resourceVersion: String(version) } };
    this.#objects.set(key, { resource, object });
    if (uid) this.#keyOfUid.set(uid, key);
    this.#index(key, previous, object);
    this.feed.publish({ type: previous ? 'MODIFIED' : 'ADDED', resource, object, previous, version });
    return object;
  }

  /** Takes an object out for good. `last` is the state that watchers are told of. */
  discard(resource: Resource, last: KubeObject): KubeObject {
    const { namespace, name, uid } = last.metadata;
    const key = keyOf(resource, namespace, name);
    const previous = this.#objects.get(key)?.object;
    const version = ++this.#version;
    const object = { ...last, metadata: { ...last.metadata, resourceVersion: String(version) } };
    this.#objects.delete(key);
    if (uid) this.#keyOfUid.delete(uid);
    this.#index(key, previous, undefined);
    this.feed.publish({ type: 'DELETED', resource, object, previous, version });
    return object;
  }

  #index(key: string, previous: KubeObject | undefined, next: KubeObject | undefined): void {
    for (const { uid } of previous?.metadata.ownerReferences ?? []) {
      const keys = this.#dependents.get(uid);
      keys?.delete(key);
      if (keys?.size === 0) this.#dependents.delete(uid);
    }
    for (const { uid } of next?.metadata.ownerReferences ?? []) {
      const keys = this.#dependents.get(uid) ?? new Set();
      this.#dependents.set(uid, keys.add(key));
    }
  }
}

/** Neither names nor namespaces hold a slash, so that a prefix of a key is a namespace, or a resource. */
function keyOf(resource: Resource, namespace: string | undefined, name: string): string {
  const prefix = `${qualifiedName(resource)}/`;
  if (!resource.namespaced) return prefix + name;
  return namespace === undefined ? prefix : `${prefix}${namespace}/${name}`;
}
