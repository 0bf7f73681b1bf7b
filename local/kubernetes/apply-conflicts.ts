/** Fields that server-side apply would change and others own: taken over, or a reason to refuse. */
import { ApiError } from './api-error.ts';
import { difference, type FieldSet, intersection, isLeaf, pathsOf } from './field-set.ts';
import type { ManagedFields } from './managed-fields.ts';

/**
 * The other owners without what changes. Throws ApiError 409 where somebody owns that, unless it may be taken by force.
 */
export function resolveConflicts(others: ManagedFields[], changed: FieldSet, force: boolean): ManagedFields[] {
  const conflicts = others.flatMap(({ manager, apiVersion, fieldsV1 }) =>
    pathsOf(intersection(fieldsV1, changed)).map((field) => ({
      field,
      reason: 'FieldManagerConflict',
      message: `conflict with "${manager}" using ${apiVersion}`,
    })),
  );
  if (conflicts.length > 0 && !force) {
    throw new ApiError(409, 'Conflict', conflictMessage(conflicts), { causes: conflicts });
  }
  return others
    .map((entry) => ({ ...entry, fieldsV1: difference(entry.fieldsV1, changed) }))
    .filter((entry) => !isLeaf(entry.fieldsV1));
}

function conflictMessage(conflicts: { field: string; message: string }[]): string {
  const each = conflicts.map(({ field, message }) => `${message}: ${field}`);
  return `Apply failed with ${each.length} conflict${each.length === 1 ? '' : 's'}: ${each.join(', ')}`;
}
