/** `build.complete`: the one terminal event of a build. */
import * as z from 'zod';
import { correlationId } from './build-start.ts';
import { identityFields } from './identity.ts';
import { sha256 } from './job-start.ts';
import { parametersSchema } from './parameters.ts';
import { reasonSchema } from './reasons.ts';

export const buildStatuses = ['success', 'failed', 'timeout', 'cancelled', 'superseded'] as const;
export type BuildStatus = (typeof buildStatuses)[number];

export const buildCompleteSchema = z
  .object({
    ...identityFields,
    correlation_id: correlationId,
    status: z.enum(buildStatuses),
    build_key: sha256.optional(),
    fingerprint: sha256.optional(),
    job_name: z.string().max(63).optional(),
    /** By digest. */
    image_uri: z
      .string()
      .max(512)
      .regex(/^[^\s@]+@sha256:[0-9a-f]{64}$/, 'must name the image by digest: repository@sha256:…')
      .optional(),
    observed_at: z.iso.datetime().optional(),
    cached: z.boolean().default(false),
    reason: z.string().max(100).pipe(reasonSchema).optional(),
    error_message: z.string().optional(),
    exit_code: z.int().optional(),
    log: z.object({ bucket: z.string(), key: z.string() }).optional(),
    parameters: parametersSchema.default({}),
    started_at: z.iso.datetime().optional(),
    completed_at: z.iso.datetime().optional(),
    duration_ms: z.number().min(0).optional(),
    /** Where a limit is the reason: when there may be room again. */
    retry_after_seconds: z.int().min(1).optional(),
  })
  .refine((data) => data.status !== 'success' || data.image_uri !== undefined, {
    path: ['image_uri'],
    message: 'is required where status is "success"',
  })
  .refine((data) => data.status !== 'success' || data.observed_at !== undefined, {
    path: ['observed_at'],
    message: 'is required where status is "success"',
  })
  .refine((data) => data.status === 'success' || data.reason !== undefined, {
    path: ['reason'],
    message: 'is required unless status is "success"',
  })
  .refine((data) => data.status === 'success' || data.error_message !== undefined, {
    path: ['error_message'],
    message: 'is required unless status is "success"',
  });

export type BuildComplete = z.infer<typeof buildCompleteSchema>;
