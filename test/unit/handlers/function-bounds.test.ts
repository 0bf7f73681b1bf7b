/** What a function may ask for at most. */
import { expect, test } from 'vitest';
import { boundProblems } from '#functions/build-start/function-bounds.ts';
import { buildStart } from '#functions/build-start/handler.ts';
import type { Parameters } from '#shared/events/parameters.ts';
import { received } from '#test/fakes/received.ts';
import { ACME, buildStartDependencies, uploaded, World } from './world.ts';

const BOUNDS = { cpu: '2', memory: '1Gi', pods: 5, minPods: 1 };

test.each<{ parameters: Parameters; path: string | undefined }>([
  { parameters: {}, path: undefined },
  {
    parameters: { resources: { limits: { cpu: '2000m', memory: '1024Mi' } }, scaling: { min: 1, max: 5 } },
    path: undefined,
  },
  { parameters: { resources: { limits: { cpu: '2001m' } } }, path: 'data.parameters.resources.limits.cpu' },
  { parameters: { resources: { limits: { memory: '2G' } } }, path: 'data.parameters.resources.limits.memory' },
  { parameters: { scaling: { max: 6 } }, path: 'data.parameters.scaling.max' },
  { parameters: { scaling: { min: 2 } }, path: 'data.parameters.scaling.min' },
])('$parameters: $path', ({ parameters, path }) => {
  expect(boundProblems(parameters, BOUNDS).map((problem) => problem.path)).toEqual(path ? [path] : []);
});

test('a request for more is refused with every problem, and nothing is packed', async () => {
  const world = uploaded(new World());
  const before = world.store.changes;
  const parameters = { resources: { limits: { memory: '100Gi' } }, scaling: { min: 50 } };
  const data = { ...ACME, priority: 5, force: false, parameters };
  const reply = await buildStart(received('build.start', data), buildStartDependencies(world));
  expect(reply).toMatchObject({
    type: 'event.rejected',
    data: {
      reason: 'InvalidEvent',
      problems: [
        { path: 'data.parameters.resources.limits.memory', message: expect.stringContaining('MAX_FUNCTION_MEMORY') },
        { path: 'data.parameters.scaling.min', message: expect.stringContaining('at most 10') },
      ],
    },
  });
  expect(world.store.changes).toBe(before);
});
