/**
 * The same letter once more: a duplicate of it, or what was replayed and failed again. Whoever replays and whoever
 * keeps never undo each other.
 */
import { describe, expect, test } from 'vitest';
import { handleDeadLetter } from '#functions/dead-letter/handler.ts';
import type { DeadLetter } from '#shared/dead-letters/letter.ts';
import { delivered } from '#test/fakes/delivered.ts';
import { InMemoryObjectStore } from '#test/fakes/object-store.ts';
import { Crash, crashAt, type Steps, stepped } from '#test/fakes/stepped.ts';
import { ReplayWorld } from './replay-world.ts';

const BODY = '{ "n": 12345678901234567890 }';

class World {
  readonly store = new InMemoryObjectStore('tmp');
  now = new Date('2026-01-02T10:00:00Z');

  async fails(headers: Record<string, string | undefined> = {}, steps: Steps = { calls: [] }): Promise<void> {
    const sub = { 'ce-knativeerrorcode': '500', 'ce-knativeerrordest': 'http://fn-a.ns.svc.cluster.local', ...headers };
    const { event, context } = delivered(sub, BODY);
    const broker = { publish: () => Promise.reject(new Error('nothing of this may be sent')) };
    const store = stepped(this.store, steps);
    const deps = { store, broker, listens: async () => false, temporaryBucket: 'tmp', now: () => this.now };
    await handleDeadLetter(event, deps, context);
  }

  letters(): DeadLetter[] {
    return this.keys().map((key) => this.store.json('tmp', key) as DeadLetter);
  }

  keys(): string[] {
    return this.store.keys('tmp').filter((key) => /\/[0-9a-f]{32}\.json$/.test(key));
  }

  /** As the Broker would bring what was replayed, had it failed again. */
  replayed(n: number, at = this.keys()[0] ?? ''): Record<string, string> {
    return { 'ce-replayof': at.replace(/^dead-letters\/|\.json$/g, ''), 'ce-replays': String(n) };
  }
}

test('a letter has the delivery as it came, byte for byte, where it failed, and how often it was tried', async () => {
  const world = new World();

  await world.fails({ 'ce-subject': 'acme/p1', traceparent: 'trace', 'user-agent': 'Go-http-client/1.1' });

  const [letter] = world.letters();
  expect(letter).toMatchObject({
    function: 'fn-a',
    attempts: 6,
    count: 1,
    first_at: '2026-01-02T10:00:00.000Z',
    last_at: '2026-01-02T10:00:00.000Z',
    raw: { body_base64: Buffer.from(BODY).toString('base64') },
  });
  expect(letter?.raw?.headers).toMatchObject({
    'ce-knativeerrorcode': '500',
    'ce-subject': 'acme/p1',
    traceparent: 'trace',
  });
  expect(letter?.raw?.headers).not.toHaveProperty('user-agent');
});

test('a duplicate changes the count and the last time, and nothing else', async () => {
  const world = new World();
  await world.fails();
  const [first] = world.letters();
  world.now = new Date('2026-01-03T00:30:00Z');

  await world.fails();

  expect(world.letters()).toEqual([{ ...first, count: 2, last_at: '2026-01-03T00:30:00.000Z' }]);
});

test('what lies there and is no letter is replaced', async () => {
  const world = new World();
  await world.fails();
  world.store.put('tmp', world.keys()[0] ?? '', 'nonsense');

  await world.fails();

  expect(world.letters()).toMatchObject([{ count: 1, reason: 'Unavailable' }]);
});

describe('what was replayed and fails again at the same place', () => {
  test('is the same letter, open again, wherever its time would put it', async () => {
    const world = new World();
    await world.fails({ 'ce-time': '0001-01-01T00:00:00Z' });
    const replays = new ReplayWorld(world.store);
    await replays.replay();
    world.now = new Date('2026-01-09T00:00:00Z');

    await world.fails({ 'ce-time': '0001-01-01T00:00:00Z', ...world.replayed(1) });

    expect(world.keys()).toHaveLength(1);
    expect(world.letters()).toMatchObject([{ replays: 1, count: 2, first_at: '2026-01-02T10:00:00.000Z' }]);
    expect(await replays.open()).toHaveLength(1);
  });

  test('is open even where it came back before it was noted as sent', async () => {
    const world = new World();
    await world.fails();
    const replays = new ReplayWorld(world.store);
    replays.onPublish = () => world.fails(world.replayed(1));

    await replays.replay();

    expect(await replays.open()).toMatchObject([{ replayed: 1, failed: 1 }]);
  });

  test('a late duplicate of the first failure does not open it again', async () => {
    const world = new World();
    await world.fails();
    const replays = new ReplayWorld(world.store);
    await replays.replay();

    await world.fails();

    expect(await replays.open()).toEqual([]);
    expect(world.letters()).toMatchObject([{ count: 2 }]);
  });

  test('at another place it is a letter of its own, which says whose replay it was', async () => {
    const world = new World();
    await world.fails();
    const first = world.letters()[0]?.id;

    await world.fails({ ...world.replayed(1), 'ce-knativeerrordest': 'http://other' });

    const other = world.letters().find(({ id }) => id !== first);
    expect(other).toMatchObject({ replay_of: first });
    expect(other).not.toHaveProperty('replays');
    expect(await new ReplayWorld(world.store).open()).toHaveLength(2);
  });

  test.each([
    { case: 'no letter of ours', headers: { 'ce-replayof': '../../escape', 'ce-replays': '1' } },
    { case: 'no number', headers: { 'ce-replayof': `2026-01-02/${'a'.repeat(32)}`, 'ce-replays': '1e9' } },
    { case: 'no link', headers: { 'ce-replays': '7' } },
  ])('an extension that anybody may have written counts for nothing: $case', async ({ headers }) => {
    const world = new World();

    await world.fails(headers);

    expect(world.store.keys('tmp')).toEqual(world.keys());
    expect(world.letters()[0]).not.toHaveProperty('replays');
    expect(world.letters()[0]).not.toHaveProperty('replay_of');
  });
});

describe('a crash while it is kept, and the letter delivered again', () => {
  for (let step = 1; step <= 3; step += 1) {
    for (const when of ['before', 'after'] as const) {
      test(`${when} step ${step}: the letter is there, once and open`, async () => {
        const world = new World();
        await world.fails();
        const replays = new ReplayWorld(world.store);
        await replays.replay();

        await expect(world.fails(world.replayed(1), crashAt(step, when))).rejects.toBeInstanceOf(Crash);
        await world.fails(world.replayed(1));

        expect(world.letters()).toMatchObject([{ replays: 1 }]);
        expect(await replays.open()).toHaveLength(1);
      });
    }
  }
});

describe('poison', () => {
  const backFrom = async (n: number, headers: Record<string, string>) => {
    const world = new World();
    await world.fails(headers);
    await world.fails({ ...headers, ...world.replayed(n) });
    return world.letters()[0];
  };

  test('is what its subscriber fails on after two replays', async () => {
    expect(await backFrom(1, {})).toMatchObject({ reason: 'Unavailable', category: 'transient' });
    expect(await backFrom(2, {})).toMatchObject({
      reason: 'Poison',
      category: 'permanent',
      message: expect.stringMatching(/^Replayed 2 times.*Unavailable/),
    });
  });

  test.each([
    { case: 'throttling', code: '429', reason: 'Throttled' },
    { case: 'nobody there', code: '-1', reason: 'Unavailable' },
    { case: 'nothing at the address', code: '404', reason: 'NotFound' },
  ])('is not what says nothing about the event: $case', async ({ code, reason }) => {
    expect(await backFrom(5, { 'ce-knativeerrorcode': code })).toMatchObject({ reason });
  });
});
