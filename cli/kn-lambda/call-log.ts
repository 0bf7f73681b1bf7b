/** What a function wrote during one call. A help only: the answer of the call stands without it. */
import { stripVTControlCharacters } from 'node:util';
import type { LogLine } from '#shared/api/schemas.ts';
import { type Identity, subjectOf } from '#shared/events/identity.ts';
import type { Called } from './call.ts';
import type { Api } from './client.ts';
import { Failure } from './failure.ts';
import { logText } from './render/lines.ts';
import { pathOf, type Runtime } from './session.ts';

/** Lines that are shown of a call that failed. */
const TAIL = 20;

export interface WantedLog {
  identity: Identity;
  answer: Called;
  since: Date;
  /** Not only the end of it. */
  isWhole: boolean;
}

/** Lines that name no call (`console.log`) are those that came meanwhile. */
export async function tellCallLog(
  api: Api,
  { identity, answer, since, isWhole }: WantedLog,
  { terminal, signal }: Pick<Runtime, 'terminal' | 'signal'>,
): Promise<void> {
  const { note, paintNote } = terminal;
  const path = `/api/v1/functions/${pathOf(identity)}/logs`;
  const isOfCall = { query: { call: answer.id }, flag: `call ${answer.id}` };
  const cameMeanwhile = { query: { since: since.toISOString() }, flag: 'since 10m' };
  try {
    for (const { query, flag } of [isOfCall, cameMeanwhile]) {
      const { lines, left } = await lastLines(
        await api.lines<LogLine>(path, { query, signal }),
        isWhole ? Number.POSITIVE_INFINITY : TAIL,
      );
      if (left > 0) {
        const all = `kn-lambda logs ${subjectOf(identity)} --${flag}`;
        note(paintNote('dim', `The last ${lines.length} lines; ${left} before: ${all}`));
      }
      for (const line of lines) {
        note(withoutError(logText(line, paintNote, false), answer));
      }
      if (lines.length > 0) {
        return;
      }
    }
  } catch (error) {
    if (!(error instanceof Failure)) {
      throw error;
    }
  }
}

async function lastLines(all: AsyncIterable<LogLine>, most: number): Promise<{ lines: LogLine[]; left: number }> {
  const lines: LogLine[] = [];
  let left = 0;
  for await (const line of all) {
    lines.push(line);
    if (lines.length > most) {
      lines.shift();
      left += 1;
    }
  }
  return { lines, left };
}

/** A stack begins with the error, which has just been told. */
function withoutError(text: string, { error }: Called): string {
  const told = `${error?.type}: ${error?.message}`;
  return text
    .split('\n')
    .filter((line, index) => index === 0 || stripVTControlCharacters(line).trim() !== told)
    .join('\n');
}
