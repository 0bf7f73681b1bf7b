/** What ConfigMaps and Secrets hold, for environments and volumes alike. */
import type { ObjectStorage } from '#local/kubernetes/types.ts';
import type { KubeObject } from '#shared/kubernetes/object.ts';

export type DataSource = 'configMap' | 'secret';

const RESOURCES = { configMap: 'configmaps', secret: 'secrets' } as const;

/** Undefined where the object does not exist. */
export function configData(
  storage: ObjectStorage,
  source: DataSource,
  namespace: string,
  name: string,
): Map<string, Buffer> | undefined {
  const object = storage.get(RESOURCES[source], namespace, name);
  return object === undefined ? undefined : source === 'secret' ? secretData(object) : mapData(object);
}

function mapData(object: KubeObject): Map<string, Buffer> {
  const data = new Map<string, Buffer>();
  for (const [key, value] of entries(object['data'])) {
    data.set(key, Buffer.from(value));
  }
  for (const [key, value] of entries(object['binaryData'])) {
    data.set(key, Buffer.from(value, 'base64'));
  }
  return data;
}

function secretData(object: KubeObject): Map<string, Buffer> {
  const data = new Map<string, Buffer>();
  for (const [key, value] of entries(object['data'])) {
    data.set(key, Buffer.from(value, 'base64'));
  }
  for (const [key, value] of entries(object['stringData'])) {
    data.set(key, Buffer.from(value));
  }
  return data;
}

function entries(data: unknown): [string, string][] {
  return Object.entries((data ?? {}) as Record<string, string>);
}

/** The text that a kubelet shows for what is missing. */
export function missingText(source: DataSource, name: string): string {
  return `${source === 'secret' ? 'secret' : 'configmap'} "${name}" not found`;
}
