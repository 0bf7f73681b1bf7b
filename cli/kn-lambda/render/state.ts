/** States of builds and functions in their colours. */

import type { Style, Terminal } from '#cli/kn-lambda/terminal.ts';
import type { Build, FunctionSummary, Version } from '#shared/api/schemas.ts';
import { type Cell, table } from './table.ts';
import { age, took } from './time.ts';
import { inOurWords } from './words.ts';

const STYLES: Record<string, Style> = {
  ready: 'green',
  success: 'green',
  ok: 'green',
  building: 'cyan',
  running: 'cyan',
  starting: 'cyan',
  queued: 'yellow',
  warning: 'yellow',
  unknown: 'yellow',
  superseded: 'dim',
  cancelled: 'dim',
  deleting: 'dim',
  failed: 'red',
  'build failed': 'red',
  crashing: 'red',
  timeout: 'red',
};

export function stateCell(state: string | undefined): Cell {
  const style = STYLES[state ?? ''];
  return { text: state ?? '', ...(style === undefined ? {} : { style }) };
}

/** The API's state, and what it does not say alone: that there is no version at all, or that calls end the process. */
export function functionState({ state, image_uri, crashed_at }: Told): string {
  if (state === 'failed' && image_uri === undefined) {
    return 'build failed';
  }
  return state === 'ready' && crashed_at !== undefined ? 'crashing' : state;
}

/** Why it is in that state. */
export function whyOf(told: Told & Pick<FunctionSummary, 'message'>, now = Date.now()): string {
  return functionState(told) === 'crashing'
    ? `its process ended during a call ${age(told.crashed_at, now)} ago: kn-lambda explain says how`
    : inOurWords(told.message ?? '');
}

type Told = Pick<FunctionSummary, 'state' | 'image_uri' | 'crashed_at'>;

/** The digest's beginning is enough to tell images apart. */
export function shortImage(image: string | undefined): string {
  return image?.replace(/^.*@sha256:([0-9a-f]{12})[0-9a-f]*$/, '$1') ?? '';
}

export function functionsTable(functions: FunctionSummary[], terminal: Terminal, now = Date.now()): string {
  const rows = functions.map((each) => [
    `${each.third_party_id}/${each.parser_id}`,
    stateCell(functionState(each)),
    each.revision,
    each.language,
    each.pods === undefined ? '' : String(each.pods),
    each.calls === undefined ? '' : String(each.calls),
    errorsCell(each),
    took(each.p95_ms),
    stateCell(each.last_build?.status),
    age(each.last_build?.completed_at ?? each.observed_at ?? each.created_at, now),
    whyOf(each, now).split('\n')[0],
  ]);
  return table(
    ['FUNCTION', 'STATE', 'VERSION', 'LANGUAGE', 'PODS', 'CALLS', 'ERRORS', 'P95', 'LAST BUILD', 'AGE', 'WHY'],
    rows,
    terminal,
  );
}

function errorsCell({ errors }: Pick<FunctionSummary, 'errors'>): Cell {
  return { text: errors === undefined ? '' : String(errors), ...(errors ? { style: 'red' as const } : {}) };
}

export function versionsTable(versions: Version[], terminal: Terminal, now = Date.now()): string {
  const rows = versions.map((each) => [
    each.revision,
    { text: each.ready ? 'ready' : 'not ready', style: each.ready ? ('green' as const) : ('red' as const) },
    `${each.traffic_percent} %`,
    shortImage(each.image_uri),
    age(each.created_at, now),
    inOurWords(each.message ?? '').split('\n')[0],
  ]);
  return table(['VERSION', 'STATE', 'TRAFFIC', 'IMAGE', 'AGE', 'WHY'], rows, terminal);
}

export function buildsTable(builds: Build[], terminal: Terminal, now = Date.now()): string {
  const rows = builds.map((each) => [
    each.correlation_id,
    stateCell(each.status),
    each.reason,
    each.path,
    took(each.duration_ms),
    age(each.completed_at ?? each.started_at, now),
  ]);
  return table(['BUILD', 'STATUS', 'REASON', 'WAY', 'TOOK', 'AGE'], rows, terminal);
}
