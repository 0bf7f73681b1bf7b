/** What a person is told where a deployment ends too early: by a failure, or by Ctrl-C. */
import { type BuildDetail, buildDetailSchema } from '#shared/api/schemas.ts';
import { type Identity, subjectOf } from '#shared/events/identity.ts';
import { printableCell } from '#shared/printable.ts';
import { type Api, pause } from './client.ts';
import type { DeploymentFailed } from './deployment.ts';
import { Failure } from './failure.ts';
import { explanationText } from './render/explanation.ts';
import { inOurWords } from './render/words.ts';
import { pathOf, type Runtime } from './session.ts';

const TAIL = 20;
const ATTEMPTS = 3;
const AGAIN_MS = 300;

export function whatGoesOn(name: string, asked: string | undefined): string {
  return asked === undefined
    ? `Nothing was asked for yet: ${name} is as it was. Deploy again, and what was sent is not sent again.`
    : `The build goes on without this command, and replaces ${name} when it succeeds. Look: kn-lambda describe ${name}, or kn-lambda explain build ${name} ${asked}`;
}

/** In this order, so that the last lines on the screen say what to do. */
export async function tellFailure(
  api: Api,
  identity: Identity,
  { correlationId, news, wasBuilt }: DeploymentFailed,
  { terminal, signal }: Pick<Runtime, 'terminal' | 'signal'>,
): Promise<void> {
  const { note, paintNote } = terminal;
  const { explanation, log_tail = [] } = await explainFailure(api, identity, correlationId, signal);
  for (const line of log_tail.slice(-TAIL)) {
    note(paintNote('dim', `  ${printableCell(line)}`));
  }
  note();
  const name = subjectOf(identity);
  if (explanation === undefined) {
    const logs = `kn-lambda logs ${name}${wasBuilt ? '' : ` --build ${correlationId}`}`;
    note(`${paintNote('red', printableCell(news.reason))}: ${inOurWords(news.message, wasBuilt ? undefined : logs)}`);
    note(`Next: ${logs}`);
  } else {
    note(explanationText(explanation, paintNote, api.asGiven));
  }
  note(paintNote('dim', `A version that was there before goes on as it was. The build's id: ${correlationId}`));
}

/** The end of the log and the explanation, once both have been kept. */
async function explainFailure(
  api: Api,
  identity: Identity,
  correlationId: string,
  signal: AbortSignal,
): Promise<Pick<BuildDetail, 'explanation' | 'log_tail'>> {
  const path = `/api/v1/builds/${pathOf(identity)}/${encodeURIComponent(correlationId)}`;
  let known: Pick<BuildDetail, 'explanation' | 'log_tail'> = {};
  for (let attempt = 0; attempt < ATTEMPTS && known.explanation === undefined; attempt++) {
    await pause(attempt * AGAIN_MS, signal);
    try {
      known = await api.get(path, buildDetailSchema, { signal });
    } catch (error) {
      if (!(error instanceof Failure)) {
        throw error;
      }
    }
  }
  return known;
}
