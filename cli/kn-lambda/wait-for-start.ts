/** While a call waits: what the platform knows about the function, which may have to start first. */
import { type FunctionSummary, functionSchema } from '#shared/api/schemas.ts';
import type { Identity } from '#shared/events/identity.ts';
import { type Api, pause } from './client.ts';
import { Failure } from './failure.ts';
import { inOurWords } from './render/words.ts';
import { pathOf } from './session.ts';

/** Most calls are answered before. */
const FIRST_MS = 1500;
const AGAIN_MS = 1000;

/** Until the signal. Resolves with what was told last. */
export async function tellWhatIsKnown(
  api: Api,
  identity: Identity,
  tell: (text: string) => void,
  signal: AbortSignal,
): Promise<string | undefined> {
  let last: string | undefined;
  for (let wait = FIRST_MS; ; wait = AGAIN_MS) {
    await pause(wait, signal).catch(() => {});
    if (signal.aborted) {
      return last;
    }
    try {
      last = waitingText(await api.get(`/api/v1/functions/${pathOf(identity)}`, functionSchema, { signal }));
      tell(last);
    } catch (error) {
      // The stream of events tells of a platform that is away.
      if (!signal.aborted && !(error instanceof Failure)) {
        throw error;
      }
    }
  }
}

export function waitingText({
  state,
  message = '',
  pods,
}: Pick<FunctionSummary, 'state' | 'message' | 'pods'>): string {
  const [why = ''] = inOurWords(message)
    .replace(/^cannot start: /, '')
    .split('\n');
  const because = why === '' ? '' : `: ${why}`;
  switch (state) {
    case 'building':
      return 'waiting for its build';
    case 'failed':
      return `it does not start${because}`;
    case 'starting':
      return `waiting for it to start${because}`;
    default:
      return pods === 0 ? 'waiting for it to start' : 'waiting for its answer';
  }
}
