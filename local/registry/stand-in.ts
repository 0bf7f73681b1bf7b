/**
 * Images that stand in for base images: an empty root file system, since the machine's own tools take the place of what
 * the real one brings.
 */
import { gzipSync } from 'node:zlib';
import { type BaseKind, baseKind, commandOf } from '#local/kubelet/base-kinds.ts';
import { type ContentStore, digestOf, type StoredManifest } from './content-store.ts';
import {
  type ImageConfig,
  type Layer,
  type Manifest,
  OCI_CONFIG,
  OCI_LAYER,
  OCI_MANIFEST,
  ociConfig,
} from './oci-image.ts';

/** The platform's own registry: what is there, somebody has pushed. */
export const OWN_HOST = 'registry.local';

const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const EMPTY_TAR = Buffer.alloc(1024);
const EMPTY_LAYER = gzipSync(EMPTY_TAR, { level: 1 });
/** The byte of the header that names the operating system: the digest is the same on all of them. */
EMPTY_LAYER[9] = 3;

/** What the image would say about running it, as far as that can be known without pulling it. */
export function baseConfig(base: BaseKind): ImageConfig {
  return { base, workingDir: '/', entrypoint: [], cmd: commandOf(base), env: { PATH } };
}

/** None for a base image that is not known: an empty folder stands in for it, which needs no layer. */
export function baseLayers(contents: ContentStore, repository: string, base: BaseKind): Layer[] {
  if (base === 'none') {
    return [];
  }
  const blob = contents.writeBlob(repository, OCI_LAYER, EMPTY_LAYER);
  return [{ blob, diffId: digestOf(EMPTY_TAR), createdBy: `this machine's ${base}` }];
}

/** Undefined where nothing stands in for that image. The digest of the same kind is always the same. */
export function standIn(contents: ContentStore, repository: string): StoredManifest | undefined {
  const base = repository.startsWith(`${OWN_HOST}/`) ? 'none' : baseKind(repository);
  if (base === 'none') {
    return undefined;
  }
  const layers = baseLayers(contents, repository, base);
  const config = Buffer.from(JSON.stringify(ociConfig(baseConfig(base), layers)));
  const manifest: Manifest = {
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    config: contents.writeBlob(repository, OCI_CONFIG, config),
    layers: layers.map(({ blob }) => blob),
  };
  const content = Buffer.from(JSON.stringify(manifest));
  return { digest: contents.putManifest(repository, OCI_MANIFEST, content), mediaType: OCI_MANIFEST, content };
}
