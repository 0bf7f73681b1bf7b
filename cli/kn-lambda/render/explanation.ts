/** An explanation: cause, evidence, the one next step. */
import type { Terminal } from '#cli/kn-lambda/terminal.ts';
import type { Explanation } from '#shared/api/schemas.ts';
import { printable, printableCell } from '#shared/printable.ts';
import { inOurWords } from './words.ts';

export function explanationText(
  { healthy, reason, cause, evidence, next }: Explanation,
  paint: Terminal['paint'],
  asGiven: (command: string) => string = (command) => command,
): string {
  const head = reason === undefined ? '' : `${paint(healthy ? 'green' : 'red', printableCell(reason))}: `;
  const lines = [`${head}${inOurWords(cause)}`];
  const told = new Set<string>();
  let before: string | undefined;
  for (const { text, where } of evidence) {
    const [first = '', ...others] = inOurWords(text).split('\n');
    const key = `${where} ${text}`;
    // A place that is its own text says nothing twice.
    const place =
      where === undefined || where === before || where === text ? '' : `${paint('dim', printableCell(where))}  `;
    if (!told.has(key)) {
      lines.push(`  ${paint('dim', '·')} ${place}${first}`, ...others.map((line) => `    ${line}`));
    }
    told.add(key);
    before = where;
  }
  if (next !== undefined) {
    lines.push('', `${paint('bold', 'Next:')} ${inOurWords(next.say)}`);
    lines.push(...(next.command === undefined ? [] : [`  ${printable(asGiven(next.command))}`]));
  }
  return lines.join('\n');
}
