/** fauxqs' S3, made fit for a platform that holds other people's code: loopback only, objects on disk, listings in S3's order. */
import type { AddressInfo } from 'node:net';
import { type BuildAppOptions, buildApp } from 'fauxqs';
import { ObjectFiles, type S3Store } from './object-files.ts';
import { refuseOverwrites } from './refuse-overwrites.ts';

type Stores = NonNullable<BuildAppOptions['stores']>;

const LARGEST_REQUEST = 5 * 1024 * 1024 * 1024;

export interface S3Settings {
  directory: string;
  port: number;
  buckets: string[];
}

export async function listen({
  directory,
  port,
  buckets,
}: S3Settings): Promise<{ port: number; close(): Promise<void> }> {
  const stores = await createStores();
  orderKeysAsS3(stores.s3Store);
  const files = new ObjectFiles(directory);
  files.loadS3(stores.s3Store);
  stores.s3Store.persistence = files;
  const app = buildApp({ logger: false, stores });
  refuseOverwrites(app, stores.s3Store);
  // fauxqs takes 11 MiB a request; S3 takes 5 GiB.
  app.removeContentTypeParser('*');
  app.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit: LARGEST_REQUEST }, (_request, body, done) =>
    done(null, body),
  );
  for (const bucket of buckets) {
    stores.s3Store.createBucket(bucket);
  }
  // startFauxqs() would listen on every interface.
  await app.listen({ host: '127.0.0.1', port });
  return {
    port: (app.server.address() as AddressInfo).port,
    close: async () => {
      await app.close();
      files.close();
    },
  };
}

/** The classes are not exported, but buildApp() takes their instances and they take their persistence from outside. */
async function createStores(): Promise<Stores> {
  const load = async (path: string, name: string): Promise<unknown> => {
    const module = (await import(new URL(path, import.meta.resolve('fauxqs')).href)) as Record<
      string,
      new () => unknown
    >;
    const Store = module[name];
    if (!Store) {
      throw new Error(`fauxqs has no ${name} any more: its version has changed, see local/s3/server.ts`);
    }
    return new Store();
  };
  return {
    sqsStore: (await load('sqs/sqsStore.js', 'SqsStore')) as Stores['sqsStore'],
    snsStore: (await load('sns/snsStore.js', 'SnsStore')) as Stores['snsStore'],
    s3Store: (await load('s3/s3Store.js', 'S3Store')) as S3Store,
  };
}

/**
 * fauxqs sorts a listing by locale but continues it by code units, so a listing of more than one page whose keys mix upper and
 * lower case loses some and repeats others. S3 sorts by the bytes of UTF-8.
 */
function orderKeysAsS3(store: S3Store): void {
  const listEverything = store.listObjects.bind(store);
  store.listObjects = (bucket, options = {}) => {
    const prefix = options.prefix ?? '';
    const { objects } = listEverything(bucket, { prefix, maxKeys: Number.POSITIVE_INFINITY });
    return listInOrder(objects, options);
  };
}

type Listing = ReturnType<S3Store['listObjects']>;
type ListOptions = NonNullable<Parameters<S3Store['listObjects']>[1]>;

function listInOrder(all: Listing['objects'], options: ListOptions): Listing {
  const { prefix = '', delimiter, maxKeys = 1000 } = options;
  const startAfter = Buffer.from(options.startAfter ?? options.marker ?? '');
  const ordered = all
    .map((object) => ({ object, bytes: Buffer.from(object.key) }))
    .sort((a, b) => Buffer.compare(a.bytes, b.bytes));
  const objects: Listing['objects'] = [];
  const commonPrefixes = new Set<string>();
  for (const { object, bytes } of ordered) {
    const end = delimiter ? object.key.indexOf(delimiter, prefix.length) : -1;
    const shared = end >= 0 ? object.key.slice(0, end + (delimiter?.length ?? 0)) : undefined;
    const name = shared === undefined ? bytes : Buffer.from(shared);
    if (Buffer.compare(name, startAfter) <= 0 || (shared !== undefined && commonPrefixes.has(shared))) {
      continue;
    }
    if (objects.length + commonPrefixes.size >= maxKeys) {
      return { objects, commonPrefixes: [...commonPrefixes], isTruncated: true };
    }
    if (shared === undefined) {
      objects.push(object);
    } else {
      commonPrefixes.add(shared);
    }
  }
  return { objects, commonPrefixes: [...commonPrefixes], isTruncated: false };
}
