/** Where the tenant's downloads are, as the Job says: see shared/specs/build-pod/downloads.ts. */
import * as z from 'zod';
import type { DownloadsAddress } from './restore-downloads.ts';

/** All, or none. */
export const downloadsFields = {
  DOWNLOADS_OF: z.enum(['npm', 'pip', 'go']).optional(),
  DOWNLOADS_BUCKET: z.string().optional(),
  DOWNLOADS_KEY: z.string().optional(),
  DOWNLOADS_BYTES: z.coerce.number().int().positive().optional(),
  DOWNLOADS_FOLDER: z.string().optional(),
};

const schema = z.object(downloadsFields);

/** Undefined where nothing is kept. */
export function downloadsAddress(settings: z.infer<typeof schema>): DownloadsAddress | undefined {
  const { DOWNLOADS_OF: manager, DOWNLOADS_BUCKET: bucket, DOWNLOADS_KEY: key } = settings;
  const { DOWNLOADS_BYTES: bytes, DOWNLOADS_FOLDER: folder } = settings;
  return manager && bucket && key && bytes && folder ? { manager, bucket, key, bytes, folder } : undefined;
}
