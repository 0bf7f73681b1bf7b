/** How the adapter's process speaks: JSON lines for the log, and one plain line where it can't start. */

export function log(level: 'info' | 'error', message: string, fields: Record<string, unknown> = {}): void {
  process.stderr.write(`${JSON.stringify({ level, time: new Date().toISOString(), msg: message, ...fields })}\n`);
}

/** Ends the process with the one line that the platform shows. */
export function fail(message: string): never {
  process.stderr.write(`cannot start: ${message}\n`);
  process.exit(1);
}
