/** Dockerfiles, ignore files and archives that mean harm, to the embedded Kaniko. */
import { expect, test } from 'vitest';
import { expandWord } from '#local/kaniko/dockerfile-words.ts';
import { matchGlob } from '#local/kaniko/match-glob.ts';
import { quick } from '#test/fuzz/area.ts';

test.each([
  { pattern: `${'**/'.repeat(30)}x`, path: 'a/'.repeat(60) },
  { pattern: `${'*a'.repeat(30)}b`, path: 'a'.repeat(200) },
])('$pattern is matched in a moment', async ({ pattern, path }) => {
  expect(await quick(() => matchGlob(pattern, path))).toBe(false);
});

test.each([
  { pattern: '**/x', path: 'x', matches: true },
  { pattern: '**/x', path: 'a/b/x', matches: true },
  { pattern: '**/x', path: 'ax', matches: false },
  { pattern: 'a/**/b', path: 'a/b', matches: true },
  { pattern: 'a/**/b', path: 'a/c/d/b', matches: true },
  { pattern: 'a/**', path: 'a/b/c', matches: true },
  { pattern: '*.js', path: 'a/b.js', matches: false },
  { pattern: 'a?c', path: 'a/c', matches: false },
  { pattern: '[a-c]x', path: 'bx', matches: true },
  { pattern: '[^a-c]x', path: 'bx', matches: false },
  { pattern: '[^a]x', path: '/x', matches: false },
  { pattern: '[a', path: '[a', matches: false },
  { pattern: 'a\\*', path: 'a*', matches: true },
  { pattern: 'a\\*', path: 'ab', matches: false },
])('$pattern and $path: $matches', ({ pattern, path, matches }) => {
  expect(matchGlob(pattern, path)).toBe(matches);
});

test('variables within variables end somewhere', () => {
  const open = '$'.concat('{a:-');
  expect(expandWord(`${open.repeat(90)}x${'}'.repeat(90)}`, {}, '\\')).toBe('x');
  expect(() => expandWord(open.repeat(50_000), {}, '\\')).toThrow(/more than 100 levels/);
});

test('a variable that is doubled again and again ends somewhere', () => {
  expect(() => expandWord('$A$A', { A: 'a'.repeat(100_000) }, '\\')).toThrow(/at most 131072/);
});
