/** What must be refused is kept, with every problem; what cannot be delivered is kept as well; nothing else is lost. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { until } from './until.ts';
import { World } from './world.ts';

let world: World;
beforeAll(async () => {
  world = await new World().open();
});
afterAll(async () => world.close());

describe('an event that a function must refuse ends under dead-letters/ with all its problems', () => {
  test.each<{ case: string; data: unknown; paths: string[]; subject?: string }>([
    { case: 'no ids', data: {}, paths: ['data.third_party_id', 'data.parser_id'] },
    {
      case: 'wrong types',
      data: { third_party_id: [], parser_id: true },
      paths: ['data.third_party_id', 'data.parser_id'],
    },
    { case: 'an id with a slash', data: { third_party_id: 'a/b', parser_id: 'p' }, paths: ['data.third_party_id'] },
    {
      case: 'an id of 200 characters',
      data: { third_party_id: 'a', parser_id: 'p'.repeat(200) },
      paths: ['data.parser_id'],
    },
    { case: 'data that is a string', data: 'build it', paths: ['data'] },
    {
      case: 'five problems at once',
      data: {
        third_party_id: '',
        parser_id: 'x y',
        priority: 11,
        force: 'yes',
        parameters: { env: { LD_PRELOAD: 'x' } },
      },
      paths: ['data.third_party_id', 'data.parser_id', 'data.priority', 'data.force', 'data.parameters.env.LD_PRELOAD'],
    },
    {
      case: 'data and subject that disagree',
      data: { third_party_id: 'a', parser_id: 'p' },
      subject: 'a/q',
      paths: ['data.parser_id'],
    },
  ])('$case', async ({ data, paths, subject }) => {
    const id = `refused-${crypto.randomUUID()}`;

    expect(await world.send({ type: 'build.start', id, data, ...(subject ? { subject } : {}) })).toBe(202);

    const [letter] = await until('its dead letter', async () => {
      const letters = await world.deadLetters(id);
      return letters.length > 0 ? letters : undefined;
    });
    expect(letter).toMatchObject({ reason: 'InvalidEvent', category: 'permanent' });
    const problems = letter?.['problems'] as { path: string; message: string }[];
    expect(problems.map(({ path }) => path).sort()).toEqual([...paths].sort());
    expect(JSON.stringify(letter)).toContain(JSON.stringify(data));
  });
});

test('a subscriber that always answers 500 gets the event again as the Trigger says, and then it is kept', async () => {
  const type = `test.failing.${crypto.randomUUID().slice(0, 8)}`;
  const path = `answer/500/${type}`;
  await world.subscribe(`failing-${type.slice(-8)}`, path, { type });

  await world.send({ type, id: type, data: { n: 1 } });

  const [letter] = await until(
    'its dead letter',
    async () => {
      const letters = await world.deadLetters(type);
      return letters.length > 0 ? letters : undefined;
    },
    100,
  );
  expect(world.deliveries(path)).toHaveLength(6);
  expect(letter).toMatchObject({ category: 'transient', code: 500 });
});
