import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { anySignal } from '#cli/kn-lambda/any-signal.ts';
import { type Call, type Called, callFunction } from '#cli/kn-lambda/call.ts';
import { tellCallLog } from '#cli/kn-lambda/call-log.ts';
import type { Api } from '#cli/kn-lambda/client.ts';
import { EXIT, Exit, Failure, wrongUse } from '#cli/kn-lambda/failure.ts';
import { connectable, shown, timeLimit } from '#cli/kn-lambda/options.ts';
import { createOutage, FOR_A_MINUTE } from '#cli/kn-lambda/outage.ts';
import { noteAnswer, noteError } from '#cli/kn-lambda/render/answer.ts';
import { explanationText } from '#cli/kn-lambda/render/explanation.ts';
import { show } from '#cli/kn-lambda/render/output.ts';
import { createWaiting } from '#cli/kn-lambda/render/waiting.ts';
import { type CommonOptions, openSession, pathOf, type Runtime, type Session } from '#cli/kn-lambda/session.ts';
import { tellWhatIsKnown } from '#cli/kn-lambda/wait-for-start.ts';
import { type Explanation, explanationSchema, functionSchema } from '#shared/api/schemas.ts';
import { MINUTE, SECOND } from '#shared/durations.ts';
import { type Identity, subjectOf } from '#shared/events/identity.ts';
import { TEST_EVENT } from '#shared/folder/left-out.ts';
import { printable } from '#shared/printable.ts';

interface Options extends CommonOptions {
  data?: string;
  file?: string;
  contentType?: string;
  timeout?: number;
  logs?: boolean;
}

export function addInvoke(program: Command, runtime: Runtime): void {
  const command = program
    .command('invoke')
    .alias('call')
    .argument('[function]', 'NAME or TENANT/NAME; default: that of this folder')
    .description('call a function and show its answer. Exit code 1 where the call failed')
    .option('-d, --data <json>', `what it is called with. Default: ${TEST_EVENT} of its folder, else {}`)
    .option('--file <path>', 'the same from a file; - is standard input')
    .option('--content-type <type>', 'of the data; anything but JSON is sent as it is', 'application/json')
    .addOption(timeLimit('how long to wait for the answer', '2m'))
    .option('--logs', 'show what the function wrote during the call');
  connectable(shown(command)).action(async (name: string | undefined, options: Options) => {
    const session = await openSession(options, runtime);
    const identity = await session.identity(name);
    const contentType = options.contentType ?? 'application/json';
    const data = await dataOf(identity.parser_id, options, runtime);
    if (/[/+]json\b/.test(contentType)) {
      checkJson(data.bytes, data.from);
    }
    const before = await session.api.get(`/api/v1/functions/${pathOf(identity)}`, functionSchema, {
      signal: runtime.signal,
    });
    if (before.state === 'building' && before.revision === undefined) {
      runtime.terminal.note(`${subjectOf(identity)} is being built: the call waits for it`);
    }
    const call = { identity, data: data.bytes, contentType, patienceMs: options.timeout ?? 2 * MINUTE };
    // Clocks differ by a little.
    const since = new Date(Date.now() - SECOND);
    const answer = await callWatched(session.api, call, runtime);
    const cold = before.pods === undefined || answer.refused ? {} : { cold: before.pods === 0 };
    tellAnswer({ ...answer, ...versionOf(answer, before.revision), ...cold }, options, runtime);
    if (options.logs || (!answer.succeeded && !answer.refused)) {
      await tellCallLog(session.api, { identity, answer, since, isWhole: options.logs ?? false }, runtime);
    }
    if (!answer.succeeded) {
      await tellNext(session, identity, answer, runtime);
      throw new Exit(EXIT.failed);
    }
  });
}

/** A function may take long to start, or never do: what is known of it is told meanwhile. */
async function callWatched(api: Api, call: Call, { terminal, signal }: Runtime): Promise<Called> {
  const waiting = createWaiting(terminal);
  const ended = new AbortController();
  const outage = createOutage(api.server, FOR_A_MINUTE, waiting.tell);
  let last: string | undefined;
  const tell = (text: string): void => {
    last = text;
    waiting.tell(text);
  };
  const onTrouble = (explanation: Explanation): void => {
    waiting.note(explanationText(explanation, terminal.paintNote, api.asGiven));
    waiting.note(
      terminal.paintNote('dim', 'Waits for an answer all the same. Ctrl-C ends the waiting, and not the call.'),
    );
  };
  try {
    void tellWhatIsKnown(api, call.identity, tell, anySignal([signal, ended.signal])).catch(() => {});
    return await callFunction(api, { ...call, onTrouble }, signal, { outage, known: () => last });
  } finally {
    ended.abort();
    waiting.end();
  }
}

function tellAnswer(told: Called & { cold?: boolean }, options: Options, runtime: Runtime): void {
  noteAnswer(told, runtime);
  if (options.output !== undefined || told.succeeded) {
    show(told, runtime, options, {
      text: ({ result }) => printable(JSON.stringify(result ?? null, undefined, 2)),
      names: ({ id }) => [id],
    });
  }
}

/** Where nobody could be called, the cause is the function's, and it is told at once. */
async function tellNext(
  { api }: Session,
  identity: Identity,
  answer: Called,
  { terminal, signal }: Runtime,
): Promise<void> {
  const name = subjectOf(identity);
  if (!answer.refused) {
    terminal.note(`Next: kn-lambda explain call ${name} ${answer.id}`);
    return;
  }
  const query = { about: 'function', ...identity };
  const found = await api.get('/api/v1/explain', explanationSchema, { query, signal }).catch((error: unknown) => {
    if (!(error instanceof Failure)) {
      throw error;
    }
  });
  if (found === undefined || found.healthy) {
    noteError(answer, { terminal });
    terminal.note(`Next: kn-lambda explain function ${name}`);
  } else {
    terminal.note(explanationText(found, terminal.paintNote, api.asGiven));
  }
}

function versionOf({ version, refused }: Called, before: string | undefined): { version?: string } {
  const known = version ?? (refused ? undefined : before);
  return known === undefined ? {} : { version: known };
}

async function dataOf(
  parserId: string,
  { data, file }: Options,
  { cwd, stdin, terminal }: Runtime,
): Promise<{ bytes: Buffer<ArrayBuffer>; from: string }> {
  if (data !== undefined && file !== undefined) {
    throw wrongUse('there are --data and --file', 'Give one of them.');
  }
  if (data !== undefined) {
    return { bytes: Buffer.from(data), from: '--data' };
  }
  if (file === '-') {
    const chunks: Buffer[] = [];
    for await (const chunk of stdin) {
      chunks.push(Buffer.from(chunk as Buffer));
    }
    return { bytes: Buffer.concat(chunks), from: 'standard input' };
  }
  const found = file ?? testEventOf(parserId, cwd);
  if (found === undefined) {
    const why = `there is no ${TEST_EVENT} here; --data and --file give other data`;
    terminal.note(terminal.paintNote('dim', `data: {} (${why})`));
    return { bytes: Buffer.from('{}'), from: 'the default' };
  }
  if (file === undefined) {
    terminal.note(terminal.paintNote('dim', `data: ${found}`));
  }
  try {
    return { bytes: readFileSync(join(file === undefined ? cwd : '', found)), from: found };
  } catch (error) {
    throw new Failure(`${found} cannot be read: ${(error as Error).message}`, { next: 'Name another: --file PATH.' });
  }
}

/** Beside the function, or in its folder below this one. */
function testEventOf(parserId: string, cwd: string): string | undefined {
  return [TEST_EVENT, join(parserId, TEST_EVENT)].find((file) => existsSync(join(cwd, file)));
}

function checkJson(bytes: Buffer, from: string): void {
  try {
    JSON.parse(bytes.toString());
  } catch (error) {
    throw wrongUse(
      `${from} is no JSON: ${(error as Error).message}`,
      'Mend it. Data of another kind needs its name: --content-type text/plain.',
    );
  }
}
