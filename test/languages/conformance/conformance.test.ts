/** Every case of cases.ts, sent to a function of every language. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CASES } from './cases.ts';
import { KINDS } from './conformance-source.ts';
import { expectAnswer } from './expect-answer.ts';
import { buildImage, type Image, installed } from './image.ts';
import { ACTS, callOverdue, SECONDS } from './overdue.ts';
import { type RunningFunction, runFunction } from './run-function.ts';
import { send } from './send-case.ts';

/** The first build on a machine compiles the dependencies of Rust's adapter. */
const BUILD_MILLISECONDS = 1_800_000;

describe.each(KINDS)('$name', ({ language, needs: [program, parameter], files }) => {
  describe.skipIf(!installed(program, parameter))(`(needs ${program})`, () => {
    let image: Image;
    let running: RunningFunction;
    beforeAll(async () => {
      image = await buildImage(files());
      running = await runFunction(image);
    }, BUILD_MILLISECONDS);
    afterAll(() => {
      running?.kill();
      image?.remove();
    });

    const cases = CASES.flatMap((one) => {
      const expected = one.but?.[language] ?? one.answer;
      return expected === 'none' ? [] : [{ ...one, expected }];
    });
    test.each(cases)('$area: $case', async ({ expected, ...one }) => {
      expectAnswer(await send(running.url, one), one, expected);
    });

    test('what a handler writes is in the log', async () => {
      await send(running.url, { area: '', case: '', act: 'log', answer: { result: null } });
      await expect.poll(() => running.output()).toContain('said on stdout\n');
      await expect.poll(() => running.output()).toContain('said on stderr\n');
    });

    test('goes on after all of them, in the same process', () => {
      expect(running.process.exitCode).toBeNull();
      expect(running.output()).not.toContain('the process is replaced');
    });

    describe.each([1, 20])('a call that does not end, of %i in flight', (inFlight) => {
      test.each(ACTS)('%s: Timeout; the others are answered, and so is the next', async (act) => {
        const one = await runFunction(image, { FUNCTION_TIMEOUT_SECONDS: String(SECONDS) });

        const { overdue, others, next } = await callOverdue(one, act, inFlight);

        expect(overdue.outcome).toBe('Timeout');
        // They wait behind it where it has the only thread, and may be over with it.
        expect(['succeeded', 'Timeout']).toEqual(expect.arrayContaining(others.map(({ outcome }) => outcome)));
        expect(others).toHaveLength(inFlight - 1);
        expect(next.outcome).toBe('succeeded');
        expect(one.process.exitCode).toBeNull();
        one.kill();
      });
    });
  });
});
