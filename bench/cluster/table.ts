/** Tables in Markdown, as docs/performance.md has them. */
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
