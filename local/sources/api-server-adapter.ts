/** The adapter of one ApiServerSource: watches, and tells its sink of each change. */
import type { Address } from '#local/broker/address.ts';
import type { ObjectStorage, WatchEvent } from '#local/kubernetes/types.ts';
import type { KubeObject } from '#shared/kubernetes/object.ts';
import { qualifiedName, resourceOfKind } from '#shared/kubernetes/resource.ts';
import { type LabelSelector, matchesSelector } from './matches-selector.ts';
import { type Change, objectEvent } from './object-event.ts';
import { type Sending, sendEvent } from './send-event.ts';

export interface AdapterOptions extends Sending {
  storage: ObjectStorage;
  /** The CloudEvents source of everything it sends. */
  source: string;
  sink: Address;
  namespaces: string[];
  resources: { apiVersion: string; kind: string; selector?: LabelSelector }[];
  /** spec.ceOverrides.extensions */
  extensions: Record<string, string>;
}

/**
 * Call the result to stop. Says nothing of what is there already, nor, after a restart, of what changed in between:
 * upstream's does not either.
 */
export function startAdapter(options: AdapterOptions): () => void {
  const stops = options.resources.map((resource) => watchResource(resource, options));
  return () => {
    for (const stop of stops) {
      stop();
    }
  };
}

function watchResource(
  { apiVersion, kind, selector }: AdapterOptions['resources'][number],
  options: AdapterOptions,
): () => void {
  const { storage, source, sink, namespaces, extensions } = options;
  const resource = resourceOfKind(apiVersion, kind);
  if (!resource) {
    options.log(`ApiServerSource: the embedded API has no ${apiVersion} ${kind}`);
    return () => {};
  }
  const name = qualifiedName(resource);
  const matches = matchesSelector(selector);
  const isMeant = ({ metadata }: KubeObject) =>
    namespaces.includes(metadata.namespace ?? '') && matches(metadata.labels ?? {});
  /** uid → the last resourceVersion seen of those that are selected. */
  const known = new Map(
    storage
      .list(name)
      .filter(isMeant)
      .map(({ metadata }) => [metadata.uid, metadata.resourceVersion]),
  );
  // In order, one at a time: as upstream, whose watch waits for each event to be taken.
  let sent: Promise<unknown> = Promise.resolve();
  const tell = (change: Change, object: KubeObject) => {
    const { attributes, data } = objectEvent(change, object, source, resource.plural);
    sent = sent.then(() => sendEvent(sink, { ...attributes, ...extensions }, data, options));
  };

  return storage.watch(name, ({ type, object }: WatchEvent) => {
    const { uid, resourceVersion } = object.metadata;
    const wasSelected = known.has(uid);
    // With a selector, the API server says that an object which no longer matches was deleted, and that one which now
    // does was added.
    if (type !== 'DELETED' && isMeant(object)) {
      const isNews = known.get(uid) !== resourceVersion;
      known.set(uid, resourceVersion);
      if (isNews) {
        tell(wasSelected ? 'update' : 'add', object);
      }
    } else if (wasSelected) {
      known.delete(uid);
      tell('delete', object);
    }
  });
}
