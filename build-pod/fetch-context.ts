/**
 * The init container of a build: downloads the context archive from S3 into a volume, what earlier builds of the tenant
 * have downloaded into another, and copies the tenant's registry credentials into a third. Only this container has keys
 * that read S3 and sees the Secret, and it ends before the container that runs the user's commands starts.
 */
import { writeFile } from 'node:fs/promises';
import * as z from 'zod';
import { createObjectStore } from '#shared/clients/s3.ts';
import { SECOND } from '#shared/durations.ts';
import { PermanentError, RetryableError } from '#shared/events/errors.ts';
import { say, sayError } from '#shared/say.ts';
import { parseConfig } from '#shared/settings/parse-config.ts';
import { fieldsFor } from '#shared/settings/select.ts';
import { FETCH_EXIT_CODE } from '#shared/specs/exit-codes.ts';
import { downloadsAddress, downloadsFields } from './downloads-address.ts';
import { fetchContext } from './fetch.ts';
import { copyPrivateFiles } from './private-files.ts';
import { restoreDownloads } from './restore-downloads.ts';
import { saveContext } from './save-context.ts';

const schema = z.object({
  ...fieldsFor('fetch-context'),
  CONTEXT_BUCKET: z.string().min(1),
  CONTEXT_KEY: z.string().min(1),
  CONTEXT_BYTES: z.coerce.number().int().min(0),
  CONTEXT_FILE: z.string().min(1).default('/context/context.tar.gz'),
  /** For how long S3 is asked again. */
  FETCH_SECONDS: z.coerce.number().positive(),
  ...downloadsFields,
  PRIVATE_FROM: z.string().optional(),
  PRIVATE_TO: z.string().optional(),
});

/** Longer than a gigabyte takes. A build without it is slower by less. */
const DOWNLOADS_MILLISECONDS = 30 * SECOND;

// A process with id 1 ignores signals that it has no listener for.
process.once('SIGTERM', () => process.exit(143));

try {
  const { own: settings } = parseConfig(schema, process.env);
  const store = createObjectStore(settings);
  const { CONTEXT_BUCKET: bucket, CONTEXT_KEY: key, CONTEXT_BYTES: bytes } = settings;
  const save = (body: NodeJS.ReadableStream) => saveContext(body, key, settings.CONTEXT_FILE);
  const signal = AbortSignal.timeout(settings.FETCH_SECONDS * SECOND);
  const downloads = downloadsAddress(settings);
  await Promise.all([
    fetchContext({ store, save, log: say }, { bucket, key, bytes }, signal),
    downloads && restoreDownloads({ store, log: say }, downloads, AbortSignal.timeout(DOWNLOADS_MILLISECONDS)),
  ]);
  if (settings.PRIVATE_FROM !== undefined && settings.PRIVATE_TO !== undefined) {
    await copyPrivateFiles(settings.PRIVATE_FROM, settings.PRIVATE_TO);
  }
  process.exit(0);
} catch (error) {
  const reason = (error as Error).message;
  sayError(reason);
  await writeFile(process.env['TERMINATION_LOG'] ?? '/dev/termination-log', reason).catch(() => undefined);
  // Asked for as long as there was time, or of no use to ask: a new pod would get the same answer.
  const isFinal = error instanceof PermanentError || error instanceof RetryableError;
  process.exit(isFinal ? FETCH_EXIT_CODE : 1);
}
