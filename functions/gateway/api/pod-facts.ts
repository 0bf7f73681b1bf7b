/** Pods, as far as explain has to know of them: why they do not start, how they ended, what they wrote last. */
import type { V1Pod } from '@kubernetes/client-node';
import type { ApiDependencies } from '#functions/gateway/dependencies.ts';
import { SECOND } from '#shared/durations.ts';
import type { Identity } from '#shared/events/identity.ts';
import type { PodFact } from '#shared/explain/facts.ts';
import { crashOf } from '#shared/history/crashes.ts';
import { containerEnds } from '#shared/kubernetes/container-ends.ts';
import { startTroubles } from '#shared/kubernetes/start-troubles.ts';
import { redactCredentials } from '#shared/redact-credentials.ts';
import { functionName } from '#shared/specs/names.ts';
import { within } from '#shared/within.ts';
import { podsSelector } from './function-view.ts';

const CONTAINER = 'user-container';
const LINES = 20;
const LOGS_WITHIN = 0.4 * SECOND;
/** Whose logs are read: all pods of a version have the same to say. */
const MOST_READ = 2;

export async function podsOfFunction(deps: ApiDependencies, identity: Identity): Promise<PodFact[]> {
  const pods = await deps.cluster.listFunctionPods(podsSelector(functionName(identity)));
  const facts = pods.flatMap((pod) => podFact(pod, CONTAINER));
  const silent = facts.filter(({ unreadySince }) => unreadySince !== undefined).slice(0, MOST_READ);
  await Promise.all(
    silent.map(async (fact) => {
      fact.log = await endOfLog(deps, fact.name);
    }),
  );
  return facts;
}

/** `container`: whose ends and readiness count; undefined for pods of builds. */
export function podFact(pod: V1Pod, container?: string): PodFact[] {
  const { metadata, status } = pod;
  if (metadata?.deletionTimestamp !== undefined) {
    return [];
  }
  const [trouble] = startTroubles(pod);
  const text =
    trouble?.kind === 'waiting'
      ? `container ${trouble.container} waits: ${[trouble.reason, trouble.message].filter(Boolean).join(': ')}`
      : trouble?.message;
  const [end] = container === undefined ? [] : containerEnds(pod, container);
  const own = status?.containerStatuses?.find(({ name }) => name === container);
  // In a cluster it is queue-proxy that is not ready: it asks the container, which has no probe of its own.
  const isReady = status?.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True');
  const runs = own && !isReady ? own.state?.running?.startedAt : undefined;
  return [
    {
      name: metadata?.name ?? '',
      trouble: text,
      startedAt: status?.startTime ? new Date(status.startTime).toISOString() : undefined,
      ended: end && crashOf(end, { call: '', revision: '' }),
      unreadySince: runs && end === undefined ? new Date(runs).toISOString() : undefined,
    },
  ];
}

/** Undefined where it has written nothing, or nobody says it in time. */
async function endOfLog({ streamLog, namespace }: ApiDependencies, pod: string): Promise<string | undefined> {
  const ended = new AbortController();
  const lines: string[] = [];
  const read = async () => {
    for await (const { text } of streamLog({ namespace, pod, container: CONTAINER, follow: false }, ended.signal)) {
      lines.push(text);
    }
  };
  await within(
    LOGS_WITHIN,
    read().catch(() => undefined),
    undefined,
  );
  ended.abort();
  return lines.length === 0 ? undefined : redactCredentials(lines.slice(-LINES).join('\n'));
}
