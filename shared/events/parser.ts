/** `parser.start` and `parser.complete`: one call of a user's function. The data of the first is the user's own. */
import * as z from 'zod';

export const parserStartSchema = z.unknown();

export const parserCompleteSchema = z.object({
  context_id: z.union([z.string(), z.number()]).nullish(),
  succeeded: z.boolean(),
  result: z.unknown().optional(),
  error: z.object({ type: z.string(), message: z.string() }).optional(),
  duration_ms: z.number().min(0).optional(),
});

export type ParserComplete = z.infer<typeof parserCompleteSchema>;
