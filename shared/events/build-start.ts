/** `build.start`: a client asks for its source to become a function. */
import * as z from 'zod';
import { identityFields } from './identity.ts';
import { parametersSchema } from './parameters.ts';

export const correlationId = z.string().min(1).max(200);

const s3Prefix = z
  .string()
  .min(1)
  .max(512)
  .refine(
    (prefix) =>
      !prefix.startsWith('/') && !prefix.split('/').includes('..') && !/\p{Cc}/u.test(prefix) && prefix.isWellFormed(),
    'must be relative, without "..", control characters and halves of characters',
  );

export const buildStartSchema = z.object({
  ...identityFields,
  correlation_id: correlationId.optional(),
  s3_bucket: z.string().min(3).max(63).optional(),
  /** Default: SOURCE_PREFIX, as a rule `global/parser/{parser_id}/`. */
  s3_prefix: s3Prefix.optional(),
  /** 1 first. */
  priority: z.int().min(1).max(10).default(5),
  /** Build even if nothing changed. */
  force: z.boolean().default(false),
  parameters: parametersSchema.default({}),
});

export type BuildStart = z.infer<typeof buildStartSchema>;
