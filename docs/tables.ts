/** Generates tables in docs/ from the code. `npm run docs` writes them, and a test compares them. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type Rows, scaleCosts, scaleLimits, scaleNeeds } from '#bench/scale-rows.ts';
import { classify, type FailureKind } from '#shared/clients/classify.ts';
import { classifyDelivery } from '#shared/dead-letters/classify-delivery.ts';
import { PermanentError } from '#shared/events/errors.ts';
import { REASONS } from '#shared/events/reasons.ts';
import type { KubeObject } from '#shared/kubernetes/object.ts';
import { backoff, type DeliverySpec, deliverySettings } from '#shared/manifests/delivery-settings.ts';
import { renderOverlay } from '#shared/manifests/render-overlay.ts';
import { failureOf } from '#shared/runtime/failure-answer.ts';
import { answerRows } from './answers-table.ts';
import { cliHelp } from './cli-help.ts';

const ROOT = resolve(import.meta.dirname, '..');

/** Every document that may ask for a table, by `<!-- table: name -->` … `<!-- end -->`. */
export const FILES = readdirSync(import.meta.dirname)
  .filter((file) => file.endsWith('.md'))
  .map((file) => join(import.meta.dirname, file));

const TABLES: Record<string, () => string> = {
  cli: cliHelp,
  deliveries,
  letters,
  reasons,
  upstreams,
  answers: () => ofRows(answerRows()),
  scaleNeeds: () => ofRows(scaleNeeds()),
  scaleLimits: () => ofRows(scaleLimits()),
  scaleCosts: () => ofRows(scaleCosts()),
};

/** How each kind of failure looks from outside. */
const KINDS: Record<FailureKind, string> = {
  'no-answer': 'no answer: refused, reset, timed out',
  unavailable: '5xx',
  throttled: '429, SlowDown',
  'expired-credentials': '401, an expired token',
  conflict: 'somebody changed the object in between',
  'quota-exceeded': 'a quota is used up',
  forbidden: 'access denied',
  missing: 'a bucket, namespace or kind does not exist',
  refused: 'invalid, or refused by an admission webhook',
};

const CODES = [-1, 404, 408, 409, 429, 500, 502, 503, 504, 200, undefined];

/** The text with every table generated anew. */
export function withTables(text: string): string {
  return text.replace(/(<!-- table: (\w+) -->\n)[\s\S]*?(<!-- end -->)/g, (_all, begin: string, name: string, end) => {
    const table = TABLES[name];
    if (!table) {
      throw new Error(`docs/ asks for a table ${name}; there are ${Object.keys(TABLES).join(', ')}`);
    }
    return `${begin}${table()}\n${end}`;
  });
}

function deliveries(): string {
  const objects = renderOverlay(join(ROOT, 'eventing/overlays/local'));
  const broker = objects.find(({ kind, metadata }) => kind === 'Broker' && metadata.name === 'default');
  const rows = objects
    .filter(({ kind }) => kind === 'Trigger')
    .map((trigger) => {
      const delivery: DeliverySpec = trigger['spec'].delivery ?? broker?.['spec'].delivery;
      return [
        eventsOf(trigger),
        trigger['spec'].subscriber.ref.name,
        trigger.metadata.annotations?.['rabbitmq.eventing.knative.dev/parallelism'] ?? '1',
        retriesOf(delivery),
        trigger['spec'].delivery ? 'nowhere: it waits in RabbitMQ' : 'dead-letter',
      ];
    });
  return table(['event', 'delivered to', 'at once', 'retried after', 'then goes to'], rows);
}

function eventsOf(trigger: KubeObject): string {
  const { type } = trigger['spec'].filter?.attributes ?? {};
  return type ? `\`${type}\`` : 'every dead letter';
}

function retriesOf(delivery: DeliverySpec): string {
  const settings = deliverySettings(delivery);
  const waits = Array.from({ length: settings.retries }, (_, retry) => backoff(settings, retry + 1) / 1000);
  const days = waits.reduce((sum, wait) => sum + wait, 0) / 86_400;
  return waits.length > 10
    ? `${waits.slice(0, 3).join(', ')} … s: ${waits.length} times in ${days.toFixed(1)} days`
    : `${waits.join(', ')} s`;
}

function upstreams(): string {
  const rows = Object.entries(KINDS).map(([kind, looks]) => {
    const error = classify({ kind: kind as FailureKind, system: 'Kubernetes', doing: 'x', detail: 'x' });
    const failure = error instanceof PermanentError ? undefined : failureOf(error, undefined as never);
    if (failure === undefined || failure.outcome === 'rejected') {
      return [looks, `\`${error.reason}\``, 'the request ends: `build.complete` failed, or event.rejected'];
    }
    const seconds = failure.headers['retry-after'];
    const wait = seconds === undefined ? '' : `, Retry-After ${seconds} s`;
    return [looks, `\`${error.reason}\``, `${failure.details.status}${wait}: retried`];
  });
  return table(['Kubernetes, S3 or ECR', 'reason', 'the function answers'], rows);
}

function letters(): string {
  const rows = CODES.flatMap((code) =>
    (code === -1 ? [true, false] : [true]).map((listens) => {
      const { reason, category } = classifyDelivery(code, listens);
      const told = code === undefined ? 'none' : String(code);
      return [code === -1 ? `-1, ${listens ? 'somebody' : 'nobody'} listens` : told, reason, category];
    }),
  );
  return table(['the last answer', 'reason', 'category'], rows);
}

function reasons(): string {
  return table(
    ['reason', 'what was wrong, and what to do next'],
    Object.entries(REASONS).map(([reason, sentence]) => [reason, sentence]),
  );
}

function ofRows({ head, rows }: Rows): string {
  return table(head, rows);
}

function table(head: string[], rows: string[][]): string {
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

if (import.meta.main) {
  for (const file of FILES) {
    writeFileSync(file, withTables(readFileSync(file, 'utf8')));
  }
}
