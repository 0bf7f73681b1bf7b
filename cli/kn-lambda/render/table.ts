/** Rows under a head, without lines, as kubectl shows them. */
import Table from 'cli-table3';
import type { Style, Terminal } from '#cli/kn-lambda/terminal.ts';
import { printableCell } from '#shared/printable.ts';

export interface Cell {
  text: string;
  style?: Style;
}

const NO_LINES = Object.fromEntries(
  ['top', 'bottom', 'left', 'right', 'mid'].flatMap((side) =>
    side === 'mid'
      ? [
          ['mid', ''],
          ['left-mid', ''],
          ['mid-mid', ''],
          ['right-mid', ''],
        ]
      : [
          [side, ''],
          [`${side}-mid`, ''],
          [`${side}-left`, ''],
          [`${side}-right`, ''],
        ],
  ),
);

export function table(
  head: string[],
  rows: (string | Cell | undefined)[][],
  { paint }: Pick<Terminal, 'paint'>,
): string {
  const made = new Table({
    head,
    chars: { ...NO_LINES, middle: '  ' },
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
  });
  for (const row of rows) {
    made.push(row.map((cell) => painted(cell, paint)));
  }
  return made
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}

function painted(given: string | Cell | undefined, paint: Terminal['paint']): string {
  const { text, style } = typeof given === 'object' ? given : { text: given ?? '', style: undefined };
  const shown = printableCell(text) || '–';
  return style === undefined ? shown : paint(style, shown);
}

/** Names and values, the values under each other. */
export function pairs(rows: [string, string | undefined][]): string {
  const shown = rows.filter((row): row is [string, string] => row[1] !== undefined && row[1] !== '');
  const width = Math.max(0, ...shown.map(([name]) => name.length));
  return shown
    .map(([name, value]) => `${name.padEnd(width)}  ${value.replaceAll('\n', `\n${' '.repeat(width + 2)}`)}`)
    .join('\n');
}
