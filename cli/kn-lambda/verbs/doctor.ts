import type { Command } from 'commander';
import { Exit } from '#cli/kn-lambda/failure.ts';
import { connectable, shown } from '#cli/kn-lambda/options.ts';
import { show } from '#cli/kn-lambda/render/output.ts';
import { stateCell } from '#cli/kn-lambda/render/state.ts';
import { inOurWords } from '#cli/kn-lambda/render/words.ts';
import { type CommonOptions, openSession, type Runtime } from '#cli/kn-lambda/session.ts';
import type { Terminal } from '#cli/kn-lambda/terminal.ts';
import { type Check, doctorSchema } from '#shared/api/schemas.ts';
import { printable, printableCell } from '#shared/printable.ts';

export function addDoctor(program: Command, runtime: Runtime): void {
  const command = program
    .command('doctor')
    .description('check the installation, and what belongs to you. Exit code 1: warnings; 2: something is broken')
    .option('--all', 'show what is in order, too');
  connectable(shown(command)).action(async (options: CommonOptions & { all?: boolean }) => {
    const session = await openSession(options, runtime);
    const query = { third_party_id: session.tenant() };
    const found = await session.api.get('/api/v1/doctor', doctorSchema, { query, signal: runtime.signal });
    show(found, runtime, options, {
      text: ({ checks }) => checksText(checks, options.all ?? false, runtime.terminal, session.api.asGiven),
      names: ({ checks }) => checks.filter(({ status }) => status !== 'ok').map(({ name }) => name),
    });
    throw new Exit(exitCodeOf(found.checks));
  });
}

function checksText(
  checks: Check[],
  all: boolean,
  { paint, asCalled }: Terminal,
  asGiven: (command: string) => string,
): string {
  const lines = checks
    .filter(({ status }) => all || status !== 'ok')
    .flatMap(({ name, status, message, next }) => {
      const { text, style } = stateCell(status);
      return [
        `${style === undefined ? text : paint(style, text.padEnd(8))} ${paint('bold', printableCell(name))}: ${printable(message)}`,
        ...(next === undefined || status === 'ok' ? [] : [`         ${asCalled(inOurWords(next.say))}`]),
        ...(next?.command === undefined || status === 'ok'
          ? []
          : [`         $ ${asCalled(printable(asGiven(next.command)))}`]),
      ];
    });
  const counted = ['ok', 'warning', 'failed', 'unknown']
    .map((status) => [checks.filter((check) => check.status === status).length, status] as const)
    .filter(([number]) => number > 0)
    .map(([number, status]) => `${number} ${status}`);
  return [...lines, `${checks.length} checks: ${counted.join(', ')}`].join('\n');
}

/** What could not be found out is a warning: it may be as well as broken. */
export function exitCodeOf(checks: Pick<Check, 'status'>[]): number {
  if (checks.some(({ status }) => status === 'failed')) {
    return 2;
  }
  return checks.some(({ status }) => status !== 'ok') ? 1 : 0;
}
