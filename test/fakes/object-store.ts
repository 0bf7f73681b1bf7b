/** An ObjectStore in memory: real etags, key order, pages and a clock that tests set. */
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import type { ObjectStore, StoredObject } from '#shared/clients/object-store.ts';
import { PermanentError } from '#shared/events/errors.ts';

interface Stored {
  body: Buffer;
  etag: string;
  contentType: string;
  modified: Date;
}

/** The methods of the port, for `failNext` and `calls`. */
type Method = keyof ObjectStore;

export class InMemoryObjectStore implements ObjectStore {
  /** S3's Date header: whole seconds. Undefined: the real time. */
  date: Date | undefined;
  pageSize = 1000;
  /** Every call in order, as `method bucket/key`. */
  readonly calls: string[] = [];
  /** Called before each `open`: lets a test change the source while it is read. */
  onOpen: ((bucket: string, key: string) => void) | undefined;

  readonly #buckets = new Map<string, Map<string, Stored>>();
  readonly #failures = new Map<Method, Error[]>();

  constructor(...buckets: string[]) {
    for (const bucket of buckets) {
      this.#buckets.set(bucket, new Map());
    }
  }

  /** Stores an object, making its bucket where there is none. */
  put(bucket: string, key: string, body: string | Buffer, contentType = 'application/octet-stream'): this {
    const bytes = Buffer.from(body as string);
    const objects = this.#buckets.get(bucket) ?? new Map<string, Stored>();
    this.#buckets.set(bucket, objects);
    const etag = createHash('md5').update(bytes).digest('hex');
    objects.set(key, { body: bytes, etag, contentType, modified: this.#now() });
    return this;
  }

  /** The bytes of an object; undefined where there is none. */
  peek(bucket: string, key: string): Buffer | undefined {
    return this.#buckets.get(bucket)?.get(key)?.body;
  }

  json(bucket: string, key: string): unknown {
    const body = this.peek(bucket, key);
    return body === undefined ? undefined : JSON.parse(body.toString());
  }

  keys(bucket: string, prefix = ''): string[] {
    return [...(this.#buckets.get(bucket)?.keys() ?? [])].filter((key) => key.startsWith(prefix)).sort(byUtf8);
  }

  /** The next call of this method throws; several calls queue up. */
  failNext(method: Method, error: Error): void {
    this.#failures.set(method, [...(this.#failures.get(method) ?? []), error]);
  }

  async *list(bucket: string, prefix: string): AsyncIterable<{ objects: StoredObject[]; date: Date }> {
    this.#enter('list', bucket, prefix);
    const objects = this.#objects(bucket);
    const keys = this.keys(bucket, prefix);
    for (let start = 0; start === 0 || start < keys.length; start += this.pageSize) {
      const page = keys.slice(start, start + this.pageSize).flatMap((key) => {
        const stored = objects.get(key);
        return stored ? [{ key, size: stored.body.length, etag: stored.etag, modified: stored.modified }] : [];
      });
      yield { objects: page, date: this.#now() };
    }
  }

  async open(bucket: string, key: string): Promise<{ body: Readable; etag: string; size: number } | undefined> {
    this.onOpen?.(bucket, key);
    this.#enter('open', bucket, key);
    const stored = this.#objects(bucket).get(key);
    return stored && { body: Readable.from(chunksOf(stored.body)), etag: stored.etag, size: stored.body.length };
  }

  async read(bucket: string, key: string): Promise<{ text: string | undefined; date: Date }> {
    this.#enter('read', bucket, key);
    return { text: this.#objects(bucket).get(key)?.body.toString(), date: this.#now() };
  }

  async write(bucket: string, key: string, body: string | Buffer, contentType: string): Promise<void> {
    this.#enter('write', bucket, key);
    this.#objects(bucket);
    this.put(bucket, key, body, contentType);
  }

  async create(bucket: string, key: string, body: string, contentType: string): Promise<boolean> {
    this.#enter('create', bucket, key);
    if (this.#objects(bucket).has(key)) {
      return false;
    }
    this.put(bucket, key, body, contentType);
    return true;
  }

  async upload(bucket: string, key: string, body: Readable, contentType: string): Promise<void> {
    this.#enter('upload', bucket, key);
    this.#objects(bucket);
    this.put(bucket, key, await buffer(body), contentType);
  }

  async copy(bucket: string, from: string, to: string): Promise<void> {
    this.#enter('copy', bucket, `${from} -> ${to}`);
    const stored = this.#objects(bucket).get(from);
    if (!stored) {
      throw new PermanentError('NoSource', `there is no object ${from} in bucket ${bucket}`);
    }
    this.#objects(bucket).set(to, { ...stored, modified: this.#now() });
  }

  async remove(bucket: string, keys: string[]): Promise<void> {
    this.#enter('remove', bucket, keys.join(' '));
    for (const key of keys) {
      this.#objects(bucket).delete(key);
    }
  }

  #enter(method: Method, bucket: string, key: string): void {
    this.calls.push(`${method} ${bucket}/${key}`);
    const error = this.#failures.get(method)?.shift();
    if (error) {
      throw error;
    }
  }

  #objects(bucket: string): Map<string, Stored> {
    const objects = this.#buckets.get(bucket);
    if (!objects) {
      throw new PermanentError('NoSource', `there is no bucket ${bucket}`);
    }
    return objects;
  }

  #now(): Date {
    return this.date ?? new Date(Math.floor(Date.now() / 1000) * 1000);
  }
}

/** S3 lists in the order of UTF-8 bytes, which is not that of UTF-16 code units. */
function byUtf8(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

function* chunksOf(body: Buffer): Iterable<Buffer> {
  for (let start = 0; start < body.length; start += 65_536) {
    yield body.subarray(start, start + 65_536);
  }
}
