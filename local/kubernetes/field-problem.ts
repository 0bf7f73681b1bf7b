/** What is wrong with one field of an object, in the words of Kubernetes' validation. */

import type { Resource } from '#shared/kubernetes/resource-table.ts';
import { ApiError } from './api-error.ts';

export interface FieldProblem {
  reason: string;
  field: string;
  message: string;
}

export const invalid = (field: string, value: unknown, detail: string): FieldProblem => ({
  reason: 'FieldValueInvalid',
  field,
  message: `Invalid value: ${JSON.stringify(value)}: ${detail}`,
});

/** Where the detail says it all. */
export const invalidWithoutValue = (field: string, detail: string): FieldProblem => ({
  reason: 'FieldValueInvalid',
  field,
  message: `Invalid value: ${detail}`,
});

export const required = (field: string, detail = ''): FieldProblem => ({
  reason: 'FieldValueRequired',
  field,
  message: detail ? `Required value: ${detail}` : 'Required value',
});

export const forbidden = (field: string, detail: string): FieldProblem => ({
  reason: 'FieldValueForbidden',
  field,
  message: `Forbidden: ${detail}`,
});

export const duplicate = (field: string, value: unknown): FieldProblem => ({
  reason: 'FieldValueDuplicate',
  field,
  message: `Duplicate value: ${JSON.stringify(value)}`,
});

export const notFound = (field: string, value: unknown): FieldProblem => ({
  reason: 'FieldValueNotFound',
  field,
  message: `Not found: ${JSON.stringify(value)}`,
});

export const tooLong = (field: string, limit: number): FieldProblem => ({
  reason: 'FieldValueTooLong',
  field,
  message: `Too long: may not be more than ${limit} bytes`,
});

export const notSupported = (field: string, value: unknown, supported: readonly string[]): FieldProblem => ({
  reason: 'FieldValueNotSupported',
  field,
  message: `Unsupported value: ${JSON.stringify(value)}: supported values: ${supported.map((one) => `"${one}"`).join(', ')}`,
});

/** The 422 that reports all of them. */
export function invalidObject(resource: Resource, name: string, problems: FieldProblem[]): ApiError {
  const { group, kind } = resource;
  const texts = [...new Set(problems.map(({ field, message }) => `${field}: ${message}`))];
  const list = texts.length === 1 ? texts[0] : `[${texts.join(', ')}]`;
  const message = `${group ? `${kind}.${group}` : kind} ${JSON.stringify(name)} is invalid: ${list}`;
  const causes = problems.map(({ reason, message, field }) => ({ reason, message, field }));
  return new ApiError(422, 'Invalid', message, { ...(name && { name }), ...(group && { group }), kind, causes });
}

/** The 400 for a value that cannot even be read as what the field takes. */
export function unreadable(resource: Resource, why: string): ApiError {
  const { version, kind } = resource;
  return ApiError.badRequest(`${kind} in version "${version}" cannot be handled as a ${kind}: ${why}`);
}

/** `owner` is the type that has the field. */
export function wrongType(resource: Resource, found: unknown, owner: string, field: string, wanted: string): ApiError {
  const names: Record<string, string> = { boolean: 'bool' };
  const type = Array.isArray(found) ? 'array' : (names[typeof found] ?? typeof found);
  return unreadable(
    resource,
    `json: cannot unmarshal ${type} into Go struct field ${owner}.${field} of type ${wanted}`,
  );
}
