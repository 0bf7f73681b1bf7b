/**
 * Follows a stream of the API, through broken connections and a gateway that scales to zero. EventSource cannot send a
 * token, so the stream is read by fetch.
 */
import { API, ApiError, call } from './client.ts';
import { parsed, serverEventReader } from './parse-stream.ts';

export type FollowState = 'connecting' | 'open' | 'lost' | 'ended';

export interface Following<Item> {
  /** `anew`: these come after a connection that began without a cursor, so from the beginning. */
  onItems(items: Item[], anew: boolean): void;
  onState?(state: FollowState, error?: ApiError): void;
  /** Whether a stream that ends is asked for again. A build's log ends for good. */
  endless: boolean;
  /** Go on after this one. */
  cursor?: string | undefined;
  signal: AbortSignal;
}

const SHORTEST_WAIT = 500;
const LONGEST_WAIT = 8000;
/** Answers that another attempt does not change. */
const FINAL = new Set([400, 401, 403, 404, 410]);

/** Resolves when the stream has ended for good, or the signal said so. Never rejects. */
export async function follow<Item>(path: string, following: Following<Item>): Promise<void> {
  const { onState, endless, signal } = following;
  const place = { cursor: following.cursor, wait: SHORTEST_WAIT };
  while (!signal.aborted) {
    try {
      onState?.('connecting');
      await readOnce(path, following, place);
      if (!endless) {
        onState?.('ended');
        return;
      }
    } catch (error) {
      if (signal.aborted) {
        return;
      }
      const known = error instanceof ApiError ? error : undefined;
      if (known && FINAL.has(known.status)) {
        onState?.('ended', known);
        return;
      }
      onState?.('lost', known);
    }
    await sleep(place.wait * (0.75 + Math.random() / 2), signal);
    place.wait = Math.min(LONGEST_WAIT, place.wait * 2);
  }
}

/** One connection, until it ends. */
async function readOnce<Item>(
  path: string,
  { onItems, onState, signal }: Following<Item>,
  place: { cursor: string | undefined; wait: number },
): Promise<void> {
  let anew = place.cursor === undefined;
  const response = await call(`${API}${path}`, {
    headers: { accept: 'text/event-stream', ...(place.cursor === undefined ? {} : { 'last-event-id': place.cursor }) },
    signal,
  });
  onState?.('open');
  const read = serverEventReader();
  for await (const piece of textOf(response)) {
    const events = read(piece);
    place.cursor = events.findLast(({ id }) => id !== undefined)?.id ?? place.cursor;
    const items = events.flatMap(({ data }) => parsed<Item>(data));
    if (items.length > 0) {
      place.wait = SHORTEST_WAIT;
      onItems(items, anew);
      anew = false;
    }
  }
}

async function* textOf(response: Response): AsyncGenerator<string> {
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  for (let piece = await reader?.read(); piece && !piece.done; piece = await reader?.read()) {
    yield piece.value;
  }
}

function sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
