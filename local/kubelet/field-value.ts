/** The downward API: fields of its own pod that a container may read. */
import type { Pod } from './pod.ts';

/** Undefined where the field cannot be read this way. */
export function fieldValue({ metadata }: Pod, fieldPath: string): string | undefined {
  switch (fieldPath) {
    case 'metadata.name':
      return metadata.name;
    case 'metadata.namespace':
      return metadata.namespace;
    case 'metadata.uid':
      return metadata.uid;
    case 'status.podIP':
      return '127.0.0.1';
    default:
      return undefined;
  }
}
