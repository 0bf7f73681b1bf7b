/** A refusal of the Kubernetes API: an Error that carries the Status body which HTTP answers with. */

import { qualifiedName } from '#shared/kubernetes/resource.ts';
import type { Resource } from '#shared/kubernetes/resource-table.ts';

interface StatusDetails {
  name?: string;
  group?: string;
  kind?: string;
  causes?: { reason: string; message: string; field?: string }[];
}

/** Thrown by every operation of the store that Kubernetes would refuse. Code and reason are those of kube-apiserver. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly code: number;
  readonly reason: string;
  readonly details: StatusDetails | undefined;

  constructor(code: number, reason: string, message: string, details?: StatusDetails) {
    super(message);
    this.code = code;
    this.reason = reason;
    this.details = details;
  }

  get status(): object {
    const { message, reason, details, code } = this;
    const head = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, reason };
    return { ...head, ...(details && { details }), code };
  }

  static notFound(resource: Resource, name: string): ApiError {
    return new ApiError(404, 'NotFound', `${qualifiedName(resource)} "${name}" not found`, detailsOf(resource, name));
  }

  static unknownResource(): ApiError {
    return new ApiError(404, 'NotFound', 'the server could not find the requested resource', {});
  }

  static alreadyExists(resource: Resource, name: string): ApiError {
    const message = `${qualifiedName(resource)} "${name}" already exists`;
    return new ApiError(409, 'AlreadyExists', message, detailsOf(resource, name));
  }

  static conflict(resource: Resource, name: string, why = MODIFIED): ApiError {
    const message = `Operation cannot be fulfilled on ${qualifiedName(resource)} "${name}": ${why}`;
    return new ApiError(409, 'Conflict', message, detailsOf(resource, name));
  }

  static forbidden(resource: Resource, name: string, why: string): ApiError {
    const message = `${qualifiedName(resource)} "${name}" is forbidden: ${why}`;
    return new ApiError(403, 'Forbidden', message, detailsOf(resource, name));
  }

  static badRequest(message: string): ApiError {
    return new ApiError(400, 'BadRequest', message);
  }

  static methodNotAllowed(): ApiError {
    return new ApiError(405, 'MethodNotAllowed', 'the server does not allow this method on the requested resource', {});
  }

  /** Names every field that is wrong. */
  static invalid({ group, kind }: Resource, name: string, problems: { field: string; message: string }[]): ApiError {
    const list = problems.map(({ field, message }) => `${field}: ${message}`).join('; ');
    const message = `${group ? `${kind}.${group}` : kind} ${JSON.stringify(name)} is invalid: ${list}`;
    const causes = problems.map((problem) => ({ reason: 'FieldValueInvalid', ...problem }));
    return new ApiError(422, 'Invalid', message, { name, ...(group && { group }), kind, causes });
  }

  static expired(requested: number | string, oldest: number): ApiError {
    return new ApiError(410, 'Expired', `too old resource version: ${requested} (${oldest})`);
  }
}

const MODIFIED = 'the object has been modified; please apply your changes to the latest version and try again';

function detailsOf(resource: Resource, name: string): StatusDetails {
  return { name, ...(resource.group && { group: resource.group }), kind: resource.plural };
}
