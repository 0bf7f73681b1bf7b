/**
 * Labels, for selecting objects (`kubectl -l`). Their values are shortened ids; the annotations have the ids
 * themselves.
 */
import type { Identity } from '#shared/events/identity.ts';
import { labelValue } from './names.ts';

export const MANAGED_BY = 'knative-lambda';

/** Selects every Job that builds. */
export const BUILDS = `app.kubernetes.io/managed-by=${MANAGED_BY},app.kubernetes.io/component=build`;

/** Selects every Service and Trigger of a user's function. */
export const FUNCTIONS = `app.kubernetes.io/managed-by=${MANAGED_BY},app.kubernetes.io/component=function`;

/** The tenant: its id, shortened by labelValue() where it is no label value. */
export const TENANT_LABEL = 'knative-lambda/third-party-id';

/** On a Secret of a tenant: what may have its values. Without it a Secret is for nobody's code. */
export const SECRET_FOR = 'knative-lambda/secret-for';

export type Component = 'function' | 'build';

/** Labels that never change while the object lives. */
export function identityLabels(identity: Identity, component: Component, name: string): Record<string, string> {
  return {
    'app.kubernetes.io/name': name,
    'app.kubernetes.io/component': component,
    'app.kubernetes.io/part-of': 'knative-lambda',
    'app.kubernetes.io/managed-by': MANAGED_BY,
    [TENANT_LABEL]: labelValue(identity.third_party_id),
    'knative-lambda/parser-id': labelValue(identity.parser_id),
  };
}

/** On a Job: `waiting` for a slot, then `admitted` until the Job is finished and its end is processed. */
export const ADMISSION_LABEL = 'knative-lambda/admission';
export type Admission = 'waiting' | 'admitted';

/** Shortened, since a label's value has at most 63 characters, and a build key 64. */
export function buildKeyLabel(buildKey: string): Record<string, string> {
  return { 'knative-lambda/build-key': buildKey.slice(0, 63) };
}

/** Selects all builds in one state of admission. */
export function admissionSelector(admission: Admission): string {
  return `${BUILDS},${ADMISSION_LABEL}=${admission}`;
}

/** Selects the builds of this client. May select others, so compare the annotations as well. */
export function clientSelector({ third_party_id }: Pick<Identity, 'third_party_id'>): string {
  return `${BUILDS},${TENANT_LABEL}=${labelValue(third_party_id)}`;
}

/** Selects the functions of this tenant. May select others, so compare the annotations as well. */
export function functionsOf({ third_party_id }: Pick<Identity, 'third_party_id'>): string {
  return `${FUNCTIONS},${TENANT_LABEL}=${labelValue(third_party_id)}`;
}

/**
 * Selects the builds of this parser. May select others, since different ids can have the same label value, so compare
 * the annotations as well.
 */
export function buildsOf(identity: Identity): string {
  return `${clientSelector(identity)},knative-lambda/parser-id=${labelValue(identity.parser_id)}`;
}

export function isManaged(object: { metadata?: { labels?: Record<string, string> | undefined } | undefined }): boolean {
  return object.metadata?.labels?.['app.kubernetes.io/managed-by'] === MANAGED_BY;
}
