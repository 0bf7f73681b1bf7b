/** Brings a folder's files to where the platform builds them from: only those that are not there yet. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import pLimit from 'p-limit';
import type { Api } from '#cli/kn-lambda/client.ts';
import { Failure } from '#cli/kn-lambda/failure.ts';
import { pathOf } from '#cli/kn-lambda/session.ts';
import { type UploadPlan, type UploadRequest, uploadDoneSchema, uploadPlanSchema } from '#shared/api/schemas.ts';
import type { Identity } from '#shared/events/identity.ts';
import type { Source, SourceFile } from './read-source.ts';

const AT_ONCE = 8;
const ATTEMPTS = 3;

export interface Uploaded {
  prefix: string;
  /** Files that were sent, and those that were there. */
  sent: number;
  unchanged: number;
  removed: number;
}

export interface Progress {
  done: number;
  of: number;
  bytes: number;
}

/** Whether exactly this source lies there now. */
export async function isThere(api: Api, identity: Identity, source: Source, signal: AbortSignal): Promise<boolean> {
  const plan = await api.post(`/api/v1/uploads/${pathOf(identity)}`, requestOf(source), uploadPlanSchema, { signal });
  return plan.uploads.length === 0 && plan.remove.length === 0;
}

function requestOf({ files }: Source): UploadRequest {
  return { files: files.map(({ path, size, sha256 }) => ({ path, size, sha256 })) };
}

export async function upload(
  api: Api,
  identity: Identity,
  source: Source,
  { signal, onProgress = () => {} }: { signal: AbortSignal; onProgress?: (progress: Progress) => void },
): Promise<Uploaded> {
  const path = `/api/v1/uploads/${pathOf(identity)}`;
  const request = requestOf(source);
  for (let attempt = 1; ; attempt++) {
    const plan = await api.post(path, request, uploadPlanSchema, { signal });
    await sendAll(api, plan, source.files, { signal, onProgress });
    const removed = await finished(api, path, request, signal, attempt);
    if (removed !== undefined) {
      return uploadedBy(plan, removed);
    }
  }
}

/** Undefined where somebody who uploads the same function has written over our files: then once more. */
async function finished(
  api: Api,
  path: string,
  request: UploadRequest,
  signal: AbortSignal,
  attempt: number,
): Promise<string[] | undefined> {
  try {
    return (await api.post(`${path}/finish`, request, uploadDoneSchema, { signal })).removed;
  } catch (error) {
    if (error instanceof Failure && error.reason === 'UploadIncomplete' && attempt < ATTEMPTS) {
      return undefined;
    }
    throw error;
  }
}

function uploadedBy(plan: UploadPlan, removed: string[]): Uploaded {
  return { prefix: plan.prefix, sent: plan.uploads.length, unchanged: plan.unchanged.length, removed: removed.length };
}

async function sendAll(
  api: Api,
  { uploads }: UploadPlan,
  files: SourceFile[],
  { signal, onProgress }: { signal: AbortSignal; onProgress: (progress: Progress) => void },
): Promise<void> {
  const byPath = new Map(files.map((file) => [file.path, file]));
  const progress = { done: 0, of: uploads.length, bytes: 0 };
  const limit = pLimit(AT_ONCE);
  await Promise.all(
    uploads.map((to) =>
      limit(async () => {
        signal.throwIfAborted();
        const file = byPath.get(to.path);
        if (file === undefined) {
          throw new Failure(`the platform asks for ${to.path}, which was not offered`, {
            next: 'The command and the platform may be of different versions: kn-lambda version shows both.',
          });
        }
        await api.upload(to, await unchangedBytes(file), signal);
        progress.done += 1;
        progress.bytes += file.size;
        onProgress({ ...progress });
      }),
    ),
  );
}

/** The place takes the bytes of that hash alone. */
async function unchangedBytes({ absolute, path, sha256 }: SourceFile): Promise<Buffer<ArrayBuffer>> {
  const bytes = await readFile(absolute);
  if (createHash('sha256').update(bytes).digest('hex') !== sha256) {
    throw new Failure(`${path} changed while it was being uploaded`, { next: 'Deploy again when it is saved.' });
  }
  return bytes;
}
