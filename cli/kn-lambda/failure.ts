/** What went wrong, for a person: the cause, what to do next, and the exit code of the command. */

export const EXIT = {
  ok: 0,
  /** What was asked for did not succeed. */
  failed: 1,
  /** Unknown verbs, flags and values. */
  wrongUse: 2,
  interrupted: 130,
} as const;

export class Failure extends Error {
  override readonly name = 'Failure';
  readonly next: string | undefined;
  readonly exitCode: number;
  /** As the platform names it: docs/events.md. */
  readonly reason: string | undefined;

  constructor(
    message: string,
    {
      next,
      exitCode = EXIT.failed,
      reason,
      cause,
    }: { next?: string; exitCode?: number; reason?: string; cause?: unknown } = {},
  ) {
    super(message, { cause });
    this.next = next;
    this.reason = reason;
    this.exitCode = exitCode;
  }
}

export function wrongUse(message: string, next?: string): Failure {
  return new Failure(message, { exitCode: EXIT.wrongUse, ...(next === undefined ? {} : { next }) });
}

/** Ctrl-C. `told` says what goes on without the command; undefined where nothing does. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';
  readonly told: string | undefined;

  constructor(told?: string) {
    super('interrupted');
    this.told = told;
  }
}

/** All has been said; only the exit code is left. */
export class Exit extends Error {
  override readonly name = 'Exit';
  readonly exitCode: number;

  constructor(exitCode: number) {
    super(`exit ${exitCode}`);
    this.exitCode = exitCode;
  }
}
