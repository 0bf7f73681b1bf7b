/** Where fauxqs keeps what outlives the platform: bodies in a file each, so that memory does not grow with them, and the rest in a journal. */
import { randomUUID } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BuildAppOptions } from 'fauxqs';
import { Journal } from '#local/disk/journal.ts';

export type S3Store = NonNullable<BuildAppOptions['stores']>['s3Store'];
type S3Object = ReturnType<S3Store['getObject']>;
type Provider = NonNullable<S3Store['persistence']>;

/** All of an object but its body, which is in the file of that name. */
interface Kept {
  bucket: string;
  file: string;
  object: Omit<S3Object, 'body' | 'lastModified'> & { lastModified: string };
}

interface Bucket {
  bucket: string;
  createdAt: string;
  type: Parameters<Provider['insertBucket']>[2];
}

/** A line of the journal. */
type Entry = { put: Kept } | { remove: { bucket: string; key: string } } | { make: Bucket } | { drop: string };

/**
 * fauxqs' own file storage makes paths of keys, so a key with `../` would write anywhere on the machine, and a key of 300 characters nowhere.
 * Here a file's name is random, and no body is ever written over another: the journal's line is what changes an object, so that whoever is
 * killed in between leaves the old one whole. Multipart uploads under way and lifecycle rules are not kept.
 */
export class ObjectFiles implements Provider {
  readonly #bodies: string;
  readonly #buckets = new Map<string, Bucket>();
  readonly #objects = new Map<string, Kept>();
  readonly #journal: Journal<Entry>;

  constructor(directory: string) {
    this.#bodies = join(directory, 'bodies');
    mkdirSync(this.#bodies, { recursive: true });
    this.#journal = new Journal<Entry>(join(directory, 'objects.jsonl'), {
      replay: (entry) => this.#apply(entry),
      snapshot: () => this.#snapshot(),
    });
    this.#removeStrangers();
  }

  loadS3(store: S3Store): void {
    for (const { bucket, createdAt, type } of this.#buckets.values()) {
      store.createBucket(bucket, type);
      store.setBucketCreationDate(bucket, new Date(createdAt));
    }
    for (const { bucket, object } of this.#objects.values()) {
      const lastModified = new Date(object.lastModified);
      store.restoreObject(bucket, { ...object, lastModified, body: Buffer.alloc(0) });
    }
  }

  upsertObject(bucket: string, { body, lastModified, ...rest }: S3Object): void {
    const file = randomUUID();
    writeFileSync(join(this.#bodies, file), body);
    this.#keep({ bucket, file, object: { ...rest, lastModified: lastModified.toISOString() } });
  }

  completeMultipartUpload(_uploadId: string, bucket: string, object: S3Object): void {
    this.upsertObject(bucket, object);
  }

  readBody(bucket: string, key: string): Buffer {
    return readFileSync(join(this.#bodies, this.#objects.get(idOf(bucket, key))?.file ?? ''));
  }

  deleteObject(bucket: string, key: string): void {
    const kept = this.#objects.get(idOf(bucket, key));
    if (kept) {
      this.#write({ remove: { bucket, key } });
      rmSync(join(this.#bodies, kept.file), { force: true });
    }
  }

  deleteObjectsByBucket(bucket: string): void {
    for (const kept of [...this.#objects.values()]) {
      if (kept.bucket === bucket) {
        this.deleteObject(bucket, kept.object.key);
      }
    }
  }

  deleteAllObjects(): void {
    for (const bucket of this.#buckets.keys()) {
      this.deleteObjectsByBucket(bucket);
    }
  }

  renameObject(bucket: string, from: string, to: string): void {
    const kept = this.#objects.get(idOf(bucket, from));
    if (kept && from !== to) {
      this.#keep({ ...kept, object: { ...kept.object, key: to } });
      this.#write({ remove: { bucket, key: from } });
    }
  }

  insertBucket(bucket: string, createdAt: Date, type: Bucket['type']): void {
    if (!this.#buckets.has(bucket)) {
      this.#write({ make: { bucket, createdAt: createdAt.toISOString(), type } });
    }
  }

  deleteBucket(bucket: string): void {
    this.#write({ drop: bucket });
  }

  close(): void {
    this.#journal.close();
  }

  saveBucketLifecycleConfiguration(): void {}
  deleteBucketLifecycleConfiguration(): void {}
  insertMultipartUpload(): void {}
  upsertMultipartPart(): void {}
  deleteMultipartUpload(): void {}
  deleteAllMultipartUploads(): void {}
  purgeAll(): void {}

  /** The body that it replaces goes last: until the line is written, that is the object. */
  #keep(kept: Kept): void {
    const former = this.#objects.get(idOf(kept.bucket, kept.object.key));
    this.#write({ put: kept });
    if (former) {
      rmSync(join(this.#bodies, former.file), { force: true });
    }
  }

  #write(entry: Entry): void {
    this.#journal.append(entry);
    this.#apply(entry);
  }

  #apply(entry: Entry): void {
    if ('put' in entry) {
      this.#objects.set(idOf(entry.put.bucket, entry.put.object.key), entry.put);
    } else if ('remove' in entry) {
      this.#objects.delete(idOf(entry.remove.bucket, entry.remove.key));
    } else if ('make' in entry) {
      this.#buckets.set(entry.make.bucket, entry.make);
    } else {
      this.#buckets.delete(entry.drop);
    }
  }

  *#snapshot(): Iterable<Entry> {
    for (const bucket of this.#buckets.values()) {
      yield { make: bucket };
    }
    for (const kept of this.#objects.values()) {
      yield { put: kept };
    }
  }

  /** Bodies that were being written, or had been replaced, when the platform was killed. */
  #removeStrangers(): void {
    const known = new Set([...this.#objects.values()].map(({ file }) => file));
    for (const file of readdirSync(this.#bodies)) {
      if (!known.has(file)) {
        rmSync(join(this.#bodies, file));
      }
    }
  }
}

/** No bucket's name holds a slash. */
function idOf(bucket: string, key: string): string {
  return `${bucket}/${key}`;
}
