/** Builds a function that may have been built before, and calls it. */
import { expect } from 'vitest';
import { type Identity, subjectOf } from '#shared/events/identity.ts';
import { PATIENCE, until } from './until.ts';
import type { RecordedEvent, World } from './world.ts';

/** Its build.complete, once the function is ready. `data`: what build.start says beside the ids. */
export async function buildAgain(world: World, identity: Identity, data: object = {}): Promise<RecordedEvent> {
  const before = world.of('lifecycle.function.ready', identity).length;
  const builds = world.of('build.complete', identity).length;
  await world.send({ type: 'build.start', data: { ...identity, ...data } });
  const complete = await until(
    'build.complete',
    async () => world.of('build.complete', identity)[builds],
    300 * PATIENCE,
  );
  expect(complete.data).toMatchObject({ status: 'success' });
  await until('to be ready', async () => world.of('lifecycle.function.ready', identity)[before], 120 * PATIENCE);
  return complete;
}

/** What the next call of it results in. */
export async function resultOf(world: World, identity: Identity): Promise<unknown> {
  const before = world.of('parser.complete', identity).length;
  await world.send({ type: 'parser.start', subject: subjectOf(identity), data: {} });
  const answer = await until(
    'parser.complete',
    async () => world.of('parser.complete', identity)[before],
    120 * PATIENCE,
  );
  return answer.data.result;
}
