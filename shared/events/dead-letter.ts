/** `dead-letter.replay` and `.purge`, by which a person sends dead letters again or deletes them, and the replies. */
import * as z from 'zod';

const ids = z.array(z.string().regex(/^[0-9a-f]{32}$/, 'must be the id of a dead letter: 32 hex digits')).max(1000);

export const durationSchema = z
  .string()
  .regex(/^\d{1,6}[smhd]$/, 'must be a duration such as "90s", "30m", "24h" or "7d"');

/** `kn event` cannot send lists, and turns text that looks like a number or boolean into one. */
const idList = z.preprocess((value) => (typeof value === 'string' ? value.split(',') : value), ids);

const selectorFields = {
  ids: idList.optional(),
  category: z.enum(['permanent', 'transient']).optional(),
  /** Of the event in the letter. */
  type: z.string().min(1).optional(),
  reason: z.string().min(1).optional(),
  /** The time since the last delivery of the letter. */
  older_than: durationSchema.optional(),
  newer_than: durationSchema.optional(),
  /** Chooses every letter. Without it, at least one of the other fields must be given. */
  all: z.boolean().optional(),
  max: z.number().int().min(1).max(1000).default(100),
  dry_run: z.boolean().default(false),
};

const chooses = (data: Record<string, unknown>) =>
  data['all'] === true ||
  ['ids', 'state', 'category', 'type', 'reason', 'older_than', 'newer_than'].some((name) => data[name] !== undefined);
const CHOOSE =
  'must say which letters: ids, category, type, reason, older_than, newer_than, for a purge also state, or all: true';

export const deadLetterReplaySchema = z
  .object({
    ...selectorFields,
    /** Sends a letter even where it would fail again in the same way. */
    force: z.boolean().default(false),
  })
  .refine(chooses, CHOOSE);

export const deadLetterPurgeSchema = z
  .object({ ...selectorFields, state: z.enum(['open', 'replayed']).optional() })
  .refine(chooses, CHOOSE);

export type DeadLetterReplay = z.infer<typeof deadLetterReplaySchema>;
export type DeadLetterPurge = z.infer<typeof deadLetterPurgeSchema>;

/** The fields that choose letters. */
export type LetterSelector = Partial<Omit<DeadLetterPurge, 'max' | 'dry_run'>>;

export interface DeadLetterReplayed {
  replayed: number;
  /** Letters that were not sent, and why. */
  refused: { id: string; why: string }[];
  /** Letters that were replayed before and have not come back. */
  skipped: number;
  /** Letters beyond `max`, left for the next order. A lower bound if the time was up before all were read. */
  remaining: number;
  dry_run: boolean;
  /** Letters that were sent, or that a dry run would send. */
  ids: string[];
}

export interface DeadLetterPurged {
  purged: number;
  remaining: number;
  dry_run: boolean;
  ids: string[];
}
