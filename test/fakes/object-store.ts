/**
 * An ObjectStore in memory with the rules of S3: strong consistency, the last writer wins, real ETags, order of keys,
 * pages, a clock of whole seconds.
 */
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import type { ListFrom, ObjectStore, StoredObject } from '#shared/clients/object-store.ts';
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
  /** The time of the Date header. Undefined: the real time. */
  date: Date | undefined;
  pageSize = 1000;
  /** Every call in order, as `method bucket/key`. */
  readonly calls: string[] = [];
  /** Counts every object that was written or removed. */
  changes = 0;
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
    this.changes += 1;
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
    const keys = [...(this.#buckets.get(bucket)?.keys() ?? [])].filter((key) => key.startsWith(prefix)).sort();
    return keys.some((key) => SURROGATE.test(key)) ? keys.sort(byUtf8) : keys;
  }

  /** The next call of this method throws; several calls queue up. */
  failNext(method: Method, error: Error): void {
    this.#failures.set(method, [...(this.#failures.get(method) ?? []), error]);
  }

  async *list(
    bucket: string,
    prefix: string,
    from: ListFrom = {},
  ): AsyncIterable<{ objects: StoredObject[]; date: Date }> {
    this.#enter('list', bucket, prefix);
    for (let after: string | undefined = from.after ?? ''; after !== undefined; ) {
      const { objects, date, more } = this.page(bucket, prefix, after, from.limit);
      yield { objects, date };
      after = more ? objects.at(-1)?.key : undefined;
    }
  }

  /** The answer to one request of a listing: the keys after `after`. */
  page(
    bucket: string,
    prefix: string,
    after: string,
    limit: number = this.pageSize,
  ): { objects: StoredObject[]; date: Date; more: boolean } {
    const stored = this.#objects(bucket);
    const keys = this.keys(bucket, prefix);
    const start = after === '' ? 0 : keys.findLastIndex((key) => byUtf8(key, after) <= 0) + 1;
    const objects = keys.slice(start, start + limit).map((key) => {
      const { body, etag, modified } = stored.get(key) as Stored;
      return { key, size: body.length, etag, modified };
    });
    return { objects, date: this.#now(), more: start + limit < keys.length };
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
    this.changes += 1;
  }

  async remove(bucket: string, keys: string[]): Promise<void> {
    this.#enter('remove', bucket, keys.join(' '));
    for (const key of keys) {
      this.#objects(bucket).delete(key);
      this.changes += 1;
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

const SURROGATE = /[\ud800-\udfff]/;

/**
 * S3 lists keys in the order of their UTF-8 bytes. Strings compare by UTF-16 code units, which differs where there are
 * surrogates.
 */
function byUtf8(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

function* chunksOf(body: Buffer): Iterable<Buffer> {
  for (let start = 0; start < body.length; start += 65_536) {
    yield body.subarray(start, start + 65_536);
  }
}
