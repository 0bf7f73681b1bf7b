/** What a person sees of letters, and of what was done with them. */
import { expect, test } from 'vitest';
import { readArguments } from '#cli/arguments.ts';
import { runCommand } from '#cli/run-command.ts';
import { createLetterBox } from '#shared/dead-letters/letter-box.ts';
import { InMemoryObjectStore } from '#test/fakes/object-store.ts';
import { ReplayWorld } from '#test/unit/handlers/replay-world.ts';

const world = () => new ReplayWorld(new InMemoryObjectStore('tmp'));

async function typed({ store }: ReplayWorld, ...args: string[]) {
  const { command } = readArguments(args);
  if (command.verb === 'help') {
    throw new Error('help is nothing to run');
  }
  return runCommand(command, {
    box: createLetterBox(store, 'tmp'),
    broker: { publish: async () => {} },
    now: () => new Date('2026-01-02T12:00:00Z'),
    sleep: async () => {},
  });
}

test('a table of the open ones; --all has the others, too', async () => {
  const here = world();
  const failed = here.put(1, { destination: 'http://fn-a', function: 'fn-a', code: 500, count: 12 });
  const refused = here.put(2, {
    event: { type: 'build.start', subject: 'acme/p1' },
    category: 'permanent',
    reason: 'InvalidEvent',
    last_at: '2026-01-02T11:59:30Z',
  });
  const replayed = here.put(3);
  here.store.put('tmp', `dead-letters/2026-01-02/${replayed}.replayed-1.json`, '{}');
  here.store.put('tmp', `dead-letters/2026-01-02/${refused}.replayed-1.json`, '{}');
  here.store.put('tmp', `dead-letters/2026-01-02/${refused}.failed-1.json`, '{}');

  expect((await typed(here, 'list')).lines).toEqual([
    'ID                                AGE  TYPE          SUBJECT  WHERE  CODE  REASON        COUNT  STATE',
    `${failed}  2h   parser.start  –        fn-a   500   Unavailable   12     open`,
    `${refused}  30s  build.start   acme/p1  –      –     InvalidEvent  1      open, replayed 1×`,
  ]);
  expect((await typed(here, 'list', '--all')).json).toMatchObject([{}, {}, { id: replayed, state: 'replayed' }]);
  expect((await typed(here, 'list', '--max', '1')).lines.at(-1)).toBe('and 1 more');
  expect((await typed(world(), 'list')).lines).toEqual(['no dead letters']);
});

test('the function that a letter is about, where its event has no subject', async () => {
  const here = world();
  here.put(1, { event: { type: 'build.start' }, subject: 'acme/p1' });

  expect((await typed(here, 'list')).lines[1]).toContain('build.start  acme/p1');
});

test('an event cannot write to the terminal', async () => {
  const here = world();
  const id = here.put(1, { event: { type: '\u001b[2Jgone', subject: 'a\nb' }, message: 'see\u0007' });

  for (const { lines } of [await typed(here, 'list'), await typed(here, 'show', id)]) {
    expect(lines.join('\n').replaceAll('\n', '')).not.toMatch(/\p{Cc}/u);
  }
});

test('one letter: what to do first, then every field, then the event', async () => {
  const here = world();
  const id = here.put(1, { message: 'Mend it.', code: 500, attempts: 6 });

  const { lines, json } = await typed(here, 'show', id);

  expect(lines[0]).toBe('Mend it.');
  expect(lines).toContain('attempts      6');
  expect(lines.at(-1)).toContain('"id": "event-1"');
  expect(json).toMatchObject({ raw: { body_base64: expect.any(String) } });
});

test('one that is not there', async () => {
  expect(await typed(world(), 'show', 'a'.repeat(32))).toMatchObject({
    ok: false,
    lines: [expect.stringMatching(/there is no dead letter/)],
  });
});

test('a replay says what was sent, passed over, refused, and what is left', async () => {
  const here = world();
  here.put(1);
  here.put(2, { category: 'permanent', reason: 'InvalidEvent' });
  here.put(3);

  const first = await typed(here, 'replay', '--all', '--max', '1');
  const second = await typed(here, 'replay', '--all');

  expect(first.ok).toBe(false);
  expect(first.lines.join('\n')).toMatch(/^replayed 1\nrefused 1:\n {2}0+2 {2}InvalidEvent.*\nleft 1: /);
  expect(second.lines.join('\n')).toMatch(/^replayed 1\npassed over 1: /);
});

test('a purge says what is gone; only tried, what would be', async () => {
  const here = world();
  const id = here.put(1);

  expect((await typed(here, 'purge', '--all', '--dry-run')).lines).toEqual(['would delete 1', id]);
  expect((await typed(here, 'purge', '--all')).lines).toEqual(['deleted 1']);
});
