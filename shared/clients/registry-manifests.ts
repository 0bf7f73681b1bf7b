/** Reads what a registry says an image is, and writes manifests so that the same one has the same digest everywhere. */
import { createHash } from 'node:crypto';
import * as z from 'zod';
import { bounded } from '#shared/bounded-text.ts';
import { PermanentError } from '#shared/events/errors.ts';
import { type Descriptor, DOCKER_MANIFEST, type ImageConfig, type Manifest, OCI_MANIFEST } from './oci-registry.ts';

const IMAGES = [OCI_MANIFEST, DOCKER_MANIFEST];
const INDEXES = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
];
export const ACCEPTED_MANIFESTS = [...IMAGES, ...INDEXES].join(', ');

const DIGEST = /^sha256:[0-9a-f]{64}$/;
const TAG = /^\w[\w.-]{0,127}$/;

const descriptorSchema = z.looseObject({
  mediaType: z.string(),
  digest: z.string().regex(DIGEST),
  size: z.int().nonnegative(),
});
const manifestSchema = z.looseObject({
  schemaVersion: z.literal(2),
  config: descriptorSchema,
  layers: z.array(descriptorSchema),
  manifests: z.undefined().optional(),
});
const indexSchema = z.looseObject({
  schemaVersion: z.literal(2),
  manifests: z.array(
    descriptorSchema.extend({ platform: z.looseObject({ os: z.string(), architecture: z.string() }).optional() }),
  ),
  layers: z.undefined().optional(),
});
const configSchema = z.looseObject({
  architecture: z.string(),
  os: z.string(),
  rootfs: z.looseObject({ type: z.literal('layers'), diff_ids: z.array(z.string().regex(DIGEST)) }),
});

export function digestOf(bytes: Buffer): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

export function isDigest(reference: string): boolean {
  return DIGEST.test(reference);
}

/** Throws PermanentError('Refused'): what is neither a tag nor a digest would be another path. */
export function checkReference(reference: string): void {
  if (!TAG.test(reference) && !DIGEST.test(reference)) {
    throw refused(`${JSON.stringify(bounded(reference))} is neither a tag nor a digest by sha256 of an image`);
  }
}

/**
 * A manifest, or the descriptor of the one for `architecture` where `body` is an index. `name` is what was asked for.
 * Throws PermanentError('Refused') for anything else, such as a manifest of schema 1.
 */
export function readManifest(
  body: Buffer,
  contentType: string | undefined,
  { name, architecture }: { name: string; architecture: string },
): { manifest: Manifest } | { entry: Descriptor } {
  const json = parse(body, name);
  const mediaType = mediaTypeOf(json, contentType, name);
  if (IMAGES.includes(mediaType)) {
    if (!manifestSchema.safeParse(json).success) {
      throw refused(`${name} has a manifest that does not name its config and layers as ${mediaType} has to`);
    }
    return { manifest: Object.freeze({ ...(json as Manifest), mediaType }) };
  }
  if (!INDEXES.includes(mediaType)) {
    const message = `${name} is ${bounded(mediaType)}, which is not supported: push it again as an OCI image, or as a Docker image of schema 2`;
    throw refused(message);
  }
  const { data } = indexSchema.safeParse(json);
  const entries = data?.manifests ?? [];
  const entry = entries.find(
    ({ platform, mediaType }) =>
      IMAGES.includes(mediaType) && platform?.os === 'linux' && platform.architecture === architecture,
  );
  if (!entry) {
    const platforms = entries.map(({ platform }) => (platform ? `${platform.os}/${platform.architecture}` : 'unnamed'));
    const others = bounded([...new Set(platforms)].join(', '));
    throw refused(`${name} has no image for linux/${architecture}, but for: ${others || 'none'}. Use one that has`);
  }
  return { entry };
}

/** Throws PermanentError('Refused') where it is no config of an image that runs here. */
export function readConfig(
  body: Buffer,
  { layers }: Manifest,
  { name, architecture }: { name: string; architecture: string },
): ImageConfig {
  const json = parse(body, name);
  const { data } = configSchema.safeParse(json);
  if (!data) {
    throw refused(`${name} has a config that is none of a container image`);
  }
  if (data.os !== 'linux' || data.architecture !== architecture) {
    const platform = bounded(`${data.os}/${data.architecture}`);
    throw refused(`${name} is an image for ${platform}, not for linux/${architecture}. Use one that is`);
  }
  if (data.rootfs.diff_ids.length !== layers.length) {
    throw refused(`${name} has ${layers.length} layers, and its config tells of ${data.rootfs.diff_ids.length}`);
  }
  return json as ImageConfig;
}

/** Fields in a fixed order: the digest must not depend on how the object was made. */
export function manifestBytes(manifest: Manifest): Buffer {
  return Buffer.from(JSON.stringify(manifest, inOrder));
}

const ORDER = ['schemaVersion', 'mediaType', 'config', 'digest', 'size', 'layers'];

/** For JSON.stringify. Fields that are not in ORDER follow by name. */
function inOrder(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return value;
  }
  const rank = (key: string) => ORDER.indexOf(key) + 1 || ORDER.length + 1;
  const entries = Object.entries(value);
  return Object.fromEntries(entries.sort(([one], [other]) => rank(one) - rank(other) || (one < other ? -1 : 1)));
}

/**
 * What the body says about itself has to be what the registry says, or two clients could read two images in one digest
 * (CVE-2021-41190).
 */
function mediaTypeOf(json: unknown, contentType: string | undefined, name: string): string {
  const said = (json as { mediaType?: unknown } | null)?.mediaType;
  const header = contentType?.split(';')[0]?.trim().toLowerCase();
  const isNamed = header?.startsWith('application/vnd.') === true;
  if (isNamed && typeof said === 'string' && said !== header) {
    throw refused(`${name} says that it is ${bounded(said)}, and the registry says ${bounded(header)}`);
  }
  return isNamed ? header : typeof said === 'string' ? said : (header ?? 'of an unnamed type');
}

/** Frozen, since it is kept and shared. */
function parse(body: Buffer, name: string): unknown {
  try {
    return JSON.parse(body.toString(), (_key, value) => Object.freeze(value));
  } catch {
    throw refused(`${name} is no JSON where a manifest or config is due`);
  }
}

export function refused(message: string): PermanentError {
  return new PermanentError('Refused', message);
}
