/** What a cause rests on: the telling line of a log, a place in a file, an object, an event, a time. */
import type { Explanation } from '#shared/api/schemas.ts';
import { bounded } from '#shared/bounded-text.ts';
import { lastError } from '#shared/builds/last-error.ts';
import type { RecordedEvent } from '#shared/history/recorded-event.ts';

export type Evidence = Explanation['evidence'][number];

const PLACE = /([\w@][\w@./-]*\.(?:[cm]?[jt]sx?|py|go|rs|toml|json|ya?ml|txt|mod))(?:", line |:)(\d+)/;
/** How our adapters end their lines: what to do is said as the next step. */
const OUR_ADVICE = /\. [A-Z].*\bsend build\.start again.*$/;
const LONGEST = 1000;

/** The lines that say why, in the words of the tool that wrote them. */
export function fromLog(log: string | undefined, where: string): Evidence[] {
  if (log === undefined || log.trim() === '') {
    return [];
  }
  const told = lastError(log);
  return [
    ...told
      .split(' | ')
      .slice(0, 6)
      .map((text): Evidence => ({ kind: 'log', text: text.replace(OUR_ADVICE, ''), where })),
    ...places(told),
  ];
}

/** Places in files that a text names, each once. */
export function places(text: string): Evidence[] {
  const found = [...text.matchAll(new RegExp(PLACE, 'g'))].map(([, file, line]) => `${file}:${line}`);
  return [...new Set(found)].slice(0, 3).map((where) => ({ kind: 'file', text: where, where }));
}

export function fromEvent(event: RecordedEvent | undefined): Evidence[] {
  return event ? [{ kind: 'event', text: `${event.type} at ${event.time}`, where: event.id }] : [];
}

export function object(text: string, where: string): Evidence {
  return { kind: 'object', text: bounded(text, LONGEST), where };
}

export function since(time: string, now: Date, what: string): Evidence {
  return { kind: 'time', text: `${what} ${duration(now.getTime() - Date.parse(time))} ago`, where: time };
}

/** "3 s", "12 min", "5 h", "2 days". */
export function duration(milliseconds: number): string {
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  if (seconds < 120) {
    return `${seconds} s`;
  }
  if (seconds < 7200) {
    return `${Math.round(seconds / 60)} min`;
  }
  return seconds < 172_800 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86_400)} days`;
}

/** The first sentence says what happened; ours go on with what to do, as the next sentence or by a command. */
export function firstSentence(message: string): string {
  const [, first = message] =
    /^(.*?\S)(?:\. (?=[A-Z`])|: (?=(?:if [^`:]+, )?`(?:kubectl|kn-lambda|make) ))/s.exec(message) ?? [];
  return bounded(first.replace(/\.$/, ''), LONGEST);
}

/** Undefined where the message has no more than what happened. */
export function otherSentences(message: string): string | undefined {
  const rest = message.slice(firstSentence(message).length).replace(/^[.:]?\s*/, '');
  return rest === '' ? undefined : bounded(rest, LONGEST);
}
