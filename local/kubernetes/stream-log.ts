/** GET of a pod's log, at once or followed. */
import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { KubeObject } from '#shared/kubernetes/object.ts';
import { ApiError } from './api-error.ts';
import type { ApiRequest } from './api-request.ts';
import { type StampedLog, type StampedQuery, streamStamped } from './stamped-log.ts';
import type { PodLogs } from './types.ts';

const POLL = 200;

interface Container {
  name: string;
}

/** Tolerates `sinceSeconds`, and `sinceTime` without `timestamps`. */
export async function streamLog(request: ApiRequest, logs: PodLogs, response: ServerResponse): Promise<void> {
  const { table, target, query } = request;
  const { resource, namespace = '', name = '' } = target;
  const pod = table.get(resource, namespace, name);
  const container = chooseContainer(pod, query.get('container'));
  const follow = query.get('follow') === 'true';
  const first = await logs.read(namespace, name, container);
  if (query.get('previous') === 'true') {
    throw ApiError.badRequest('the embedded API has the log of the last run only');
  }
  if (!first && !follow) {
    const reason = stateOf(pod, container)?.waiting?.reason ?? 'ContainerCreating';
    throw ApiError.badRequest(`container "${container}" in pod "${name}" is waiting to start: ${reason}`);
  }
  response.writeHead(200, { 'content-type': 'text/plain', 'cache-control': 'no-cache, private' });
  response.flushHeaders();
  if (query.get('timestamps') === 'true' && logs.times !== undefined) {
    await streamStamped(stampedLog(request, logs, pod, container), stampedQuery(query), response);
    return;
  }
  const lines = query.get('tailLines');
  const limit = query.get('limitBytes');
  let text = lines === null ? (first ?? Buffer.alloc(0)) : tail(first ?? Buffer.alloc(0), Number(lines));
  if (limit !== null) {
    text = text.subarray(0, Number(limit));
  }
  response.write(text);
  let sent = first?.length ?? 0;
  while (follow && !response.destroyed) {
    // Looked up before reading: what a container wrote before it ended is then read in any case.
    const ended = hasEnded(table.find(resource, namespace, name), pod, container);
    const all = (await logs.read(namespace, name, container)) ?? Buffer.alloc(0);
    if (all.length > sent) {
      response.write(all.subarray(sent));
    }
    sent = all.length;
    if (ended) {
      break;
    }
    await sleep(POLL);
  }
  response.end();
}

function stampedLog({ table, target }: ApiRequest, logs: PodLogs, pod: KubeObject, container: string): StampedLog {
  const { resource, namespace = '', name = '' } = target;
  return {
    read: async () => {
      const text = (await logs.read(namespace, name, container)) ?? Buffer.alloc(0);
      const lines = text.toString().split('\n');
      return { rest: lines.pop() ?? '', lines, times: logs.times?.(namespace, name, container, text) ?? [] };
    },
    hasEnded: () => hasEnded(table.find(resource, namespace, name), pod, container),
  };
}

function stampedQuery(query: URLSearchParams): StampedQuery {
  const tailLines = query.get('tailLines');
  return {
    follow: query.get('follow') === 'true',
    since: query.get('sinceTime') ?? undefined,
    tailLines: tailLines === null ? undefined : Number(tailLines),
  };
}

/** The first one where none is asked for, as kubectl chooses. */
function chooseContainer({ metadata, spec }: KubeObject, asked: string | null): string {
  const all: Container[] = [...(spec?.containers ?? []), ...(spec?.initContainers ?? [])];
  const found = asked ? all.find(({ name }) => name === asked) : all[0];
  if (!found) {
    throw ApiError.badRequest(`container ${asked} is not valid for pod ${metadata.name}`);
  }
  return found.name;
}

function hasEnded(now: KubeObject | undefined, pod: KubeObject, container: string): boolean {
  return now?.metadata.uid !== pod.metadata.uid || stateOf(now, container)?.terminated !== undefined;
}

function stateOf(
  pod: KubeObject | undefined,
  container: string,
): { waiting?: { reason?: string }; terminated?: object } | undefined {
  const statuses = [...(pod?.['status']?.containerStatuses ?? []), ...(pod?.['status']?.initContainerStatuses ?? [])];
  return statuses.find(({ name }: Container) => name === container)?.state;
}

/** The last lines of a log, whether or not the last one is finished. */
function tail(text: Buffer, lines: number): Buffer {
  if (lines <= 0) {
    return text.subarray(text.length);
  }
  let at = text.length - (text.at(-1) === 0x0a ? 1 : 0);
  for (let found = 0; found < lines && at > 0; found++) {
    at = text.lastIndexOf(0x0a, at - 1);
  }
  return at > 0 ? text.subarray(at + 1) : text;
}
