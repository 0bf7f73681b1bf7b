/** How a request may refer to Secrets, and that every mistake is named where it is. */
import { describe, expect, test } from 'vitest';
import { parametersSchema } from '#shared/events/parameters.ts';
import { problemsOf } from '#shared/events/problem.ts';

const KEY = { name: 'db', key: 'password' };

function problems(secrets: unknown, env?: Record<string, string>): string[] {
  const { error } = parametersSchema.safeParse({ secrets, ...(env ? { env } : {}) });
  return error ? problemsOf(error, 'data').map(({ path, message }) => `${path}: ${message}`) : [];
}

describe('taken', () => {
  test.each([
    { case: 'none', secrets: [] },
    { case: 'a variable', secrets: [{ ...KEY, env: 'DB_PASSWORD' }] },
    { case: 'a file', secrets: [{ ...KEY, file: 'db/password' }] },
    { case: 'a name like .npmrc', secrets: [{ ...KEY, file: '.npmrc' }] },
    {
      case: 'one key as both',
      secrets: [
        { ...KEY, env: 'A' },
        { ...KEY, file: 'a' },
      ],
    },
    {
      case: 'one folder',
      secrets: [
        { ...KEY, file: 'a/b' },
        { ...KEY, file: 'a/c' },
        { ...KEY, file: 'a-b' },
      ],
    },
    { case: 'fifty', secrets: Array.from({ length: 50 }, (_, index) => ({ ...KEY, env: `A${index}` })) },
  ])('$case', ({ secrets }) => {
    expect(problems(secrets)).toEqual([]);
  });
});

describe('refused', () => {
  test.each([
    { case: 'a value', secrets: [{ ...KEY, env: 'A', value: 'x' }], path: '0', says: 'belongs into the Secret' },
    { case: 'neither', secrets: [KEY], path: '0', says: 'either env or file' },
    { case: 'both', secrets: [{ ...KEY, env: 'A', file: 'a' }], path: '0', says: 'either env or file' },
    { case: 'no name of a Secret', secrets: [{ ...KEY, name: 'Db_1', env: 'A' }], path: '0.name', says: 'name of a' },
    { case: 'another namespace', secrets: [{ ...KEY, name: 'other/db', env: 'A' }], path: '0.name', says: 'name of a' },
    { case: 'no key', secrets: [{ ...KEY, key: '../x', env: 'A' }], path: '0.key', says: 'key of a Secret' },
    { case: 'a reserved variable', secrets: [{ ...KEY, env: 'NODE_OPTIONS' }], path: '0.env', says: 'reserved' },
    { case: 'the port', secrets: [{ ...KEY, env: 'PORT' }], path: '0.env', says: 'reserved' },
    { case: 'no variable', secrets: [{ ...KEY, env: 'A-B' }], path: '0.env', says: 'name of letters' },
    {
      case: 'one variable twice',
      secrets: [
        { ...KEY, env: 'A' },
        { ...KEY, env: 'A' },
      ],
      path: '1.env',
      says: 'secrets.0',
    },
    {
      case: 'one file twice',
      secrets: [
        { ...KEY, file: 'a' },
        { ...KEY, file: 'a' },
      ],
      path: '1.file',
      says: 'secrets.0',
    },
    {
      case: 'a file that is a folder',
      secrets: [
        { ...KEY, file: 'a/b' },
        { ...KEY, file: 'a' },
      ],
      path: '1.file',
      says: 'secrets.0',
    },
    {
      case: 'a folder that is a file',
      secrets: [
        { ...KEY, file: 'a' },
        { ...KEY, file: 'a/b' },
      ],
      path: '1.file',
      says: 'secrets.0',
    },
    ...['/a', '..', '../a', 'a/../b', 'a/..', './a', 'a/.', 'a//b', 'a/', '', '..data', 'a\\b', 'a b', 'a\n'].map(
      (file) => ({
        case: `the file ${JSON.stringify(file)}`,
        secrets: [{ ...KEY, file }],
        path: '0.file',
        says: 'path below',
      }),
    ),
  ])('$case', ({ secrets, path, says }) => {
    expect(problems(secrets)).toEqual([expect.stringMatching(new RegExp(`^data\\.secrets\\.${path}: .*${says}`))]);
  });

  test('every mistake at once', () => {
    const secrets = [{ ...KEY, name: '-', key: '/', env: 'K_X' }, 5, { ...KEY, file: '..' }];
    expect(problems(secrets).map((problem) => problem.split(':')[0])).toEqual([
      'data.secrets.0.name',
      'data.secrets.0.key',
      'data.secrets.0.env',
      'data.secrets.1',
      'data.secrets.2.file',
    ]);
  });

  test('a variable that env sets too', () => {
    expect(
      problems(
        [
          { ...KEY, file: 'a' },
          { ...KEY, env: 'A' },
        ],
        { A: '1' },
      ),
    ).toEqual(['data.secrets.1.env: is "A", which parameters.env sets too: leave one out']);
  });

  test('a great many, without a problem for each', () => {
    expect(problems(Array.from({ length: 100_000 }, () => ({})))).toEqual([
      'data.secrets: must have at most 50 entries',
    ]);
  });
});
