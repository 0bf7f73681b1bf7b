/**
 * Calls in numbers: for each minute and version of a function how many there were, how they ended, and how long they
 * took. Doors write what they have counted as `metrics/{minute}/{door}-{n}.json`, and nobody changes it afterwards.
 */
import * as z from 'zod';
import { MINUTE } from '#shared/durations.ts';
import { type Identity, idSchema } from '#shared/events/identity.ts';
import { METRICS } from '#shared/specs/s3-keys.ts';
import { BUCKETS } from './latencies.ts';

export const FAILURES = ['HandlerFailed', 'BadReply', 'Timeout', 'OutOfMemory'] as const;
export type CallFailure = (typeof FAILURES)[number];

/** What is counted beside the durations, in the order of a row. `retried`: not answered by the function. */
const COUNTERS = ['succeeded', ...FAILURES, 'retried', 'cold'] as const;
type Counter = (typeof COUNTERS)[number];

/** The counters and then the buckets of durations, of one version in one minute or longer. Rows can be added. */
export type CallRow = Uint32Array;
export const ROW = COUNTERS.length + BUCKETS;
const AT = Object.fromEntries(COUNTERS.map((name, index) => [name, index])) as Record<Counter, number>;

export interface VersionOfFunction extends Identity {
  /** The revision that was called. */
  revision: string;
}

export function emptyRow(): CallRow {
  return new Uint32Array(ROW);
}

export function increment(row: CallRow, counter: Counter): void {
  row[AT[counter]] = (row[AT[counter]] ?? 0) + 1;
}

export function countDuration(row: CallRow, bucket: number): void {
  const at = COUNTERS.length + bucket;
  row[at] = (row[at] ?? 0) + 1;
}

export function addRow(to: CallRow, row: ArrayLike<number>): void {
  for (let at = 0; at < ROW; at++) {
    to[at] = (to[at] ?? 0) + (row[at] ?? 0);
  }
}

export function counterOf(row: CallRow, counter: Counter): number {
  return row[AT[counter]] ?? 0;
}

/** Of calls that failed, by reason. */
export function failuresOf(row: CallRow): Partial<Record<CallFailure, number>> {
  return Object.fromEntries(FAILURES.flatMap((name) => (row[AT[name]] ? [[name, row[AT[name]]]] : [])));
}

/** As `quantile` of latencies.ts takes them. */
export function durationsOf(row: CallRow): CallRow {
  return row.subarray(COUNTERS.length);
}

const count = z.int().nonnegative();

/** One object of S3. What is 0 is left out. */
const documentSchema = z.object({
  minutes: z.array(
    z.object({
      /** Since the epoch. */
      minute: count,
      versions: z.array(
        z.object({
          third_party_id: idSchema,
          parser_id: idSchema,
          revision: z.string().max(100),
          counters: z.partialRecord(z.enum(COUNTERS), count),
          /** [bucket, calls] */
          durations: z.array(z.tuple([count.max(BUCKETS - 1), count])),
        }),
      ),
    }),
  ),
});

export type CallDocument = z.infer<typeof documentSchema>;

export function writeVersion(
  version: VersionOfFunction,
  row: CallRow,
): CallDocument['minutes'][number]['versions'][number] {
  const counters: Partial<Record<Counter, number>> = {};
  for (const name of COUNTERS) {
    if (row[AT[name]]) {
      counters[name] = row[AT[name]] ?? 0;
    }
  }
  const durations = [...durationsOf(row).entries()].filter(([, calls]) => calls > 0);
  return { ...version, counters, durations };
}

/** Undefined where the text is no such document. */
export function parseDocument(value: unknown): CallDocument | undefined {
  return documentSchema.safeParse(value).data;
}

export function readVersion({ counters, durations }: CallDocument['minutes'][number]['versions'][number]): CallRow {
  const row = emptyRow();
  for (const name of COUNTERS) {
    row[AT[name]] = counters[name] ?? 0;
  }
  for (const [bucket, calls] of durations) {
    row[COUNTERS.length + bucket] = calls;
  }
  return row;
}

/** Minutes since the epoch. */
export function minuteOf(time: number): number {
  return Math.floor(time / MINUTE);
}

/** What a door wrote in this minute begins with this. */
export function minutePrefix(minute: number): string {
  return `${METRICS}${new Date(minute * MINUTE).toISOString().slice(0, 16).replace(':', '-')}/`;
}
