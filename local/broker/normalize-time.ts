/**
 * A time as Go prints it (RFC 3339 in UTC, fraction without trailing zeros): what subscribers see, and what a filter on
 * `time` meets.
 */

/** Go's zero time: what an event without a time has in RabbitMQ. */
export const ZERO_TIME = '0001-01-01T00:00:00Z';

/** Undefined where it is no RFC 3339 time. */
export function normalizeTime(text: string): string | undefined {
  const parts = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:[.,](\d+))?(Z|[+-]\d\d:\d\d)$/.exec(text);
  const time = parts ? new Date(`${parts[1]}${parts[3]}`) : undefined;
  if (!parts || !time || Number.isNaN(time.getTime())) {
    return undefined;
  }
  const fraction = (parts[2] ?? '').slice(0, 9).replace(/0+$/, '');
  return `${time.toISOString().slice(0, 19)}${fraction && `.${fraction}`}Z`;
}
