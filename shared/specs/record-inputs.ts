/** Whether a function consents to having the inputs of its calls kept. The annotation of its Service says it. */
import type { KnativeObject } from '#shared/clients/cluster.ts';
import type { Parameters } from '#shared/events/parameters.ts';

export const RECORD_ANNOTATION = 'knative-lambda/record';

/** None where it does not consent, so that nothing but a clear word is a consent. */
export function recordAnnotation({ record }: Pick<Parameters, 'record'>): Record<string, string> {
  return record === true ? { [RECORD_ANNOTATION]: 'true' } : {};
}

export function recordsInputs({ metadata }: Pick<KnativeObject, 'metadata'>): boolean {
  return metadata.annotations?.[RECORD_ANNOTATION] === 'true';
}
