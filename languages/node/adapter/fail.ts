/** How the adapter's process speaks: JSON lines for the log, and one plain line where it can't start. */

export type Level = 'debug' | 'info' | 'warn' | 'error';

/** Never throws, whatever the fields are. */
export function log(level: Level, message: string, fields: Record<string, unknown> = {}): void {
  const line = { level, time: new Date().toISOString(), msg: message };
  process.stderr.write(`${json({ ...line, ...fields, ...line }) ?? json({ ...line, fields: 'no JSON' })}\n`);
}

function json(value: unknown): string | undefined {
  try {
    return JSON.stringify(value, (_, entry) => (typeof entry === 'bigint' ? String(entry) : entry));
  } catch {
    return undefined;
  }
}

/** Ends the process with the one line that the platform shows. */
export function fail(message: string): never {
  process.stderr.write(`cannot start: ${message}\n`);
  process.exit(1);
}
