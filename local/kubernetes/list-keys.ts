/**
 * Which lists are merged item by item, by patches and by server-side apply: the two of metadata. All others count as one value. In a
 * cluster those of a built-in kind's pod are keyed as well (containers, variables), but nothing here changes pods that there are.
 */

/** An item's element in the FieldsV1 notation: `v:"a-finalizer"` or `k:{"uid":"…"}`; undefined where it has none. */
type Identify = (item: unknown) => string | undefined;

const IDENTITY: Record<string, Identify> = {
  finalizers: (item) => (typeof item === 'string' ? `v:${JSON.stringify(item)}` : undefined),
  ownerReferences: (item) => {
    const { uid } = (item ?? {}) as { uid?: unknown };
    return typeof uid === 'string' ? `k:${JSON.stringify({ uid })}` : undefined;
  },
};

/** The items of a list by their elements, where it is `field` of metadata and keyed; undefined where it counts as one value. */
export function itemsByElement(list: readonly unknown[], field: string): Map<string, unknown> | undefined {
  const identify = Object.hasOwn(IDENTITY, field) ? IDENTITY[field] : undefined;
  if (!identify) {
    return undefined;
  }
  const items = new Map<string, unknown>();
  for (const item of list) {
    const element = identify(item);
    if (element === undefined || items.has(element)) {
      return undefined;
    }
    items.set(element, item);
  }
  return items;
}
