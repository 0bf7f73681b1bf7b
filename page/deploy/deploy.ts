/** Brings a folder to the platform, and has it built. */
import { ApiError, functionPath, query, read, write } from '#page/api/client.ts';
import { sendEvent } from '#page/api/send-event.ts';
import type { FunctionDetail, FunctionSummary, UploadPlan, UploadRequest } from '#shared/api/schemas.ts';
import type { FunctionFile } from '#shared/folder/function-file.ts';
import { parametersOf } from './parameters.ts';
import type { Folder } from './read-folder.ts';

interface Identity {
  third_party_id: string;
  parser_id: string;
}

export type DeployStep = { step: 'reading' | 'uploading'; done: number; of: number } | { step: 'asking' };

const AT_ONCE = 6;

export interface Deployed {
  folder: Folder;
  /** What its function.yaml says, which is all that counts then; without one a function keeps its settings. */
  stated?: FunctionFile | undefined;
}

/** Gives the correlation id of the build. Throws ApiError. */
export async function deploy(
  identity: Identity,
  { folder, stated }: Deployed,
  onStep: (step: DeployStep) => void,
): Promise<string> {
  const files: UploadRequest['files'] = [];
  for (const { path, file } of folder.files) {
    onStep({ step: 'reading', done: files.length, of: folder.files.length });
    files.push({ path, size: file.size, sha256: await sha256(file) });
  }
  const address = `/uploads/${functionPath(identity)}`;
  const plan = await write<UploadPlan>(address, { files });
  await uploadAll(plan, folder, (done) => onStep({ step: 'uploading', done, of: plan.uploads.length }));
  onStep({ step: 'asking' });
  await write(`${address}/finish`, { files });
  const parameters = stated ? stated.parameters : await settingsNow(identity);
  const { correlation_id } = await sendEvent({
    type: 'build.start',
    subject: `${identity.third_party_id}/${identity.parser_id}`,
    data: { ...identity, s3_prefix: plan.prefix, ...(parameters ? { parameters } : {}) },
  });
  return correlation_id;
}

async function uploadAll({ uploads }: UploadPlan, folder: Folder, onDone: (done: number) => void): Promise<void> {
  const byPath = new Map(folder.files.map(({ path, file }) => [path, file]));
  const queue = [...uploads];
  let done = 0;
  onDone(done);
  const worker = async () => {
    for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
      const { path, method, url, headers } = next;
      const response = await fetch(url, { method, headers, body: byPath.get(path) ?? null, credentials: 'omit' }).catch(
        () => undefined,
      );
      if (!response?.ok) {
        throw uploadError(path, response);
      }
      await response.arrayBuffer();
      done += 1;
      onDone(done);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

function uploadError(path: string, response: Response | undefined): ApiError {
  const detail = response
    ? `S3 did not take ${path}: it answered ${response.status}. If the file has just been changed, deploy the folder again.`
    : `${path} could not be sent to S3: it cannot be reached from this browser, or does not allow this page to (CORS: see docs/page.md). The command does the same without a browser: kn-lambda deploy`;
  return new ApiError(response?.status ?? 0, { reason: 'Unavailable', detail });
}

/** Undefined where there is no such function yet. */
async function settingsNow(identity: Identity): Promise<Record<string, unknown> | undefined> {
  const { third_party_id, parser_id } = identity;
  const found = await read<{ items: FunctionSummary[] }>(
    `/functions${query({ third_party_id, search: parser_id, limit: 200 })}`,
  );
  const isThere = found.items.some((item) => item.parser_id === parser_id && item.image_uri !== undefined);
  return isThere ? parametersOf(await read<FunctionDetail>(`/functions/${functionPath(identity)}`)) : undefined;
}

async function sha256(file: File): Promise<string> {
  if (!globalThis.crypto.subtle) {
    const detail =
      'The browser hashes files only on pages that came by https or from this machine: open the page by kn lambda open, or put TLS before it.';
    throw new ApiError(0, { reason: 'Unavailable', detail });
  }
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', await file.arrayBuffer()));
  return [...digest].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
