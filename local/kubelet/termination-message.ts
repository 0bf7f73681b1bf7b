/** What a container says when it ends: its termination log, or the end of its output. */
import { readFile } from 'node:fs/promises';
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
  const written = (await read(files.terminationLog)).subarray(0, MESSAGE_BYTES).toString();
  if (written !== '' || exitCode === 0 || container.terminationMessagePolicy !== 'FallbackToLogsOnError') {
    return written || undefined;
  }
  const lines = (await read(files.log)).subarray(-FALLBACK_BYTES).toString().split('\n');
  // The text behind the last line break is not a line.
  return lines.slice(-FALLBACK_LINES - (lines.at(-1) === '' ? 1 : 0)).join('\n') || undefined;
}

async function read(path: string): Promise<Buffer> {
  return await readFile(path).catch(() => Buffer.alloc(0));
}
