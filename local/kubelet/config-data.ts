/** What ConfigMaps and Secrets hold, for environments and volumes alike. */
import type { ObjectStorage } from '#local/kubernetes/types.ts';
import type { KubeObject } from '#shared/kubernetes/object.ts';

export type DataSource = 'configMap' | 'secret';

/**
 * Empty where the object does not exist and is optional. Throws what `failure` makes of the text that a kubelet shows.
 */
export function configData(
  storage: ObjectStorage,
  namespace: string,
  source: DataSource,
  { name = '', optional }: { name?: string; optional?: boolean },
  failure: (text: string) => Error,
): Map<string, Buffer> {
  const object = storage.get(source === 'secret' ? 'secrets' : 'configmaps', namespace, name);
  if (object === undefined && optional !== true) {
    throw failure(`${source.toLowerCase()} "${name}" not found`);
  }
  const { data = {}, binaryData = {} }: Partial<KubeObject> = object ?? {};
  const [texts, encoded] = source === 'secret' ? [{}, data] : [data, binaryData];
  return new Map([
    ...Object.entries<string>(texts).map(([key, text]) => [key, Buffer.from(text)] as const),
    ...Object.entries<string>(encoded).map(([key, text]) => [key, Buffer.from(text, 'base64')] as const),
  ]);
}
