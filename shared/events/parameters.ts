/** The parameters of a `build.start`: settings of the build and of the function. Unknown fields are ignored. */
import * as z from 'zod';
import { env } from './env.ts';
import { secrets } from './secrets.ts';

const quantity = z
  .string()
  .max(32)
  .regex(/^\d+(\.\d+)?(m|k|Ki|M|Mi|G|Gi)?$/, 'must be a Kubernetes quantity such as "250m" or "256Mi"');
const resourceList = z.object({ cpu: quantity.optional(), memory: quantity.optional() });

// A Knative duration between 0 s and 1 h (autoscaling.knative.dev/scale-down-delay).
const scaleDownDelay = z
  .string()
  .regex(/^(\d{1,4}s|\d{1,2}m|1h)$/, 'must be a duration from "0s" to "1h", such as "30s" or "5m"');

/** Bytes. The parameters stand in an annotation of each object, and Kubernetes takes 256 KiB of annotations. */
const MOST_BYTES = 200_000;

/** Those we have an adapter for: each has its entry in languages/registry.ts. */
export const languages = ['python', 'node', 'go', 'rust'] as const;
export type AdapterLanguage = (typeof languages)[number];
export type Language = AdapterLanguage | 'docker';

/** How calls reach a function: by the one queue of all, or by a Trigger and a queue of its own. */
export const deliveries = ['shared', 'own'] as const;
export type Delivery = (typeof deliveries)[number];

export const scalingSchema = z
  .object({
    min: z.int().min(0).max(1000).optional(),
    max: z.int().min(1).max(1000).optional(),
    target: z.number().min(0.01).max(1_000_000).optional(),
    metric: z.enum(['concurrency', 'rps', 'cpu', 'memory']).optional(),
    class: z.enum(['kpa', 'hpa']).optional(),
    scale_down_delay: scaleDownDelay.optional(),
  })
  .refine((scaling) => (scaling.min ?? 0) <= (scaling.max ?? Number.POSITIVE_INFINITY), {
    path: ['min'],
    message: 'must not be above max',
  })
  .refine((scaling) => scaling.class === 'hpa' || !['cpu', 'memory'].includes(scaling.metric ?? ''), {
    path: ['metric'],
    message: 'cpu and memory need class "hpa"',
  })
  .refine((scaling) => scaling.class !== 'hpa' || !['concurrency', 'rps'].includes(scaling.metric ?? ''), {
    path: ['metric'],
    message: 'concurrency and rps need class "kpa"',
  });

export const parametersSchema = z
  .object({
    language: z.enum(languages).optional(),
    handler: z
      .string()
      .max(200)
      .regex(/^[A-Za-z0-9_/-]+(\.[A-Za-z0-9_/-]+)*\.[A-Za-z_$][A-Za-z0-9_$]*$/, 'must be "module.function"')
      .refine((handler) => !handler.startsWith('/') && !handler.split('/').includes(''), 'must be a relative path')
      .optional(),
    env: env.optional(),
    secrets: secrets.optional(),
    scaling: scalingSchema.optional(),
    resources: z.object({ requests: resourceList.optional(), limits: resourceList.optional() }).optional(),
    timeout_seconds: z.int().min(1).max(600).optional(),
    concurrency: z.int().min(0).max(1000).optional(),
    delivery: z.enum(deliveries).optional(),
    /** Consents that inputs of kept calls are kept as well. */
    record: z.boolean().optional(),
  })
  .superRefine(({ env: given = {}, secrets: referred = [] }, context) => {
    for (const [index, { env: name }] of referred.entries()) {
      if (name !== undefined && Object.hasOwn(given, name)) {
        const message = `is "${name}", which parameters.env sets too: leave one out`;
        context.addIssue({ code: 'custom', path: ['secrets', index, 'env'], message });
      }
    }
  })
  .refine(
    (parameters) => new TextEncoder().encode(JSON.stringify(parameters)).length <= MOST_BYTES,
    `must have at most ${MOST_BYTES} bytes in all: put what is large into S3`,
  );

export type Parameters = z.infer<typeof parametersSchema>;
