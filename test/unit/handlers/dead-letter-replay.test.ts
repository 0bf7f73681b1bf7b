/** What dead-letter-replay sends, refuses, passes over and deletes. */
import { describe, expect, test } from 'vitest';
import { deadLetterPurgeSchema, deadLetterReplaySchema } from '#shared/events/dead-letter.ts';
import { PermanentError, RetryableError } from '#shared/events/errors.ts';
import { InMemoryObjectStore } from '#test/fakes/object-store.ts';
import { Crash, crashAt } from '#test/fakes/stepped.ts';
import { ReplayWorld } from './replay-world.ts';

const started = () => new ReplayWorld(new InMemoryObjectStore('tmp'));
const idsSent = (world: ReplayWorld) => world.sent.map(({ headers }) => headers['ce-id']);

describe('an order', () => {
  test.each([
    { case: 'chooses nothing', order: {} },
    { case: 'says all: false', order: { all: false } },
    { case: 'names no id of ours', order: { ids: ['1'] } },
    { case: 'wants too many', order: { all: true, max: 1001 } },
    { case: 'has no duration', order: { older_than: '1 day' } },
  ])('that $case is refused', ({ order }) => {
    expect(deadLetterReplaySchema.safeParse(order).success).toBe(false);
    expect(deadLetterPurgeSchema.safeParse(order).success).toBe(false);
  });

  test('may name its ids in one text, as kn event sends them', () => {
    const [a, b] = ['a'.repeat(32), 'b'.repeat(32)];

    expect(deadLetterReplaySchema.parse({ ids: `${a},${b}` }).ids).toEqual([a, b]);
  });
});

test('sends a letter as it came, without what dispatchers and earlier replays added, and says whose replay it is', async () => {
  const world = started();
  const headers = {
    'ce-id': 'a',
    'ce-subject': 'Ã©',
    'content-type': 'text/plain; charset=x',
    traceparent: 't',
    'ce-knativeerrordest': 'http://x',
    'ce-knativeerrorcode': '500',
    'ce-redeliveries': '3',
    'ce-replayof': 'older',
    'ce-replays': '4',
  };
  const body = Buffer.from([0, 255, 10]);
  const id = world.put(1, { raw: { headers, body_base64: body.toString('base64') } });

  await world.replay();

  const { 'ce-knativeerrordest': _dest, 'ce-knativeerrorcode': _code, 'ce-redeliveries': _count, ...kept } = headers;
  expect(world.sent).toEqual([{ headers: { ...kept, 'ce-replayof': `2026-01-02/${id}`, 'ce-replays': '1' }, body }]);
});

test('sends a refused event in the structured form that was kept of it', async () => {
  const world = started();
  const event = {
    specversion: '1.0',
    id: 'a',
    source: 's',
    type: 'build.start',
    data_base64: 'AP8=',
    replays: '1',
    redeliveries: '2',
  };
  const id = world.put(1, { raw: undefined, event, category: 'permanent', reason: 'Forbidden' });

  await world.replay();

  const { redeliveries: _, ...kept } = event;
  expect(world.sent[0]?.headers).toEqual({ 'content-type': 'application/cloudevents+json' });
  expect(JSON.parse(String(world.sent[0]?.body))).toEqual({ ...kept, replayof: `2026-01-02/${id}`, replays: '1' });
});

describe('chooses', () => {
  const cases: { case: string; order: Record<string, unknown>; sent: string[] }[] = [
    { case: 'by category', order: { category: 'transient' }, sent: ['event-1', 'event-4'] },
    { case: 'by the type of the event', order: { type: 'build.start' }, sent: ['event-2'] },
    { case: 'by reason', order: { reason: 'Timeout' }, sent: ['event-4'] },
    { case: 'by id', order: { ids: ['1'.padStart(32, '0')] }, sent: ['event-1'] },
    { case: 'by age, older', order: { older_than: '24h' }, sent: ['event-4'] },
    { case: 'by age, younger', order: { newer_than: '3h' }, sent: ['event-1', 'event-2'] },
    { case: 'by all that is said', order: { category: 'transient', older_than: '1d' }, sent: ['event-4'] },
  ];
  test.each(cases)('$case', async ({ order, sent }) => {
    const world = started();
    world.put(1);
    world.put(2, { event: { type: 'build.start' }, category: 'permanent', reason: 'NotFound' });
    world.put(4, { reason: 'Timeout', last_at: '2026-01-01T10:00:00Z' }, '2026-01-03');
    world.store.put('tmp', 'dead-letters/2026-01-02/readme.txt', 'not a letter');
    world.store.put('tmp', `dead-letters/2026-01-02/${'f'.repeat(32)}.json`, 'not a letter either');

    await world.replay(order);

    expect(idsSent(world)).toEqual(sent);
  });
});

describe('refuses', () => {
  test.each([
    {
      case: 'what would be refused again',
      fields: { category: 'permanent', reason: 'InvalidEvent' },
      why: /InvalidEvent/,
    },
    { case: 'poison', fields: { category: 'permanent', reason: 'Poison' }, why: /Poison/ },
    { case: 'an order to replay or purge', fields: { event: { type: 'dead-letter.purge' } }, why: /an order/ },
  ])('$case, unless it is forced', async ({ fields, why }) => {
    const world = started();
    const id = world.put(1, fields);

    expect(await world.replay()).toMatchObject({ replayed: 0, refused: [{ id, why: expect.stringMatching(why) }] });
    expect(world.sent).toEqual([]);
    expect(await world.replay({ all: true, force: true })).toMatchObject({ replayed: 1, refused: [] });
  });

  test.each([
    { case: 'of a delivery', fields: { raw: undefined, data_dropped: true } },
    {
      case: 'of a refused event',
      fields: { raw: undefined, event: { type: 'build.start' }, problems: [{ path: 'data', message: 'has 9 bytes' }] },
    },
  ])('an event whose data was not kept, forced or not: $case', async ({ fields }) => {
    const world = started();
    world.put(1, fields);

    expect(await world.replay({ all: true, force: true })).toMatchObject({ replayed: 0, refused: [{}] });
  });

  test('an id that is no letter', async () => {
    const id = 'a'.repeat(32);

    expect(await started().replay({ ids: [id] })).toMatchObject({ refused: [{ id, why: 'there is no such letter' }] });
  });

  test('what the Broker never takes, and goes on with the others', async () => {
    const world = started();
    world.put(1);
    world.put(2);
    world.onPublish = async ({ headers }) => {
      if (headers['ce-id'] === 'event-1') {
        throw new PermanentError('InvalidEvent', 'the Broker answered 400');
      }
    };

    expect(await world.replay()).toMatchObject({ replayed: 1, refused: [{ why: 'the Broker answered 400' }] });
    expect(await world.open()).toHaveLength(1);
  });
});

test('ten a second, at most max, and what is left is told', async () => {
  const world = started();
  for (let n = 1; n <= 30; n += 1) {
    world.put(n);
  }
  world.publishTakes = 40;

  const result = await world.replay({ all: true, max: 25 });

  expect(result).toMatchObject({ replayed: 25, remaining: 5 });
  const [first = 0] = world.times;
  expect(world.times.map((time) => time - first)).toEqual(world.times.map((_, n) => n * 100));
});

test('stops while the function still has time, and says that there is more', async () => {
  const world = started();
  for (let n = 1; n <= 10; n += 1) {
    world.put(n);
  }
  world.publishTakes = 60_000;

  expect(await world.replay()).toMatchObject({ replayed: 5, remaining: 1 });
  expect(await world.replay()).toMatchObject({ replayed: 5, remaining: 0 });
  expect(new Set(idsSent(world)).size).toBe(10);
});

test('a dry run sends nothing, notes nothing and names what would be sent', async () => {
  const world = started();
  const ids = [world.put(1), world.put(2)];

  expect(await world.replay({ all: true, dry_run: true })).toMatchObject({ replayed: 0, ids, dry_run: true });
  expect(world.sent).toEqual([]);
  expect(await world.open()).toHaveLength(2);
});

test('the same order once more sends nothing; what has come back is sent with the next number', async () => {
  const world = started();
  const id = world.put(1);
  await world.replay();

  expect(await world.replay()).toMatchObject({ replayed: 0, skipped: 1 });
  world.store.put('tmp', `dead-letters/2026-01-02/${id}.failed-1.json`, '{}');
  await world.replay();

  expect(world.sent.map(({ headers }) => headers['ce-replays'])).toEqual(['1', '2']);
});

test('where the Broker or S3 is away the order comes again, and goes on where it stopped', async () => {
  const world = started();
  world.put(1);
  world.put(2);
  world.onPublish = async ({ headers }) => {
    if (headers['ce-id'] === 'event-2') {
      world.onPublish = async () => {};
      throw new RetryableError('BrokerUnavailable', 'the Broker is away');
    }
  };

  await expect(world.replay()).rejects.toBeInstanceOf(RetryableError);
  await world.replay();

  expect(idsSent(world)).toEqual(['event-1', 'event-2']);
});

describe('a crash, and the order delivered again', () => {
  for (let step = 1; step <= 9; step += 1) {
    for (const when of ['before', 'after'] as const) {
      test(`${when} step ${step}: none lost; twice only the one that was under way, as the same event`, async () => {
        const world = started();
        for (const n of [1, 2, 3]) {
          world.put(n);
        }
        await world.replay({ all: true }, crashAt(step, when)).catch((error: unknown) => {
          expect(error).toBeInstanceOf(Crash);
        });

        await world.replay();

        expect(new Set(idsSent(world))).toEqual(new Set(['event-1', 'event-2', 'event-3']));
        expect(world.sent.length).toBeLessThanOrEqual(4);
        expect(new Set(world.sent.map((event) => JSON.stringify(event))).size).toBe(3);
        expect(await world.open()).toEqual([]);
      });
    }
  }
});

describe('a purge', () => {
  test('deletes the letters that are meant with what was noted of them, and no others', async () => {
    const world = started();
    const id = world.put(1);
    const other = world.put(2, { reason: 'Timeout' });
    await world.replay({ ids: [id] });
    world.store.put('tmp', `dead-letters/2026-01-02/${id}.failed-1.json`, '{}');
    world.store.put('tmp', 'tombstones/acme/p1.json', '{}');

    expect(await world.purge({ reason: 'Unavailable' })).toEqual({
      purged: 1,
      remaining: 0,
      dry_run: false,
      ids: [id],
    });

    expect(world.store.keys('tmp')).toEqual([`dead-letters/2026-01-02/${other}.json`, 'tombstones/acme/p1.json']);
  });

  test('of those that were replayed leaves those that came back', async () => {
    const world = started();
    const [done, back, open] = [world.put(1), world.put(2), world.put(3)];
    await world.replay({ ids: [done, back] });
    world.store.put('tmp', `dead-letters/2026-01-02/${back}.failed-1.json`, '{}');

    expect(await world.purge({ all: true, state: 'replayed' })).toMatchObject({ ids: [done] });
    expect((await world.open()).map(({ id }) => id)).toEqual([back, open]);
  });

  test('only tried, deletes nothing', async () => {
    const world = started();
    const id = world.put(1);

    expect(await world.purge({ all: true, dry_run: true })).toMatchObject({ purged: 0, ids: [id] });
    expect(await world.open()).toHaveLength(1);
  });
});

describe('a replay is signed', () => {
  const signed = { tenant: 'acme', hops: 3 };

  test('for whom its event was, and for nobody where nobody knows', async () => {
    const world = started();
    world.put(1, { signed });
    world.put(2);

    await world.replay();

    expect(world.signedFor).toEqual([signed, undefined]);
  });

  test('in binary mode, also where only the structured form is known', async () => {
    const world = started();
    const event = { specversion: '1.0', id: 'e', source: 's', type: 'build.start', subject: 'acme/p1', data: { n: 1 } };
    world.put(1, { event, raw: undefined, signed });
    world.put(2, { event: { ...event, data: undefined, data_base64: 'AP8=' }, raw: undefined, signed });

    await world.replay();

    expect(world.sent[0]?.headers).toMatchObject({
      'ce-type': 'build.start',
      'ce-subject': 'acme/p1',
      'ce-replays': '1',
    });
    expect(world.sent.map(({ body }) => body)).toEqual([Buffer.from('{"n":1}'), Buffer.from([0, 255])]);
  });

  test('but not at all, without force, where the signature itself was missing', async () => {
    const world = started();
    const id = world.put(1, { category: 'permanent', reason: 'Unauthenticated' });

    expect((await world.replay()).refused).toEqual([
      { id, why: expect.stringMatching(/^Unauthenticated: nobody knows/) },
    ]);
    await world.replay({ all: true, force: true });
    expect(world.signedFor).toEqual([undefined]);
  });
});
