/** Which events the reader wants to see. */
import type { EventLine } from '#shared/api/schemas.ts';

/** All words must be somewhere in the event: in its type, its ids, or its data. */
export function eventMatches(event: EventLine, filter: string): boolean {
  const words = filter.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) {
    return true;
  }
  const { type, source, id, third_party_id, parser_id, correlation_id, data } = event;
  const names = third_party_id === undefined ? '' : `${third_party_id}/${parser_id}`;
  const text = [type, source, id, names, correlation_id, JSON.stringify(data)].join(' ').toLowerCase();
  return words.every((word) => text.includes(word));
}
