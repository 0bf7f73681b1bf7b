/** What accompanies a write, beside the object. */
import type { ManagedFields } from './managed-fields.ts';

export interface WriteOptions {
  /** Who is recorded in managedFields. */
  manager: string;
  /** Check and answer, but change nothing. */
  dryRun?: boolean;
  /** The ownership that server-side apply has worked out; otherwise it follows from what changed. */
  managedFields?: ManagedFields[];
}
