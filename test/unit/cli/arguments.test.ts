/** What a person types, and what is made of it. */
import { describe, expect, test } from 'vitest';
import { readArguments, UsageError } from '#cli/arguments.ts';

const ID = 'a'.repeat(32);

test.each([
  { case: 'nothing', args: [], command: { verb: 'help' } },
  { case: '--help', args: ['list', '--help'], command: { verb: 'help' } },
  { case: 'list', args: ['list'], command: { verb: 'list', selector: { state: 'open' }, max: undefined } },
  { case: 'list --all', args: ['list', '--all', '--max', '5'], command: { verb: 'list', selector: {}, max: 5 } },
  {
    case: 'list by what is said',
    args: ['list', '--category', 'transient', '--type', 'build.start', '--reason', 'Timeout', '--since', '24h'],
    command: {
      verb: 'list',
      selector: { state: 'open', category: 'transient', type: 'build.start', reason: 'Timeout', newer_than: '24h' },
    },
  },
  { case: 'show', args: ['show', ID], command: { verb: 'show', id: ID } },
  {
    case: 'replay by ids',
    args: ['replay', ID, '--force', '--dry-run'],
    command: { verb: 'replay', order: { ids: [ID], force: true, dry_run: true, max: 100 } },
  },
  {
    case: 'purge what is done',
    args: ['purge', '--state', 'replayed', '--older-than', '7d'],
    command: { verb: 'purge', order: { state: 'replayed', older_than: '7d' } },
  },
  {
    case: 'purge all that is old',
    args: ['purge', '--all', '--older-than', '7d', '--max', '1000'],
    command: { verb: 'purge', order: { all: true, older_than: '7d', max: 1000, dry_run: false } },
  },
])('$case', ({ args, command }) => {
  expect(readArguments(args).command).toMatchObject(command);
});

test('list chooses by state alone where nothing is said', () => {
  const { command } = readArguments(['list']);

  expect(command).toEqual({ verb: 'list', selector: { state: 'open' }, max: undefined });
});

describe('is not understood, and says why:', () => {
  test.each([
    { case: 'another verb', args: ['resend'], says: 'there is no "resend"' },
    { case: 'another option', args: ['list', '--tpye', 'x'], says: '--tpye' },
    { case: 'replay of nothing in particular', args: ['replay'], says: 'must say which letters' },
    { case: 'an id that is none', args: ['show', '1'], says: '32 hex digits' },
    { case: 'show of two', args: ['show', ID, ID], says: 'one id' },
    { case: 'a number that is none', args: ['replay', '--all', '--max', 'ten'], says: 'max' },
    {
      case: 'two mistakes',
      args: ['purge', '--since', 'monday', '--category', 'bad'],
      says: /category[\s\S]*newer_than/,
    },
  ])('$case', ({ args, says }) => {
    expect(() => readArguments(args)).toThrow(UsageError);
    expect(() => readArguments(args)).toThrow(says);
  });
});
