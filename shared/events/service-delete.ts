/** `service.delete`: a client has its function deleted, with every build of it. */
import * as z from 'zod';
import { correlationId } from './build-start.ts';
import { identityFields } from './identity.ts';

export const serviceDeleteSchema = z.object({
  ...identityFields,
  correlation_id: correlationId.optional(),
  reason: z.string().max(1000).optional(),
});

export type ServiceDelete = z.infer<typeof serviceDeleteSchema>;
