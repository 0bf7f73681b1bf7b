/**
 * Every key of the temporary bucket. Lifecycle rules and permissions use these prefixes: a change here also needs one
 * in docs/install.md.
 */
import { deriveId } from '#shared/events/event.ts';
import type { Identity } from '#shared/events/identity.ts';

export const CONTEXTS = 'contexts/';
export const LOGS = 'logs/';
export const RECORDS = 'builds/';
export const DEPENDENCIES = 'dependencies/';
export const DOWNLOADS = 'downloads/';
export const BEGINNINGS = 'begun/';
export const REQUESTS = 'requests/';
export const OUTCOMES = 'answers/';
export const TOMBSTONES = 'tombstones/';
export const DEAD_LETTERS = 'dead-letters/';
export const HISTORY = 'history/';
export const BUILD_HISTORY = 'history-builds/';
export const CALL_HISTORY = 'history-calls/';
export const INPUT_HISTORY = 'history-inputs/';
export const CRASHES = 'history-crashes/';
export const FEED = 'feed/';
export const METRICS = 'metrics/';
export const MANIFESTS = 'uploads/';
export const PROBES = 'doctor/';

const ZSTD = '.tar.zst';
const GZIP = '.tar.gz';

/** Identifies a request: the bucket for its records, its parser, and the id of its one build.complete. */
export interface RequestAddress {
  bucket: string;
  identity: Identity;
  terminalId: string;
}

function ofParser(prefix: string, { third_party_id, parser_id }: Identity): string {
  return `${prefix}${third_party_id}/${parser_id}`;
}

/** What one tenant has below `prefix`. */
export function tenantPrefix(prefix: string, { third_party_id }: Pick<Identity, 'third_party_id'>): string {
  return `${prefix}${third_party_id}/`;
}

/** The prefix of one parser's pending requests. */
export function requestPrefix(identity: Identity): string {
  return `${ofParser(REQUESTS, identity)}/`;
}

/** The prefix of one parser's context archives. */
export function contextPrefix(identity: Identity): string {
  return `${ofParser(CONTEXTS, identity)}/`;
}

/** The context archive of this content. `buildKey`: 64 hex digits. */
export function contextKey(identity: Identity, buildKey: string): string {
  return `${contextPrefix(identity)}${buildKey}${ZSTD}`;
}

/** Its key in versions before that. A Job or a job.start of theirs names it. */
export function formerContextKey(identity: Identity, buildKey: string): string {
  return `${contextPrefix(identity)}${buildKey}${GZIP}`;
}

export function isZstdContext(key: string): boolean {
  return key.endsWith(ZSTD);
}

/** False for an archive that is still being uploaded. */
export function isContext(key: string): boolean {
  return key.endsWith(ZSTD) || key.endsWith(GZIP);
}

/** Where an archive is uploaded to until its build key is known. `id` differs at each attempt. */
export function stagingKey(identity: Identity, id: string): string {
  return `${contextPrefix(identity)}.staging-${id}`;
}

/** The prefix of the logs of one parser's builds. */
export function logPrefix(identity: Identity): string {
  return `${ofParser(LOGS, identity)}/`;
}

export function logKey(identity: Identity, jobName: string): string {
  return `${logPrefix(identity)}${jobName}.log`;
}

/** The record of a source that was built. `fingerprint`: 64 hex digits. */
export function recordKey(fingerprint: string): string {
  return `${RECORDS}${fingerprint}.json`;
}

/** Where a tenant's dependency image is named. `dependencies`: 64 hex digits. */
export function dependencyImageKey(tenant: Pick<Identity, 'third_party_id'>, dependencies: string): string {
  return `${tenantPrefix(DEPENDENCIES, tenant)}${dependencies}.json`;
}

/** What a tenant's builds have downloaded by one package manager. */
export function downloadsKey(tenant: Pick<Identity, 'third_party_id'>, manager: string): string {
  return `${tenantPrefix(DOWNLOADS, tenant)}${manager}${ZSTD}`;
}

/** The prefix of what a client began in this minute since the epoch. */
export function beginningPrefix(tenant: Pick<Identity, 'third_party_id'>, minute: number): string {
  return `${tenantPrefix(BEGINNINGS, tenant)}${minute}/`;
}

/** Says that a build of this source began then. `fingerprint`: 64 hex digits. */
export function beginningKey(tenant: Pick<Identity, 'third_party_id'>, minute: number, fingerprint: string): string {
  return `${beginningPrefix(tenant, minute)}${fingerprint}`;
}

export function requestKey({ identity, terminalId }: RequestAddress): string {
  return `${requestPrefix(identity)}${terminalId}.json`;
}

export function outcomeKey({ identity, terminalId }: RequestAddress): string {
  return `${ofParser(OUTCOMES, identity)}/${terminalId}.json`;
}

export function tombstoneKey(identity: Identity): string {
  return `${ofParser(TOMBSTONES, identity)}.json`;
}

/** What the API knows of a function's source: which content it has let somebody upload. */
export function manifestKey(identity: Identity): string {
  return `${ofParser(MANIFESTS, identity)}.json`;
}

/** The events of one chain, which all have this correlation id. */
export function chainPrefix(identity: Identity, correlationId: string): string {
  return `${ofParser(HISTORY, identity)}/${deriveId(correlationId)}/`;
}

/** Of a tenant's builds that have ended, newest first. */
export function buildHistoryPrefix(tenant: Pick<Identity, 'third_party_id'>): string {
  return tenantPrefix(BUILD_HISTORY, tenant);
}

/** Of a function's calls that were kept, newest first. */
export function callHistoryPrefix(identity: Identity): string {
  return `${ofParser(CALL_HISTORY, identity)}/`;
}

/** When sweep was done last, as the time at which it was written. */
export const LAST_SWEEP = 'sweep/last';

/** Of what a function's kept calls were called with. */
export function inputHistoryPrefix(identity: Identity): string {
  return `${ofParser(INPUT_HISTORY, identity)}/`;
}

/** How a function's process ended last during a call; or how it broke a connection, where its process went on. */
export function crashKey(identity: Identity, kind: 'ended' | 'broken'): string {
  return `${ofParser(CRASHES, identity)}${kind === 'ended' ? '' : BROKEN}.json`;
}

/** No name of a function has a dot. */
const BROKEN = '.broken';

/** What doctor writes to see whether it can, and removes. */
export function probeKey(id: string): string {
  return `${PROBES}${id}`;
}
