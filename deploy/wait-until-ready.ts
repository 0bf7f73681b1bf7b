/**
 * Waits until everything that was deployed is Ready, and shows progress. After the timeout it says what is not Ready
 * and where to look.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { V1Pod } from '@kubernetes/client-node';
import type { KubeObject } from '#shared/kubernetes/object.ts';
import { podTroubles } from './pod-troubles.ts';
import { kubectl, type Run } from './run.ts';
import type { Outcome } from './run-program.ts';

/** The kinds that Knative works on. Each has a condition Ready. */
export const WATCHED = ['Broker', 'Trigger', 'Service', 'ApiServerSource', 'PingSource'];

const HINTS: Record<string, (name: string, namespace: string) => string> = {
  Broker: (name, namespace) =>
    `kubectl describe broker ${name} -n ${namespace}; kubectl get exchanges.rabbitmq.com,queues.rabbitmq.com -n ${namespace}; then the logs of the messaging topology operator, and whether RABBITMQ_URI, user and password are right`,
  Trigger: (name, namespace) =>
    `kubectl describe trigger ${name} -n ${namespace}; a Trigger waits for the Broker and for its subscriber`,
  Service: (name, namespace) =>
    `kubectl get revisions,pods -n ${namespace} -l serving.knative.dev/service=${name}; kubectl logs -n ${namespace} -l serving.knative.dev/service=${name} -c user-container`,
};

export interface NotReady {
  kind: string;
  name: string;
  why: string;
}

/** Those of `wanted` that are not Ready in the version that was applied last. */
export function notReady(wanted: KubeObject[], live: KubeObject[]): NotReady[] {
  return wanted.flatMap(({ kind, metadata: { name } }) => {
    const object = live.find((candidate) => candidate.kind === kind && candidate.metadata.name === name);
    const why = object ? reasonOf(object) : 'it is not there';
    return why ? [{ kind, name, why }] : [];
  });
}

interface Condition {
  type: string;
  status: string;
  reason?: string;
  message?: string;
}

function reasonOf({ metadata, ...object }: KubeObject): string | undefined {
  const status = object['status'] ?? {};
  if (status.observedGeneration !== metadata.generation) {
    return 'its controller has not looked at it yet';
  }
  const conditions: Condition[] = status.conditions ?? [];
  const ready = conditions.find(({ type }) => type === 'Ready');
  if (ready?.status === 'True') {
    return undefined;
  }
  const failed = conditions.filter(({ type, status }) => type !== 'Ready' && status !== 'True');
  const said = (failed.length > 0 ? failed : ready ? [ready] : []).map(({ type, status, reason, message }) =>
    [`${type} is ${status}`, reason, message].filter(Boolean).join(': '),
  );
  return said.join('; ') || 'it has no condition yet';
}

export async function waitUntilReady(
  run: Run,
  {
    namespace,
    wanted,
    say,
    timeout,
    interval = 2000,
  }: { namespace: string; wanted: KubeObject[]; say: (line: string) => void; timeout: number; interval?: number },
): Promise<void> {
  const kinds = WATCHED.filter((kind) => wanted.some((object) => object.kind === kind));
  const resources = [...new Set(wanted.map(({ apiVersion, kind }) => `${kind}.${groupOf(apiVersion)}`))].join(',');
  const end = Date.now() + timeout;
  let told = '';
  for (;;) {
    const answer = await kubectl(run, ['get', resources, '-n', namespace, '-o', 'json']);
    const waiting = notReady(wanted, JSON.parse(answer).items);
    const progress = kinds
      .map((kind) => {
        const all = wanted.filter((object) => object.kind === kind).length;
        return `${kind}s ${all - waiting.filter((object) => object.kind === kind).length}/${all}`;
      })
      .join(', ');
    if (progress !== told) {
      say(`  ready: ${progress}`);
      told = progress;
    }
    if (waiting.length === 0) {
      return;
    }
    if (Date.now() > end) {
      const pods = await run('kubectl', [
        'get',
        'pods',
        '-n',
        namespace,
        '-l',
        'serving.knative.dev/service',
        '-o',
        'json',
      ]);
      const troubled = waiting.map((one) => ({ ...one, pods: podTroubles(itemsOf(pods), one.name) }));
      const refusals = waiting.some(({ kind }) => kind === 'Broker') ? await rabbitmqRefusals(run, namespace) : [];
      throw new Error(timeoutMessage(troubled, { namespace, timeout, refusals }));
    }
    await sleep(interval);
  }
}

/** What RabbitMQ, or the way to it, says of the Broker's exchanges and queues: the Broker says only that they wait. */
async function rabbitmqRefusals(run: Run, namespace: string): Promise<string[]> {
  const kinds = 'exchanges.rabbitmq.com,queues.rabbitmq.com,bindings.rabbitmq.com,policies.rabbitmq.com';
  const { code, stdout } = await run('kubectl', ['get', kinds, '-n', namespace, '-o', 'json']);
  const objects: KubeObject[] = code === 0 && stdout ? JSON.parse(stdout).items : [];
  const said = objects.flatMap((object) => {
    const conditions: Condition[] = object['status']?.conditions ?? [];
    return conditions
      .filter(({ status, message }) => status === 'False' && message)
      .map(({ message }) => message ?? '');
  });
  // Each names its own object; the cause is the same for all.
  return [...new Map(said.map((message) => [message.replace(/"[^"]*"/g, '…'), message])).values()];
}

function itemsOf({ code, stdout }: Outcome): V1Pod[] {
  return code === 0 && stdout ? JSON.parse(stdout).items : [];
}

function timeoutMessage(
  waiting: (NotReady & { pods: string[] })[],
  { namespace, timeout, refusals }: { namespace: string; timeout: number; refusals: string[] },
): string {
  const list = waiting.map(({ kind, name, why, pods }) => {
    const look = HINTS[kind]?.(name, namespace) ?? `kubectl describe ${kind.toLowerCase()} ${name} -n ${namespace}`;
    const said = kind === 'Service' ? pods.map((trouble) => `\n    ${trouble}`).join('') : '';
    return `  ${kind} ${name}: ${why}${said}\n    look at: ${look}`;
  });
  const told = refusals.map((message) => `  RabbitMQ's operator says: ${message}\n`).join('');
  return `not Ready after ${timeout / 1000} s:\n${list.join('\n')}\n${told}Nothing was taken back; run make deploy again when the cause is corrected (TIMEOUT=seconds waits longer)`;
}

function groupOf(apiVersion: string): string {
  const [group = '', version] = apiVersion.split('/');
  return version ? `${version}.${group}` : '';
}
