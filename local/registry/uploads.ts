/** Uploads of blobs, in one piece or in chunks. */
import { createHash, type Hash, randomUUID } from 'node:crypto';
import { createWriteStream, rmSync, truncateSync, writeFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { type ContentStore, isDigest } from './content-store.ts';
import { RegistryError } from './registry-error.ts';

const LARGEST_BLOB = 8 * 1024 ** 3;
const MOST_UPLOADS = 1000;

export interface Upload {
  id: string;
  repository: string;
  /** Bytes that have arrived. */
  size: number;
  file: string;
  hash: Hash;
  isBusy: boolean;
}

export class Uploads {
  readonly #contents: ContentStore;
  readonly #underWay = new Map<string, Upload>();

  constructor(contents: ContentStore) {
    this.#contents = contents;
  }

  begin(repository: string): Upload {
    if (this.#underWay.size >= MOST_UPLOADS) {
      throw new RegistryError('TOOMANYREQUESTS', `${MOST_UPLOADS} uploads are under way`);
    }
    const file = this.#contents.newFile();
    writeFileSync(file, '');
    const upload = { id: randomUUID(), repository, size: 0, file, hash: createHash('sha256'), isBusy: false };
    this.#underWay.set(upload.id, upload);
    return upload;
  }

  find(repository: string, id: string): Upload {
    const upload = this.#underWay.get(id);
    if (upload?.repository !== repository) {
      throw new RegistryError('BLOB_UPLOAD_UNKNOWN', `${repository} has no such upload under way`);
    }
    return upload;
  }

  /** All of the request's body, or nothing where it breaks off: then the chunk may be sent again. */
  async append(upload: Upload, request: IncomingMessage): Promise<void> {
    checkRange(upload, request);
    if (upload.isBusy) {
      throw new RegistryError('BLOB_UPLOAD_INVALID', 'another request writes to this upload');
    }
    upload.isBusy = true;
    const hash = upload.hash.copy();
    let { size } = upload;
    const counted = async function* () {
      for await (const piece of request as AsyncIterable<Buffer>) {
        size += piece.length;
        if (size > LARGEST_BLOB) {
          throw new RegistryError('SIZE_INVALID', `a blob may have ${LARGEST_BLOB} bytes`);
        }
        hash.update(piece);
        yield piece;
      }
    };
    try {
      await pipeline(counted, createWriteStream(upload.file, { flags: 'a' }));
      Object.assign(upload, { size, hash });
    } catch (error) {
      truncateSync(upload.file, upload.size);
      throw error;
    } finally {
      upload.isBusy = false;
    }
  }

  /** The upload is over, whether its digest is right or not. */
  end(upload: Upload, digest: string): void {
    const actual = `sha256:${upload.hash.copy().digest('hex')}`;
    if (!isDigest(digest) || actual !== digest) {
      this.drop(upload);
      throw new RegistryError('DIGEST_INVALID', `what was uploaded is ${actual}, and not ${JSON.stringify(digest)}`);
    }
    this.#underWay.delete(upload.id);
    this.#contents.addBlob(upload.repository, digest, upload.file);
  }

  drop(upload: Upload): void {
    this.#underWay.delete(upload.id);
    rmSync(upload.file, { force: true });
  }
}

/** A chunk says where it begins, which has to be where the last one ended. */
function checkRange({ size }: Upload, { headers }: IncomingMessage): void {
  const range = headers['content-range'];
  if (range === undefined) {
    return;
  }
  const [, from, to] = /^(?:bytes )?(\d+)-(\d+)(?:\/\S+)?$/.exec(range) ?? [];
  if (from === undefined || to === undefined) {
    throw new RegistryError('RANGE_INVALID', 'Content-Range has to be from-to');
  }
  if (Number(from) !== size) {
    throw new RegistryError('RANGE_INVALID', `the upload goes on at ${size}, not at ${from}`);
  }
  const length = headers['content-length'];
  if (length !== undefined && Number(length) !== Number(to) - Number(from) + 1) {
    throw new RegistryError('SIZE_INVALID', `the chunk ${range} has ${length} bytes`);
  }
}
