/** Which lists are really maps: the fields by which patches and server-side apply recognise an item. */

/** Where a list's items are known by: a field of each item, several of them, or (`set`) the item itself. */
export type ListIdentity = readonly string[] | 'set' | undefined;

const NAME = ['name'];
const BY_FIELD: Record<string, readonly string[]> = {
  containers: NAME,
  initContainers: NAME,
  ephemeralContainers: NAME,
  env: NAME,
  volumes: NAME,
  imagePullSecrets: NAME,
  volumeMounts: ['mountPath'],
  volumeDevices: ['devicePath'],
  conditions: ['type'],
  ownerReferences: ['uid'],
  hostAliases: ['ip'],
};
const DEFAULT_OF_KEY: Record<string, unknown> = { protocol: 'TCP' };

const CUSTOM_ROOT = ['(custom)'];

/** Maps that count as one value: half of a selector or of a reference means something else than the whole. */
const ATOMIC_MAPS = new Set([
  'selector',
  'podSelector',
  'namespaceSelector',
  'labelSelector',
  'nodeSelector',
  'configMapKeyRef',
  'secretKeyRef',
  'fieldRef',
  'resourceFieldRef',
  'roleRef',
  'involvedObject',
]);

/**
 * Where paths into an object begin. Lists and maps of Knative's CustomResourceDefinitions are atomic, save those of metadata and what lies
 * inside other atomic ones, so a path says which kind of object it leads into.
 */
export function rootPath(resource: { custom: boolean }): readonly string[] {
  return resource.custom ? CUSTOM_ROOT : [];
}

/** `path` holds field names alone, no indices: `['spec', 'template', 'spec', 'containers', 'ports']`. */
export function listIdentity(path: readonly string[]): ListIdentity {
  if (path[0] === CUSTOM_ROOT[0] && path[1] !== 'metadata') {
    return undefined;
  }
  const field = path.at(-1) ?? '';
  const parent = path.at(-2);
  if (field === 'finalizers' && parent === 'metadata') {
    return 'set';
  }
  if (field === 'ports') {
    // Of a container, and of a Service; those of a NetworkPolicy's rules are atomic.
    if (parent === 'containers' || parent === 'initContainers') {
      return ['containerPort', 'protocol'];
    }
    return parent === 'spec' ? ['port', 'protocol'] : undefined;
  }
  return Object.hasOwn(BY_FIELD, field) ? BY_FIELD[field] : undefined;
}

export function isAtomicMap(path: readonly string[]): boolean {
  return path[0] !== CUSTOM_ROOT[0] && ATOMIC_MAPS.has(path.at(-1) ?? '');
}

/** The key fields of an item with their values; undefined where it has not all of them. */
export function keyOfItem(item: unknown, keys: readonly string[]): Record<string, unknown> | undefined {
  if (item === null || typeof item !== 'object') {
    return undefined;
  }
  const found: Record<string, unknown> = {};
  for (const key of keys) {
    const value = (item as Record<string, unknown>)[key] ?? DEFAULT_OF_KEY[key];
    if (value === undefined) {
      return undefined;
    }
    found[key] = value;
  }
  return found;
}

/**
 * The identity of a given list: as above, but none (hence atomic) where an item lacks a key or two share one, as a Knative Service's
 * one container may do without a name.
 */
export function identityOfList(list: readonly unknown[], path: readonly string[]): ListIdentity {
  const identity = listIdentity(path);
  if (identity === undefined) {
    return undefined;
  }
  const seen = new Set<string>();
  for (const item of list) {
    const id = itemId(item, identity);
    if (id === undefined || seen.has(id)) {
      return undefined;
    }
    seen.add(id);
  }
  return identity;
}

/** An item's path element in the FieldsV1 notation: `k:{"name":"main"}` or `v:"a-finalizer"`. */
export function itemId(item: unknown, identity: Exclude<ListIdentity, undefined>): string | undefined {
  if (identity === 'set') {
    return typeof item === 'object' ? undefined : `v:${JSON.stringify(item)}`;
  }
  const key = keyOfItem(item, identity);
  return key && `k:${JSON.stringify(key)}`;
}
