/** What dead-letter keeps, and under which name. */
import { expect, test } from 'vitest';
import { handleDeadLetter } from '#functions/dead-letter/handler.ts';
import { createLetterMetrics } from '#functions/dead-letter/metrics.ts';
import type { DeadLetter } from '#shared/dead-letters/letter.ts';
import { PermanentError, RetryableError } from '#shared/events/errors.ts';
import { registry } from '#shared/telemetry/metrics.ts';
import { type Delivered, delivered } from '#test/fakes/delivered.ts';
import { InMemoryObjectStore } from '#test/fakes/object-store.ts';

const NOW = new Date('2026-01-03T00:00:10Z');

async function kept(...letters: Delivered[]) {
  const listens = async () => false;
  const store = new InMemoryObjectStore('tmp');
  const broker = { publish: () => Promise.reject(new Error('nothing of this may be sent')) };
  for (const { event, context } of letters) {
    await handleDeadLetter(event, { store, broker, listens, temporaryBucket: 'tmp', now: () => NOW }, context);
  }
  return store.keys('tmp').map((key) => ({ key, letter: store.json('tmp', key) }));
}

const rejected = (data: unknown, headers: Record<string, string> = {}) =>
  delivered({ 'ce-type': 'event.rejected', ...headers }, data === undefined ? '' : JSON.stringify(data));
const failed = (code: number, headers: Record<string, string | undefined> = {}) =>
  delivered({ 'ce-knativeerrorcode': String(code), 'ce-knativeerrordest': 'http://sub/', ...headers });

const original = { specversion: '1.0', id: 'o', source: 's', type: 'build.start', data: { third_party_id: 7 } };
const problems = [{ path: 'data.parser_id', message: 'is missing' }];
const refusal = { event: original, reason: 'InvalidEvent', problems };

test('a refused event is kept as it was, with every reason, under the day of the refusal', async () => {
  const [found] = await kept(rejected(refusal));

  expect(found?.key).toMatch(/^dead-letters\/2026-01-02\/[0-9a-f]{32}\.json$/);
  expect(found?.letter).toMatchObject({ event: original, category: 'permanent', reason: 'InvalidEvent', problems });
});

test.each([
  { case: 'an error of the subscriber', code: 500, category: 'transient', reason: 'Unavailable' },
  { case: 'a conflict', code: 409, category: 'transient', reason: 'Unavailable' },
  { case: 'too many requests', code: 429, category: 'transient', reason: 'Throttled' },
  { case: 'a time-out of the gateway', code: 504, category: 'transient', reason: 'Timeout' },
  { case: 'a time-out of the subscriber', code: 408, category: 'transient', reason: 'Timeout' },
  { case: 'a reply that could not be sent on', code: 202, category: 'transient', reason: 'ReplyNotDelivered' },
  { case: 'a subscriber that is not there', code: -1, category: 'transient', reason: 'Unavailable' },
  { case: 'nothing at the address', code: 404, category: 'permanent', reason: 'NotFound' },
])('an undelivered event tells $case, and what to do', async ({ code, category, reason }) => {
  const [found] = await kept(failed(code));

  expect(found?.letter).toMatchObject({ category, reason, code, destination: 'http://sub/' });
  expect(found?.letter).toMatchObject({ event: { type: 'parser.start', data: { n: 1 } } });
  expect(found?.letter).toMatchObject({
    message: expect.stringMatching(/^http:\/\/sub\/ .*replay` sends it again/),
  });
  expect(found?.letter).not.toHaveProperty('redeliveries');
});

test('a call that the function has broken off tells how its process ended', async () => {
  const store = new InMemoryObjectStore('tmp');
  const crash = { call: 'o', revision: 'r', pod: 'p', exit_code: 3, text: 'leaving now' };
  const keep = async (seconds: number) => {
    const time = new Date(NOW.getTime() - seconds * 1000).toISOString();
    store.put('tmp', 'history-crashes/acme/p1.json', JSON.stringify({ ...crash, time }));
    const { event, context } = failed(503, { 'ce-type': 'parser.start', 'ce-subject': 'acme/p1' });
    const broker = { publish: () => Promise.reject(new Error('nothing of this may be sent')) };
    await handleDeadLetter(
      event,
      { store, broker, listens: async () => false, temporaryBucket: 'tmp', now: () => NOW },
      context,
    );
    const [key = ''] = store.keys('tmp').filter((one) => one.startsWith('dead-letters/'));
    return store.json('tmp', key);
  };
  expect(await keep(10)).toMatchObject({
    reason: 'Unavailable',
    crash: { exit_code: 3, text: 'leaving now' },
    message: expect.stringMatching(
      /^the function's process ended during the call, with exit code 3: leaving now\. .*replay` sends it again/,
    ),
  });
  expect(await keep(3600)).not.toHaveProperty('crash');
});

const acme = { third_party_id: 'acme', parser_id: 'p1' };

test.each([
  { case: 'ids in the data alone', event: { type: 'build.start', data: acme }, subject: 'acme/p1' },
  {
    case: 'half of them in the source',
    event: { source: 'network.notifi.acme', data: { parser_id: 'p1' } },
    subject: 'acme/p1',
  },
  {
    case: 'a subject beside ids of the data, which is the user’s own',
    event: { subject: 'shop/s1', data: acme },
    subject: 'shop/s1',
  },
  { case: 'a subject of another kind', event: { subject: 'about nothing', data: acme }, subject: 'acme/p1' },
  {
    case: 'ids that are none',
    event: { subject: 'about nothing', data: { ...acme, parser_id: 'a/b' } },
    subject: 'about nothing',
  },
  { case: 'no ids', event: { data: { n: 1 } }, subject: undefined },
  { case: 'data that is a list', event: { data: [acme] }, subject: undefined },
])('a letter says whose function its event is about: $case', async ({ event, subject }) => {
  const { data, ...attributes } = { source: 'test', type: 'parser.start', ...event };
  const headers = Object.fromEntries(Object.entries(attributes).map(([name, value]) => [`ce-${name}`, value]));
  const undelivered = delivered({ 'ce-knativeerrorcode': '500', ...headers }, JSON.stringify(data));

  const letters = await kept(undelivered, rejected({ ...refusal, event: { ...original, ...event } }));

  expect(letters.map(({ letter }) => (letter as DeadLetter).subject)).toEqual([subject, subject]);
});

test('what comes without a code, as from RabbitMQ itself, is kept too', async () => {
  const [found] = await kept(delivered({}));

  expect(found?.letter).toMatchObject({ category: 'transient', reason: 'QueueFull' });
  expect(found?.letter).not.toHaveProperty('code');
});

test('delivered twice it is kept once; failed at two subscribers, twice', async () => {
  const atOne = failed(500, { 'ce-knativeerrordest': 'http://one' });
  const atTwo = failed(500, { 'ce-knativeerrordest': 'http://two' });

  expect(await kept(atOne, atOne)).toHaveLength(1);
  expect(await kept(atOne, atTwo)).toHaveLength(2);
});

test.each([
  { case: 'no object', data: 'nonsense' },
  { case: 'no event in it', data: { reason: 5 } },
  { case: 'nothing', data: undefined },
])('an event.rejected with $case, which anybody can send, is kept as it came', async ({ data }) => {
  const [found] = await kept(rejected(data, { 'ce-id': '../../escape' }));

  expect(found?.key).toMatch(/^dead-letters\/2026-01-02\/[0-9a-f]{32}\.json$/);
  expect(found?.letter).toMatchObject({ event: { type: 'event.rejected', id: '../../escape' } });
});

test('the year 1, which brokers write for no time, and a time to come are not believed', async () => {
  for (const time of ['0001-01-01T00:00:00Z', '2999-01-01T00:00:00Z']) {
    const [found] = await kept(delivered({ 'ce-time': time }));
    expect(found?.key).toMatch(/^dead-letters\/2026-01-03\//);
  }
});

test.each([-1, 500])(
  'a refusal that its own Trigger could not deliver (%d) has arrived: kept as that refusal, once, and not sent again',
  async (code) => {
    const destination = 'http://dead-letter.knative-lambda-dev.svc.cluster.local';
    const late = { 'ce-knativeerrordest': destination, 'ce-knativeerrorcode': String(code) };

    const found = await kept(rejected(refusal), rejected(refusal, late));

    expect(found).toHaveLength(1);
    expect(found[0]?.letter).toMatchObject({ event: original, reason: 'InvalidEvent' });
  },
);

test('whatever else failed at dead-letter itself is kept, and not sent again', async () => {
  const destination = 'http://dead-letter.ns.svc.cluster.local/';

  const [found] = await kept(failed(-1, { 'ce-knativeerrordest': destination }));

  expect(found?.letter).toMatchObject({ reason: 'DispatcherStopped', destination });
});

test('a refusal that failed at somebody else who reads refusals is a letter of its own', async () => {
  const elsewhere = { 'ce-knativeerrordest': 'http://audit/', 'ce-knativeerrorcode': '503' };

  expect(await kept(rejected(refusal), rejected(refusal, elsewhere))).toHaveLength(2);
});

test('where S3 refuses to take it, the letter comes again: a refusal in return would end nowhere', async () => {
  const store = new InMemoryObjectStore('tmp');
  store.failNext('write', new PermanentError('Forbidden', 'the key is wrong'));
  const { event, context } = rejected(refusal);
  const deps = { store, broker: { publish: async () => {} }, listens: async () => true };

  const handled = handleDeadLetter(event, { ...deps, temporaryBucket: 'tmp', now: () => NOW }, context);

  await expect(handled).rejects.toThrow(new RetryableError('Forbidden', 'the key is wrong'));
  await expect(handled).rejects.toBeInstanceOf(RetryableError);
});

test('a letter tells for whom its event was signed; a refusal for want of a signature vouches for nothing', async () => {
  const claims = { tenant: 'acme', hops: 1, expires: 1 };
  const signed = ({ event, context }: Delivered): Delivered => ({ event, context: { ...context, claims } });
  const letterOf = async (one: Delivered) => (await kept(one))[0]?.letter;

  expect(await letterOf(signed(failed(500)))).toMatchObject({ signed: { tenant: 'acme', hops: 1 } });
  expect(await letterOf(signed(rejected(refusal)))).toMatchObject({ signed: { tenant: 'acme', hops: 1 } });
  expect(await letterOf(signed(rejected({ ...refusal, reason: 'Unauthenticated' })))).not.toHaveProperty('signed');
  expect(await letterOf(failed(500))).not.toHaveProperty('signed');
});

test('a letter is counted once, however often it comes, by its category and reason', async () => {
  registry.clear();
  const deps = {
    store: new InMemoryObjectStore('tmp'),
    broker: { publish: async () => {} },
    listens: async () => false,
  };
  const counted = { ...deps, temporaryBucket: 'tmp', now: () => NOW, kept: createLetterMetrics() };
  for (const { event, context } of [failed(500), failed(500), rejected(refusal)]) {
    await handleDeadLetter(event, counted, context);
  }
  const lines = (await registry.metrics()).split('\n').filter((line) => / [1-9]/.test(line));
  expect(lines.toSorted()).toEqual([
    'knative_lambda_dead_letters_total{category="permanent",reason="InvalidEvent"} 1',
    'knative_lambda_dead_letters_total{category="transient",reason="Unavailable"} 1',
  ]);
});
