import type { Command } from 'commander';
import { connectable, shown } from '#cli/kn-lambda/options.ts';
import { show } from '#cli/kn-lambda/render/output.ts';
import {
  buildsTable,
  functionState,
  shortImage,
  stateCell,
  versionsTable,
  whyOf,
} from '#cli/kn-lambda/render/state.ts';
import { pairs } from '#cli/kn-lambda/render/table.ts';
import { took } from '#cli/kn-lambda/render/time.ts';
import { inOurWords } from '#cli/kn-lambda/render/words.ts';
import { type CommonOptions, openSession, pathOf, type Runtime } from '#cli/kn-lambda/session.ts';
import type { Terminal } from '#cli/kn-lambda/terminal.ts';
import {
  type FunctionDetail,
  type FunctionMetrics,
  functionDetailSchema,
  functionMetricsSchema,
} from '#shared/api/schemas.ts';
import { printableCell } from '#shared/printable.ts';

const SHOWN = 5;

export function addDescribe(program: Command, runtime: Runtime): void {
  const command = program
    .command('describe')
    .argument('[function]', 'NAME or TENANT/NAME; default: that of this folder')
    .description('one function: state, settings, versions, last builds');
  connectable(shown(command)).action(async (name: string | undefined, options: CommonOptions) => {
    const session = await openSession(options, runtime);
    const identity = await session.identity(name);
    const path = `/api/v1/functions/${pathOf(identity)}`;
    const { signal } = runtime;
    const [found, metrics] = await Promise.all([
      session.api.get(path, functionDetailSchema, { signal }),
      // A help only: a platform of before answers 404.
      options.output === undefined
        ? session.api.get(`${path}/metrics`, functionMetricsSchema, { signal }).catch(() => undefined)
        : undefined,
    ]);
    show(found, runtime, options, {
      text: (detail) => describe(detail, metrics, runtime.terminal),
      names: ({ third_party_id, parser_id }) => [`${third_party_id}/${parser_id}`],
    });
  });
}

function describe(detail: FunctionDetail, metrics: FunctionMetrics | undefined, terminal: Terminal): string {
  const { settings, conditions } = detail;
  const { text, style } = stateCell(functionState(detail));
  // What the state is due to has been said.
  const wrong = conditions.filter(({ status, message }) => status !== 'True' && message !== detail.message);
  const head = pairs([
    ['Function', `${detail.third_party_id}/${detail.parser_id}`],
    ['State', style === undefined ? text : terminal.paint(style, text)],
    ['Why', whyOf(detail) || undefined],
    ['Version', detail.revision],
    ['Image', shortImage(detail.image_uri)],
    ['Language', detail.language],
    [isOfCluster(detail.url) ? 'In cluster' : 'Address', detail.url],
    ['Pods', detail.pods === undefined ? undefined : String(detail.pods)],
    ['Calls', detail.delivery === 'own' ? 'through a queue of its own' : undefined],
    ['Last hour', lastHour(metrics?.total)],
    ['Errors', metrics && errorsByReason(metrics)],
    ['Time limit', settings.timeout_seconds === undefined ? undefined : `${settings.timeout_seconds} s`],
    ['At once', settings.concurrency === undefined ? undefined : `${settings.concurrency} in a pod`],
    ['Scaling', inOneLine(settings.scaling)],
    ['Resources', inOneLine(settings.resources)],
    ['Inputs', settings.record ? 'of kept calls are kept (parameters.record)' : undefined],
    ['Env', settings.env.map(({ name, value }) => printableCell(`${name}=${value}`)).join('\n')],
    ['Secrets', settings.secrets.map(secretText).join('\n')],
    ...wrong.map(({ type, reason, message }): [string, string] => [
      type,
      inOurWords(`${reason ?? ''} ${message ?? ''}`.trim()),
    ]),
  ]);
  const sections = [
    detail.versions.length > 0 ? versionsTable(detail.versions.slice(0, SHOWN), terminal) : '',
    detail.builds.length > 0 ? buildsTable(detail.builds.slice(0, SHOWN), terminal) : '',
  ];
  return [head, ...sections].filter((section) => section !== '').join('\n\n');
}

/** Nobody outside the cluster can resolve that name. */
function isOfCluster(url = ''): boolean {
  return URL.canParse(url) && /\.svc(\.cluster\.local)?$/.test(new URL(url).hostname);
}

function lastHour(total: FunctionMetrics['total'] | undefined): string | undefined {
  if (!total || total.calls + total.retried === 0) {
    return total && 'no call';
  }
  return [
    `${total.calls} ${total.calls === 1 ? 'call' : 'calls'}`,
    ...(total.p50_ms === undefined ? [] : [`half of them within ${took(total.p50_ms)}`]),
    ...(total.p95_ms === undefined ? [] : [`95 % within ${took(total.p95_ms)}`]),
    ...(total.cold_starts > 0 ? [`${total.cold_starts} may have waited for a pod`] : []),
    ...(total.retried > 0 ? [`${total.retried} more tries that nobody answered`] : []),
  ].join(', ');
}

function errorsByReason({ total }: FunctionMetrics): string | undefined {
  const reasons = Object.entries(total.errors_by_reason).map(([reason, count]) => `${count} ${printableCell(reason)}`);
  return reasons.length > 0 ? reasons.join(', ') : undefined;
}

export function secretText(secret: {
  name: string;
  key: string;
  env?: string | undefined;
  file?: string | undefined;
}): string {
  const place = secret.env === undefined ? `file ${secret.file ?? ''}` : `$${secret.env}`;
  return printableCell(`${place}  ${secret.name}/${secret.key}`);
}

function inOneLine(settings: Record<string, unknown>): string {
  return Object.entries(settings)
    .map(([name, value]) =>
      printableCell(`${name}: ${typeof value === 'object' ? JSON.stringify(value) : String(value)}`),
    )
    .join(', ');
}
