/** The context archive arrives whole, or the build says why not. */
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { fetchContext } from '#build-pod/fetch.ts';
import type { ObjectStore } from '#shared/clients/object-store.ts';
import { PermanentError, RetryableError } from '#shared/events/errors.ts';
import { InMemoryObjectStore } from '#test/fakes/object-store.ts';

async function fetched(store: Pick<ObjectStore, 'open'>, bytes: number, signal = AbortSignal.timeout(60_000)) {
  const lines: string[] = [];
  let saved: Buffer | undefined;
  const save = async (body: NodeJS.ReadableStream) => {
    saved = await buffer(body as never);
  };
  await fetchContext(
    { store, save, log: (line) => lines.push(line) },
    { bucket: 'tmp', key: 'contexts/a.tar.gz', bytes },
    signal,
  );
  return { saved, lines };
}

test('the archive is saved byte for byte, and large ones show how far they are', async () => {
  const archive = Buffer.alloc(60_000_000, 7);
  const store = new InMemoryObjectStore('tmp').put('tmp', 'contexts/a.tar.gz', archive);

  const { saved, lines } = await fetched(store, archive.length);

  expect(saved?.equals(archive)).toBe(true);
  expect(lines[0]).toContain('60.0 MB');
  expect(lines).toEqual(expect.arrayContaining([expect.stringMatching(/^2\d of 60 MB/), 'fetched']));
});

test('a missing archive names itself and what to do', async () => {
  await expect(fetched(new InMemoryObjectStore('tmp'), 1)).rejects.toThrow(
    /s3:\/\/tmp\/contexts\/a\.tar\.gz.*build\.start/,
  );
});

test('an archive of another size than job.start said is refused', async () => {
  const store = new InMemoryObjectStore('tmp').put('tmp', 'contexts/a.tar.gz', 'seven b');
  await expect(fetched(store, 8)).rejects.toThrow('has 7 bytes, not 8');
});

const AWAY = new RetryableError('Unavailable', 'S3 failed at reading s3://tmp/contexts/a.tar.gz: ECONNREFUSED');

test('an S3 that is away for a while delays the build, and does not fail it', async () => {
  const store = new InMemoryObjectStore('tmp').put('tmp', 'contexts/a.tar.gz', 'seven b');
  for (let n = 0; n < 4; n += 1) {
    store.failNext('open', AWAY);
  }

  const { saved, lines } = await fetched(store, 7);

  expect(saved?.toString()).toBe('seven b');
  expect(lines.filter((line) => line === `${AWAY.message}; trying again`)).toHaveLength(4);
});

test.each([
  { case: 'with an error', fail: () => Readable.from(failing()) },
  { case: 'silently', fail: () => Readable.from([Buffer.from('sev')], { objectMode: false }) },
])('a body that breaks off $case is fetched again from its beginning', async ({ fail }) => {
  let opened = 0;
  const store = {
    open: async () => {
      opened += 1;
      return { body: opened === 1 ? fail() : Readable.from([Buffer.from('seven b')]), etag: 'e', size: 7 };
    },
  } as unknown as Pick<ObjectStore, 'open'>;

  expect((await fetched(store, 7)).saved?.toString()).toBe('seven b');
  expect(opened).toBe(2);
});

async function* failing(): AsyncGenerator<Buffer> {
  yield Buffer.from('sev');
  throw AWAY;
}

test('when its time is over the build says what S3 said', async () => {
  const store = { open: () => Promise.reject(AWAY) };

  await expect(fetched(store, 7, AbortSignal.timeout(300))).rejects.toThrow(AWAY.message);
});

test('what S3 refuses for good is not asked again', async () => {
  const store = new InMemoryObjectStore('tmp').put('tmp', 'contexts/a.tar.gz', 'seven b');
  store.failNext('open', new PermanentError('Forbidden', 'the key is wrong'));

  await expect(fetched(store, 7)).rejects.toThrow('the key is wrong');
  expect(store.calls.filter((call) => call.startsWith('open'))).toHaveLength(1);
});
