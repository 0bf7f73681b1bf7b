/** Shows letters as lines of a table, and one letter as text. */
import type { FoundLetter } from '#shared/dead-letters/find-letters.ts';
import { attributeOf } from '#shared/dead-letters/letter.ts';
import { isOpen } from '#shared/dead-letters/place.ts';
import { DAY, HOUR, MINUTE, SECOND } from '#shared/durations.ts';
import { printableCell, printableJson } from '#shared/printable.ts';

const HEAD = ['ID', 'AGE', 'TYPE', 'SUBJECT', 'WHERE', 'CODE', 'REASON', 'COUNT', 'STATE'];

export function lettersTable(found: FoundLetter[], now: Date): string[] {
  const rows = found.map(({ place, letter }) => [
    letter.id,
    age(letter.last_at, now),
    attributeOf(letter, 'type'),
    // Older letters have none of their own.
    letter.subject ?? attributeOf(letter, 'subject'),
    letter.function ?? letter.destination ?? '',
    letter.code === undefined ? '' : String(letter.code),
    letter.reason,
    String(letter.count),
    stateOf(place),
  ]);
  const widths = HEAD.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)));
  return [HEAD, ...rows].map((row) =>
    row
      .map((cell, column) => (printableCell(cell) || '–').padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}

export function stateOf(place: FoundLetter['place']): string {
  const { replayed } = place;
  if (replayed === 0) {
    return 'open';
  }
  return isOpen(place) ? `open, replayed ${replayed}×` : 'replayed';
}

/** First what happened and what to do, then the event. The raw bytes are shown by --json only. */
export function letterAsText({ place, letter }: FoundLetter): string[] {
  const { event, raw: _raw, message, ...fields } = letter;
  const told = { ...fields, state: stateOf(place) };
  return [
    ...(message ? [printableCell(message), ''] : []),
    ...Object.entries(told).map(
      ([name, value]) =>
        `${name.padEnd(13)} ${printableCell(typeof value === 'string' ? value : JSON.stringify(value))}`,
    ),
    '',
    printableJson(JSON.stringify(event, undefined, 2)),
  ];
}

/** In the largest unit that fits, as kubectl shows ages. */
function age(time: string, now: Date): string {
  const past = now.getTime() - Date.parse(time);
  if (Number.isNaN(past)) {
    return '';
  }
  const [unit, name] =
    past >= 2 * DAY ? [DAY, 'd'] : past >= 2 * HOUR ? [HOUR, 'h'] : past >= 2 * MINUTE ? [MINUTE, 'm'] : [SECOND, 's'];
  return `${Math.max(0, Math.floor(past / unit))}${name}`;
}
