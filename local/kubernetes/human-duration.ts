/** Ages as kubectl shows them: `59s`, `3m12s`, `5h2m`, `2d`. */

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const YEAR = 365 * DAY;

/** From each limit on, the smaller unit is left out, or a larger one is used: Kubernetes' duration.HumanDuration. */
export function humanDuration(milliseconds: number): string {
  const s = Math.floor(milliseconds / 1000);
  if (s < -1) {
    return '<invalid>';
  }
  if (s < 0) {
    return '0s';
  }
  if (s < 2 * MINUTE) {
    return `${s}s`;
  }
  if (s < 10 * MINUTE) {
    return pair(s, MINUTE, 'm', 1, 's');
  }
  if (s < 3 * HOUR) {
    return pair(s, MINUTE, 'm');
  }
  if (s < 8 * HOUR) {
    return pair(s, HOUR, 'h', MINUTE, 'm');
  }
  if (s < 2 * DAY) {
    return pair(s, HOUR, 'h');
  }
  if (s < 8 * DAY) {
    return pair(s, DAY, 'd', HOUR, 'h');
  }
  if (s < 2 * YEAR) {
    return pair(s, DAY, 'd');
  }
  return s < 8 * YEAR ? pair(s, YEAR, 'y', DAY, 'd') : pair(s, YEAR, 'y');
}

/** How long ago a time was; `<unknown>` where there is none. */
export function ago(time: string | undefined, now: number): string {
  return time ? humanDuration(now - Date.parse(time)) : '<unknown>';
}

function pair(seconds: number, large: number, largeName: string, small?: number, smallName = ''): string {
  const whole = `${Math.floor(seconds / large)}${largeName}`;
  const rest = small ? Math.floor((seconds % large) / small) : 0;
  return rest > 0 ? `${whole}${rest}${smallName}` : whole;
}
