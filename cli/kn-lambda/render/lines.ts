/** One line of a log, and one event, for people. */

import type { Style, Terminal } from '#cli/kn-lambda/terminal.ts';
import type { EventLine, LogLine } from '#shared/api/schemas.ts';
import { ownStack } from '#shared/own-stack.ts';
import { printableCell } from '#shared/printable.ts';
import { clock } from './time.ts';
import { inOurWords } from './words.ts';

export function logText({ time, pod, text }: LogLine, paint: Terminal['paint'], withPod = true): string {
  const { message, style, stack, at = time } = messageIn(text);
  const shown = printableCell(inOurWords(message));
  const from = withPod && pod !== '' ? `${paint('dim', printableCell(shortPod(pod)))}  ` : '';
  const line = `${paint('dim', clock(at))}  ${from}${style === undefined ? shown : paint(style, shown)}`;
  return [line, ...stack.map((frame) => `              ${paint('dim', frame)}`)].join('\n');
}

/** The last part of a pod's name tells it from its siblings. */
function shortPod(pod: string): string {
  return pod.split('-').slice(-2).join('-');
}

const LEVELS: Record<string, Style> = { error: 'red', fatal: 'red', warn: 'yellow', warning: 'yellow' };

interface Message {
  message: string;
  style?: Style;
  stack: string[];
  /** When the function wrote it, which is before it came into the log. */
  at?: string;
}

/** Adapters write JSON: level, msg, and the fields of the call, which the reader has asked for already. */
function messageIn(text: string): Message {
  const written = text.startsWith('{') ? parsed(text) : undefined;
  if (typeof written?.['msg'] !== 'string') {
    return { message: text, stack: [] };
  }
  const { level, msg, stack, time, event: _event, correlation_id: _id, trace_id: _trace, ...fields } = written;
  const rest = Object.entries(fields).map(
    ([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
  );
  const style = LEVELS[String(level)];
  return {
    message: `${style === undefined ? '' : `${String(level)}: `}${[String(msg), ...rest].join('  ')}`,
    ...(style === undefined ? {} : { style }),
    stack: typeof stack === 'string' ? ownStack(stack) : [],
    ...(typeof time === 'string' && !Number.isNaN(Date.parse(time)) ? { at: time } : {}),
  };
}

function parsed(text: string): Record<string, unknown> | undefined {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}

const TOLD = ['status', 'state', 'reason', 'revision', 'succeeded', 'error_message', 'duration_ms'];

export function eventText(event: EventLine, paint: Terminal['paint']): string {
  const data = (typeof event.data === 'object' && event.data !== null ? event.data : {}) as Record<string, unknown>;
  const isOurs = /^(build\.complete|lifecycle\.|parser\.complete|event\.rejected|dead-letter)/.test(event.type);
  const error = data['error'] as { type?: unknown; message?: unknown } | undefined;
  const told = isOurs
    ? [
        ...TOLD.filter((name) => data[name] !== undefined).map((name) => toldField(name, data[name])),
        ...(error === undefined ? [] : [`${String(error.type)}: ${String(error.message).split('\n')[0]}`]),
      ].join('  ')
    : '';
  const failed =
    data['succeeded'] === false ||
    /failed|rejected/.test(event.type) ||
    /^(failed|timeout)$/.test(String(data['status']));
  const subject = event.third_party_id === undefined ? '' : `${event.third_party_id}/${event.parser_id}`;
  return [
    paint('dim', clock(event.time)),
    paint(failed ? 'red' : 'bold', printableCell(event.type).padEnd(25)),
    printableCell(subject).padEnd(20),
    printableCell(told),
  ]
    .join('  ')
    .trimEnd();
}

function toldField(name: string, value: unknown): string {
  const text = inOurWords(String(value)).split('\n')[0] ?? '';
  return name === 'succeeded' ? `succeeded: ${text}` : name === 'duration_ms' ? `${text} ms` : text;
}
