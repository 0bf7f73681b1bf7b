/** ISO 8601 durations as rickb777/date/period reads them, with which the Broker's controller does. */
import { DAY, HOUR, MINUTE, SECOND } from '#shared/durations.ts';

const UNITS = {
  Y: 365.2425 * DAY,
  M: (365.2425 / 12) * DAY,
  W: 7 * DAY,
  D: DAY,
  TH: HOUR,
  TM: MINUTE,
  TS: SECOND,
} as const;

/**
 * In milliseconds. One decimal is kept and the rest cut off: PT0.25S is 200 ms, PT0.05S is none. What cannot be read is
 * 0 too, as there.
 */
export function periodMilliseconds(text: string): number {
  const match = /^([+-]?)P(?!$)(?:(.*?))(?:T(?!$)(.*))?$/.exec(text);
  if (!match) {
    return 0;
  }
  const date = sum(match[2] ?? '', '');
  const time = sum(match[3] ?? '', 'T');
  return date === undefined || time === undefined ? 0 : Math.round((match[1] === '-' ? -1 : 1) * (date + time));
}

function sum(text: string, prefix: '' | 'T'): number | undefined {
  let total = 0;
  let rest = text;
  while (rest !== '') {
    const field = /^(\d+)(?:[.,](\d)\d*)?([YMWDHS])/.exec(rest);
    const unit = field ? UNITS[`${prefix}${field[3]}` as keyof typeof UNITS] : undefined;
    if (!field || unit === undefined) {
      return undefined;
    }
    total += Number(`${field[1]}.${field[2] ?? 0}`) * unit;
    rest = rest.slice(field[0].length);
  }
  return total;
}
