/** What a container says when it ends: its termination log, or the end of its output. */
import { open, readFile } from 'node:fs/promises';
import type { ContainerSpec } from './pod.ts';

const MESSAGE_BYTES = 4096;
const FALLBACK_BYTES = 2048;
const FALLBACK_LINES = 80;

/** Undefined where it said nothing. The output stands in only after a failure and where the policy asks for it. */
export async function terminationMessage(
  container: ContainerSpec,
  exitCode: number,
  files: { terminationLog: string; log: string },
): Promise<string | undefined> {
  const written = await readStart(files.terminationLog, MESSAGE_BYTES);
  if (written !== '') {
    return written;
  }
  if (exitCode === 0 || container.terminationMessagePolicy !== 'FallbackToLogsOnError') {
    return undefined;
  }
  const tail = tailOf(await readFile(files.log).catch(() => Buffer.alloc(0)));
  return tail === '' ? undefined : tail;
}

async function readStart(path: string, bytes: number): Promise<string> {
  try {
    const file = await open(path, 'r');
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(bytes), 0, bytes, 0);
      return buffer.toString('utf8', 0, bytesRead);
    } finally {
      await file.close();
    }
  } catch {
    return '';
  }
}

export function tailOf(log: Buffer): string {
  const end = log.subarray(Math.max(0, log.length - FALLBACK_BYTES)).toString('utf8');
  const lines = end.split('\n');
  const last = lines.at(-1) === '' ? FALLBACK_LINES + 1 : FALLBACK_LINES;
  return lines.slice(-last).join('\n');
}
