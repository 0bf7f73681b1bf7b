/** A few of the generated sources, the same each time: planned, and really built and called. `make fuzz` makes more. */
import { expect, test } from 'vitest';
import { installed } from '#test/languages/conformance/image.ts';
import { beforeBuild } from './sources/before-build.ts';
import { Builder } from './sources/build-source.ts';
import { wrongEnd } from './sources/judge-end.ts';
import { described, makeSource } from './sources/make-source.ts';

const PLANNED = 400;
const BUILT = 10;
const hasGo = installed('go', 'version');
const hasPython = installed('python3', '--version');
const isBuildable = (language: string) => (language === 'go' ? hasGo : language !== 'python' || hasPython);

test('each is refused by name, or its plan heeds all that it says; of some of these every end is the right one', {
  timeout: 600_000,
}, async () => {
  const planned: number[] = [];
  for (let number = 0; number < PLANNED; number += 1) {
    const source = makeSource(number);
    const before = await beforeBuild(source).catch((error) => {
      throw new Error(`${error.message}\n${described(number, source)}`, { cause: error });
    });
    if (!('refused' in before) && !source.slow && !source.loose && isBuildable(source.language)) {
      planned.push(number);
    }
  }
  const builder = new Builder();
  try {
    const step = Math.floor(planned.length / BUILT);
    for (const number of planned.filter((_, index) => index % step === 0).slice(0, BUILT)) {
      const source = makeSource(number);
      const end = await builder.end(source, `source-${number}`);
      expect(wrongEnd(source, end), `${described(number, source)}\n${end.message}`).toBeUndefined();
    }
  } finally {
    builder.close();
  }
});
