/** The OciRegistry by the HTTP API of registries: https://github.com/opencontainers/distribution-spec. */
import { RetryableError } from '#shared/events/errors.ts';
import { imageCache } from './image-cache.ts';
import type { Descriptor, Image, OciRegistry } from './oci-registry.ts';
import { type RegistryAddress, registryAddress } from './registry-address.ts';
import { BLOB_UNKNOWN, registryCodes, registryRefusal } from './registry-failure.ts';
import type { HttpAnswer } from './registry-http.ts';
import {
  ACCEPTED_MANIFESTS,
  checkReference,
  digestOf,
  isDigest,
  manifestBytes,
  readConfig,
  readManifest,
  refused,
} from './registry-manifests.ts';
import { type RegistryAccess, registryRequests } from './registry-requests.ts';
import { ANSWERS_TO_HEAD, registryUploads, reopenable } from './registry-uploads.ts';

export interface OciSettings extends RegistryAccess {
  /** Of the images: `amd64`, `arm64`. Left out: of this process. */
  architecture?: string | undefined;
  /** REGISTRY_ENDPOINT: one server that answers for all registries, as a mirror of containerd's does. */
  endpoint?: string | undefined;
}

interface Read {
  body: Buffer;
  digest: string;
  contentType: string | undefined;
}

const MIB = 1024 * 1024;
/** distribution's own limit. */
const LARGEST_MANIFEST = 4 * MIB;
const LARGEST_CONFIG = 8 * MIB;

const ARCHITECTURES: Partial<Record<NodeJS.Architecture, string>> = { x64: 'amd64' };

/** What registries answer to a tag that has to stay as it is, or to a manifest whose blobs they lack. */
const NOT_TAKEN = [400, 403, 404, 405, 409, 412, 422];

/** One per process: it keeps connections, tokens and images. */
export function createOciRegistry(settings: OciSettings): OciRegistry & { close(): void } {
  const { architecture = ARCHITECTURES[process.arch] ?? process.arch, endpoint } = settings;
  const requests = registryRequests(settings);
  const uploads = registryUploads(requests);
  const images = imageCache();
  const addressOf = (repository: string) => registryAddress(repository, endpoint);

  /** Undefined where there is none. Checked against its digest. */
  async function read(
    address: RegistryAddress,
    to: string,
    limit: number,
    expected?: string,
  ): Promise<Read | undefined> {
    const doing = `reading ${to} of ${address.name}`;
    const request = { address, to, doing, headers: { accept: ACCEPTED_MANIFESTS }, limit } as const;
    const answer = await requests.ask({ ...request, method: 'GET', access: 'pull', expects: [200, 404] });
    if (answer.status === 404) {
      return undefined;
    }
    const { body, headers } = answer;
    const digest = digestOf(body);
    const said = expected ?? toldDigest(answer);
    if (said !== undefined && said !== digest) {
      throw refused(`${doing} gave ${digest} where ${said} is due: the registry has spoilt it. Push the image again`);
    }
    return { body, digest, contentType: headers['content-type'] };
  }

  async function readReference(address: RegistryAddress, reference: string): Promise<Image | undefined> {
    const name = `${address.name}${isDigest(reference) ? '@' : ':'}${reference}`;
    const expected = isDigest(reference) ? reference : undefined;
    const found = await read(address, `manifests/${reference}`, LARGEST_MANIFEST, expected);
    if (!found) {
      return undefined;
    }
    const known = images.get(address.name, found.digest);
    if (known) {
      return known;
    }
    const parsed = readManifest(found.body, found.contentType, { name, architecture });
    if ('manifest' in parsed) {
      return await withConfig(address, name, found, parsed.manifest);
    }
    const { digest } = parsed.entry;
    const image = images.get(address.name, digest) ?? (await readEntry(address, digest));
    if (image) {
      images.keep(address.name, found.digest, image, found.body.length);
    }
    return image;
  }

  async function readEntry(address: RegistryAddress, digest: string): Promise<Image | undefined> {
    const name = `${address.name}@${digest}`;
    const found = await read(address, `manifests/${digest}`, LARGEST_MANIFEST, digest);
    const parsed = found && readManifest(found.body, found.contentType, { name, architecture });
    if (parsed && 'entry' in parsed) {
      throw refused(`${name} is an index within an index. Name the image in it by its digest`);
    }
    return found && parsed && (await withConfig(address, name, found, parsed.manifest));
  }

  async function withConfig(address: RegistryAddress, name: string, found: Read, manifest: Image['manifest']) {
    const { digest } = manifest.config;
    const config = await read(address, `blobs/${digest}`, LARGEST_CONFIG, digest);
    if (!config) {
      return undefined;
    }
    const image = Object.freeze({
      digest: found.digest,
      manifest,
      config: readConfig(config.body, manifest, { name, architecture }),
    });
    images.keep(address.name, found.digest, image, found.body.length + config.body.length);
    return image;
  }

  /** False where `from` does not have it. */
  async function copy(
    to: RegistryAddress,
    { digest, size }: Descriptor,
    from: RegistryAddress,
    location?: URL,
  ): Promise<boolean> {
    const doing = `reading ${digest} of ${from.name}`;
    const open = async () =>
      await requests.ask({
        address: from,
        to: `blobs/${digest}`,
        doing,
        method: 'GET',
        access: 'pull',
        isStreamed: true,
        expects: [200, 404],
      });
    const first = await open();
    if (!first.stream) {
      return false;
    }
    let waiting: HttpAnswer | undefined = first;
    await uploads.upload({
      to,
      location,
      expected: { digest, size },
      async open() {
        const { stream } = waiting ?? (await open());
        waiting = undefined;
        if (!stream) {
          throw new RetryableError('Unavailable', `${doing}: it was there, and is there no more`);
        }
        return reopenable(stream, doing);
      },
    });
    return true;
  }

  /** Whether the registry, which did not take the manifest, has it under this tag already. */
  async function isThere(address: RegistryAddress, tag: string, digest: string): Promise<boolean> {
    const doing = `looking for ${address.name}:${tag}`;
    const request = { address, to: `manifests/${tag}`, doing, headers: { accept: ACCEPTED_MANIFESTS } } as const;
    const answer = await requests.ask({ ...request, method: 'HEAD', access: 'pull,push', expects: ANSWERS_TO_HEAD });
    return answer.status === 200 && toldDigest(answer) === digest;
  }

  return {
    async readImage(repository, reference) {
      checkReference(reference);
      const address = addressOf(repository);
      return images.get(address.name, reference) ?? (await readReference(address, reference));
    },

    async takeBlob(repository, blob, source) {
      const to = addressOf(repository);
      const from = addressOf(source);
      if (await uploads.has(to, blob.digest)) {
        return true;
      }
      const begun =
        to.host !== from.host || to.path === from.path ? undefined : await uploads.mount(to, blob.digest, from);
      if (begun === 'mounted') {
        return true;
      }
      const isTaken = to.name !== from.name && (await copy(to, blob, from, begun));
      if (!isTaken) {
        images.forget(from.name);
        if (begun) {
          await uploads.abort(to, begun);
        }
      }
      return isTaken;
    },

    async pushBlob(repository, mediaType, open) {
      const { digest, size } = await uploads.upload({ to: addressOf(repository), open });
      return { mediaType, digest, size };
    },

    async pushManifest(repository, tag, manifest) {
      checkReference(tag);
      const address = addressOf(repository);
      const body = manifestBytes(manifest);
      const digest = digestOf(body);
      const doing = `writing the manifest of ${address.name}:${tag}`;
      const headers = { 'content-type': manifest.mediaType };
      const request = { address, to: `manifests/${tag}`, doing, headers, body } as const;
      const answer = await requests.ask({
        ...request,
        method: 'PUT',
        access: 'pull,push',
        expects: [201, ...NOT_TAKEN],
      });
      if (answer.status !== 201) {
        const refusal = registryRefusal(answer, doing, address);
        if (registryCodes(answer).some((code) => BLOB_UNKNOWN.includes(code))) {
          throw new RetryableError('Unavailable', refusal.message);
        }
        if (!(await isThere(address, tag, digest))) {
          throw refusal;
        }
      } else if ((toldDigest(answer) ?? digest) !== digest) {
        throw refused(`${doing}: ${address.host} has made ${toldDigest(answer)} of ${digest}, so it is another image`);
      }
      return { digest };
    },

    close() {
      requests.close();
    },
  };
}

/** What a registry says about the content. Another algorithm says nothing to us. */
function toldDigest({ headers }: HttpAnswer): string | undefined {
  const digest = headers['docker-content-digest'];
  return typeof digest === 'string' && isDigest(digest) ? digest : undefined;
}
