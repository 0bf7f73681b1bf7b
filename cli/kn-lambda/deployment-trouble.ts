/** What a person is told where a deployment ends too early: by a failure, or by Ctrl-C. */
import { buildDetailSchema } from '#shared/api/schemas.ts';
import { type Identity, subjectOf } from '#shared/events/identity.ts';
import { printable, printableCell } from '#shared/printable.ts';
import { type Api, pause } from './client.ts';
import type { DeploymentFailed } from './deployment.ts';
import { Failure } from './failure.ts';
import { explanationText } from './render/explanation.ts';
import { pathOf, type Runtime } from './session.ts';

const TAIL = 20;

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
    note(`${paintNote('red', printableCell(news.reason))}: ${printable(news.message)}`);
    note(`Next: kn-lambda ${wasBuilt ? `logs ${name}` : `logs ${name} --build ${correlationId}`}`);
  } else {
    note(explanationText(explanation, paintNote));
  }
  note(paintNote('dim', `The version that was there before goes on as it was. The build's id: ${correlationId}`));
}

/** The end of the log and the explanation, once both have been kept. */
async function explainFailure(api: Api, identity: Identity, correlationId: string, signal: AbortSignal) {
  const path = `/api/v1/builds/${pathOf(identity)}/${encodeURIComponent(correlationId)}`;
  for (let attempt = 0; attempt < 3; attempt++) {
    try {
      const { explanation, log_tail } = await api.get(path, buildDetailSchema, { signal });
      if (explanation !== undefined) {
        return { explanation, log_tail };
      }
    } catch (error) {
      if (!(error instanceof Failure)) {
        throw error;
      }
    }
    await pause(400, signal);
  }
  return {};
}
