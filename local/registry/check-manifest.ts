/** What a registry refuses of a manifest before it keeps it, as distribution does. */
import type { ContentStore } from './content-store.ts';
import { type Descriptor, DOCKER_LIST, DOCKER_MANIFEST, type Manifest, OCI_INDEX, OCI_MANIFEST } from './oci-image.ts';
import { RegistryError } from './registry-error.ts';

/** All media types of an image are of one family: some clients and Kaniko refuse what is mixed. */
const FAMILIES: Record<string, { name: string; foreign: string }> = {
  [OCI_MANIFEST]: { name: 'OCI', foreign: 'application/vnd.docker.' },
  [OCI_INDEX]: { name: 'OCI', foreign: 'application/vnd.docker.' },
  [DOCKER_MANIFEST]: { name: 'Docker', foreign: 'application/vnd.oci.' },
  [DOCKER_LIST]: { name: 'Docker', foreign: 'application/vnd.oci.' },
};

/** The manifest's media type. Throws RegistryError. */
export function checkManifest(
  contents: ContentStore,
  repository: string,
  content: Buffer,
  contentType: string | undefined,
): string {
  const manifest = parse(content);
  const mediaType = manifest.mediaType ?? contentType ?? OCI_MANIFEST;
  const family = FAMILIES[mediaType];
  if (family === undefined) {
    throw invalid(`${mediaType} is no media type of a manifest that is taken here`);
  }
  if (contentType !== undefined && contentType !== mediaType) {
    throw invalid(`mediaType in the manifest is ${mediaType}, and the request says ${contentType}`);
  }
  const isIndex = mediaType === OCI_INDEX || mediaType === DOCKER_LIST;
  const { config, layers = [], manifests = [] } = manifest;
  if (!isIndex && config === undefined) {
    throw invalid('an image manifest has to have a config');
  }
  const named = isIndex ? manifests : [config as Descriptor, ...layers];
  for (const descriptor of named) {
    checkDescriptor(descriptor);
    if (descriptor.mediaType.startsWith(family.foreign)) {
      throw invalid(`${descriptor.mediaType} may not be in a manifest of ${family.name}: ${mediaType}`);
    }
    const size = isIndex
      ? contents.manifest(repository, descriptor.digest)?.content.length
      : contents.blobSize(repository, descriptor.digest);
    if (size === undefined) {
      throw new RegistryError('MANIFEST_BLOB_UNKNOWN', `${repository} has no ${descriptor.digest}: push it first`);
    }
    if (size !== descriptor.size) {
      throw invalid(`${descriptor.digest} has ${size} bytes, and the manifest says ${descriptor.size}`);
    }
  }
  return mediaType;
}

function parse(content: Buffer): Manifest {
  let manifest: Partial<Manifest> | null;
  try {
    manifest = JSON.parse(content.toString('utf8'));
  } catch {
    throw invalid('the manifest is no JSON');
  }
  const isList = (value: unknown) => value === undefined || Array.isArray(value);
  if (typeof manifest !== 'object' || manifest?.schemaVersion !== 2) {
    throw invalid('the manifest is not of schemaVersion 2');
  }
  if (!isList(manifest.layers) || !isList(manifest.manifests)) {
    throw invalid('layers and manifests have to be lists');
  }
  return manifest as Manifest;
}

function checkDescriptor(value: Partial<Descriptor> | null): void {
  const isOne =
    typeof value?.mediaType === 'string' &&
    /^sha256:[0-9a-f]{64}$/.test(String(value.digest)) &&
    Number.isSafeInteger(value.size);
  if (!isOne) {
    throw invalid('a descriptor has to have mediaType, digest (sha256) and size');
  }
}

function invalid(message: string): RegistryError {
  return new RegistryError('MANIFEST_INVALID', message);
}
