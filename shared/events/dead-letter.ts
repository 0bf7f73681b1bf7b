/** `dead-letter.replay` and `dead-letter.purge`: a person sends dead letters again, or has them deleted. What follows tells which. */
import * as z from 'zod';

const ids = z.array(z.string().regex(/^[0-9a-f]{32}$/, 'must be the id of a dead letter: 32 hex digits')).max(1000);

export const durationSchema = z
  .string()
  .regex(/^\d{1,6}[smhd]$/, 'must be a duration such as "90s", "30m", "24h" or "7d"');

/** `kn event` knows no lists, and makes numbers and booleans of what looks like them. */
const idList = z.preprocess((value) => (typeof value === 'string' ? value.split(',') : value), ids);

const selectorFields = {
  ids: idList.optional(),
  category: z.enum(['permanent', 'transient']).optional(),
  /** Of the event that the letter holds. */
  type: z.string().min(1).optional(),
  reason: z.string().min(1).optional(),
  /** Since it came last. */
  older_than: durationSchema.optional(),
  newer_than: durationSchema.optional(),
  /** Every letter; else at least one of the others must be given. */
  all: z.boolean().optional(),
  max: z.number().int().min(1).max(1000).default(100),
  dry_run: z.boolean().default(false),
};

const chooses = (data: Record<string, unknown>) =>
  data['all'] === true ||
  ['ids', 'state', 'category', 'type', 'reason', 'older_than', 'newer_than'].some((name) => data[name] !== undefined);
const CHOOSE = 'must say which letters: ids, category, type, reason, older_than, newer_than, or all: true';

export const deadLetterReplaySchema = z
  .object({
    ...selectorFields,
    /** Also what would be refused, or fail, in the same way again. */
    force: z.boolean().default(false),
  })
  .refine(chooses, CHOOSE);

export const deadLetterPurgeSchema = z
  .object({ ...selectorFields, state: z.enum(['open', 'replayed']).optional() })
  .refine(chooses, CHOOSE);

export type DeadLetterReplay = z.infer<typeof deadLetterReplaySchema>;
export type DeadLetterPurge = z.infer<typeof deadLetterPurgeSchema>;

/** By which letters are chosen. */
export type LetterSelector = Partial<Omit<DeadLetterPurge, 'max' | 'dry_run'>>;

export interface DeadLetterReplayed {
  replayed: number;
  /** Those not sent, and why. */
  refused: { id: string; why: string }[];
  /** Replayed before and not come back. */
  skipped: number;
  /** Left for the next time: there were more than `max`; at least so many where the time was up before all were looked at. */
  remaining: number;
  dry_run: boolean;
  /** Those sent; of a dry run those that would be. */
  ids: string[];
}

export interface DeadLetterPurged {
  purged: number;
  remaining: number;
  dry_run: boolean;
  ids: string[];
}
