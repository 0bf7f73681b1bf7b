/** An image by its name, as a node pulls it. */
import type { ContentStore } from './content-store.ts';
import { architecture, type Descriptor, type Manifest, type OciConfig } from './oci-image.ts';

export interface FoundImage {
  /** Of the manifest, that of this platform where the name is that of an index. */
  digest: string;
  layers: readonly Descriptor[];
  config: OciConfig;
}

/** Undefined where there is none, or only in part. `reference`: tag or digest. */
export function findImage(contents: ContentStore, repository: string, reference: string): FoundImage | undefined {
  const found = contents.manifest(repository, reference);
  if (found === undefined) {
    return undefined;
  }
  const { manifests, config, layers = [] } = JSON.parse(found.content.toString('utf8')) as Manifest;
  if (manifests !== undefined) {
    const ours = manifests.find(({ platform }) => platform?.architecture === architecture()) ?? manifests[0];
    return ours && findImage(contents, repository, ours.digest);
  }
  if (config === undefined || !contents.hasBlob(repository, config.digest)) {
    return undefined;
  }
  const text = contents.readBlob(config.digest).toString('utf8');
  return { digest: found.digest, layers, config: JSON.parse(text) as OciConfig };
}
