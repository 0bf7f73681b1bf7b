/** An explanation: cause, evidence, the one next step. */

import type { Terminal } from '#cli/kn-lambda/terminal.ts';
import type { Explanation } from '#shared/api/schemas.ts';
import { printable, printableCell } from '#shared/printable.ts';

export function explanationText(
  { healthy, reason, cause, evidence, next }: Explanation,
  paint: Terminal['paint'],
): string {
  const head = reason === undefined ? '' : `${paint(healthy ? 'green' : 'red', printableCell(reason))}: `;
  const lines = [`${head}${printable(cause)}`];
  for (const { text, where } of evidence) {
    const [first = '', ...others] = printable(text).split('\n');
    lines.push(
      `  ${paint('dim', '·')} ${where === undefined ? '' : `${paint('dim', printableCell(where))}  `}${first}`,
    );
    lines.push(...others.map((line) => `    ${line}`));
  }
  if (next !== undefined) {
    lines.push('', `${paint('bold', 'Next:')} ${printable(next.say)}`);
    lines.push(...(next.command === undefined ? [] : [`  ${printable(next.command)}`]));
  }
  return lines.join('\n');
}
