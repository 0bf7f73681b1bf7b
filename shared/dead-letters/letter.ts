/**
 * A dead letter as stored in S3: the event, why it was refused or not delivered, and what is needed to send it again.
 */
import * as z from 'zod';
import { reasonSchema } from '#shared/events/reasons.ts';

const rawSchema = z.object({ headers: z.record(z.string(), z.string()), body_base64: z.base64() });

/**
 * Objects in the bucket may have been written by others, or by older versions with fewer fields. Fields not named here
 * are ignored.
 */
const letterSchema = z.object({
  id: z.string(),
  /** For whom the event was signed. Missing where it was not, or nobody could tell: then no replay is signed either. */
  signed: z.object({ tenant: z.string(), hops: z.number() }).optional(),
  /** In structured form: the original of a refused event, else the event as it was delivered. */
  event: z.record(z.string(), z.unknown()),
  /** `{third_party_id}/{parser_id}` of the function that the event is about, where the event says it. */
  subject: z.string().optional(),
  /** The delivery itself, byte for byte. Missing for a refused event, which was delivered inside another one. */
  raw: rawSchema.optional(),
  /** Its data was too long to be read. */
  data_dropped: z.boolean().optional(),
  /** Permanent: sending it again does not help until somebody changes something. */
  category: z.enum(['permanent', 'transient']),
  reason: reasonSchema,
  /** What happened and what to do next. */
  message: z.string().optional(),
  problems: z.array(z.unknown()).optional(),
  /** Of a call: how the function's process ended in it. */
  crash: z.record(z.string(), z.unknown()).optional(),
  /** The subscriber's last answer: an HTTP status, or -1 where there was none. */
  code: z.number().optional(),
  /** The subscriber's address. */
  destination: z.string().optional(),
  /** The Knative Service at that address, where it is inside the cluster. */
  function: z.string().optional(),
  /** Attempts of each delivery, where that is known. */
  attempts: z.number().optional(),
  /** How often dead-letter has resent it. */
  redeliveries: z.number().optional(),
  /** How often it has been delivered to dead-letter. */
  count: z.number().default(1),
  first_at: z.string().default(''),
  last_at: z.string().default(''),
  /** How often it had been replayed when it was delivered last. */
  replays: z.number().optional(),
  /**
   * The letter of which this event is a replay. Missing where the replay failed at the same subscriber: then it is the
   * same letter.
   */
  replay_of: z.string().optional(),
});

export type DeadLetter = z.infer<typeof letterSchema>;
export type RawDelivery = z.infer<typeof rawSchema>;

/** Undefined where the text is no letter. */
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

/** An attribute of the letter's event; empty where it has none. */
export function attributeOf({ event }: DeadLetter, name: string): string {
  const value = event[name];
  return typeof value === 'string' ? value : '';
}
