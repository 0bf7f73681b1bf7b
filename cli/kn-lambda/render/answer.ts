/** What became of a call, in one line, and the error under it. */
import type { Called } from '#cli/kn-lambda/call.ts';
import type { Runtime } from '#cli/kn-lambda/session.ts';
import { printableCell } from '#shared/printable.ts';
import { took } from './time.ts';
import { inOurWords } from './words.ts';

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
  if (told.error !== undefined) {
    note(`${paintNote('red', printableCell(told.error.type))}: ${inOurWords(told.error.message)}`);
  }
}
