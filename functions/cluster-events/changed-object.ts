/** An object of Kubernetes as ApiServerSource sends it. */
import * as z from 'zod';

// One problem for a whole list: otherwise an event with a million numbers as finalizers would cause a million problems.
const strings = z.custom<string[]>(
  (value) => Array.isArray(value) && value.every(isString),
  'must be a list of strings',
);
const stringMap = z.custom<Record<string, string>>(
  (value) => typeof value === 'object' && value !== null && Object.values(value).every(isString),
  'must be an object of strings',
);

function isString(value: unknown): boolean {
  return typeof value === 'string';
}

/** The whole object, as the API shows it. */
export const changedObject = z.looseObject({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: z.looseObject({
    name: z.string(),
    uid: z.string(),
    deletionTimestamp: z.string().optional(),
    finalizers: strings.optional(),
    labels: stringMap.optional(),
    annotations: stringMap.optional(),
  }),
  spec: z.unknown().optional(),
  status: z.unknown().optional(),
});

export type ChangedObject = z.infer<typeof changedObject>;
