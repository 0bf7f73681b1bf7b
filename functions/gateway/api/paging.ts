/** Lists in pages: `limit`, and a cursor that says after which item the next page begins. */
import * as z from 'zod';
import { invalidRequest } from './problems.ts';

export const pageQuery = {
  limit: z.coerce.number().int().min(1).max(200).default(50),
  cursor: z.string().max(2000).optional(),
};

export interface Page<Item> {
  items: Item[];
  next_cursor?: string;
}

/** The place after which the page begins; undefined at the beginning. */
export function placeOf({ cursor }: { cursor?: string | undefined }): string | undefined {
  if (cursor === undefined) {
    return undefined;
  }
  const place = Buffer.from(cursor, 'base64url').toString();
  if (cursorOf(place) !== cursor) {
    throw invalidRequest([{ path: 'cursor', message: 'is none of ours: take next_cursor of the page before' }]);
  }
  return place;
}

/** `found` has one item more than fits, where there are more. */
export function pageOf<Item>(found: Item[], limit: number, place: (last: Item) => string): Page<Item> {
  const items = found.slice(0, limit);
  const last = items.at(-1);
  return { items, ...(found.length > limit && last !== undefined ? { next_cursor: cursorOf(place(last)) } : {}) };
}

function cursorOf(place: string): string {
  return Buffer.from(place).toString('base64url');
}
