/** What sweep removes of the history: by age, and by number, page by page. */
import { beforeEach, describe, expect, test } from 'vitest';
import { recorder } from '#functions/recorder/handler.ts';
import { RetryableError } from '#shared/events/errors.ts';
import { CALL_RECORD } from '#shared/events/recorded.ts';
import { indexKey } from '#shared/history/build-index.ts';
import { createInputs } from '#shared/history/inputs.ts';
import { chainPrefix } from '#shared/specs/s3-keys.ts';
import { uncountedBuilds } from '#test/fakes/build-metrics.ts';
import { received } from '#test/fakes/received.ts';
import { SweptWorld } from './sweep-world.ts';
import { ACME, TEMPORARY_BUCKET } from './world.ts';

const DAY = 24 * 60;
const OTHER = { third_party_id: 'acme', parser_id: 'other' };
let world: SweptWorld;

beforeEach(() => {
  world = new SweptWorld();
  // To the minute in which it is due.
  const { now } = world;
  world.later((63 - now.getUTCMinutes()) % 60);
});

const keys = (prefix: string) => world.store.keys(TEMPORARY_BUCKET, prefix);

/** A call that failed, with its input; `minute` later ones are newer. */
async function keepCall(number: number, identity = ACME): Promise<void> {
  const { store } = world;
  const inputs = createInputs(store, TEMPORARY_BUCKET);
  const input = inputs.keep(identity, { source: 's', id: `${identity.parser_id}${number}` }, { number });
  await inputs.idle();
  const time = new Date(world.now.getTime() - 100_000 + number).toISOString();
  const record = { called_at: time, ms: 1, cold: false, input };
  const event = received('parser.complete', { succeeded: false, ...identity }, {
    id: `answer-${identity.parser_id}-${number}`,
    source: 's',
    subject: `${identity.third_party_id}/${identity.parser_id}`,
    time,
    [CALL_RECORD]: JSON.stringify(record),
  } as never);
  const deps = {
    store,
    temporaryBucket: TEMPORARY_BUCKET,
    feed: async () => {},
    authentication: 'off' as const,
    metrics: uncountedBuilds,
    now: () => world.now,
  };
  await recorder({ ...event, correlationId: `c${number}` } as never, deps, {} as never);
}

/** A pass may take some runs. */
async function pass(runs = 1): Promise<number> {
  let removed = 0;
  for (let run = 0; run < runs; run++) {
    removed += (await world.swept()).history_deleted ?? 0;
    world.later(10);
  }
  return removed;
}

describe('by age', () => {
  test('what passed, and numbers, after a day; all else after HISTORY_DAYS', async () => {
    for (const key of ['feed/2026-01-01T00-00/1.json', 'metrics/2026-01-01T00-00/a-0.json']) {
      world.store.put(TEMPORARY_BUCKET, key, '[]');
    }
    await keepCall(1);
    world.store.put(TEMPORARY_BUCKET, 'history-builds/acme/x', '');
    world.store.put(TEMPORARY_BUCKET, 'logs/acme/p1/x.log', 'x');
    world.later(DAY - 10);
    world.store.put(TEMPORARY_BUCKET, 'feed/2026-01-02T00-00/1.json', '[]');
    expect(await pass()).toBe(0);
    expect(await pass()).toBe(2);
    expect(keys('feed/')).toEqual(['feed/2026-01-02T00-00/1.json']);
    world.later(28 * DAY);
    await keepCall(2);
    expect(keys('history')).toHaveLength(7);
    world.later(DAY);
    expect(await pass()).toBe(5);
    // The younger one is whole, and nothing else is touched.
    expect(keys('history')).toHaveLength(3);
    expect(keys('logs/')).toHaveLength(1);
  });

  test('is looked at every ten minutes alone', async () => {
    world.store.put(TEMPORARY_BUCKET, 'feed/2026-01-01T00-00/1.json', '[]');
    world.later(2 * DAY + 1);
    expect(await world.swept()).toEqual({});
    world.later(9);
    expect(await world.swept()).toEqual({ history_deleted: 1 });
  });
});

describe('by number', () => {
  test('of the calls of each function the newest stay, with their events and inputs', async () => {
    for (let number = 0; number < 8; number++) {
      await keepCall(number);
    }
    await keepCall(100, OTHER);
    expect(await pass(2)).toBe(3);
    expect(keys('history-calls/')).toHaveLength(6);
    expect(keys('history-inputs/')).toHaveLength(6);
    expect(keys('history/')).toHaveLength(6);
    expect(keys(chainPrefix(ACME, 'c0'))).toEqual([]);
    expect(keys(chainPrefix(ACME, 'c7'))).toHaveLength(1);
    // Again and again: nothing more goes.
    expect(await pass(3)).toBe(0);
  });

  test('of the builds of each tenant the newest stay, with their events', async () => {
    for (let number = 0; number < 5; number++) {
      const build = {
        ...ACME,
        correlation_id: `b${number}`,
        status: 'success' as const,
        completed_at: new Date(world.now.getTime() + number).toISOString(),
      };
      world.store.put(TEMPORARY_BUCKET, indexKey(build), '');
      world.store.put(TEMPORARY_BUCKET, `${chainPrefix(ACME, `b${number}`)}e.json`, '{}');
    }
    expect(await pass()).toBe(2);
    expect(keys('history-builds/')).toHaveLength(3);
    expect(keys(chainPrefix(ACME, 'b1'))).toEqual([]);
    expect(keys(chainPrefix(ACME, 'b4'))).toHaveLength(1);
  });
});

describe('the work of a run is bounded', () => {
  test('and the next one goes on', async () => {
    world.store.pageSize = 2;
    for (let number = 0; number < 30; number++) {
      await keepCall(number);
    }
    // A run takes ten pages, here 20 of the calls, of which the newest five stay.
    expect(await pass()).toBe(15);
    expect(keys('history-calls/')).toHaveLength(15);
    await pass(12);
    expect(keys('history-calls/')).toHaveLength(5);
    expect(keys('history-inputs/')).toHaveLength(5);
    expect(keys('history/')).toHaveLength(5);
  });

  test('more than 200 calls too many are removed in several runs', async () => {
    for (let number = 0; number < 450; number++) {
      await keepCall(number);
    }
    expect(await pass()).toBe(200);
    expect(await pass(2)).toBe(245);
    expect(keys('history/')).toHaveLength(5);
  });

  test('what fails is done again, and nothing is counted twice', async () => {
    for (let number = 0; number < 6; number++) {
      await keepCall(number);
    }
    for (let time = 0; time < 2; time++) {
      world.store.failNext('remove', new RetryableError('Unavailable', 'S3 is down'));
      expect(await world.swept()).toEqual({ errors: 1 });
      world.later(10);
    }
    expect(await pass()).toBe(1);
    expect(keys('history-calls/')).toHaveLength(5);
  });

  test('two runs at once count on their own', async () => {
    for (let number = 0; number < 5; number++) {
      await keepCall(number);
    }
    await Promise.all([world.swept(), world.swept()]);
    expect(keys('history-calls/')).toHaveLength(5);
  });
});
