/** The log of a function: of all its pods, those that come later included. */
import { setTimeout as wait } from 'node:timers/promises';
import type { V1Pod } from '@kubernetes/client-node';
import type { ApiDependencies } from '#functions/gateway/dependencies.ts';
import type { LogLine } from '#shared/api/schemas.ts';
import type { PodLine } from '#shared/clients/pod-log-stream.ts';
import { SECOND } from '#shared/durations.ts';
import { LogDoubles } from '#shared/log-doubles.ts';
import { readJson } from '#shared/read-json.ts';
import { createChannel } from './channel.ts';

const CONTAINER = 'user-container';
const REVISION = 'serving.knative.dev/revision';
/** How soon a new pod's first lines are seen. */
const LOOK_EVERY = SECOND / 2;

export interface LogWanted {
  /** RFC 3339. Lines of this very moment have been seen. */
  since: string | undefined;
  follow: boolean;
}

type Deps = Pick<ApiDependencies, 'podsOf' | 'streamLog' | 'namespace'>;

interface Reading {
  doubles: LogDoubles;
  isRead: boolean;
  /** The run of the container that was read to its end. */
  ended: number | undefined;
}

interface Run {
  /** How often the container has been started again. */
  number: number;
  isOver: boolean;
}

/** Undefined where the container has not been started yet. */
function runOf({ status }: V1Pod): Run | undefined {
  const own = status?.containerStatuses?.find(({ name }) => name === CONTAINER);
  const { running, terminated } = own?.state ?? {};
  return own && (running || terminated || own.lastState?.terminated)
    ? { number: own.restartCount, isOver: !running }
    : undefined;
}

/** Through scale to zero, new versions and killed pods, until the signal ends it. */
export function functionLog(
  deps: Deps,
  service: string,
  { since, follow }: LogWanted,
  signal: AbortSignal,
): AsyncIterable<LogLine> {
  const channel = createChannel<LogLine>(signal);
  const pods = new Map<string, Reading>();
  void watch().then(
    () => channel.end(),
    (error: unknown) => channel.end(error),
  );
  return channel;

  async function watch(): Promise<void> {
    do {
      const found = await deps.podsOf(service);
      const reading = found.filter((pod) => pod.metadata?.uid).map(read);
      if (!follow) {
        await Promise.all(reading);
        return;
      }
      await wait(LOOK_EVERY, undefined, { signal }).catch(() => {});
    } while (!signal.aborted);
  }

  /** Again where its container runs again, or where the stream has ended before it. */
  async function read(pod: V1Pod): Promise<void> {
    const { uid = '', name = '', labels } = pod.metadata ?? {};
    const run = runOf(pod);
    const known = pods.get(uid) ?? { doubles: new LogDoubles(), isRead: false, ended: undefined };
    if (known.isRead || run === undefined || run.number === known.ended) {
      return;
    }
    pods.set(uid, known);
    known.isRead = true;
    try {
      const from = known.doubles.begin(since);
      const source = { namespace: deps.namespace, pod: name, container: CONTAINER, since: from, follow };
      for await (const line of deps.streamLog(source, signal)) {
        if (isLater(line.time, since) && known.doubles.isNew({ ...line, pod: uid })) {
          channel.put(lineOf(line, { pod: name, revision: labels?.[REVISION] }));
        }
      }
      // A stream may also end because a node or the API server is restarted: then the next look reads on.
      known.ended = run.isOver ? run.number : known.ended;
    } catch {
      // The node or the API server is away: the next look reads on.
    } finally {
      known.isRead = false;
    }
  }
}

/** The API takes whole seconds for `since`, and gives nanoseconds, which a Date would round. */
function isLater(time: string, last: string | undefined): boolean {
  if (last === undefined) {
    return true;
  }
  const order = Date.parse(time) - Date.parse(last);
  return order > 0 || (order === 0 && fraction(time) > fraction(last));
}

function fraction(time: string): string {
  return (/\.(\d+)/.exec(time)?.[1] ?? '').padEnd(9, '0');
}

/** Lines of our adapters are JSON, and name the call that they belong to. */
export function lineOf({ time, text }: PodLine, from: { pod: string; revision?: string | undefined }): LogLine {
  const parsed = text.startsWith('{') ? (readJson(text) as { event?: unknown } | null | undefined) : undefined;
  const call = parsed?.event;
  return {
    time,
    pod: from.pod,
    container: CONTAINER,
    ...(from.revision ? { revision: from.revision } : {}),
    ...(typeof call === 'string' ? { call } : {}),
    text,
  };
}
