/** What no subscriber answered is sent to the Broker again: as it was, not for ever, and never lost on the way. */
import { describe, expect, test } from 'vitest';
import { handleDeadLetter } from '#functions/dead-letter/handler.ts';
import type { RawEvent } from '#shared/clients/broker.ts';
import { PermanentError, RetryableError } from '#shared/events/errors.ts';
import type { EventClaims } from '#shared/events/signature.ts';
import { type Delivered, delivered } from '#test/fakes/delivered.ts';
import { InMemoryObjectStore } from '#test/fakes/object-store.ts';
import { Crash, crashAt, type Steps, stepped } from '#test/fakes/stepped.ts';

class World {
  readonly store = new InMemoryObjectStore('tmp');
  readonly sent: RawEvent[] = [];
  /** For whom each was signed. */
  readonly signedFor: (EventClaims | undefined)[] = [];
  /** What the Broker does, one after the other; then it takes everything. */
  readonly trouble: ('refuses' | 'takes it and does not say so' | 'takes no such event')[] = [];
  readonly broker = {
    publish: async (event: RawEvent, claims?: EventClaims) => {
      const trouble = this.trouble.shift();
      if (trouble === 'takes no such event') {
        throw new PermanentError('InvalidEvent', 'the Broker answered 400');
      }
      if (trouble !== 'refuses') {
        this.sent.push(event);
        this.signedFor.push(claims);
      }
      if (trouble) {
        throw new RetryableError('BrokerUnavailable', 'the Broker answered 500');
      }
    },
  };

  async handle({ event, context }: Delivered, steps: Steps = { calls: [] }): Promise<void> {
    await handleDeadLetter(
      event,
      {
        store: stepped(this.store, steps),
        broker: stepped(this.broker, steps),
        listens: async (url) => url === 'http://sub/',
        temporaryBucket: 'tmp',
        now: () => new Date('2026-01-03T00:00:10Z'),
      },
      context,
    );
  }

  letters(): unknown[] {
    return this.store.keys('tmp').map((key) => this.store.json('tmp', key));
  }
}

const unanswered = (headers: Record<string, string | undefined> = {}, body?: string | Buffer, limit?: number) =>
  delivered({ 'ce-knativeerrorcode': '-1', 'ce-knativeerrordest': 'http://sub/', ...headers }, body, limit);

describe('the event that is sent again', () => {
  test("is the one that came, byte for byte, without the dispatcher's extensions and with a count", async () => {
    const world = new World();
    const event = {
      'ce-specversion': '1.0',
      'ce-id': 'a%20b',
      'ce-source': Buffer.from('/é', 'utf8').toString('latin1'),
      'ce-type': 'parser.start',
      'ce-subject': 'acme/p1',
      'ce-time': '2026-01-02T01:04:05.12Z',
      'ce-correlationid': '"quoted" %zz',
      'content-type': 'application/json; charset=utf-8',
      traceparent: '00-11111111111111111111111111111111-2222222222222222-01',
      tracestate: 'knative-lambda=1',
    };
    const body = '{ "n": 12345678901234567890,\r\n "f": 1.0 }';

    await world.handle(unanswered({ ...event, 'user-agent': 'Go-http-client/1.1', 'accept-encoding': 'gzip' }, body));

    expect(world.sent).toEqual([{ headers: { ...event, 'ce-redeliveries': '1' }, body: Buffer.from(body) }]);
    expect(world.letters()).toEqual([]);
  });

  test.each([
    { case: 'bytes', contentType: 'application/octet-stream', body: Buffer.from([0, 255, 254, 10]) },
    { case: 'no data', contentType: undefined, body: '' },
    { case: 'JSON that is none', contentType: 'application/json', body: '{"n":' },
  ])('has the data it had: $case', async ({ contentType, body }) => {
    const world = new World();

    await world.handle(unanswered({ 'content-type': contentType }, body));

    expect(world.sent[0]?.body).toEqual(Buffer.from(body as string));
    expect(world.sent[0]?.headers['content-type']).toBe(contentType);
  });

  test.each([
    { told: undefined, next: '1' },
    { told: '1', next: '2' },
    { told: '2', next: '3' },
    { told: '-5', next: '1' },
    { told: 'many', next: '1' },
    { told: '1e3', next: '1' },
  ])('counts: after $told comes $next', async ({ told, next }) => {
    const world = new World();

    await world.handle(unanswered({ 'ce-redeliveries': told }));

    expect(world.sent[0]?.headers['ce-redeliveries']).toBe(next);
  });
});

describe('kept instead', () => {
  test.each([
    { case: 'nobody listens at its subscriber', headers: { 'ce-knativeerrordest': 'http://gone/' } },
    { case: 'nobody knows its subscriber', headers: { 'ce-knativeerrordest': undefined } },
  ])('where $case: all others would get it again in vain', async ({ headers }) => {
    const world = new World();

    await world.handle(unanswered(headers));

    expect(world.sent).toEqual([]);
    expect(world.letters()).toMatchObject([{ category: 'transient', reason: 'Unavailable', code: -1 }]);
  });

  test.each([200, 202, 302, 400])(
    'where only the reply was lost (%d): the subscriber has done its work',
    async (code) => {
      const world = new World();

      await world.handle(unanswered({ 'ce-knativeerrorcode': String(code) }));

      expect(world.sent).toEqual([]);
      expect(world.letters()).toMatchObject([{ reason: 'ReplyNotDelivered', code }]);
    },
  );

  test.each([
    { code: '-1', redeliveries: '3', reason: 'DispatcherStopped' },
    { code: '-1', redeliveries: '999', reason: 'DispatcherStopped' },
    { code: '202', redeliveries: '3', reason: 'ReplyNotDelivered' },
  ])('at the limit: $reason after $redeliveries, with what to do', async ({ code, redeliveries, reason }) => {
    const world = new World();

    await world.handle(unanswered({ 'ce-knativeerrorcode': code, 'ce-redeliveries': redeliveries }));

    expect(world.sent).toEqual([]);
    expect(world.letters()).toEqual([
      expect.objectContaining({
        category: 'transient',
        reason,
        code: Number(code),
        redeliveries: Number(redeliveries),
        destination: 'http://sub/',
        message: expect.stringMatching(
          new RegExp(`^Sent again ${redeliveries} times, as often .* replay\` sends it again`),
        ),
      }),
    ]);
  });

  test('where it failed for another reason after having been sent again, it says how often that was', async () => {
    const world = new World();

    await world.handle(unanswered({ 'ce-knativeerrorcode': '500', 'ce-redeliveries': '2' }));

    expect(world.letters()).toMatchObject([{ reason: 'Unavailable', code: 500, redeliveries: 2 }]);
  });

  test('where it is not as a dispatcher sends it: structured, or longer than what is read', async () => {
    const structured = new World();
    const failure = { knativeerrorcode: -1, knativeerrordest: 'http://sub/' };
    const event = { specversion: '1.0', id: '1', source: 's', type: 't', ...failure };
    await structured.handle(delivered({ 'content-type': 'application/cloudevents+json' }, JSON.stringify(event)));
    const tooLong = new World();
    await tooLong.handle(unanswered({}, '"12345678"', 5));

    for (const world of [structured, tooLong]) {
      expect(world.sent).toEqual([]);
      expect(world.letters()).toMatchObject([{ reason: 'DispatcherStopped' }]);
    }
  });
});

describe('while the Broker does not take it', () => {
  test('the letter comes again, and nothing is kept of it: it waits in RabbitMQ', async () => {
    const world = new World();
    world.trouble.push('refuses', 'refuses');

    for (let attempt = 0; attempt < 2; attempt += 1) {
      await expect(world.handle(unanswered())).rejects.toBeInstanceOf(RetryableError);
    }
    await world.handle(unanswered());

    expect(world.sent).toHaveLength(1);
    expect(world.letters()).toEqual([]);
  });

  test('an answer that was lost sends it twice, as the same event', async () => {
    const world = new World();
    world.trouble.push('takes it and does not say so');

    await expect(world.handle(unanswered())).rejects.toBeInstanceOf(RetryableError);
    await world.handle(unanswered());

    expect(world.sent).toHaveLength(2);
    expect(world.sent[1]).toEqual(world.sent[0]);
    expect(world.letters()).toEqual([]);
  });

  test('and never will, it is kept', async () => {
    const world = new World();
    world.trouble.push('takes no such event');

    await world.handle(unanswered());

    expect(world.sent).toEqual([]);
    expect(world.letters()).toMatchObject([{ reason: 'DispatcherStopped', code: -1 }]);
  });
});

test('without S3 it is sent all the same', async () => {
  const world = new World();
  world.store.failNext('write', new RetryableError('Unavailable', 'S3 is down'));

  await world.handle(unanswered());

  expect(world.sent).toHaveLength(1);
});

test('the letter that stays at the limit, and one about another failure, outlive a late duplicate that is sent again', async () => {
  const world = new World();
  await world.handle(unanswered({ 'ce-redeliveries': '3' }));
  await world.handle(unanswered({ 'ce-knativeerrorcode': '500', 'ce-knativeerrordest': 'http://other/' }));

  await world.handle(unanswered({ 'ce-redeliveries': '2' }));

  expect(world.letters()).toHaveLength(2);
});

describe('a crash, and the letter delivered again', () => {
  const given = [
    { case: 'the Broker is there', trouble: [] },
    { case: 'the Broker is away at first', trouble: ['refuses' as const] },
  ];
  for (const { case: broker, trouble } of given) {
    for (const when of ['before', 'after'] as const) {
      test(`${broker}; ${when} it is sent: sent at least once, always the same, and no letter is left`, async () => {
        const world = new World();
        world.trouble.push(...trouble);
        await world.handle(unanswered(), crashAt(1, when)).catch((error: unknown) => {
          expect(error instanceof Crash || error instanceof RetryableError).toBe(true);
        });

        // As the dispatcher does: until it is answered well.
        for (let answered = false; !answered; ) {
          answered = await world.handle(unanswered()).then(
            () => true,
            () => false,
          );
        }

        expect(world.sent.length).toBeGreaterThanOrEqual(1);
        expect(new Set(world.sent.map((event) => JSON.stringify(event))).size).toBe(1);
        expect(world.letters()).toEqual([]);
      });
    }
  }
});

describe('an event that is sent again is signed', () => {
  const claims = { tenant: 'acme', hops: 2, expires: 1 };

  test.each([
    { case: 'where it was, although its time is over', given: claims },
    { case: 'for nobody where it was not', given: undefined },
  ])('$case', async ({ given }) => {
    const world = new World();
    const { event, context } = unanswered();
    await world.handle({ event, context: { ...context, claims: given } });
    expect(world.sent).toHaveLength(1);
    expect(world.signedFor).toEqual([given]);
  });
});

test.each(['event.rejected', 'test.other'])('an address that came with a client’s own %s', async (type) => {
  const asked: string[] = [];
  const { event, context } = unanswered({ 'ce-type': type, 'ce-knativeerrordest': 'http://sub/' });
  const deps = new World();

  await handleDeadLetter(
    event,
    {
      store: deps.store,
      broker: deps.broker,
      listens: async (url) => asked.push(url) > 0,
      temporaryBucket: 'tmp',
      now: () => new Date(),
    },
    context,
  );

  // The address of any other event was written by the dispatcher of its dead letter.
  expect(asked).toEqual(type === 'event.rejected' ? [] : ['http://sub/']);
  expect(deps.letters()).toHaveLength(type === 'event.rejected' ? 1 : 0);
});
