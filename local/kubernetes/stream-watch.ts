/** GET with `watch=true`: changes as JSON lines, from now or from a resourceVersion on. */
import type { ServerResponse } from 'node:http';
import type { KubeObject } from '#shared/kubernetes/object.ts';
import { apiVersionOf } from '#shared/kubernetes/resource.ts';
import { ApiError } from './api-error.ts';
import { type ApiRequest, selectionOf, viewOf } from './api-request.ts';
import type { Change } from './change-feed.ts';
import { representObject } from './represent.ts';

const SECOND = 1000;
/** As kube-apiserver ends watches of clients that name no time. */
const DEFAULT_TIMEOUT_SECONDS = 30 * 60;
/** Often enough that clients which take silence for a dead connection stay. */
const BOOKMARK_EVERY = 15 * SECOND;
/** A reader this far behind is cut off; it resumes from what it has read. */
const MAX_BACKLOG = 16 * 1024 * 1024;

export function streamWatch(request: ApiRequest, response: ServerResponse): void {
  const { table, target, query } = request;
  const { resource } = target;
  const view = viewOf(request);
  const selected = selectionOf(request);
  const since = query.get('resourceVersion') ?? '';
  const initial = query.get('sendInitialEvents') === 'true' || since === '' || since === '0';
  const present = initial ? table.list(resource, target.namespace) : [];
  const missed = initial ? [] : resume(request, Number(since));
  const bookmarks = query.get('allowWatchBookmarks') === 'true' && view.as === 'Object';

  const type = request.message.headers.accept?.includes('stream=watch') ? ';stream=watch' : '';
  response.writeHead(200, { 'content-type': `application/json${type}`, 'cache-control': 'no-cache, private' });
  response.flushHeaders();
  const send = (event: string, object: unknown) => {
    response.write(`${JSON.stringify({ type: event, object })}\n`);
    if (response.writableLength > MAX_BACKLOG) {
      response.destroy();
    }
  };
  const bookmark = (annotations?: Record<string, string>) => {
    const metadata = {
      resourceVersion: String(table.version),
      creationTimestamp: null,
      ...(annotations && { annotations }),
    };
    send('BOOKMARK', { kind: resource.kind, apiVersion: apiVersionOf(resource), metadata });
  };
  if (missed === undefined) {
    // Kubernetes answers 200 here, too, and says 410 in the stream.
    send('ERROR', ApiError.expired(since, table.feed.oldest).status);
    response.end();
    return;
  }

  for (const object of present) {
    if (selected(object)) {
      send('ADDED', representObject(resource, object, view));
    }
  }
  if (bookmarks && query.get('sendInitialEvents') === 'true') {
    bookmark({ 'k8s.io/initial-events-end': 'true' });
  }
  const unsubscribe = table.feed.subscribe((change) => {
    if (change.resource !== resource) {
      return;
    }
    const event = eventFor(change, selected);
    if (event) {
      send(event.type, representObject(resource, event.object, view));
    }
  }, missed);

  const seconds = Number(query.get('timeoutSeconds')) || DEFAULT_TIMEOUT_SECONDS;
  const ticking = bookmarks ? setInterval(bookmark, BOOKMARK_EVERY) : undefined;
  const ending = setTimeout(() => response.end(), Math.min(seconds * SECOND, 2 ** 31 - 1));
  response.on('close', () => {
    unsubscribe();
    clearInterval(ticking);
    clearTimeout(ending);
  });
}

/**
 * Undefined where the history no longer holds all since then, or this table never had that version (it was started
 * anew).
 */
function resume({ table }: ApiRequest, version: number): Change[] | undefined {
  if (Number.isNaN(version)) {
    throw ApiError.badRequest('resourceVersion: Invalid value: must be a number');
  }
  return version > table.version ? undefined : table.feed.since(version);
}

/** A change as a watcher with a selection sees it: what enters its selection was added, what leaves it is deleted. */
function eventFor(
  { type, object, previous }: Change,
  selected: (object: KubeObject) => boolean,
): { type: string; object: KubeObject } | undefined {
  const before = previous !== undefined && selected(previous);
  if (type === 'DELETED') {
    return before || (!previous && selected(object)) ? { type, object } : undefined;
  }
  if (selected(object)) {
    return { type: before ? 'MODIFIED' : 'ADDED', object };
  }
  if (!before) {
    return undefined;
  }
  const { resourceVersion = '' } = object.metadata;
  return { type: 'DELETED', object: { ...previous, metadata: { ...previous.metadata, resourceVersion } } };
}
