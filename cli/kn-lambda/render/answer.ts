/** What became of a call, in one line, and the error under it. */
import type { Called } from '#cli/kn-lambda/call.ts';
import type { Runtime } from '#cli/kn-lambda/session.ts';
import { printableCell } from '#shared/printable.ts';
import { took } from './time.ts';
import { inOurWords } from './words.ts';

/** The error of a call that was refused is left to who knows more of the cause. */
export function noteAnswer(told: Called & { cold?: boolean }, { terminal }: Pick<Runtime, 'terminal'>): void {
  const { note, paintNote } = terminal;
  const facts = [
    took(told.duration_ms ?? told.round_trip_ms),
    told.cold === undefined || told.refused ? '' : told.cold ? 'cold' : 'warm',
    told.version === undefined || told.refused ? '' : `version ${printableCell(told.version)}`,
    `trace ${told.trace_id}`,
  ].filter((fact) => fact !== '');
  const failed = paintNote('red', told.refused ? '✖ it could not be called' : '✖ failed');
  note(`${told.succeeded ? paintNote('green', '✔ answered') : failed} (${facts.join(', ')})`);
  if (!told.refused) {
    noteError(told, { terminal });
  }
}

export function noteError({ error }: Pick<Called, 'error'>, { terminal }: Pick<Runtime, 'terminal'>): void {
  const { note, paintNote } = terminal;
  if (error !== undefined) {
    note(`${paintNote('red', printableCell(error.type))}: ${inOurWords(error.message)}`);
  }
}
