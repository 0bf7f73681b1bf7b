/**
 * Some of the cases that every language's adapter answers (test/languages/conformance), sent through the Broker and the
 * door; and calls that do not end, beside others, one and twenty at a time.
 */
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { type Identity, subjectOf } from '#shared/events/identity.ts';
import { CASES, type Case, LANGUAGES } from '#test/languages/conformance/cases.ts';
import { KINDS } from '#test/languages/conformance/conformance-source.ts';
import { expectOutcome } from '#test/languages/conformance/expect-answer.ts';
import { PATIENCE } from './until.ts';
import { type RecordedEvent, World } from './world.ts';

const TIMEOUT_SECONDS = 3 * PATIENCE;
/** What a call takes that comes beside one that does not end. */
const WORK_MILLISECONDS = TIMEOUT_SECONDS * 400;
/** A call is made again for a minute. */
const LAST_TRY_SECONDS = 100;

const SENT = [
  'an extension, `Euro%20%E2%82%AC`',
  'the chain `k%C3%BC 100%25`',
  'JSON',
  'text that is not UTF-8',
  'XML',
  'bytes',
  'an error whose message has quotes, lines and emoji',
  'an error without a message, with a cause',
  'an error whose message cannot be read',
  'the end of the process, `exit(3)`',
  'a field of nothing',
  'nothing',
  'NaN',
  'a date',
  'a CloudEvent',
];

let world: World;
beforeAll(async () => {
  world = await new World().open();
});
afterAll(async () => world.close());

describe.each(LANGUAGES)('%s', (language) => {
  const there = inject('platform').languages.includes(language);

  describe.runIf(there)('(where it can be built)', () => {
    let identity: Identity;
    beforeAll(async () => {
      identity = world.lastingParser(`conform-${language}`);
      const kind = KINDS.find((one) => one.language === language);
      await world.upload(identity, kind?.files() ?? {});
      await deploy(1);
    }, 1_800_000 * PATIENCE);

    /** The first deployment builds; the second takes the image that is there. */
    async function deploy(concurrency: number): Promise<void> {
      const id = `${identity.parser_id}-${concurrency}`;
      const parameters = { timeout_seconds: TIMEOUT_SECONDS, concurrency, scaling: { max: 1 } };
      await world.send({ type: 'build.start', id, data: { ...identity, parameters } });
      const ofThis = ({ correlationid }: RecordedEvent) => correlationid === id;
      await world.seen('lifecycle.build.completed', identity, ofThis, 1500);
      await world.seen('lifecycle.function.ready', identity, ofThis, 200);
    }

    async function call(act: string, one: Partial<Case> = {}): Promise<string> {
      const id = `call-${crypto.randomUUID()}`;
      const { headers = {}, body = '{}' } = one;
      const { 'content-type': type = 'application/json', ...attributes } = headers as Record<string, string>;
      const named = Object.entries(attributes).map(([name, value]) => [name.replace(/^ce-/, ''), value]);
      const event = { type: 'parser.start', id, subject: subjectOf(identity), content: { type, body } };
      expect(await world.send({ ...event, extensions: { act, ...Object.fromEntries(named) } })).toBe(202);
      return id;
    }

    async function answerTo(id: string, seconds = LAST_TRY_SECONDS): Promise<RecordedEvent> {
      return await world.seen('parser.complete', identity, ({ causationid }) => causationid === id, seconds);
    }

    const cases = CASES.flatMap((one) => {
      const expected = one.but?.[language] ?? one.answer;
      return SENT.includes(one.case) && one.area !== 'structured mode' && expected !== 'none' && !('status' in expected)
        ? [{ ...one, expected }]
        : [];
    });
    test.each(cases)('$area: $case', async ({ expected, ...one }) => {
      const { data } = await answerTo(await call(one.act ?? 'data', one));

      expectOutcome(data, one, expected);
    });

    test.each([1, 20])(
      'a call that loops, %i at a time: Timeout; all others are answered, and so is the next',
      {
        timeout: 300_000 * PATIENCE,
      },
      async (concurrency) => {
        await deploy(concurrency);
        const body = JSON.stringify({ ms: WORK_MILLISECONDS });
        // None of them is cold.
        await answerTo(await call('return-number'));

        const others = await Promise.all(
          Array.from({ length: concurrency === 1 ? 3 : 19 }, () => call('wait', { body })),
        );
        const overdue = await answerTo(await call('loop'));
        const next = await answerTo(await call('return-number'));

        expect(overdue.data).toMatchObject({ succeeded: false, error: { type: 'Timeout' } });
        expect(overdue.data.duration_ms).toBeGreaterThanOrEqual(TIMEOUT_SECONDS * 1000);
        expect(overdue.data.duration_ms).toBeLessThan((TIMEOUT_SECONDS + 1) * 1000 * Math.max(PATIENCE, 3));
        expect(next.data).toMatchObject({ succeeded: true, result: 1.5 });
        for (const id of others) {
          const { data } = await answerTo(id);
          expect(data.succeeded || data.error.type === 'Timeout').toBe(true);
          expect(await world.deadLetters(id)).toEqual([]);
        }
      },
    );
  });
});
