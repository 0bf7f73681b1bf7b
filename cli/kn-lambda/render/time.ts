/** Times and durations, short, for people. */
import { DAY, HOUR, MINUTE, SECOND } from '#shared/durations.ts';

/** In the largest unit that fits, as kubectl shows ages. */
export function age(time: string | undefined, now = Date.now()): string {
  const past = time === undefined ? Number.NaN : now - Date.parse(time);
  if (Number.isNaN(past)) {
    return '';
  }
  const [unit, name] =
    past >= 2 * DAY ? [DAY, 'd'] : past >= 2 * HOUR ? [HOUR, 'h'] : past >= 2 * MINUTE ? [MINUTE, 'm'] : [SECOND, 's'];
  return `${Math.max(0, Math.floor(past / unit))}${name}`;
}

export function took(milliseconds: number | undefined): string {
  if (milliseconds === undefined) {
    return '';
  }
  if (milliseconds < SECOND) {
    return `${milliseconds < 10 ? Number(milliseconds.toFixed(1)) : Math.round(milliseconds)} ms`;
  }
  return milliseconds < 2 * MINUTE
    ? `${(milliseconds / SECOND).toFixed(1)} s`
    : `${Math.floor(milliseconds / MINUTE)} min ${Math.round((milliseconds % MINUTE) / SECOND)} s`;
}

export function bytes(count: number): string {
  if (count < 1000) {
    return `${count} B`;
  }
  return count < 1_000_000 ? `${(count / 1000).toFixed(1)} kB` : `${(count / 1_000_000).toFixed(1)} MB`;
}

/** The clock in UTC with milliseconds, as logs show it. */
export function clock(time: string): string {
  const date = new Date(time);
  return Number.isNaN(date.getTime()) ? time : date.toISOString().slice(11, 23);
}
