/** Dockerfiles that mean harm, to the embedded Kaniko. */
import { expect, test } from 'vitest';
import { expandWord, splitWords } from '#local/kaniko/dockerfile-words.ts';
import { quick } from '#test/fuzz/area.ts';

test('variables within variables end somewhere', async () => {
  const open = '$'.concat('{a:-');
  expect(expandWord(`${open}${open}x}}`, {})).toBe('x');
  const refused = quick(() => expect(() => expandWord(open.repeat(50_000), {})).toThrow(/is not supported/));
  await refused;
});

test.each(['"', "'", '\\"', '"\\'])('a word of many %s is split in a moment', async (char) => {
  await quick(() => splitWords(char.repeat(50_001)));
});

test('a variable that is doubled again and again ends somewhere', () => {
  expect(() => expandWord('$A$A', { A: 'a'.repeat(100_000) })).toThrow(/at most 131072/);
});
