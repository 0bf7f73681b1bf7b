/** Waits until objects say that they are Ready. */
import type { ObjectStorage } from '#local/kubernetes/types.ts';
import { type Condition, conditionOf } from '#local/serving/conditions.ts';
import type { KubeObject, ResourceName } from '#shared/kubernetes/object.ts';

/**
 * `names` that are not there are not waited for. Throws what the others say when the time is over, or as soon as one
 * says False and `failFast`.
 */
export function awaitReady(
  storage: ObjectStorage,
  resource: ResourceName,
  options: {
    namespace: string;
    names: string[];
    seconds: number;
    failFast?: boolean;
    onReady?: (name: string) => void;
  },
): Promise<void> {
  const waiting = new Map<string, Condition | undefined>();
  for (const { metadata } of storage.list(resource, { namespace: options.namespace })) {
    if (options.names.includes(metadata.name)) {
      waiting.set(metadata.name, undefined);
    }
  }
  return new Promise((resolve, reject) => {
    const end = (failure?: Error): void => {
      clearTimeout(timer);
      stop();
      if (failure) {
        reject(failure);
      } else {
        resolve();
      }
    };
    const timer = setTimeout(() => end(new Error(notReady(waiting, options.seconds))), options.seconds * 1000);
    const stop = storage.watch(resource, ({ object }) => {
      const { name, namespace } = object.metadata;
      if (namespace !== options.namespace || !waiting.has(name)) {
        return;
      }
      const condition = readiness(object);
      if (condition?.status === 'True') {
        waiting.delete(name);
        options.onReady?.(name);
      } else {
        waiting.set(name, condition);
      }
      if (waiting.size === 0) {
        end();
      } else if (condition?.status === 'False' && options.failFast) {
        end(new Error(`${name} is not ready: ${condition.message ?? condition.reason}`));
      }
    });
    if (waiting.size === 0) {
      end();
    }
  });
}

/**
 * Undefined where the status is still that of an older generation. A Service tells why in ConfigurationsReady; its
 * Ready says only that there is no revision.
 */
function readiness(object: KubeObject): Condition | undefined {
  const { generation } = object.metadata;
  if ((object['status']?.observedGeneration ?? generation) !== generation) {
    return undefined;
  }
  const ready = conditionOf(object, 'Ready');
  const configurations = conditionOf(object, 'ConfigurationsReady');
  return ready?.status === 'False' && configurations?.status === 'False' ? configurations : ready;
}

function notReady(waiting: Map<string, Condition | undefined>, seconds: number): string {
  const each = [...waiting].map(
    ([name, condition]) => `${name} (${condition?.message ?? condition?.reason ?? 'no status yet'})`,
  );
  return `not ready within ${seconds} s: ${each.join(', ')}`;
}
