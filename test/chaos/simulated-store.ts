/** S3: strongly consistent, one writer wins, no locks, a clock of whole seconds. */
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import type { ObjectStore, StoredObject } from '#shared/clients/object-store.ts';
import type { SimulatedProcess, Step } from './process.ts';
import { SECOND } from './simulation.ts';

interface Stored {
  body: Buffer;
  etag: string;
  modified: Date;
}

/** Few enough that a listing may fail in its middle. */
const PAGE = 3;

export class SimulatedStore {
  readonly #objects = new Map<string, Stored>();
  /** Counts what was changed. */
  changes = 0;

  keys(bucket: string, prefix: string): string[] {
    const start = `${bucket}/`;
    return [...this.#objects.keys()]
      .filter((path) => path.startsWith(start + prefix))
      .map((path) => path.slice(start.length))
      .sort();
  }

  get(bucket: string, key: string): Stored | undefined {
    return this.#objects.get(`${bucket}/${key}`);
  }

  put(bucket: string, key: string, body: string | Buffer): void {
    const bytes = Buffer.from(body as string);
    const etag = createHash('md5').update(bytes).digest('hex');
    this.changes += 1;
    this.#objects.set(`${bucket}/${key}`, { body: bytes, etag, modified: s3Date() });
  }

  delete(bucket: string, key: string): void {
    this.changes += 1;
    this.#objects.delete(`${bucket}/${key}`);
  }

  /** As one process sees it. */
  portOf(process: SimulatedProcess): ObjectStore {
    const step = <Result>(name: string, writes: boolean, operate: () => Result) => {
      const about: Step = { system: 'S3', name, writes };
      return process.step(about, operate);
    };
    const store = this;
    return {
      async *list(bucket, prefix) {
        for (let after = ''; ; ) {
          const page = await step(`list ${bucket}/${prefix}`, false, () => store.#page(bucket, prefix, after));
          yield page;
          const last = page.objects.at(-1);
          if (!last || page.objects.length < PAGE) {
            return;
          }
          after = last.key;
        }
      },
      open: (bucket, key) =>
        step(`open ${key}`, false, () => {
          const found = store.get(bucket, key);
          return found && { body: Readable.from([found.body]), etag: found.etag, size: found.body.length };
        }),
      read: (bucket, key) =>
        step(`read ${key}`, false, () => ({ text: store.get(bucket, key)?.body.toString(), date: s3Date() })),
      write: (bucket, key, body) => step(`write ${key}`, true, () => store.put(bucket, key, body)),
      create: (bucket, key, body) =>
        step(`create ${key}`, true, () => {
          const isNew = store.get(bucket, key) === undefined;
          if (isNew) {
            store.put(bucket, key, body);
          }
          return isNew;
        }),
      upload: async (bucket, key, body) => {
        const bytes = await buffer(body);
        await step(`upload ${key}`, true, () => store.put(bucket, key, bytes));
      },
      copy: (bucket, from, to) =>
        step(`copy ${to}`, true, () => {
          const found = store.get(bucket, from);
          if (!found) {
            throw new Error(`NoSuchKey ${from}`);
          }
          store.put(bucket, to, found.body);
        }),
      remove: async (bucket, keys) => {
        for (const key of keys) {
          await step(`remove ${key}`, true, () => store.delete(bucket, key));
        }
      },
    };
  }

  #page(bucket: string, prefix: string, after: string): { objects: StoredObject[]; date: Date } {
    const keys = this.keys(bucket, prefix).filter((key) => key > after);
    const objects = keys.slice(0, PAGE).map((key) => {
      const { body, etag, modified } = this.get(bucket, key) as Stored;
      return { key, size: body.length, etag, modified };
    });
    return { objects, date: s3Date() };
  }
}

function s3Date(): Date {
  return new Date(Math.floor(Date.now() / SECOND) * SECOND);
}
