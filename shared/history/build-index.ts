/**
 * Builds that have ended, in the names of empty objects: one listing is a page of them, newest first.
 *
 *     history-builds/{third_party_id}/{time from its end}.{parser_id}.{status}.{reason}.{path}.{duration}.{correlation id}
 */
import type { Build } from '#shared/api/schemas.ts';
import { buildStatusSchema } from '#shared/api/schemas.ts';
import type { ObjectStore } from '#shared/clients/object-store.ts';
import type { BuildComplete } from '#shared/events/build-complete.ts';
import { deriveId } from '#shared/events/event.ts';
import { buildHistoryPrefix } from '#shared/specs/s3-keys.ts';

/** Counted down from here, so that the newest has the smallest name. Milliseconds in 2286. */
const END = 9_999_999_999_999;

export interface IndexedBuild {
  /** The name below the tenant's prefix: a place in the order of all builds. */
  name: string;
  build: Build;
}

export function indexKey(data: BuildComplete, end: { id: string; time: string; correlationId: string }): string {
  const ended = Date.parse(data.completed_at ?? end.time);
  const path = data.cached ? 'cached' : data.job_name === undefined && data.status === 'success' ? 'layer' : 'job';
  const name = [
    countdown(ended),
    data.parser_id,
    data.status,
    data.reason ?? '',
    path,
    String(Math.round(data.duration_ms ?? 0)),
    Buffer.from(end.correlationId).toString('base64url'),
    deriveId(end.id).slice(0, 8),
  ].join('.');
  return `${buildHistoryPrefix(data)}${name}`;
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
