/** Calls in numbers: counted by doors, written to S3, and read as the last hour. */
import { beforeEach, describe, expect, test } from 'vitest';
import { MINUTE, SECOND } from '#shared/durations.ts';
import { RetryableError } from '#shared/events/errors.ts';
import { counterOf, durationsOf, failuresOf } from '#shared/history/call-numbers.ts';
import { createHourOfCalls } from '#shared/history/hour-of-calls.ts';
import { bucketOf, quantile } from '#shared/history/latencies.ts';
import { type CountedCall, createCallNumbers } from '#shared/history/write-call-numbers.ts';
import { InMemoryObjectStore } from '#test/fakes/object-store.ts';

const BUCKET = 'tmp';
const ACME = { third_party_id: 'acme', parser_id: 'a1' };
const GLOBEX = { third_party_id: 'globex', parser_id: 'a1' };

let store: InMemoryObjectStore;
let clock: number;
let lost: unknown[];
let scheduled: (() => void)[];

beforeEach(() => {
  store = new InMemoryObjectStore(BUCKET);
  clock = Date.parse('2026-11-27T12:00:30Z');
  lost = [];
  scheduled = [];
});

function door(name: string) {
  const settings = { store, bucket: BUCKET, now: () => new Date(clock), onLost: (error: unknown) => lost.push(error) };
  const numbers = createCallNumbers({ ...settings, door: name, schedule: (work) => scheduled.push(work) });
  const count = (changes: Partial<CountedCall> = {}) =>
    numbers.count({ ...ACME, revision: 'a1-1', outcome: 'succeeded', milliseconds: 4, cold: false, ...changes });
  return { count, flush: numbers.flush };
}

const hour = () => createHourOfCalls(store, BUCKET, () => clock);
const written = () => store.calls.filter((call) => call.startsWith('write'));

function failWrites(times: number): void {
  for (let time = 0; time < times; time++) {
    store.failNext('write', new RetryableError('Unavailable', 'S3 is down'));
  }
}

async function due(): Promise<void> {
  for (const work of scheduled.splice(0)) {
    work();
  }
  await new Promise((resolve) => setImmediate(resolve));
}

describe('a door', () => {
  test('writes nothing where nothing was called, and one object for many calls', async () => {
    const one = door('one');
    await one.flush();
    expect(written()).toEqual([]);
    for (let call = 0; call < 1000; call++) {
      one.count({ milliseconds: call });
    }
    expect(scheduled).toHaveLength(1);
    await due();
    expect(written()).toEqual([`write ${BUCKET}/metrics/2026-11-27T12-00/one-0.json`]);
    await due();
    expect(written()).toHaveLength(1);
  });

  test('is counted with another one, and after a restart', async () => {
    for (const name of ['one', 'two', 'one-again']) {
      const counting = door(name);
      counting.count({ cold: true });
      counting.count({ outcome: 'Timeout', milliseconds: 30_000 });
      counting.count({ outcome: 'retried' });
      await counting.flush();
    }
    const read = hour();
    await read.refresh();
    const total = read.totalOf(ACME);
    expect(counterOf(total, 'succeeded')).toBe(3);
    expect(failuresOf(total)).toEqual({ Timeout: 3 });
    expect(counterOf(total, 'cold')).toBe(3);
    // What the function did not answer is no call of it, and has no duration.
    expect(counterOf(total, 'retried')).toBe(3);
    expect(durationsOf(total).reduce((sum, count) => sum + count)).toBe(6);
  });

  test('tries three times, under one name, and then loses numbers alone', async () => {
    const one = door('one');
    one.count();
    failWrites(2);
    await due();
    one.count();
    await due();
    expect(lost).toEqual([]);
    await due();
    await due();
    expect(new Set(written()).size).toBe(2);
    const read = hour();
    await read.refresh();
    expect(counterOf(read.totalOf(ACME), 'succeeded')).toBe(2);

    one.count();
    failWrites(3);
    await due();
    await due();
    await due();
    expect(lost).toHaveLength(1);
    expect(scheduled).toEqual([]);
    one.count();
    await due();
    await read.refresh();
    expect(counterOf(read.totalOf(ACME), 'succeeded')).toBe(3);
  });

  test('holds no more than 10,000 versions at a time', async () => {
    const one = door('one');
    for (let index = 0; index < 12_000; index++) {
      one.count({ parser_id: `f${index}` });
    }
    await one.flush();
    const document = store.json(BUCKET, 'metrics/2026-11-27T12-00/one-0.json') as { minutes: { versions: [] }[] };
    expect(document.minutes[0]?.versions).toHaveLength(10_000);
  });
});

describe('the last hour', () => {
  test('has a row for each minute, and forgets what is older', async () => {
    const one = door('one');
    one.count();
    await one.flush();
    clock += 2 * MINUTE;
    one.count();
    one.count();
    await one.flush();
    const read = hour();
    await read.refresh();
    const counts = () => read.minutesOf(ACME).map(({ row }) => counterOf(row, 'succeeded'));
    expect(counts()).toHaveLength(60);
    expect(counts().slice(-3)).toEqual([1, 0, 2]);
    clock += 58 * MINUTE;
    // Nothing new is read: what has grown too old goes all the same.
    expect(counterOf(read.totalOf(ACME), 'succeeded')).toBe(2);
    await read.refresh();
    expect(counts()[1]).toBe(2);
    clock += 2 * MINUTE;
    await read.refresh();
    expect(counterOf(read.totalOf(ACME), 'succeeded')).toBe(0);
    expect(read.versionsOf(ACME)).toEqual([]);
  });

  test('a minute that is written late counts in its own minute', async () => {
    const one = door('one');
    one.count();
    clock += MINUTE;
    one.count();
    await one.flush();
    const read = hour();
    await read.refresh();
    expect(
      read
        .minutesOf(ACME)
        .slice(-2)
        .map(({ row }) => counterOf(row, 'succeeded')),
    ).toEqual([1, 1]);
  });

  test('reads each object once, also after a failure', async () => {
    const one = door('one');
    for (let index = 0; index < 20; index++) {
      one.count();
      await one.flush();
    }
    const read = hour();
    store.failNext('read', new RetryableError('Unavailable', 'S3 is down'));
    await expect(read.refresh()).rejects.toThrow('S3 is down');
    await Promise.all([read.refresh(), read.refresh()]);
    await read.refresh();
    expect(store.calls.filter((call) => call.startsWith('read'))).toHaveLength(21);
    expect(counterOf(read.totalOf(ACME), 'succeeded')).toBe(20);
  });

  test('keeps tenants and versions apart, and takes no nonsense', async () => {
    const one = door('one');
    one.count();
    one.count({ ...GLOBEX, outcome: 'HandlerFailed' });
    one.count({ revision: 'a1-2' });
    await one.flush();
    store.put(BUCKET, 'metrics/2026-11-27T12-00/x-0.json', '{"minutes": [{"minute": -1}]}');
    store.put(BUCKET, 'metrics/2026-11-27T12-00/x-1.json', 'no JSON');
    const read = hour();
    await read.refresh();
    expect(counterOf(read.totalOf(ACME), 'succeeded')).toBe(2);
    expect(failuresOf(read.totalOf(GLOBEX))).toEqual({ HandlerFailed: 1 });
    expect(
      read
        .versionsOf(ACME)
        .map(({ revision }) => revision)
        .sort(),
    ).toEqual(['a1-1', 'a1-2']);
  });
});

describe('durations', () => {
  test('percentiles are no further off than a bucket is wide', () => {
    const durations = Array.from({ length: 10_000 }, (_, index) => (index * 7919) % 9973);
    const counts = new Uint32Array(40);
    for (const duration of durations) {
      counts[bucketOf(duration)] = (counts[bucketOf(duration)] ?? 0) + 1;
    }
    durations.sort((a, b) => a - b);
    for (const rank of [0.5, 0.95, 0.99]) {
      const exact = durations[Math.ceil(rank * durations.length) - 1] ?? 0;
      expect(bucketOf(quantile(counts, rank) ?? 0)).toBe(bucketOf(exact));
    }
  });

  test('of none there is no percentile; beyond the last bound it is that bound', () => {
    expect(quantile(new Uint32Array(40), 0.5)).toBeUndefined();
    const counts = new Uint32Array(40);
    counts[bucketOf(3600 * SECOND)] = 1;
    expect(quantile(counts, 0.5)).toBe(600_000);
  });
});
