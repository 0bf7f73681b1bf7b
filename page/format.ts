/** Numbers, times and names as people read them. */
import { DAY, HOUR, MINUTE, SECOND } from '#shared/durations.ts';

/** `840 ms`, `3.2 s`, `1 min 20 s`, `2 h 5 min`. */
export function duration(milliseconds: number | undefined): string {
  if (milliseconds === undefined || !Number.isFinite(milliseconds)) {
    return '–';
  }
  const whole = Math.max(0, milliseconds);
  if (whole < SECOND) {
    return `${whole < 10 ? Number(whole.toFixed(1)) : Math.round(whole)} ms`;
  }
  if (whole < 59.95 * SECOND) {
    return `${(whole / SECOND).toFixed(1)} s`;
  }
  const seconds = Math.round(whole / SECOND);
  if (seconds < 3600) {
    return joined(Math.floor(seconds / 60), 'min', seconds % 60, 's');
  }
  const minutes = Math.round(whole / MINUTE);
  return whole < DAY
    ? joined(Math.floor(minutes / 60), 'h', minutes % 60, 'min')
    : joined(Math.floor(whole / DAY), 'd', Math.floor((whole % DAY) / HOUR), 'h');
}

function joined(large: number, largeUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large} ${largeUnit}` : `${large} ${largeUnit} ${small} ${smallUnit}`;
}

/** `just now`, `12 s ago`, `5 min ago`, `3 h ago`, `2 d ago`. */
export function ago(time: string | undefined, now: number): string {
  const at = Date.parse(time ?? '');
  if (Number.isNaN(at)) {
    return '–';
  }
  const since = now - at;
  const units = [
    [DAY, 'd'],
    [HOUR, 'h'],
    [MINUTE, 'min'],
    [SECOND, 's'],
  ] as const;
  const [size, unit] = units.find(([milliseconds]) => since >= milliseconds) ?? [SECOND, 's'];
  // Clocks differ a little: what lies ahead is now.
  return since < 2 * SECOND ? 'just now' : `${Math.floor(since / size)} ${unit} ago`;
}

/** Of the day, on the reader's own clock: `14:03:07.250`. */
export function clock(time: string): string {
  const at = new Date(time);
  if (Number.isNaN(at.getTime())) {
    return time;
  }
  const two = (value: number) => String(value).padStart(2, '0');
  const milliseconds = String(at.getMilliseconds()).padStart(3, '0');
  return `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}.${milliseconds}`;
}

/** With its unit: `1 function`, `1,234 functions`. */
export function counted(amount: number, one: string, many = `${one}s`): string {
  return `${amount.toLocaleString('en')} ${amount === 1 ? one : many}`;
}

export function bytes(amount: number): string {
  const [size, unit] =
    amount < 1000 ? [1, 'bytes'] : amount < 1e6 ? [1000, 'kB'] : amount < 1e9 ? [1e6, 'MB'] : [1e9, 'GB'];
  return `${size === 1 ? amount : (amount / size).toFixed(1)} ${unit}`;
}

/** The part of an image's name that tells it from others: the first digits of its digest, or else its tag. */
export function shortImage(uri: string | undefined): string {
  if (uri === undefined) {
    return '–';
  }
  const digest = /@sha256:([0-9a-f]+)$/.exec(uri)?.[1];
  return digest === undefined ? (uri.split('/').at(-1) ?? uri) : digest.slice(0, 12);
}

/** Digests in the middle of a text, cut to what tells them apart. */
export function shortDigests(text: string): string {
  return text.replaceAll(/@sha256:([0-9a-f]{12})[0-9a-f]{52}/g, '@sha256:$1…');
}

export function pretty(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value, undefined, 2) ?? '');
}

export function capitalized(text: string): string {
  return `${text[0]?.toUpperCase() ?? ''}${text.slice(1)}`;
}
