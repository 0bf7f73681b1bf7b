/** An event on one line: how long after the first of its chain, type, subject, and what happened to it. */
import type { BrokerEvent } from '#local/broker/broker-event.ts';
import type { TapEntry } from '#local/broker/tap.ts';
import { printableCell } from '#shared/printable.ts';
import type { Style, Terminal } from './terminal.ts';

const KUBERNETES_CHANGE = 'dev.knative.apiserver.';
const MINUTE = 'dev.knative.sources.ping';

/**
 * Undefined for what would be noise: every change of a watched object and every minute passes, and few of them mean
 * anything.
 */
export function eventLine(entry: TapEntry, elapsed: number, paint: Terminal['paint']): string | undefined {
  const type = attribute(entry.event, 'type');
  const happened = whatHappened(entry);
  const isFrequent = type.startsWith(KUBERNETES_CHANGE) || type === MINUTE;
  if (happened === undefined || (isFrequent && happened.style === 'dim')) {
    return undefined;
  }
  const time = paint('dim', `${String(Math.round(elapsed)).padStart(7)} ms`);
  const name = type.startsWith(KUBERNETES_CHANGE) ? 'kubernetes change' : printableCell(type);
  const subject = printableCell(attribute(entry.event, 'subject')).split('/').slice(-2).join('/');
  const details = printableCell(detailsOf(entry.event));
  return [
    time,
    paint('bold', name.padEnd(25)),
    subject.padEnd(20),
    paint(happened.style, happened.text),
    ...(details ? [paint(endStyle(type, details), `(${details})`)] : []),
  ].join('  ');
}

export function attribute(event: BrokerEvent, name: string): string {
  return String(event.attributes[name] ?? '');
}

export function dataOf(event: BrokerEvent): Record<string, unknown> {
  try {
    const data: unknown = JSON.parse(event.data.toString());
    return typeof data === 'object' && data !== null ? (data as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

function whatHappened(entry: TapEntry): { text: string; style: Style } | undefined {
  const trigger = 'trigger' in entry ? (entry.trigger.split('/').at(-1) ?? '') : '';
  switch (entry.kind) {
    case 'published':
      return entry.triggers === 0 ? { text: 'nobody subscribes to it', style: 'dim' } : undefined;
    case 'dead-lettered':
      return { text: `${trigger} failed every time (HTTP ${entry.status}): dead-lettered`, style: 'red' };
    case 'dropped':
      return { text: `${trigger} failed every time (HTTP ${entry.status}): dropped`, style: 'red' };
    case 'delivered': {
      const taken = entry.status >= 200 && entry.status < 300;
      if (!taken) {
        const answer = entry.status === -1 ? 'no answer' : `HTTP ${entry.status}`;
        return { text: `${trigger}: ${answer}, attempt ${entry.attempt}`, style: 'yellow' };
      }
      const took = `${trigger}${entry.deadLetter ? ' (dead letter)' : ''}`;
      return entry.reply
        ? { text: `${took} → ${printableCell(replied(entry.reply))}  ${Math.round(entry.ms)} ms`, style: 'cyan' }
        : { text: `${took}  ${Math.round(entry.ms)} ms`, style: 'dim' };
    }
  }
}

/** A call that is handed on is the same event again, so its type alone would tell nothing. */
function replied(reply: BrokerEvent): string {
  const type = attribute(reply, 'type');
  if (type !== 'parser.deliver') {
    return type;
  }
  return attribute(reply, 'deliverylane') === 'own'
    ? "parser.deliver: to the function's own queue"
    : 'parser.deliver: to the queue of calls that wait';
}

/** What a person wants to know of the data, in the contract's own words. */
function detailsOf(event: BrokerEvent): string {
  const type = attribute(event, 'type');
  if (!/^(build\.complete|lifecycle\.|parser\.complete|event\.rejected)/.test(type)) {
    return '';
  }
  const data = dataOf(event);
  const told = ['status', 'state', 'reason', 'revision', 'succeeded', 'error_message']
    .filter((key) => data[key] !== undefined)
    .map((key) => (key === 'succeeded' ? `succeeded: ${String(data[key])}` : String(data[key]).split('\n')[0]));
  const problems = Array.isArray(data['problems']) ? (data['problems'] as { path: string; message: string }[]) : [];
  const wrong = problems.map(({ path, message }) => `${path} ${message}`);
  const { type: failure, message } = (data['error'] ?? {}) as { type?: unknown; message?: unknown };
  const raised = failure === undefined ? [] : [`${String(failure)}: ${String(message).split('\n')[0]}`];
  return [...told, ...raised, ...wrong, ...(data['cached'] === true ? ['cached'] : [])].join(', ');
}

function endStyle(type: string, details: string): Style {
  return /failed|rejected/.test(type) || /^(failed|timeout)/.test(details) || details.includes('succeeded: false')
    ? 'red'
    : 'green';
}
