/** `job.start`: the context archive is in S3; build it. */
import * as z from 'zod';
import { correlationId } from './build-start.ts';
import { identityFields } from './identity.ts';
import { languages, parametersSchema } from './parameters.ts';

/** SHA-256 in hex: of the source listing (fingerprint), or of everything that goes into the image (build key). */
export const sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'must be 64 hexadecimal digits');

export const jobStartSchema = z.object({
  ...identityFields,
  correlation_id: correlationId,
  build_key: sha256,
  fingerprint: sha256,
  /** When the source was listed, by S3's clock: what orders the builds of one parser. */
  observed_at: z.iso.datetime(),
  context: z.object({ bucket: z.string().min(1), key: z.string().min(1).max(1024), bytes: z.int().min(0) }),
  image: z.object({ repository: z.string().min(1).max(255), tag: z.string().regex(/^[\w][\w.-]{0,127}$/) }),
  /** What the image's lower layers depend on, where a later change of the code can be put on them. */
  dependencies: sha256.optional(),
  language: z.enum([...languages, 'docker']),
  priority: z.int().min(1).max(10).default(5),
  force: z.boolean().default(false),
  parameters: parametersSchema.default({}),
});

export type JobStart = z.infer<typeof jobStartSchema>;
