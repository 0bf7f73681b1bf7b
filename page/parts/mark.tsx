/** A state as a word and a shape. Its colour only repeats what both say. */
import type { ComponentChildren } from 'preact';
import type { Build, Check, FunctionSummary } from '#shared/api/schemas.ts';

type Shape = 'check' | 'cross' | 'busy' | 'waiting' | 'warning' | 'dash' | 'replaced' | 'clock' | 'question';
type Tone = 'good' | 'bad' | 'busy' | 'warn' | 'quiet';

type State =
  | FunctionSummary['state']
  | Build['status']
  | Check['status']
  | 'open'
  | 'replayed'
  | 'answered'
  | 'not ready'
  | 'build failed'
  | 'crashing';

const LOOKS: Record<State, [Shape, Tone, string]> = {
  ready: ['check', 'good', 'Ready'],
  starting: ['busy', 'busy', 'Starting'],
  building: ['busy', 'busy', 'Building'],
  deleting: ['dash', 'quiet', 'Being deleted'],
  queued: ['waiting', 'quiet', 'Queued'],
  running: ['busy', 'busy', 'Running'],
  success: ['check', 'good', 'Success'],
  failed: ['cross', 'bad', 'Failed'],
  'build failed': ['cross', 'bad', 'Build failed'],
  crashing: ['warning', 'bad', 'Crashing'],
  timeout: ['clock', 'bad', 'Timed out'],
  cancelled: ['dash', 'quiet', 'Cancelled'],
  superseded: ['replaced', 'quiet', 'Replaced'],
  ok: ['check', 'good', 'OK'],
  warning: ['warning', 'warn', 'Warning'],
  unknown: ['question', 'quiet', 'Not known'],
  open: ['warning', 'warn', 'Open'],
  replayed: ['check', 'good', 'Replayed'],
  answered: ['check', 'good', 'Answered'],
  'not ready': ['warning', 'warn', 'Not ready'],
};

/** In a box of 16. */
const PATHS: Record<Shape, string> = {
  check: 'M8 1.2a6.8 6.8 0 1 0 0 13.6A6.8 6.8 0 0 0 8 1.2zm3.3 5.1-3.9 4.4-2.7-2.3',
  cross: 'M5 1.5h6L14.5 5v6L11 14.5H5L1.5 11V5zM5.7 5.7l4.6 4.6m0-4.6-4.6 4.6',
  busy: 'M8 1.5a6.5 6.5 0 1 1-6.5 6.5',
  waiting: 'M4 8h.01M8 8h.01M12 8h.01M8 1.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13z',
  warning: 'M8 1.8 14.8 14H1.2zM8 6.3v3.5m0 2h.01',
  dash: 'M8 1.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13zM5 8h6',
  replaced: 'M2 5.5h9.5M9 2.5l3 3-3 3M14 10.5H4.5M7 7.5l-3 3 3 3',
  clock: 'M8 1.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13zM8 4.5V8l2.5 1.8',
  question: 'M8 1.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13zM6.2 6.2a1.8 1.8 0 1 1 2.5 1.7c-.5.2-.7.6-.7 1.1m0 2.2h.01',
};

/** That of a function, with what the API's state does not say alone: no version at all, calls that end the process. */
export function FunctionMark({ of }: { of: Pick<FunctionSummary, 'state' | 'image_uri' | 'crashed_at' | 'message'> }) {
  const { state, image_uri, crashed_at, message } = of;
  const isCrashing = state === 'ready' && crashed_at !== undefined;
  const shown = isCrashing ? 'crashing' : state === 'failed' && image_uri === undefined ? 'build failed' : state;
  const why = isCrashing ? 'Its process ended during a call' : message;
  return (
    <span title={state === 'ready' && !isCrashing ? undefined : why}>
      <Mark state={shown} />
    </span>
  );
}

export function Mark({ state, children }: { state: string; children?: ComponentChildren }) {
  const [shape, tone, word] = LOOKS[state as State] ?? LOOKS.unknown;
  return (
    <span class={`mark ${tone}`} data-state={state}>
      <svg viewBox="0 0 16 16" aria-hidden="true" class={shape === 'busy' ? 'turning' : undefined}>
        <path d={PATHS[shape]} />
      </svg>
      <span>{children ?? word}</span>
    </span>
  );
}
