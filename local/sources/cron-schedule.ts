/**
 * When a PingSource fires. Understood: five fields (minute, hour, day of month, month, day of week) or six with seconds before them; in each
 * `*`, numbers, ranges, lists and steps; names of months and weekdays; @hourly, @daily, @midnight, @weekly, @monthly, @yearly and
 * @annually. Not: L, W, #, ?, and `@every`, which Eventing's webhook refuses too.
 */

const DESCRIPTORS: Record<string, string> = {
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
  '@monthly': '0 0 1 * *',
  '@weekly': '0 0 * * 0',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@hourly': '0 * * * *',
};
const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
const MINUTE = 60_000;
const HORIZON = 5 * 366 * 24 * 60;

export interface CronSchedule {
  /** The first time after `from`. Undefined where there is none, such as 30 February. */
  next(from: Date): Date | undefined;
}

/** Throws an Error that says what is not understood. `timezone` is an IANA name; default UTC. */
export function parseCron(schedule: string, timezone = 'UTC'): CronSchedule {
  const fields = (DESCRIPTORS[schedule.trim()] ?? schedule).trim().split(/\s+/);
  if (fields.length !== 5 && fields.length !== 6) {
    throw new Error(
      `${JSON.stringify(schedule)} is no schedule: five fields, six with seconds, or @hourly and its like`,
    );
  }
  const [second = '0', minute = '', hour = '', day = '', month = '', weekday = ''] =
    fields.length === 6 ? fields : ['0', ...fields];
  const seconds = [...values(second, 0, 59)].sort((a, b) => a - b);
  const minutes = values(minute, 0, 59);
  const hours = values(hour, 0, 23);
  const days = values(day, 1, 31);
  const months = values(month, 1, 12, MONTHS, 1);
  const weekdays = new Set([...values(weekday, 0, 7, DAYS)].map((value) => value % 7));
  // cron's oldest rule: where both days are restricted, either will do.
  const isAny = (field: string) => /^\*(\/1)?$/.test(field);
  const eitherDay = !isAny(day) && !isAny(weekday);
  const clock = wallClock(timezone);

  return {
    next(from) {
      const start = Math.floor(from.getTime() / MINUTE) * MINUTE;
      for (let step = 0; step < HORIZON; step++) {
        const time = start + step * MINUTE;
        const at = clock(time);
        const dayOfMonth = days.has(at.day);
        const dayOfWeek = weekdays.has(at.weekday);
        const rightDay = months.has(at.month) && (eitherDay ? dayOfMonth || dayOfWeek : dayOfMonth && dayOfWeek);
        if (!rightDay || !hours.has(at.hour)) {
          // On to the next full hour.
          step += 59 - at.minute;
          continue;
        }
        const due = minutes.has(at.minute) ? seconds.map((value) => time + value * 1000) : [];
        const first = due.find((candidate) => candidate > from.getTime());
        if (first !== undefined) {
          return new Date(first);
        }
      }
      return undefined;
    },
  };
}

function values(field: string, low: number, high: number, names: string[] = [], offset = 0): Set<number> {
  const found = new Set<number>();
  for (const part of field.toLowerCase().split(',')) {
    const match = /^(?:\*|([a-z]{3}|\d+)(?:-([a-z]{3}|\d+))?)(?:\/(\d+))?$/.exec(part);
    const named = (text: string) =>
      /^\d/.test(text) ? Number(text) : names.includes(text) ? names.indexOf(text) + offset : Number.NaN;
    const from = match?.[1] === undefined ? low : named(match[1]);
    const single = match?.[1] !== undefined && match[3] === undefined;
    const to = match?.[2] === undefined ? (single ? from : high) : named(match[2]);
    const step = Number(match?.[3] ?? 1);
    if (!match || !(from >= low && to <= high && from <= to && step > 0)) {
      throw new Error(
        `${JSON.stringify(part)} is not understood: numbers from ${low} to ${high}, with "-", "," and "/", or "*"`,
      );
    }
    for (let value = from; value <= to; value += step) {
      found.add(value);
    }
  }
  return found;
}

function wallClock(
  timezone: string,
): (time: number) => { minute: number; hour: number; day: number; month: number; weekday: number } {
  if (timezone === 'UTC') {
    return (time) => {
      const at = new Date(time);
      return {
        minute: at.getUTCMinutes(),
        hour: at.getUTCHours(),
        day: at.getUTCDate(),
        month: at.getUTCMonth() + 1,
        weekday: at.getUTCDay(),
      };
    };
  }
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: timezone,
    hourCycle: 'h23',
    minute: 'numeric',
    hour: 'numeric',
    day: 'numeric',
    month: 'numeric',
    weekday: 'short',
  });
  return (time) => {
    const parts = Object.fromEntries(format.formatToParts(time).map(({ type, value }) => [type, value]));
    return {
      minute: Number(parts['minute']),
      hour: Number(parts['hour']),
      day: Number(parts['day']),
      month: Number(parts['month']),
      weekday: DAYS.indexOf((parts['weekday'] ?? '').toLowerCase()),
    };
  };
}
