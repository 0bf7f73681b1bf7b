import { randomUUID } from 'node:crypto';
import { createInterface } from 'node:readline/promises';
import type { Command } from 'commander';
import { anySignal } from '#cli/kn-lambda/any-signal.ts';
import { Failure, Interrupted, wrongUse } from '#cli/kn-lambda/failure.ts';
import { openEvents } from '#cli/kn-lambda/follow-events.ts';
import { connectable } from '#cli/kn-lambda/options.ts';
import { FOR_A_MINUTE, notedOutage } from '#cli/kn-lambda/outage.ts';
import { type CommonOptions, openSession, pathOf, type Runtime } from '#cli/kn-lambda/session.ts';
import { functionSchema } from '#shared/api/schemas.ts';
import { subjectOf } from '#shared/events/identity.ts';

interface Options extends CommonOptions {
  yes?: boolean;
}

const PATIENCE_MS = 60_000;

export function addDelete(program: Command, runtime: Runtime): void {
  const command = program
    .command('delete')
    .argument('<function>', 'NAME or TENANT/NAME')
    .description('remove a function, with its builds; its source stays')
    .option('-y, --yes', 'do not ask');
  connectable(command).action(async (name: string, options: Options) => {
    const { terminal, signal } = runtime;
    const session = await openSession(options, runtime);
    const identity = await session.identity(name);
    const path = `/api/v1/functions/${pathOf(identity)}`;
    // What is not there is told before anything is sent.
    await session.api.get(path, functionSchema, { signal });
    const subject = subjectOf(identity);
    if (!options.yes && !(await agreed(`Delete ${subject}?`, runtime))) {
      throw new Failure('nothing was deleted');
    }
    const waiting = anySignal([signal], PATIENCE_MS);
    const events = await openEvents(
      session.api,
      { ...identity },
      waiting,
      notedOutage(session.api.server, FOR_A_MINUTE, terminal),
    );
    const correlationid = `delete-${randomUUID()}`;
    const event = { id: randomUUID(), type: 'service.delete', subject, extensions: { correlationid }, data: '{}' };
    await session.api.send(event, signal);
    for await (const { type, correlation_id } of events) {
      if (correlation_id === correlationid && type === 'lifecycle.function.deleted') {
        terminal.say(`${subject} is deleted`);
        return;
      }
    }
    if (signal.aborted) {
      throw new Interrupted(`The deletion of ${subject} goes on. Look: kn-lambda describe ${subject}`);
    }
    throw new Failure(`${subject} was not reported as deleted within ${PATIENCE_MS / 1000} s; it was asked for`, {
      next: `Look again: kn-lambda describe ${subject}, and kn-lambda dead-letters list`,
    });
  });
}

async function agreed(question: string, { terminal, stdin, signal }: Runtime): Promise<boolean> {
  if (!terminal.isInteractive) {
    throw wrongUse('there is no terminal to ask at', 'Say that you mean it: --yes.');
  }
  const lines = createInterface({ input: stdin, output: process.stderr });
  try {
    return /^y(es)?$/i.test((await lines.question(`${question} [y/N] `, { signal })).trim());
  } finally {
    lines.close();
  }
}
