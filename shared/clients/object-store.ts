/** What we need of S3. The adapter is s3.ts; handlers and tests see only this. */
import type { Readable } from 'node:stream';

export interface StoredObject {
  key: string;
  /** Bytes. */
  size: number;
  /** Without quotes. Changes whenever the content does. */
  etag: string;
  /** By S3's clock: whole seconds. */
  modified: Date;
}

export interface ListFrom {
  after?: string | undefined;
  limit?: number | undefined;
}

/**
 * Every method throws RetryableError('Unavailable' | 'Throttled', …) where S3 is down, slow or throttling, and
 * PermanentError('Forbidden', …) where we lack the permission. A missing object is no error.
 */
export interface ObjectStore {
  /**
   * Pages in key order. `date` is S3's own clock (its Date header), which orders the builds of one parser. Throws
   * PermanentError('NoSource') where the bucket does not exist. `after`: only keys after this one. `limit`: keys in a
   * page.
   */
  list(bucket: string, prefix: string, from?: ListFrom): AsyncIterable<{ objects: StoredObject[]; date: Date }>;
  /** Undefined where there is no such object. The caller must consume or destroy `body`. */
  open(bucket: string, key: string): Promise<{ body: Readable; etag: string; size: number } | undefined>;
  /** `text` is undefined where there is no such object. `date` is S3's clock in both cases. */
  read(bucket: string, key: string): Promise<{ text: string | undefined; date: Date }>;
  write(bucket: string, key: string, body: string | Buffer, contentType: string): Promise<void>;
  /**
   * Create-if-absent: false, and nothing written, where the object exists. Of several calls at once exactly one returns
   * true.
   */
  create(bucket: string, key: string, body: string, contentType: string): Promise<boolean>;
  /** Multipart, so memory does not depend on the stream's length. A failed upload leaves no parts behind. */
  upload(bucket: string, key: string, body: Readable, contentType: string): Promise<void>;
  copy(bucket: string, from: string, to: string): Promise<void>;
  /** Missing objects are no error. */
  remove(bucket: string, keys: string[]): Promise<void>;
}
