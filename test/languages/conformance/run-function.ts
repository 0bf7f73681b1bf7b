/** Starts an image's command, and ends it with the test file. */
import { afterAll } from 'vitest';
import type { Image } from './image.ts';
import { type RunningFunction, startFunction } from './start-function.ts';

export type { RunningFunction } from './start-function.ts';

/** A test that fails does not stop what it started. */
const started: (() => void)[] = [];
afterAll(() => {
  for (const kill of started) {
    kill();
  }
});

/** Resolves when it is ready. Rejects, with what it wrote, where it ends before. */
export async function runFunction(image: Image, extra: NodeJS.ProcessEnv = {}): Promise<RunningFunction> {
  return await startFunction(image, extra, (kill) => started.push(kill));
}
