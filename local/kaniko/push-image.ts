/** From a configuration and layers to an image in the registry. */
import { type ContentStore, digestOf } from '#local/registry/content-store.ts';
import {
  type ImageConfig,
  type Layer,
  type Manifest,
  OCI_CONFIG,
  OCI_MANIFEST,
  ociConfig,
} from '#local/registry/oci-image.ts';

interface ComposedImage {
  /** Of the manifest. */
  digest: string;
  manifest: Buffer;
  config: Buffer;
  layers: readonly Layer[];
}

export function composeImage(imageConfig: ImageConfig, layers: readonly Layer[]): ComposedImage {
  const config = Buffer.from(JSON.stringify(ociConfig(imageConfig, layers)));
  const content: Manifest = {
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    config: { mediaType: OCI_CONFIG, digest: digestOf(config), size: config.length },
    layers: layers.map(({ blob }) => blob),
  };
  const manifest = Buffer.from(JSON.stringify(content));
  return { digest: digestOf(manifest), manifest, config, layers };
}

/**
 * The layers' blobs are there already; the manifest comes last. A tag that exists moves, also where the real registry
 * would refuse: a retried build must not fail here.
 */
export function pushImage(
  contents: ContentStore,
  { repository, tag }: { repository: string; tag: string },
  { manifest, config, layers }: ComposedImage,
): void {
  for (const { blob } of layers) {
    contents.link(repository, blob.digest);
  }
  contents.writeBlob(repository, OCI_CONFIG, config);
  contents.putManifest(repository, OCI_MANIFEST, manifest, tag);
}
