/**
 * Uploads of blobs, as https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pushing-blobs has it. A
 * blob is there only once its last request was answered, so an upload that breaks off leaves nothing.
 */
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { RetryableError } from '#shared/events/errors.ts';
import { type ChunkReader, chunkReader } from './chunk-reader.ts';
import type { Descriptor } from './oci-registry.ts';
import type { RegistryAddress } from './registry-address.ts';
import { registryCodes, registryError, registryRefusal } from './registry-failure.ts';
import { type HttpAnswer, resolved } from './registry-http.ts';
import { digestOf, refused } from './registry-manifests.ts';
import type { RegistryRequests } from './registry-requests.ts';

type Content = Pick<Descriptor, 'digest' | 'size'>;

export interface Upload {
  to: RegistryAddress;
  /** Called again where an upload is lost. Its errors are thrown as they are. */
  open: () => Promise<Readable> | Readable;
  /** What the content has to be, where that is known. */
  expected?: Content;
  /** An upload that has begun already. */
  location?: URL | undefined;
}

export interface RegistryUploads {
  has(address: RegistryAddress, digest: string): Promise<boolean>;
  /** Also where the blob was there already. */
  upload(upload: Upload): Promise<Content>;
  /** Where the registry mounts nothing, it may have begun an upload, and says where. */
  mount(to: RegistryAddress, digest: string, from: RegistryAddress): Promise<'mounted' | URL | undefined>;
  /** Drops what has begun, as far as the registry lets us. */
  abort(to: RegistryAddress, location: URL): Promise<void>;
}

const MIB = 1024 * 1024;
/** So much of each upload is in memory. ECR takes parts of 5 to 20 MiB. */
const CHUNK = 8 * MIB;
const LARGEST_CHUNK = 64 * MIB;
const ATTEMPTS = 3;

/** An answer to HEAD has no words. What follows is refused too, and says why. */
export const ANSWERS_TO_HEAD = [200, 401, 403, 404];
/** Some of these also say that a chunk has arrived twice, or only in part. */
const LOST_CODES = ['BLOB_UPLOAD_UNKNOWN', 'BLOB_UPLOAD_INVALID', 'DIGEST_INVALID', 'RANGE_INVALID', 'SIZE_INVALID'];
const MAYBE_LOST = [400, 404, 416];
/** What some registries answer to a mount that they do not do. */
const NO_MOUNT = [400, 403, 404, 405];

/** What is uploaded. Where it turns out to be nothing to upload, an upload that has begun is dropped. */
interface Source {
  location: URL | undefined;
  read: ChunkReader['read'];
  check(content: Content): Promise<void>;
}

/** The upload has to begin again. */
class UploadLost extends Error {
  readonly reason: Error;

  constructor(reason: Error) {
    super(reason.message);
    this.reason = reason;
  }
}

/** A stream whose errors mean that it has to be opened again. */
export function reopenable(stream: Readable, doing: string): Readable {
  return Readable.from(
    (async function* () {
      try {
        yield* stream;
      } catch (error) {
        throw new UploadLost(registryError(error, doing));
      }
    })(),
    { objectMode: false },
  );
}

export function registryUploads({ ask }: RegistryRequests): RegistryUploads {
  const octets = { 'content-type': 'application/octet-stream' };

  async function has(address: RegistryAddress, digest: string): Promise<boolean> {
    const doing = `looking for ${digest} in ${address.name}`;
    const to = `blobs/${digest}`;
    const { status } = await ask({ address, to, doing, method: 'HEAD', access: 'pull,push', expects: ANSWERS_TO_HEAD });
    return status === 200;
  }

  async function begin(to: RegistryAddress): Promise<{ location: URL; chunk: number }> {
    const doing = `beginning an upload to ${to.name}`;
    const request = { address: to, to: 'blobs/uploads/', doing, method: 'POST', access: 'pull,push' } as const;
    const answer = await ask({ ...request, expects: [202] });
    const least = Number(answer.headers['oci-chunk-min-length'] ?? 0);
    if (least > LARGEST_CHUNK) {
      throw refused(`${to.host} takes no chunks smaller than ${least} bytes, and ${LARGEST_CHUNK} are kept in memory`);
    }
    return { location: locationOf(answer), chunk: Math.max(CHUNK, least) };
  }

  async function small(to: RegistryAddress, content: Content, bytes: Buffer, location?: URL): Promise<Content> {
    if (!location && (await has(to, content.digest))) {
      return content;
    }
    await finish(to, location ?? (await begin(to)).location, content.digest, bytes);
    return content;
  }

  /** Not repeated: a chunk that arrives twice spoils the upload. It is then lost, and begins again. */
  async function patch(to: RegistryAddress, location: URL, bytes: Buffer, offset: number): Promise<URL> {
    const doing = `uploading to ${to.name}`;
    const headers = { ...octets, 'content-range': `${offset}-${offset + bytes.length - 1}` };
    const request = { address: to, to: location, doing, headers, body: bytes, access: 'pull,push' } as const;
    const answer = await ask({
      ...request,
      method: 'PATCH',
      isRepeatable: false,
      expects: [202, 204, ...MAYBE_LOST],
    }).catch((error) => {
      throw error instanceof RetryableError ? new UploadLost(error) : error;
    });
    if (MAYBE_LOST.includes(answer.status)) {
      throw refusalOf(answer, doing, to);
    }
    return answer.headers.location === undefined ? location : locationOf(answer);
  }

  async function finish(to: RegistryAddress, location: URL, digest: string, bytes?: Buffer): Promise<void> {
    const doing = `uploading ${digest} to ${to.name}`;
    const url = new URL(location);
    url.search += `${url.search ? '&' : '?'}digest=${encodeURIComponent(digest)}`;
    const request = { address: to, to: url, doing, headers: octets, access: 'pull,push' } as const;
    const answer = await ask({
      ...request,
      ...(bytes ? { body: bytes } : {}),
      method: 'PUT',
      expects: [201, 204, ...MAYBE_LOST],
    });
    // Where only the first answer was lost, the repeat finds the blob in place of the upload.
    if (MAYBE_LOST.includes(answer.status) && !(await has(to, digest))) {
      throw refusalOf(answer, doing, to);
    }
  }

  async function large(to: RegistryAddress, source: Source, first: Buffer): Promise<Content> {
    const { location, chunk } = source.location ? { location: source.location, chunk: CHUNK } : await begin(to);
    source.location = location;
    const hash = createHash('sha256');
    let piece = { bytes: first, isLast: false };
    if (first.length < chunk) {
      const more = await source.read(chunk - first.length);
      piece = { bytes: Buffer.concat([first, more.bytes]), isLast: more.isLast };
    }
    let size = 0;
    for (;;) {
      hash.update(piece.bytes);
      source.location = await patch(to, source.location, piece.bytes, size);
      size += piece.bytes.length;
      if (piece.isLast) {
        break;
      }
      piece = await source.read(chunk);
    }
    const content = { digest: `sha256:${hash.digest('hex')}`, size };
    await source.check(content);
    await finish(to, source.location, content.digest);
    return content;
  }

  async function once({ to, open, expected }: Upload, location: URL | undefined): Promise<Content> {
    const opened = open();
    const reader = chunkReader(opened instanceof Promise ? await opened : opened);

    async function dropping<Result>(work: () => Promise<Result> | Result): Promise<Result> {
      try {
        return await work();
      } catch (error) {
        if (source.location) {
          await abort(to, source.location);
        }
        throw error;
      }
    }
    const source: Source = {
      location,
      read: (size) => dropping(() => reader.read(size)),
      check: (content) => dropping(() => check(content, expected, to)),
    };

    try {
      const { bytes, isLast } = await source.read(CHUNK);
      if (!isLast) {
        return await large(to, source, bytes);
      }
      const content = { digest: digestOf(bytes), size: bytes.length };
      await source.check(content);
      return await small(to, content, bytes, location);
    } finally {
      reader.close();
    }
  }

  async function abort(to: RegistryAddress, location: URL): Promise<void> {
    const doing = `dropping an upload to ${to.name}`;
    const request = { address: to, to: location, doing, method: 'DELETE', access: 'pull,push' } as const;
    await ask({ ...request, isRepeatable: false, expects: [204] }).catch(() => undefined);
  }

  return {
    has,
    abort,
    async upload(upload) {
      let location = upload.location;
      for (let attempt = 1; ; attempt++) {
        try {
          return await once(upload, location);
        } catch (error) {
          if (!(error instanceof UploadLost)) {
            throw error;
          }
          if (attempt === ATTEMPTS) {
            throw error.reason;
          }
          location = undefined;
        }
      }
    },
    async mount(to, digest, from) {
      const doing = `mounting ${digest} of ${from.name} in ${to.name}`;
      const query = `mount=${encodeURIComponent(digest)}&from=${encodeURIComponent(from.path)}`;
      const request = { address: to, to: `blobs/uploads/?${query}`, doing, from, access: 'pull,push' } as const;
      const answer = await ask({ ...request, method: 'POST', expects: [201, 202, ...NO_MOUNT] });
      if (answer.status === 201) {
        return 'mounted';
      }
      return answer.status === 202 ? locationOf(answer) : undefined;
    },
  };
}

function locationOf({ headers, url }: HttpAnswer): URL {
  if (!headers.location) {
    throw refused(`${url.host} did not say where an upload goes`);
  }
  return resolved(headers.location, url);
}

/** Where the upload is lost, the same content may succeed at the next. */
function refusalOf(answer: HttpAnswer, doing: string, address: RegistryAddress): Error {
  const codes = registryCodes(answer);
  const isUnknown = codes.length === 0 && answer.status === 404;
  const isLost = isUnknown || answer.status === 416 || codes.some((code) => LOST_CODES.includes(code));
  const refusal = registryRefusal(answer, doing, address);
  return isLost ? new UploadLost(new RetryableError('Unavailable', refusal.message)) : refusal;
}

function check(content: Content, expected: Content | undefined, to: RegistryAddress): void {
  if (expected && (content.digest !== expected.digest || content.size !== expected.size)) {
    const message = `what was read as ${expected.digest} (${expected.size} bytes) for ${to.name} is ${content.digest} (${content.size} bytes): the registry that it comes from has spoilt it. Push the image there again`;
    throw refused(message);
  }
}
