/** What happened, in order, each with the time since the first. */
import { clock, duration, pretty, shortDigests } from '#page/format.ts';
import type { TimelineEntry } from '#shared/api/schemas.ts';
import { printable } from '#shared/printable.ts';

export function Timeline({ entries }: { entries: readonly TimelineEntry[] }) {
  if (entries.length === 0) {
    return <p class="quiet">Nothing is on record yet.</p>;
  }
  return (
    <ol class="timeline">
      {entries.map((entry, index) => (
        <li key={index} class={entry.kind}>
          <span class="number quiet" title={clock(entry.time)}>
            +{duration(entry.after_ms)}
          </span>
          <div>
            <span>{printable(entry.title)}</span> <small class="quiet">{entry.kind}</small>
            {entry.detail !== undefined && <p class="quiet">{printable(shortDigests(entry.detail))}</p>}
            {entry.event?.data !== undefined && (
              <details>
                <summary>Data</summary>
                <pre>{printable(pretty(entry.event.data))}</pre>
              </details>
            )}
          </div>
        </li>
      ))}
    </ol>
  );
}
