/**
 * Counts calls in this process, and writes what it has counted to S3 every ten seconds. No call waits for it. A process
 * that crashes loses the numbers of these seconds, and so does S3 that takes nothing three times: numbers, never calls.
 */
import { randomBytes } from 'node:crypto';
import pLimit from 'p-limit';
import type { ObjectStore } from '#shared/clients/object-store.ts';
import { SECOND } from '#shared/durations.ts';
import {
  type CallDocument,
  type CallFailure,
  type CallRow,
  countDuration,
  emptyRow,
  increment,
  minuteOf,
  minutePrefix,
  type VersionOfFunction,
  writeVersion,
} from './call-numbers.ts';
import { bucketOf } from './latencies.ts';

const INTERVAL = 10 * SECOND;
const TRIES = 3;
/** Of versions and minutes that are held at a time: some 4 MB. What is beyond them is not counted. */
const MOST_ROWS = 10_000;

export interface CountedCall extends VersionOfFunction {
  outcome: 'succeeded' | 'retried' | CallFailure;
  /** Of the one request to the function. */
  milliseconds: number;
  cold: boolean;
}

export interface CallNumbers {
  count(call: CountedCall): void;
  /** Writes what there is. Never rejects. */
  flush(): Promise<void>;
}

export interface CallNumbersSettings {
  store: Pick<ObjectStore, 'write'>;
  bucket: string;
  now: () => Date;
  /** Told what was counted and could not be written, or held. */
  onLost: (error: unknown) => void;
  /** Different for each process. */
  door?: string;
  schedule?: (work: () => void) => void;
}

interface Unsent {
  key: string;
  body: string;
  tries: number;
}

type Rows = Map<number, Map<string, { version: VersionOfFunction; row: CallRow }>>;

export function createCallNumbers({
  store,
  bucket,
  now,
  onLost,
  door = randomBytes(6).toString('hex'),
  schedule = later,
}: CallNumbersSettings): CallNumbers {
  let rows: Rows = new Map();
  let held = 0;
  let written = 0;
  let isScheduled = false;
  /** Its key stays the same at each try, so a write whose answer was lost is not counted twice. */
  let unsent: Unsent | undefined;
  const oneAtATime = pLimit(1);
  const flush = () => oneAtATime(write);

  function scheduleFlush(): void {
    if (!isScheduled) {
      isScheduled = true;
      schedule(() => {
        isScheduled = false;
        void flush();
      });
    }
  }

  function rowOf({ third_party_id, parser_id, revision }: VersionOfFunction): CallRow | undefined {
    const minute = minuteOf(now().getTime());
    let versions = rows.get(minute);
    if (!versions) {
      versions = new Map();
      rows.set(minute, versions);
    }
    const name = `${third_party_id}/${parser_id}/${revision}`;
    const known = versions.get(name);
    if (known || held >= MOST_ROWS) {
      return known?.row;
    }
    held += 1;
    const row = emptyRow();
    versions.set(name, { version: { third_party_id, parser_id, revision }, row });
    return row;
  }

  function take(): void {
    if (unsent === undefined && held > 0) {
      const key = `${minutePrefix(minuteOf(now().getTime()))}${door}-${written++}.json`;
      unsent = { key, body: JSON.stringify(documentOf(rows)), tries: 0 };
      rows = new Map();
      held = 0;
    }
  }

  async function write(): Promise<void> {
    take();
    const sending = unsent;
    if (sending === undefined) {
      return;
    }
    try {
      await store.write(bucket, sending.key, sending.body, 'application/json');
      unsent = undefined;
    } catch (error) {
      sending.tries += 1;
      if (sending.tries >= TRIES) {
        unsent = undefined;
        onLost(error);
      }
    }
    if (unsent !== undefined || held > 0) {
      scheduleFlush();
    }
  }

  return {
    count(call) {
      const row = rowOf(call);
      if (!row) {
        return;
      }
      increment(row, call.outcome);
      if (call.outcome !== 'retried') {
        countDuration(row, bucketOf(call.milliseconds));
        if (call.cold) {
          increment(row, 'cold');
        }
      }
      scheduleFlush();
    },
    async flush() {
      await flush();
      // What came while one that had failed before was sent.
      await flush();
    },
  };
}

/** A process that has nothing else to do may end: it flushes first. */
function later(work: () => void): void {
  setTimeout(work, INTERVAL).unref();
}

function documentOf(rows: Rows): CallDocument {
  return {
    minutes: [...rows].map(([minute, versions]) => ({
      minute,
      versions: [...versions.values()].map(({ version, row }) => writeVersion(version, row)),
    })),
  };
}
