/** What makes `make bench-gate` fail. */
import { describe, expect, test } from 'vitest';
import { limitsOf, sentenceFor, worse } from '#bench/limits.ts';

const CHANGE = 'code change';
const CALLS = 'door, calls a second';

describe('what is kept of some runs', () => {
  test('is their median, and twice as much noise as lay between them', () => {
    expect(limitsOf([{ [CHANGE]: 10 }, { [CHANGE]: 9 }, { [CHANGE]: 11 }])).toEqual({
      [CHANGE]: { ratio: 10, margin: 0.4 },
    });
  });

  test('has some noise where the runs had none', () => {
    expect(limitsOf([{ [CHANGE]: 10 }, { [CHANGE]: 10 }])).toEqual({ [CHANGE]: { ratio: 10, margin: 0.15 } });
  });
});

describe('a ratio is worse', () => {
  const limits = { [CHANGE]: { ratio: 10, margin: 0.2 }, [CALLS]: { ratio: 0.6, margin: 0.2 } };
  const good = { [CHANGE]: 10, [CALLS]: 0.6 };

  test.each([
    ['the same', good, []],
    ['within its noise', { [CHANGE]: 11.9, [CALLS]: 0.51 }, []],
    ['better', { [CHANGE]: 1, [CALLS]: 2 }, []],
    ['a larger time', { ...good, [CHANGE]: 12.1 }, [CHANGE]],
    ['fewer calls a second', { ...good, [CALLS]: 0.49 }, [CALLS]],
    ['not measured any more', { [CHANGE]: 10 }, [CALLS]],
    ['no number', { ...good, [CHANGE]: Number.NaN }, [CHANGE]],
  ])('%s', (_, ratios, expected) => {
    expect(worse(limits, ratios as Record<string, number>)).toEqual(expected);
  });

  test('and is told in a sentence that says what to do', () => {
    expect(sentenceFor(CHANGE, limits, { [CHANGE]: 13 })).toBe(
      'code change is 13.00 × its baseline, which is more than the kept 10 and its noise of 20 %, twice in a row: mend it, or, where it is worth that, write bench/limits.json anew (make bench-gate UPDATE=1)',
    );
    expect(sentenceFor(CALLS, limits, { [CALLS]: 0.4 })).toContain('which is less than the kept 0.6');
    expect(sentenceFor(CALLS, limits, {})).toContain('was not measured');
  });
});
