/** What became of an order to replay or purge letters, in lines for a person. */
import type { DeadLetterPurged, DeadLetterReplayed } from '#shared/events/dead-letter.ts';

export function replayLines({ dry_run, ids, replayed, refused, skipped, remaining }: DeadLetterReplayed): string[] {
  return [
    ...(dry_run ? [`would replay ${ids.length}`, ...ids] : [`replayed ${replayed}`]),
    ...(skipped > 0 ? [`passed over ${skipped}: replayed before, and not come back`] : []),
    ...(refused.length > 0 ? [`refused ${refused.length}:`, ...refused.map(({ id, why }) => `  ${id}  ${why}`)] : []),
    ...left(remaining),
  ];
}

export function purgeLines({ dry_run, ids, purged, remaining }: DeadLetterPurged): string[] {
  return [...(dry_run ? [`would delete ${ids.length}`, ...ids] : [`deleted ${purged}`]), ...left(remaining)];
}

function left(remaining: number): string[] {
  return remaining > 0 ? [`left ${remaining}: the same command goes on with them (--max at most 1000)`] : [];
}
