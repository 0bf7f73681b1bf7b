/** Every case of cases.ts, sent to a function of every language. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CASES } from './cases.ts';
import { KINDS } from './conformance-source.ts';
import { buildImage, type Image, installed } from './image.ts';
import { type RunningFunction, runFunction } from './run-function.ts';
import { expectAnswer, send } from './send-case.ts';

/** The first build on a machine compiles the dependencies of Rust's adapter. */
const BUILD_MILLISECONDS = 900_000;

describe.each(KINDS)('$name', ({ language, needs: [program, parameter], files }) => {
  describe.skipIf(!installed(program, parameter))(`(needs ${program})`, () => {
    let image: Image;
    let running: RunningFunction;
    beforeAll(async () => {
      image = await buildImage(files());
      running = await runFunction(image);
    }, BUILD_MILLISECONDS);
    afterAll(() => {
      running?.process.kill('SIGKILL');
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
  });
});
