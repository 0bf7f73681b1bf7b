/** The context archive arrives whole, or the build says why not. */
import { buffer } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { fetchContext } from '#build-pod/fetch.ts';
import { InMemoryObjectStore } from '#test/fakes/object-store.ts';

async function fetched(store: InMemoryObjectStore, bytes: number) {
  const lines: string[] = [];
  let saved: Buffer | undefined;
  await fetchContext(
    store,
    { bucket: 'tmp', key: 'contexts/a.tar.gz', bytes },
    async (body) => {
      saved = await buffer(body as never);
    },
    (line) => lines.push(line),
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
