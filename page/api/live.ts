/**
 * The one stream of events that the whole page listens to: the views refresh what an event is about, and the view of
 * events shows them. It rests while nobody looks at the page, so that the gateway can scale to zero.
 */
import type { EventLine } from '#shared/api/schemas.ts';
import { API, call } from './client.ts';
import { type FollowState, follow } from './follow.ts';
import { jsonLineReader } from './parse-stream.ts';

/** So many stay in memory: 32 MB where each were as large as it may be. */
export const KEPT = 2000;

type Listener = (batch: readonly EventLine[]) => void;

const listeners = new Set<Listener>();
const stateListeners = new Set<(state: FollowState) => void>();
const seen = new Set<string>();
let kept: EventLine[] = [];
let state: FollowState = 'connecting';
let cursor: string | undefined;
let running: AbortController | undefined;

/** Oldest first. */
export function keptEvents(): readonly EventLine[] {
  return kept;
}

export function liveState(): FollowState {
  return state;
}

export function onEvents(listener: Listener): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function onLiveState(listener: (state: FollowState) => void): () => void {
  stateListeners.add(listener);
  return () => stateListeners.delete(listener);
}

export function startLive(): () => void {
  const onVisibility = () => (document.visibilityState === 'visible' ? open() : close());
  document.addEventListener('visibilitychange', onVisibility);
  onVisibility();
  return () => {
    document.removeEventListener('visibilitychange', onVisibility);
    close();
  };
}

/** For another principal: what the one before saw is gone. */
export function forgetEvents(): void {
  close();
  kept = [];
  seen.clear();
  cursor = undefined;
}

function open(): void {
  if (running) {
    return;
  }
  const controller = new AbortController();
  running = controller;
  const { signal } = controller;
  const followOn = () =>
    follow<EventLine>('/events', { onItems: take, onState: setState, endless: true, cursor, signal });
  void (cursor === undefined ? latest(signal).then(followOn) : followOn());
}

function close(): void {
  running?.abort();
  running = undefined;
}

/** Those that passed before the page was opened; it goes without them where they cannot be had. */
async function latest(signal: AbortSignal): Promise<void> {
  try {
    const response = await call(`${API}/events`, { headers: { accept: 'application/x-ndjson' }, signal });
    take(jsonLineReader<EventLine>()(`${await response.text()}\n`));
  } catch {
    // The stream will say it.
  }
}

function take(items: EventLine[]): void {
  const fresh = items.filter((event) => {
    const key = `${event.source} ${event.id} ${event.type}`;
    return seen.has(key) ? false : seen.add(key);
  });
  cursor = items.at(-1)?.cursor ?? cursor;
  if (fresh.length === 0) {
    return;
  }
  kept = [...kept, ...fresh].slice(-KEPT);
  if (seen.size > 4 * KEPT) {
    seen.clear();
    for (const event of kept) {
      seen.add(`${event.source} ${event.id} ${event.type}`);
    }
  }
  for (const listener of listeners) {
    listener(fresh);
  }
}

function setState(next: FollowState): void {
  state = next;
  for (const listener of stateListeners) {
    listener(next);
  }
}
