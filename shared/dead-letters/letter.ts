/** A dead letter as it lies in S3: what was refused or not delivered, why, and what it takes to send it again. */
import * as z from 'zod';
import { reasonSchema } from '#shared/events/reasons.ts';

const rawSchema = z.object({ headers: z.record(z.string(), z.string()), body_base64: z.base64() });

/** Whoever may write to the bucket may have written anything there, and older versions wrote less: what is not named here is not looked at. */
const letterSchema = z.object({
  id: z.string(),
  /** In structured form: the original of a refused event, else the event as it came. */
  event: z.record(z.string(), z.unknown()),
  /** The delivery itself, byte for byte. Not there for a refused event, which came inside another. */
  raw: rawSchema.optional(),
  /** Its data was longer than what is read. */
  data_dropped: z.boolean().optional(),
  /** Permanent: sending it again cannot help before somebody changes something. */
  category: z.enum(['permanent', 'transient']),
  reason: reasonSchema,
  /** What happened, and what to do next. */
  message: z.string().optional(),
  problems: z.array(z.unknown()).optional(),
  /** What the subscriber answered at last; -1 where it answered nothing. */
  code: z.number().optional(),
  /** The subscriber's address. */
  destination: z.string().optional(),
  /** The Knative Service at that address, where it is one of the cluster's. */
  function: z.string().optional(),
  /** How often a delivery was tried each time it came here, where that is known. */
  attempts: z.number().optional(),
  /** How often it was sent again by itself. */
  redeliveries: z.number().optional(),
  /** How often it has come here. */
  count: z.number().default(1),
  first_at: z.string().default(''),
  last_at: z.string().default(''),
  /** How often it had been replayed when it came last. */
  replays: z.number().optional(),
  /** The letter whose replay this event is. Its own letter, where it failed at the same place again, has `replays` instead. */
  replay_of: z.string().optional(),
});

export type DeadLetter = z.infer<typeof letterSchema>;
export type RawDelivery = z.infer<typeof rawSchema>;

/** Undefined for what is no letter. */
export function parseLetter(text: string | undefined): DeadLetter | undefined {
  try {
    return letterSchema.safeParse(JSON.parse(text ?? '')).data;
  } catch {
    return undefined;
  }
}

export function letterText(letter: DeadLetter): string {
  return `${JSON.stringify(letter, undefined, 2)}\n`;
}

/** An attribute of the event that the letter holds. */
export function attributeOf({ event }: DeadLetter, name: string): string {
  const value = event[name];
  return typeof value === 'string' ? value : '';
}
