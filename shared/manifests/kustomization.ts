/** A kustomization.yaml, as far as our files use kustomize. Whatever else one may hold is an error, never ignored. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import * as z from 'zod';

const name = z
  .string()
  .regex(/^[\w.-]+$/, 'must be a plain name: the regular expressions of kustomize are not supported');

const patchSchema = z
  .strictObject({
    path: z.string().optional(),
    patch: z.string().optional(),
    target: z
      .strictObject({
        group: name.optional(),
        version: name.optional(),
        kind: name.optional(),
        name: name.optional(),
        namespace: name.optional(),
        labelSelector: z
          .string()
          .regex(/^[^=!,\s]+=[^=!,\s]*$/, 'must be one label=value')
          .optional(),
      })
      .optional(),
  })
  .refine((patch) => (patch.path === undefined) !== (patch.patch === undefined), 'must have one of path and patch');

const kustomizationSchema = z.strictObject({
  apiVersion: z.literal('kustomize.config.k8s.io/v1beta1').optional(),
  kind: z.literal('Kustomization').optional(),
  namespace: z.string().optional(),
  resources: z.array(z.string().refine((path) => !path.includes('://'), 'must be local')).default([]),
  patches: z.array(patchSchema).default([]),
});

export type Kustomization = z.infer<typeof kustomizationSchema>;
export type KustomizePatch = z.infer<typeof patchSchema>;

export function readKustomization(folder: string): Kustomization {
  const file = join(folder, 'kustomization.yaml');
  const result = kustomizationSchema.safeParse(parse(readFileSync(file, 'utf8')));
  if (!result.success) {
    throw new Error(
      `${file} uses what is not read of kustomize here: ${z.prettifyError(result.error)}\nSay it with resources, namespace and patches, or teach shared/manifests/.`,
    );
  }
  return result.data;
}
