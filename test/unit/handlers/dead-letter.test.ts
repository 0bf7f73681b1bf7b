/** What dead-letter keeps, and under which name. */
import { expect, test } from 'vitest';
import { keepDeadLetter } from '../../../functions/dead-letter/handler.ts';
import { InMemoryObjectStore } from '../../fakes/object-store.ts';
import { received } from '../../fakes/received.ts';

const NOW = new Date('2026-01-03T00:00:10Z');

async function kept(...events: Parameters<typeof keepDeadLetter>[0][]) {
  const store = new InMemoryObjectStore('tmp');
  for (const event of events) {
    await keepDeadLetter(event, { store, temporaryBucket: 'tmp', now: () => NOW });
  }
  return store.keys('tmp').map((key) => ({ key, letter: store.json('tmp', key) }));
}

const original = { specversion: '1.0', id: 'o', source: 's', type: 'build.start', data: { third_party_id: 7 } };
const problems = [{ path: 'data.parser_id', message: 'is missing' }];

test('a refused event is kept as it was, with every reason, under the day of the refusal', async () => {
  const [found] = await kept(received('event.rejected', { event: original, reason: 'InvalidEvent', problems }));

  expect(found?.key).toMatch(/^dead-letters\/2026-01-02\/[0-9a-f]{32}\.json$/);
  expect(found?.letter).toMatchObject({ event: original, category: 'permanent', reason: 'InvalidEvent', problems });
});

test.each([
  {
    case: 'an error of the subscriber',
    code: 500,
    expected: { category: 'transient', reason: 'Unavailable', code: 500 },
  },
  { case: 'too many requests', code: 429, expected: { category: 'transient', reason: 'Throttled', code: 429 } },
  { case: 'a time-out', code: 504, expected: { category: 'transient', reason: 'Timeout', code: 504 } },
  { case: 'nobody there', code: 404, expected: { category: 'permanent', reason: 'NotFound', code: 404 } },
  {
    case: 'a dispatcher that was stopped',
    code: -1,
    expected: { category: 'transient', reason: 'DispatcherStopped', code: -1 },
  },
])('an undelivered event tells $case', async ({ code, expected }) => {
  const [found] = await kept(
    received('build.start', { n: 1 }, { knativeerrorcode: code, knativeerrordest: 'http://sub' }),
  );

  expect(found?.letter).toMatchObject({
    ...expected,
    destination: 'http://sub',
    event: { type: 'build.start', data: { n: 1 } },
  });
});

test('delivered twice it is kept once; failed at two subscribers, twice', async () => {
  const atOne = received('x', {}, { knativeerrorcode: 500, knativeerrordest: 'http://one' });
  const atTwo = received('x', {}, { knativeerrorcode: 500, knativeerrordest: 'http://two' });

  expect(await kept(atOne, atOne)).toHaveLength(1);
  expect(await kept(atOne, atTwo)).toHaveLength(2);
});

test.each([
  { case: 'no object', data: 'nonsense' },
  { case: 'no event in it', data: { reason: 5 } },
  { case: 'nothing', data: undefined },
])('an event.rejected with $case, which anybody can send, is kept as it came', async ({ data }) => {
  const [found] = await kept(received('event.rejected', data, { id: '../../escape' }));

  expect(found?.key).toMatch(/^dead-letters\/2026-01-02\/[0-9a-f]{32}\.json$/);
  expect(found?.letter).toMatchObject({ event: { type: 'event.rejected', id: '../../escape' } });
});

test('the year 1, which brokers write for no time, and a time to come are not believed', async () => {
  for (const time of ['0001-01-01T00:00:00Z', '2999-01-01T00:00:00Z']) {
    const [found] = await kept(received('x', {}, { time }));
    expect(found?.key).toMatch(/^dead-letters\/2026-01-03\//);
  }
});
