/** The numbers of the last hour's calls, as all doors have written them. Each object is read once. */
import pLimit from 'p-limit';
import type { ObjectStore } from '#shared/clients/object-store.ts';
import { type Identity, subjectOf } from '#shared/events/identity.ts';
import { readJson } from '#shared/read-json.ts';
import { METRICS } from '#shared/specs/s3-keys.ts';
import {
  addRow,
  type CallRow,
  emptyRow,
  minuteOf,
  minutePrefix,
  parseDocument,
  ROW,
  readVersion,
  type VersionOfFunction,
} from './call-numbers.ts';

export const MINUTES = 60;
const READ_AT_ONCE = 16;
/** Of versions: some 8 kB each. Those beyond it are left out. */
const MOST_VERSIONS = 5000;

export interface HourOfCalls {
  /** Reads what is new. Calls at once share one reading. */
  refresh(): Promise<void>;
  /** A row a minute, oldest first; the last one is the minute that has not ended. */
  minutesOf(identity: Identity): { minute: number; row: CallRow }[];
  /** By revision, in no order. */
  versionsOf(identity: Identity): { revision: string; row: CallRow }[];
  totalOf(identity: Identity): CallRow;
}

/** The last minutes of one version, each in the place of its remainder. */
interface Ring {
  revision: string;
  rows: Uint32Array;
  minutes: Uint32Array;
  newest: number;
}

export function createHourOfCalls(
  store: Pick<ObjectStore, 'list' | 'read'>,
  bucket: string,
  now: () => number = Date.now,
): HourOfCalls {
  const rings = new Map<string, Map<string, Ring>>();
  let versions = 0;
  let read = new Set<string>();
  let reading: Promise<void> | undefined;

  async function refresh(): Promise<void> {
    const first = minuteOf(now()) - MINUTES;
    const there = new Set<string>();
    for await (const { objects } of store.list(bucket, METRICS, { after: minutePrefix(first) })) {
      for (const { key } of objects) {
        there.add(key);
      }
    }
    const limit = pLimit(READ_AT_ONCE);
    const readOne = async (key: string) => {
      fold((await store.read(bucket, key)).text, first);
      read.add(key);
    };
    const fresh = [...there].filter((key) => !read.has(key));
    // All have ended before anything is read again: what is counted twice would stay.
    const ends = await Promise.allSettled(fresh.map((key) => limit(readOne, key)));
    // What is older than an hour is never listed again.
    read = new Set([...read].filter((key) => there.has(key)));
    forget(first);
    const failed = ends.find((end) => end.status === 'rejected');
    if (failed) {
      throw failed.reason;
    }
  }

  function fold(text: string | undefined, first: number): void {
    for (const { minute, versions: counted } of parseDocument(readJson(text))?.minutes ?? []) {
      // A clock that is ahead must not make a minute of the last hour go.
      if (minute <= first || minute > minuteOf(now()) + 1) {
        continue;
      }
      for (const one of counted) {
        const ring = ringOf(one);
        const row = ring && rowAt(ring, minute);
        if (row) {
          addRow(row, readVersion(one));
        }
      }
    }
  }

  function ringOf(version: VersionOfFunction): Ring | undefined {
    const id = subjectOf(version);
    const { revision } = version;
    const known = rings.get(id)?.get(revision);
    if (known || versions >= MOST_VERSIONS) {
      return known;
    }
    versions += 1;
    const ring = { revision, rows: new Uint32Array(MINUTES * ROW), minutes: new Uint32Array(MINUTES), newest: 0 };
    const ofFunction = rings.get(id) ?? new Map<string, Ring>();
    rings.set(id, ofFunction.set(revision, ring));
    return ring;
  }

  function forget(first: number): void {
    for (const [id, ofFunction] of rings) {
      for (const [revision, { newest }] of ofFunction) {
        if (newest <= first) {
          ofFunction.delete(revision);
          versions -= 1;
        }
      }
      if (ofFunction.size === 0) {
        rings.delete(id);
      }
    }
  }

  function sumOf({ rows, minutes }: Ring): CallRow {
    const first = minuteOf(now()) - MINUTES;
    const sum = emptyRow();
    minutes.forEach((minute, at) => {
      if (minute > first) {
        addRow(sum, rows.subarray(at * ROW, (at + 1) * ROW));
      }
    });
    return sum;
  }

  const ringsOf = (identity: Identity) => [...(rings.get(subjectOf(identity))?.values() ?? [])];

  return {
    async refresh() {
      reading ??= refresh().finally(() => {
        reading = undefined;
      });
      await reading;
    },
    minutesOf(identity) {
      const last = minuteOf(now());
      return Array.from({ length: MINUTES }, (_, index) => {
        const minute = last - MINUTES + 1 + index;
        const row = emptyRow();
        for (const { rows, minutes } of ringsOf(identity)) {
          const at = minute % MINUTES;
          if (minutes[at] === minute) {
            addRow(row, rows.subarray(at * ROW, (at + 1) * ROW));
          }
        }
        return { minute, row };
      });
    },
    versionsOf: (identity) => ringsOf(identity).map((ring) => ({ revision: ring.revision, row: sumOf(ring) })),
    totalOf(identity) {
      const sum = emptyRow();
      for (const ring of ringsOf(identity)) {
        addRow(sum, sumOf(ring));
      }
      return sum;
    },
  };
}

/** Undefined where the place holds a later minute. */
function rowAt(ring: Ring, minute: number): CallRow | undefined {
  const at = minute % MINUTES;
  const before = ring.minutes[at] ?? 0;
  if (before > minute) {
    return undefined;
  }
  const row = ring.rows.subarray(at * ROW, (at + 1) * ROW);
  if (before < minute) {
    row.fill(0);
    ring.minutes[at] = minute;
  }
  ring.newest = Math.max(ring.newest, minute);
  return row;
}
