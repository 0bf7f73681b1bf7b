/**
 * Objects on disk: a body is a file of its own, so that memory does not grow with it, and everything else is a line of
 * a journal.
 */
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Journal } from '#local/disk/journal.ts';
import { s3Error } from './xml.ts';

export interface StoredObject {
  key: string;
  /** In quotes, as HTTP has it. */
  etag: string;
  contentLength: number;
  lastModified: string;
  /** Content type and the like, and `x-amz-meta-*`. */
  headers: Record<string, string>;
}

/** What has been received and is no object yet. */
export interface Body {
  file: string;
  etag: string;
  size: number;
}

interface Kept {
  bucket: string;
  file: string;
  object: StoredObject;
}

type Entry =
  | { make: { bucket: string; createdAt: string } }
  | { put: Kept }
  | { remove: { bucket: string; key: string } };

/**
 * A file's name is random: a key is never part of a path, since one with `../` would be written anywhere on the
 * machine. No body is written over another. The journal's line is what changes an object, so that a process that is
 * killed in between leaves the old one whole.
 */
export class ObjectFiles {
  readonly buckets = new Map<string, { bucket: string; createdAt: string; objects: Map<string, Kept> }>();
  readonly #bodies: string;
  readonly #journal: Journal<Entry>;

  constructor(directory: string) {
    this.#bodies = join(directory, 'bodies');
    mkdirSync(this.#bodies, { recursive: true });
    this.#journal = new Journal<Entry>(join(directory, 'objects.jsonl'), {
      replay: (entry) => this.#apply(entry),
      snapshot: () => this.#snapshot(),
    });
    // Where lines are missing, bodies that nothing names may be theirs: they stay for the person who mends the file.
    if (!this.#journal.isWhole) {
      return;
    }
    // Bodies that were being written, or had been replaced, when the platform was killed, and parts of uploads.
    const known = new Set(this.#kept().map(({ file }) => file));
    readdirSync(this.#bodies)
      .filter((file) => !known.has(file))
      .forEach(this.discard);
  }

  objectsOf(bucket: string): ReadonlyMap<string, Kept> {
    const found = this.buckets.get(bucket);
    if (found === undefined) {
      throw s3Error(404, 'NoSuchBucket', 'The specified bucket does not exist');
    }
    return found.objects;
  }

  createBucket(bucket: string): void {
    if (!this.buckets.has(bucket)) {
      this.#write({ make: { bucket, createdAt: new Date().toISOString() } });
    }
  }

  put(bucket: string, key: string, { file, etag, size }: Body, headers: StoredObject['headers']): StoredObject {
    const former = this.objectsOf(bucket).get(key);
    const object = { key, etag, contentLength: size, lastModified: new Date().toISOString(), headers };
    this.#write({ put: { bucket, file, object } });
    // Last: until the line was written, it was the object.
    if (former !== undefined) {
      this.discard(former.file);
    }
    return object;
  }

  remove(bucket: string, key: string): void {
    const kept = this.objectsOf(bucket).get(key);
    if (kept !== undefined) {
      this.#write({ remove: { bucket, key } });
      this.discard(kept.file);
    }
  }

  path = (file: string): string => join(this.#bodies, file);

  discard = (file: string): void => rmSync(this.path(file), { force: true });

  close(): void {
    this.#journal.close();
  }

  #write(entry: Entry): void {
    this.#journal.append(entry);
    this.#apply(entry);
  }

  #apply(entry: Entry): void {
    if ('make' in entry) {
      this.buckets.set(entry.make.bucket, { ...entry.make, objects: new Map() });
    } else if ('put' in entry) {
      const { bucket, object } = entry.put;
      // The line that made the bucket may be one that could not be read.
      const found = this.buckets.get(bucket) ?? { bucket, createdAt: object.lastModified, objects: new Map() };
      found.objects.set(object.key, entry.put);
      this.buckets.set(bucket, found);
    } else {
      this.buckets.get(entry.remove.bucket)?.objects.delete(entry.remove.key);
    }
  }

  #kept(): Kept[] {
    return [...this.buckets.values()].flatMap(({ objects }) => [...objects.values()]);
  }

  #snapshot(): Entry[] {
    const buckets = [...this.buckets.values()].map(({ bucket, createdAt }) => ({ make: { bucket, createdAt } }));
    return [...buckets, ...this.#kept().map((put) => ({ put }))];
  }
}
