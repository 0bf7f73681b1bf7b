/** Parses the arguments of `npm run dead-letters --`, and checks them by the schemas of the corresponding events. */
import { parseArgs } from 'node:util';
import {
  type DeadLetterPurge,
  type DeadLetterReplay,
  deadLetterPurgeSchema,
  deadLetterReplaySchema,
  type LetterSelector,
} from '#shared/events/dead-letter.ts';
import { problemsOf } from '#shared/events/problem.ts';

export const USAGE = `npm run dead-letters -- list [CHOICE] [--all]     those that are open; --all: also those that were replayed and have not come back
npm run dead-letters -- show ID                   one, with its event and what to do
npm run dead-letters -- replay CHOICE [--force]   sends them to the Broker again, 10 a second
npm run dead-letters -- purge CHOICE              deletes them

CHOICE            ID…, --all, or any of these, which must all hold:
  --category c    permanent or transient
  --type t        of the event
  --reason r      as the list shows it
  --since 24h     came within (also --newer-than; s, m, h, d)
  --older-than 7d came last before
  --state s       open or replayed (purge)
--max n           no more than these (replay, purge: 100 unless said, at most 1000)
--dry-run         says what would be done
--json            for programs (npm run -s dead-letters …)
--kubeconfig f    the cluster, by a kubeconfig; else TEMPORARY_BUCKET, AWS_REGION … of the environment, else KUBECONFIG, else the platform of make run
--namespace n     of the functions; else that of the kubeconfig's context`;

/** Thrown for arguments that cannot be understood. Exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

export type Command =
  | { verb: 'help' }
  | { verb: 'list'; selector: LetterSelector; max: number | undefined }
  | { verb: 'show'; id: string }
  | { verb: 'replay'; order: DeadLetterReplay }
  | { verb: 'purge'; order: DeadLetterPurge };

export interface Arguments {
  command: Command;
  json: boolean;
  kubeconfig: string | undefined;
  namespace: string | undefined;
}

const OPTIONS = {
  category: { type: 'string' },
  type: { type: 'string' },
  reason: { type: 'string' },
  state: { type: 'string' },
  since: { type: 'string' },
  'newer-than': { type: 'string' },
  'older-than': { type: 'string' },
  all: { type: 'boolean' },
  max: { type: 'string' },
  'dry-run': { type: 'boolean' },
  force: { type: 'boolean' },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h' },
  kubeconfig: { type: 'string' },
  namespace: { type: 'string', short: 'n' },
} as const;

export function readArguments(args: string[]): Arguments {
  const { values, positionals } = understood(args);
  const { json, kubeconfig, namespace } = values;
  return { command: commandOf(values, positionals), json, kubeconfig, namespace };
}

function understood(args: string[]) {
  try {
    return parseArgs({ args, options: OPTIONS, allowPositionals: true });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

type Values = ReturnType<typeof understood>['values'];

function commandOf(values: Values, [verb, ...ids]: string[]): Command {
  if (values.help || verb === undefined || verb === 'help') {
    return { verb: 'help' };
  }
  const { category, type, reason, since, max } = values;
  const given = {
    ids: ids.length > 0 ? ids : undefined,
    category,
    type,
    reason,
    newer_than: values['newer-than'] ?? since,
    older_than: values['older-than'],
    all: values.all,
    max: max === undefined ? undefined : Number(max),
    dry_run: values['dry-run'],
    force: values.force,
  };
  switch (verb) {
    case 'list': {
      // Without a choice, all letters are listed.
      const {
        max: _max,
        all: _all,
        dry_run: _dryRun,
        ...selector
      } = checked(deadLetterPurgeSchema, { ...given, all: true });
      return { verb, selector: { ...selector, ...(values.all ? {} : { state: 'open' }) }, max: given.max };
    }
    case 'show': {
      const [id, ...others] = ids;
      if (id === undefined || others.length > 0) {
        throw new UsageError('show takes one id, as the list shows it');
      }
      checked(deadLetterPurgeSchema, { ids: [id] });
      return { verb, id };
    }
    case 'replay':
      return { verb, order: checked(deadLetterReplaySchema, given) };
    case 'purge':
      return { verb, order: checked(deadLetterPurgeSchema, { ...given, state: values.state }) };
    default:
      throw new UsageError(`there is no ${JSON.stringify(verb)}: list, show, replay or purge`);
  }
}

function checked<Order>(
  schema: { safeParse(given: unknown): import('zod').ZodSafeParseResult<Order> },
  given: Record<string, unknown>,
): Order {
  const result = schema.safeParse(given);
  if (result.success) {
    return result.data;
  }
  const problems = problemsOf(result.error, '').map(({ path, message }) =>
    `${path.replace(/^\./, '')} ${message}`.trim(),
  );
  throw new UsageError(problems.join('\n'));
}
