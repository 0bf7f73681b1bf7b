/** How long ago something was. The full time is its title. */
import { ago } from '#page/format.ts';
import { useNow } from './use-now.ts';

export function Moment({ time }: { time: string | undefined }) {
  const now = useNow(time !== undefined && Date.now() - Date.parse(time) < 120_000 ? 1000 : 20_000);
  return time === undefined ? (
    <span class="quiet">–</span>
  ) : (
    <time dateTime={time} title={new Date(time).toLocaleString()}>
      {ago(time, now)}
    </time>
  );
}
