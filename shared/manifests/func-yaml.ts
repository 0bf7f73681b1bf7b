/**
 * A func.yaml, as far as `func deploy` maps it to a Knative Service and ours use it. Anything else in one is an error.
 */
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import * as z from 'zod';

const funcYamlSchema = z.strictObject({
  specVersion: z.string(),
  name: z.string(),
  runtime: z.string(),
  created: z.string(),
  invoke: z.string().optional(),
  run: z
    .strictObject({ envs: z.array(z.strictObject({ name: z.string().optional(), value: z.string() })).default([]) })
    .default({ envs: [] }),
  deploy: z
    .strictObject({
      annotations: z.record(z.string(), z.string()).default({}),
      labels: z.array(z.strictObject({ key: z.string(), value: z.string().default('') })).default([]),
      healthEndpoints: z
        .strictObject({ liveness: z.string().optional(), readiness: z.string().optional() })
        .default({}),
      serviceAccountName: z.string().optional(),
      options: z
        .strictObject({
          scale: z
            .strictObject({
              min: z.int().optional(),
              max: z.int().optional(),
              metric: z.string().optional(),
              target: z.number().optional(),
              utilization: z.number().optional(),
            })
            .optional(),
          resources: z
            .strictObject({
              requests: z.strictObject({ cpu: z.string().optional(), memory: z.string().optional() }).optional(),
              limits: z
                .strictObject({
                  cpu: z.string().optional(),
                  memory: z.string().optional(),
                  concurrency: z.int().optional(),
                })
                .optional(),
            })
            .optional(),
        })
        .default({}),
    })
    .default({ annotations: {}, labels: [], healthEndpoints: {}, options: {} }),
});

export type FuncYaml = z.infer<typeof funcYamlSchema>;

export function readFuncYaml(file: string): FuncYaml {
  const result = funcYamlSchema.safeParse(parse(readFileSync(file, 'utf8')));
  if (!result.success) {
    throw new Error(
      `${file} holds what the local platform does not know how to deploy: ${z.prettifyError(result.error)}`,
    );
  }
  return result.data;
}
