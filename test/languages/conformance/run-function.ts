/** Starts an image's command, and ends it with the test file. */
import type { ChildProcess } from 'node:child_process';
import { afterAll } from 'vitest';
import type { Image } from './image.ts';
import { type RunningFunction, startFunction } from './start-function.ts';

export type { RunningFunction } from './start-function.ts';

/** A test that fails does not stop what it started. */
const started: ChildProcess[] = [];
afterAll(() => {
  for (const child of started) {
    child.kill('SIGKILL');
  }
});

/** Resolves when it is ready. Rejects, with what it wrote, where it ends before. */
export async function runFunction(image: Image, extra: NodeJS.ProcessEnv = {}): Promise<RunningFunction> {
  return await startFunction(image, extra, (child) => started.push(child));
}
