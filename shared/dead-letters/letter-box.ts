/** All letters of a bucket: found, read, marked and removed. */
import type { ObjectStore } from '#shared/clients/object-store.ts';
import { DEAD_LETTERS } from '#shared/specs/s3-keys.ts';
import { type DeadLetter, parseLetter } from './letter.ts';
import { keysOf, type LetterPlace, letterKey, type Mark, markKey, readKey } from './place.ts';

export type LetterStore = Pick<ObjectStore, 'list' | 'read' | 'write' | 'remove'>;

export interface LetterBox {
  /** Oldest day first. What came while it was listed may be missing. */
  places(): AsyncIterable<LetterPlace>;
  /** Undefined where it is gone, or is no letter. */
  read(place: Pick<LetterPlace, 'date' | 'id'>): Promise<DeadLetter | undefined>;
  mark(place: Pick<LetterPlace, 'date' | 'id'>, mark: Mark, n: number, at: Date): Promise<void>;
  /** Missing ones are no error. */
  remove(places: LetterPlace[]): Promise<void>;
}

export function createLetterBox(store: LetterStore, bucket: string): LetterBox {
  return {
    async *places() {
      let current: SeenPlace | undefined;
      // In the order of keys a letter and its marks follow each other.
      for await (const named of keysIn(store, bucket)) {
        if (current?.date !== named.date || current.id !== named.id) {
          yield* ifThere(current);
          current = { date: named.date, id: named.id, replayed: 0, failed: 0, isThere: false };
        }
        note(current, named.mark);
      }
      yield* ifThere(current);
    },

    async read(place) {
      return parseLetter((await store.read(bucket, letterKey(place))).text);
    },

    async mark(place, mark, n, at) {
      const body = `${JSON.stringify({ at: at.toISOString() })}\n`;
      await store.write(bucket, markKey(place, mark, n), body, 'application/json');
    },

    async remove(places) {
      await store.remove(bucket, places.flatMap(keysOf));
    },
  };
}

/** A letter may be gone and its marks still there. */
type SeenPlace = LetterPlace & { isThere: boolean };

async function* keysIn(store: LetterStore, bucket: string): AsyncIterable<NonNullable<ReturnType<typeof readKey>>> {
  for await (const { objects } of store.list(bucket, DEAD_LETTERS)) {
    yield* objects.map(({ key }) => readKey(key)).filter((named) => named !== undefined);
  }
}

function note(place: SeenPlace, mark: { kind: Mark; n: number } | undefined): void {
  if (mark) {
    place[mark.kind] = Math.max(place[mark.kind], mark.n);
  } else {
    place.isThere = true;
  }
}

function ifThere(place: SeenPlace | undefined): LetterPlace[] {
  return place?.isThere ? [place] : [];
}
