/**
 * The objects of one kind in a fake cluster, for tests that look at them or tamper with them without asking the API.
 */
import type { Storage } from '#local/kubernetes/storage.ts';
import type { KubeObject, ResourceName } from '#shared/kubernetes/object.ts';
import { resourceNamed } from '#shared/kubernetes/resource.ts';
import type { Resource } from '#shared/kubernetes/resource-table.ts';

/** Fields that the official client gives as dates. */
const DATES = new Set([
  'creationTimestamp',
  'deletionTimestamp',
  'startTime',
  'completionTime',
  'lastTransitionTime',
  'startedAt',
  'finishedAt',
]);

/** Every object that it returns is a copy, in the form that the clients of shared/clients return. */
export class StoredObjects<Kind> {
  readonly #table: Storage['table'];
  readonly #resource: Resource;
  readonly #namespace: string;

  constructor({ table }: Storage, resource: ResourceName, namespace: string) {
    this.#table = table;
    this.#resource = resourceNamed(resource) as Resource;
    this.#namespace = namespace;
  }

  get size(): number {
    return this.#list().length;
  }

  get(name: string): Kind | undefined {
    const found = this.#find(name);
    return found && asClient<Kind>(found);
  }

  keys(): string[] {
    return this.#list().map(({ metadata }) => metadata.name);
  }

  /** In the order of their names. */
  values(): Kind[] {
    return this.#list().map((object) => asClient<Kind>(object));
  }

  /** Changes an object without any check: neither versions nor validity. */
  change(name: string, change: (object: KubeObject) => void): void {
    const found = this.#find(name);
    if (!found) {
      throw new Error(`there is no ${this.#resource.kind} ${name}`);
    }
    const changed = structuredClone(found);
    change(changed);
    this.#table.put(this.#resource, changed);
  }

  /**
   * Removes an object at once, whatever its finalizers. The objects that it owned stay, as after `kubectl delete
   * --cascade=orphan`.
   */
  delete(name: string): void {
    const found = this.#find(name);
    if (!found) {
      return;
    }
    for (const { resource, object } of this.#table.dependentsOf(found.metadata.uid ?? '')) {
      const { ownerReferences: _, ...metadata } = object.metadata;
      this.#table.put(resource, { ...object, metadata });
    }
    this.#table.discard(this.#resource, found);
  }

  clear(): void {
    for (const name of this.keys()) {
      this.delete(name);
    }
  }

  #find(name: string): KubeObject | undefined {
    return this.#table.find(this.#resource, this.#namespace, name);
  }

  #list(): KubeObject[] {
    return this.#table.list(this.#resource, this.#namespace);
  }
}

/** The official client turns times into dates. The client for custom objects, which reads Knative's kinds, does not. */
export function asClient<Kind>(object: KubeObject): Kind {
  return (object.apiVersion.includes('knative.dev') ? structuredClone(object) : withDates(object)) as Kind;
}

function withDates(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.map(withDates);
  }
  if (typeof value !== 'object' || value === null) {
    return value;
  }
  const copied: Record<string, unknown> = {};
  for (const [key, field] of Object.entries(value)) {
    copied[key] = typeof field === 'string' && DATES.has(key) ? new Date(field) : withDates(field);
  }
  return copied;
}
