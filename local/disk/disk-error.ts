/** A disk that takes nothing more: no fault of the program's, so a person gets a sentence and no stack trace. */

const TROUBLES: Record<string, string> = {
  ENOSPC: 'no room is left on its disk',
  EDQUOT: 'your quota on its disk is used up',
  EFBIG: 'it has reached the greatest size that a file may have here (ulimit -f)',
  EROFS: 'its disk can only be read',
};

export class DiskError extends Error {
  override readonly name = 'DiskError';
}

/** The error as it is, or a DiskError that names `file`, where the disk is the cause. */
export function asDiskError(error: unknown, file?: string): unknown {
  const { code = '', path = 'a file of the platform' } = (error ?? {}) as NodeJS.ErrnoException;
  const trouble = TROUBLES[code];
  return trouble === undefined || error instanceof DiskError
    ? error
    : new DiskError(
        `${file ?? path} cannot be written: ${trouble} (${code}). Everything that was kept is still there: free some room and start again`,
        { cause: error },
      );
}
