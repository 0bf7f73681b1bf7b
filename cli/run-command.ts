/** Runs one command on the letters of a bucket, and reports what was done. */
import { type FoundLetter, findLetters } from '#shared/dead-letters/find-letters.ts';
import type { LetterBox } from '#shared/dead-letters/letter-box.ts';
import { purgeLetters } from '#shared/dead-letters/purge-letters.ts';
import { type Replaying, replayLetters } from '#shared/dead-letters/replay-letters.ts';
import type { Command } from './arguments.ts';
import { letterAsText, lettersTable, stateOf } from './letters-table.ts';
import { purgeLines, replayLines } from './order-lines.ts';

export interface Output {
  /** False if something could not be done. */
  ok: boolean;
  lines: string[];
  /** The same result for programs. */
  json: unknown;
}

export async function runCommand(
  command: Exclude<Command, { verb: 'help' }>,
  deps: Replaying & { box: LetterBox },
): Promise<Output> {
  const now = deps.now();
  switch (command.verb) {
    case 'list': {
      const found: FoundLetter[] = [];
      let more = 0;
      for await (const { place, letter } of findLetters(deps.box, command.selector, now)) {
        if (found.length < (command.max ?? Number.POSITIVE_INFINITY)) {
          // Without the raw bytes: there may be thousands of letters.
          const { raw: _raw, ...rest } = letter;
          found.push({ place, letter: rest });
        } else {
          more += 1;
        }
      }
      const lines = found.length > 0 ? lettersTable(found, now) : ['no dead letters'];
      return { ok: true, lines: [...lines, ...(more > 0 ? [`and ${more} more`] : [])], json: found.map(asJson) };
    }
    case 'show': {
      for await (const found of findLetters(deps.box, { ids: [command.id] }, now)) {
        return { ok: true, lines: letterAsText(found), json: asJson(found) };
      }
      return { ok: false, lines: [`there is no dead letter ${command.id}: see the list, with --all`], json: null };
    }
    case 'replay': {
      const result = await replayLetters(command.order, deps);
      return { ok: result.refused.length === 0, lines: replayLines(result), json: result };
    }
    case 'purge': {
      const result = await purgeLetters(command.order, deps);
      return { ok: true, lines: purgeLines(result), json: result };
    }
  }
}

function asJson({ place, letter }: FoundLetter) {
  return { ...letter, state: stateOf(place) };
}
