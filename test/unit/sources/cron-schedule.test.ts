/** When a schedule fires next. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseCron } from '#local/sources/cron-schedule.ts';

const FROM = '2026-03-04T05:06:07.008Z'; // a Wednesday

describe('parseCron', () => {
  test.each([
    { schedule: '* * * * *', next: '2026-03-04T05:07:00Z' },
    { schedule: '*/15 * * * *', next: '2026-03-04T05:15:00Z' },
    { schedule: '6 * * * *', next: '2026-03-04T06:06:00Z' },
    { schedule: '1,2,59 * * * *', next: '2026-03-04T05:59:00Z' },
    { schedule: '10-20/5 * * * *', next: '2026-03-04T05:10:00Z' },
    { schedule: '5/20 * * * *', next: '2026-03-04T05:25:00Z' },
    { schedule: '0 0 * * *', next: '2026-03-05T00:00:00Z' },
    { schedule: '0 0 31 * *', next: '2026-03-31T00:00:00Z' },
    { schedule: '0 0 * * mon', next: '2026-03-09T00:00:00Z' },
    { schedule: '0 0 * * 7', next: '2026-03-08T00:00:00Z' },
    { schedule: '0 0 * * SUN', next: '2026-03-08T00:00:00Z' },
    { schedule: '0 0 20 * fri', next: '2026-03-06T00:00:00Z' },
    { schedule: '0 0 */2 * fri', next: '2026-03-05T00:00:00Z' },
    { schedule: '0 0 29 feb *', next: '2028-02-29T00:00:00Z' },
    { schedule: '*/20 * * * * *', next: '2026-03-04T05:06:20Z' },
    { schedule: '5 6 * * * *', next: '2026-03-04T06:06:05Z' },
    { schedule: '@hourly', next: '2026-03-04T06:00:00Z' },
    { schedule: '@weekly', next: '2026-03-08T00:00:00Z' },
    { schedule: '@yearly', next: '2027-01-01T00:00:00Z' },
    { schedule: '0 0 * * *', timezone: 'Europe/Berlin', next: '2026-03-04T23:00:00Z' },
    { schedule: '30 9 * * *', timezone: 'Asia/Kolkata', next: '2026-03-05T04:00:00Z' },
  ])('$schedule $timezone', ({ schedule, timezone, next }) => {
    expect(parseCron(schedule, timezone).next(new Date(FROM))).toEqual(new Date(next));
  });

  test.each([
    '',
    '* * * *',
    '* * * * * * *',
    '60 * * * *',
    '5-1 * * * *',
    '*/0 * * * *',
    'x * * * *',
    '* * * * blursday',
    '@sometimes',
    '@every 5m',
    '0 0 ? * L',
  ])('refuses %j', (schedule) => {
    expect(() => parseCron(schedule)).toThrow(/schedule|not understood/);
  });

  test('never, where there is no such day', () => {
    expect(parseCron('0 0 30 2 *').next(new Date(FROM))).toBeUndefined();
  });

  test('every n minutes fires at each minute that n divides, and at no other', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 59 }),
        fc.date({ min: new Date('2020-01-01'), max: new Date('2040-01-01'), noInvalidDate: true }),
        (n, from) => {
          const next = parseCron(`*/${n} * * * *`).next(from);
          const expected = new Date(Math.floor(from.getTime() / 60_000) * 60_000 + 60_000);
          while (expected.getUTCMinutes() % n !== 0) {
            expected.setTime(expected.getTime() + 60_000);
          }

          // The minute it is in counts only on its very first millisecond, which has passed.
          expect(next).toEqual(expected);
        },
      ),
    );
  });
});
