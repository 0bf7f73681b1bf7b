/** Writes down where a pod runs, as a scheduler does. */
import type { ObjectStorage } from '#local/kubernetes/types.ts';
import type { Pod } from './pod.ts';

/** Where a pod's port is written for whoever speaks to it. */
const PORT_ANNOTATION = 'local.knative-lambda/port';

/** False where the pod is gone. */
export function bindPod(storage: ObjectStorage, { metadata: { namespace, name, uid } }: Pod, port: number): boolean {
  const stored = storage.get('pods', namespace, name);
  if (stored === undefined || stored.metadata.uid !== uid) {
    return false;
  }
  stored.metadata.annotations = { ...stored.metadata.annotations, [PORT_ANNOTATION]: String(port) };
  stored['spec'] = { ...stored['spec'], nodeName: 'local' };
  storage.update(stored);
  return true;
}
