/** `dead-letters`: listed and shown by the API, replayed and purged by the events that operators send. */
import { randomUUID } from 'node:crypto';
import type { Command } from 'commander';
import { Option } from 'commander';
import { anySignal } from '#cli/kn-lambda/any-signal.ts';
import { EXIT, Exit, Failure, Interrupted, wrongUse } from '#cli/kn-lambda/failure.ts';
import { openEvents } from '#cli/kn-lambda/follow-events.ts';
import { connectable, count, duration, shown } from '#cli/kn-lambda/options.ts';
import { FOR_A_MINUTE, notedOutage } from '#cli/kn-lambda/outage.ts';
import { show } from '#cli/kn-lambda/render/output.ts';
import { pairs, table } from '#cli/kn-lambda/render/table.ts';
import { age } from '#cli/kn-lambda/render/time.ts';
import { inOurWords } from '#cli/kn-lambda/render/words.ts';
import { type CommonOptions, openSession, type Runtime } from '#cli/kn-lambda/session.ts';
import type { Terminal } from '#cli/kn-lambda/terminal.ts';
import { purgeLines, replayLines } from '#cli/order-lines.ts';
import { type Letter, letterSchema } from '#shared/api/schemas.ts';
import { MINUTE } from '#shared/durations.ts';
import {
  type DeadLetterPurged,
  type DeadLetterReplayed,
  deadLetterPurgeSchema,
  deadLetterReplaySchema,
} from '#shared/events/dead-letter.ts';
import { problemsOf } from '#shared/events/problem.ts';
import { printableCell, printableJson } from '#shared/printable.ts';

interface Choice extends CommonOptions {
  category?: string;
  type?: string;
  reason?: string;
  state?: string;
  newerThan?: string;
  olderThan?: string;
  all?: boolean;
  max?: number;
  dryRun?: boolean;
  force?: boolean;
}

const PATH = '/api/v1/dead-letters';
const PATIENCE_MS = 5 * MINUTE;

export function addDeadLetters(program: Command, runtime: Runtime): void {
  const group = program
    .command('dead-letters')
    .alias('dlq')
    .description('events that were refused, or that failed for good');
  addListLetters(group, runtime);
  addShowLetter(group, runtime);
  addOrder(group, runtime, 'replay');
  addOrder(group, runtime, 'purge');
}

function choosing(command: Command): Command {
  return command
    .addOption(new Option('--category <category>', 'only these').choices(['permanent', 'transient']))
    .option('--type <type>', 'of the event')
    .option('--reason <reason>', 'as the list shows it')
    .option('--newer-than <duration>', 'came within, such as 24h')
    .option('--older-than <duration>', 'came last before, such as 7d');
}

function addListLetters(group: Command, runtime: Runtime): void {
  const command = group
    .command('list')
    .alias('ls')
    .description('those that are open')
    .option('--all', 'also those that were replayed and have not come back')
    .option('--max <n>', 'no more than these', count, 200);
  connectable(shown(choosing(command))).action(async (options: Choice) => {
    const session = await openSession(options, runtime);
    const { category, type, reason } = options;
    const letters = await session.api.list(PATH, letterSchema, {
      query: {
        third_party_id: session.tenant(),
        category,
        type,
        reason,
        state: options.all ? undefined : 'open',
      },
      most: options.max ?? 200,
      signal: runtime.signal,
    });
    const chosen = letters.filter(inTime(options));
    if (chosen.length === 0 && options.output === undefined) {
      runtime.terminal.say('no dead letters');
      return;
    }
    show(chosen, runtime, options, {
      text: (all) => lettersTable(all, runtime.terminal),
      names: (all) => all.map(({ id }) => id),
    });
  });
}

/** By the time at which it came last. */
function inTime({ newerThan, olderThan }: Choice): (letter: Letter) => boolean {
  const newest = olderThan === undefined ? Number.POSITIVE_INFINITY : Date.now() - duration(olderThan);
  const oldest = newerThan === undefined ? Number.NEGATIVE_INFINITY : Date.now() - duration(newerThan);
  return ({ time }) => Date.parse(time) >= oldest && Date.parse(time) <= newest;
}

function lettersTable(letters: Letter[], terminal: Terminal): string {
  const rows = letters.map((letter) => [
    letter.id,
    age(letter.time),
    letter.type,
    letter.third_party_id === undefined ? '' : `${letter.third_party_id}/${letter.parser_id}`,
    { text: letter.reason, style: letter.category === 'permanent' ? ('red' as const) : ('yellow' as const) },
    letter.state,
  ]);
  return table(['ID', 'AGE', 'TYPE', 'FUNCTION', 'REASON', 'STATE'], rows, terminal);
}

function addShowLetter(group: Command, runtime: Runtime): void {
  const command = group
    .command('show')
    .argument('<id>', 'as the list shows it')
    .description('one, with its event and what to do');
  connectable(shown(command)).action(async (id: string, options: CommonOptions) => {
    const session = await openSession(options, runtime);
    const letter = await session.api.get(`${PATH}/${encodeURIComponent(id)}`, letterSchema.loose(), {
      signal: runtime.signal,
    });
    show(letter, runtime, options, { text: letterText, names: ({ id: name }) => [name] });
  });
}

function letterText({ advice, event, ...fields }: Letter & Record<string, unknown>): string {
  const rows = Object.entries(fields).map(([name, value]): [string, string] => [
    name,
    printableCell(typeof value === 'string' ? value : JSON.stringify(value)),
  ]);
  return [
    ...(advice === undefined ? [] : [inOurWords(advice), '']),
    pairs(rows),
    ...(event === undefined ? [] : ['', printableJson(JSON.stringify(event, undefined, 2))]),
  ].join('\n');
}

const DOES = {
  replay: { what: 'send letters to the Broker again, 10 a second', done: 'dead-letter.replayed' },
  purge: { what: 'delete letters for good', done: 'dead-letter.purged' },
} as const;

function addOrder(group: Command, runtime: Runtime, verb: 'replay' | 'purge'): void {
  const command = group
    .command(verb)
    .argument('[id...]', 'of the letters; or choose them by the flags')
    .description(DOES[verb].what)
    .option('--all', 'all letters')
    .option('--max <n>', 'no more than these, at most 1000', count, 100)
    .option('--dry-run', 'only say what would be done');
  if (verb === 'replay') {
    command.option('--force', 'also those that are refused again in the same way');
  } else {
    command.addOption(new Option('--state <state>', 'only these').choices(['open', 'replayed']));
  }
  connectable(shown(choosing(command))).action(async (ids: string[], options: Choice) => {
    const order = orderOf(verb, ids, options);
    const session = await openSession(options, runtime);
    const result = await given(session.api, verb, order, runtime);
    show(result, runtime, options, {
      text: (told) => ('replayed' in told ? replayLines(told) : purgeLines(told)).join('\n'),
      names: (told) => told.ids,
    });
    if ('refused' in result && result.refused.length > 0) {
      throw new Exit(EXIT.failed);
    }
  });
}

/** Checked here by the schema of the event, so that every mistake is told at once. */
function orderOf(verb: 'replay' | 'purge', ids: string[], options: Choice): unknown {
  const { category, type, reason, state, newerThan, olderThan, all, max, dryRun, force } = options;
  const schema = verb === 'replay' ? deadLetterReplaySchema : deadLetterPurgeSchema;
  const checked = schema.safeParse({
    ids: ids.length > 0 ? ids : undefined,
    category,
    type,
    reason,
    newer_than: newerThan,
    older_than: olderThan,
    all,
    max,
    dry_run: dryRun,
    ...(verb === 'replay' ? { force } : { state }),
  });
  if (checked.success) {
    return checked.data;
  }
  const told = problemsOf(checked.error, '').map(({ path, message }) => `${path.replace(/^\./, '')} ${message}`.trim());
  throw wrongUse(told.join('; '), `kn-lambda dead-letters ${verb} --help shows what can be chosen by.`);
}

async function given(
  api: Awaited<ReturnType<typeof openSession>>['api'],
  verb: 'replay' | 'purge',
  order: unknown,
  { signal, terminal }: Runtime,
): Promise<DeadLetterReplayed | DeadLetterPurged> {
  const waiting = anySignal([signal], PATIENCE_MS);
  const events = await openEvents(api, {}, waiting, notedOutage(api.server, FOR_A_MINUTE, terminal));
  const correlationid = `${verb}-${randomUUID()}`;
  const event = {
    id: randomUUID(),
    type: `dead-letter.${verb}`,
    extensions: { correlationid },
    data: JSON.stringify(order),
  };
  await api.send(event, signal);
  for await (const { type, correlation_id, data } of events) {
    if (correlation_id === correlationid && type === DOES[verb].done) {
      return data as DeadLetterReplayed | DeadLetterPurged;
    }
    if (correlation_id === correlationid && type === 'event.rejected') {
      throw new Failure(`the order was refused: ${JSON.stringify((data as { problems?: unknown }).problems)}`);
    }
  }
  if (signal.aborted) {
    throw new Interrupted('The order goes on. Look: kn-lambda dead-letters list');
  }
  throw new Failure(`nobody has reported within ${PATIENCE_MS / MINUTE} minutes what became of the order`, {
    next: 'It may still be done. Look: kn-lambda dead-letters list, and kn-lambda doctor',
  });
}
