/** Where fauxqs keeps objects' bodies: one file each, so that memory does not grow with what is uploaded. */
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * fauxqs' own file storage makes paths of keys, so a key with `../` would write anywhere on the machine, and a key of 300
 * characters nowhere. Here a file's name is a hash. Everything but the bodies stays in memory and ends with the platform.
 */
export class BodyFiles {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
    rmSync(directory, { recursive: true, force: true });
    mkdirSync(directory, { recursive: true });
  }

  upsertObject(bucket: string, object: { key: string; body: Buffer }): void {
    const file = this.#file(bucket, object.key);
    const temporary = `${file}.new`;
    writeFileSync(temporary, object.body);
    renameSync(temporary, file);
  }

  readBody(bucket: string, key: string): Buffer {
    return readFileSync(this.#file(bucket, key));
  }

  deleteObject(bucket: string, key: string): void {
    rmSync(this.#file(bucket, key), { force: true });
  }

  completeMultipartUpload(_uploadId: string, bucket: string, object: { key: string; body: Buffer }): void {
    this.upsertObject(bucket, object);
  }

  renameObject(bucket: string, from: string, to: string): void {
    renameSync(this.#file(bucket, from), this.#file(bucket, to));
  }

  // What fauxqs keeps in memory besides needs no second copy.
  insertBucket(): void {}
  deleteBucket(): void {}
  saveBucketLifecycleConfiguration(): void {}
  deleteBucketLifecycleConfiguration(): void {}
  deleteObjectsByBucket(): void {}
  deleteAllObjects(): void {}
  insertMultipartUpload(): void {}
  upsertMultipartPart(): void {}
  deleteMultipartUpload(): void {}
  deleteAllMultipartUploads(): void {}
  loadS3(): void {}
  purgeAll(): void {}
  close(): void {}

  #file(bucket: string, key: string): string {
    return join(this.#directory, createHash('sha256').update(`${bucket}/${key}`).digest('hex'));
  }
}
