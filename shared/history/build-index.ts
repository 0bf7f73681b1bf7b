/**
 * Builds that have ended, in the names of empty objects: one listing is a page of them, newest first.
 *
 *     history-builds/{third_party_id}/{countdown}.{parser_id}.{status}.{reason}.{path}.{duration}.{chain}
 */
import { type Build, buildStatusSchema } from '#shared/api/schemas.ts';
import type { ObjectStore } from '#shared/clients/object-store.ts';
import type { Identity } from '#shared/events/identity.ts';
import { buildHistoryPrefix } from '#shared/specs/s3-keys.ts';
import type { RecordedEvent } from './recorded-event.ts';
import { buildOfChain } from './timeline.ts';

/** Counted down from here, so that the newest has the smallest name. Milliseconds in 2286. */
const END = 9_999_999_999_999;

export interface IndexedBuild {
  /** The name below the tenant's prefix: a place in the order of all builds. */
  name: string;
  build: Build;
}

/** Written again, it is the same. `chain`: of the build's correlation id, its end included. */
export async function indexBuild(
  store: Pick<ObjectStore, 'write'>,
  bucket: string,
  identity: Identity,
  chain: RecordedEvent[],
): Promise<void> {
  const correlationId = chain.at(-1)?.correlation_id ?? '';
  const build = buildOfChain(identity, correlationId, chain);
  if (build?.completed_at !== undefined) {
    await store.write(bucket, indexKey(build), '', 'application/octet-stream');
  }
}

export function indexKey(build: Build): string {
  const { parser_id, status, reason = '', path = 'job', duration_ms = 0, correlation_id } = build;
  const name = [
    countdown(Date.parse(build.completed_at ?? '')),
    parser_id,
    status,
    /^\w{1,60}$/.test(reason) ? reason : '',
    path,
    String(Math.round(duration_ms)),
    Buffer.from(correlation_id).toString('base64url'),
  ].join('.');
  return `${buildHistoryPrefix(build)}${name}`;
}

/** Undefined where the name is none of these. */
export function readIndexName(third_party_id: string, name: string): Build | undefined {
  const [time, parser_id, status, reason, path, duration, correlation] = name.split('.');
  const known = buildStatusSchema.safeParse(status);
  if (!known.success || parser_id === undefined || correlation === undefined) {
    return undefined;
  }
  const completed = END - Number(time);
  return {
    third_party_id,
    parser_id,
    correlation_id: Buffer.from(correlation, 'base64url').toString(),
    status: known.data,
    ...(reason ? { reason } : {}),
    path: path === 'cached' || path === 'layer' ? path : 'job',
    started_at: new Date(completed - Number(duration)).toISOString(),
    completed_at: new Date(completed).toISOString(),
    duration_ms: Number(duration),
  };
}

/** Of one tenant, newest first; `after` is a name. Only what is taken is listed. */
export async function* listBuilds(
  store: Pick<ObjectStore, 'list'>,
  bucket: string,
  third_party_id: string,
  { after, limit }: { after?: string | undefined; limit?: number } = {},
): AsyncGenerator<IndexedBuild, void> {
  const prefix = buildHistoryPrefix({ third_party_id });
  const from = { ...(after === undefined ? {} : { after: prefix + after }), ...(limit ? { limit } : {}) };
  for await (const { objects } of store.list(bucket, prefix, from)) {
    for (const { key } of objects) {
      const name = key.slice(prefix.length);
      const build = readIndexName(third_party_id, name);
      if (build) {
        yield { name, build };
      }
    }
  }
}

/** 13 digits: what is later is smaller. */
export function countdown(time: number): string {
  return String(END - time).padStart(13, '0');
}
