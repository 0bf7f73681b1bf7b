/** Tables in Markdown, as docs/performance.md has them. */
import { type Row, rounded } from '#bench/row.ts';

export function table(title: string, head: string[], rows: string[][]): string {
  const widths = head.map((cell, column) =>
    Math.max(...[head, ...rows].map((row) => row[column]?.length ?? 0), cell.length),
  );
  const line = (cells: string[]) =>
    `| ${widths.map((width, column) => (cells[column] ?? '').padEnd(width)).join(' | ')} |`;
  return [`### ${title}`, '', line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line), ''].join(
    '\n',
  );
}

export const seconds = (milliseconds: number) => (Number.isNaN(milliseconds) ? '–' : (milliseconds / 1000).toFixed(2));

/** Figures beside the baselines that they are held against. */
export function rowTable(title: string, rows: Row[]): string {
  const cell = (value: number | undefined, unit = '') => (value === undefined ? '' : `${rounded(value)}${unit}`);
  return table(
    title,
    ['', 'p50', 'p95', 'ratio', 'of', 'aim'],
    rows.map(({ name, value, unit, p95, ratio, baseline = '', aim = '' }) => [
      name.trim(),
      cell(value, ` ${unit}`),
      cell(p95),
      ratio === undefined ? '' : `× ${ratio.toFixed(2)}`,
      baseline,
      aim,
    ]),
  );
}
