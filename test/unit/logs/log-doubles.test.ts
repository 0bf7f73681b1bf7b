/** A log that is read again from before its end: every line once, also where two are the same. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LogDoubles } from '#shared/log-doubles.ts';

const at = (milliseconds: number) => new Date(Date.parse('2026-11-02T00:00:00Z') + milliseconds).toISOString();

test('whatever breaks, every line is told once', () => {
  // Gaps between lines, each with how far its time lies behind its place, and where the stream breaks.
  const written = fc.array(fc.tuple(fc.nat(400), fc.nat(900), fc.constantFrom('same', 'other')), { maxLength: 200 });
  fc.assert(
    fc.property(written, fc.array(fc.nat(200), { maxLength: 6 }), (gaps, breaks) => {
      let clock = 0;
      const lines = gaps.map(([gap, behind, text]) => {
        clock += gap;
        return { time: at(clock - behind), pod: 'p', text };
      });
      const doubles = new LogDoubles();
      const told: typeof lines = [];
      for (const end of [...breaks.sort((a, b) => a - b), lines.length]) {
        const from = doubles.begin(undefined) ?? '';
        // The kubelet compares by whole seconds.
        const second = Math.floor(Date.parse(from) / 1000) * 1000 || Number.NEGATIVE_INFINITY;
        told.push(...lines.slice(0, end).filter((line) => Date.parse(line.time) >= second && doubles.isNew(line)));
      }
      expect(told).toEqual(lines);
    }),
    { numRuns: 500 },
  );
});

test('what was asked for stays the beginning', () => {
  const doubles = new LogDoubles();
  expect(doubles.begin(undefined)).toBeUndefined();
  expect(doubles.begin(at(0))).toBe(at(0));
  doubles.isNew({ time: at(1000), pod: 'p', text: 'x' });
  expect(doubles.begin(at(0))).toBe(at(0));
  doubles.isNew({ time: at(60_000), pod: 'p', text: 'y' });
  expect(doubles.begin(at(0))).toBe(at(55_000));
});

test('a container that writes for a year is forgotten as it goes', () => {
  const doubles = new LogDoubles();
  for (let n = 0; n < 200_000; n++) {
    expect(doubles.isNew({ time: at(n * 10), pod: 'p', text: String(n) })).toBe(true);
  }
  doubles.begin(undefined);
  expect(doubles.isNew({ time: at(1_999_990), pod: 'p', text: '199999' })).toBe(false);
  expect(doubles.isNew({ time: at(0), pod: 'p', text: '0' })).toBe(true);
});
