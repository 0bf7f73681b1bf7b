/** Builds a function that may have been built before, and calls it. */
import { isDeepStrictEqual } from 'node:util';
import { expect, inject } from 'vitest';
import { type Identity, subjectOf } from '#shared/events/identity.ts';
import { until } from './until.ts';
import type { RecordedEvent, World } from './world.ts';

/** Its build.complete, once the function is ready. `data`: what build.start says beside the ids. */
export async function buildAgain(world: World, identity: Identity, data: object = {}): Promise<RecordedEvent> {
  const [ready, complete] = [
    next(world, 'lifecycle.function.ready', identity),
    next(world, 'build.complete', identity),
  ];
  await world.send({ type: 'build.start', data: { ...identity, ...data } });
  const built = await until('build.complete', complete, 300);
  expect(built.data).toMatchObject({ status: 'success' });
  await until('to be ready', ready, 120);
  return built;
}

/** What the next call of it results in. */
export async function resultOf(world: World, identity: Identity): Promise<unknown> {
  const complete = next(world, 'parser.complete', identity);
  await world.send({ type: 'parser.start', subject: subjectOf(identity), data: {} });
  return (await until('parser.complete', complete, 120)).data.result;
}

/** How long an ingress gateway may take to hear what Knative has called ready: Traefik collects changes for 2 s. */
const ROUTED_WITHIN = inject('platform').directory ? 0 : 15_000;

/** Calls it: until then the version before may answer. */
export async function expectResult(world: World, identity: Identity, expected: unknown): Promise<void> {
  const end = Date.now() + ROUTED_WITHIN;
  let result = await resultOf(world, identity);
  while (!isDeepStrictEqual(result, expected) && Date.now() < end) {
    result = await resultOf(world, identity);
  }
  expect(result).toEqual(expected);
}

/** Finds the one that nothing has told of so far. Two that tell of the same have the same id. */
function next(world: World, type: string, identity: Identity): () => RecordedEvent | undefined {
  const before = new Set(world.of(type, identity).map(({ id }) => id));
  return () => world.of(type, identity).find(({ id }) => !before.has(id));
}
