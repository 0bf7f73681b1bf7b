/**
 * Sources as people upload them: manifests of every kind crossed with layouts and code. A source is one number, which
 * a failure names; `SOURCE=number make fuzz-builds` shows it and builds it.
 */
import * as fc from 'fast-check';
import { type Area, quick } from '#test/fuzz/area.ts';
import { beforeBuild } from '#test/fuzz/sources/before-build.ts';
import { described, makeSource } from '#test/fuzz/sources/make-source.ts';

export const sources: Area = {
  name: 'sources',
  share: 8,
  async start() {
    const number = fc.noShrink(fc.integer({ min: 0, max: 2 ** 31 - 1 }));
    const property = fc.asyncProperty(number as fc.Arbitrary<unknown>, async (given) => {
      const source = makeSource(given as number);
      try {
        await quick(() => beforeBuild(source));
      } catch (error) {
        throw new Error(`${(error as Error).message}\n${described(given as number, source)}`, { cause: error });
      }
    });
    return { property, close: async () => undefined };
  },
};
