import { describe, expect, test } from 'vitest';
import { PermanentError } from '#shared/events/errors.ts';
import { listSource, withinSecond } from '#shared/packing/list-source.ts';
import { InMemoryObjectStore } from '#test/fakes/object-store.ts';

const limits = { maxBytes: 1000, maxFiles: 10 };
const list = (store: InMemoryObjectStore, prefix = 'global/parser/p1/') =>
  listSource(store, { bucket: 'source', prefix, ...limits });

async function failure(promise: Promise<unknown>): Promise<PermanentError> {
  return await promise.then(
    () => expect.fail('it should have failed'),
    (error) => {
      expect(error).toBeInstanceOf(PermanentError);
      return error;
    },
  );
}

describe('listing a source', () => {
  test('gives every file of every page by path, without folder markers and other prefixes', async () => {
    const store = new InMemoryObjectStore('source')
      .put('source', 'global/parser/p1/', '')
      .put('source', 'global/parser/p1/lib/', '')
      .put('source', 'global/parser/p1/parser.py', '123')
      .put('source', 'global/parser/p1/lib/b.py', '12')
      .put('source', 'global/parser/p1/lib/a.py', '')
      .put('source', 'global/parser/p10/parser.py', 'another parser');
    store.pageSize = 2;
    store.date = new Date('2026-01-02T03:04:05Z');

    const listing = await list(store, 'global/parser/p1');

    expect(listing.prefix).toBe('global/parser/p1/');
    expect(listing.files.map(({ path, size }) => [path, size])).toEqual([
      ['lib/a.py', 0],
      ['lib/b.py', 2],
      ['parser.py', 3],
    ]);
    expect(listing.bytes).toBe(5);
    expect(listing.observedAt).toEqual(new Date('2026-01-02T03:04:05.999Z'));
  });

  test('of nothing says which command uploads', async () => {
    const error = await failure(list(new InMemoryObjectStore('source').put('source', 'global/parser/p1/lib/', '')));
    expect(error.reason).toBe('NoSource');
    expect(error.message).toContain('`aws s3 cp --recursive ./YOUR_FOLDER s3://source/global/parser/p1/`');
  });

  test.each([
    { case: 'one file too many', files: 11, bytes: 1, reason: 'TooManyFiles' },
    { case: 'as many files as allowed', files: 10, bytes: 1, reason: undefined },
    { case: 'one byte too many', files: 1, bytes: 1001, reason: 'SourceTooLarge' },
    { case: 'as many bytes as allowed', files: 1, bytes: 1000, reason: undefined },
  ])('with $case: $reason', async ({ files, bytes, reason }) => {
    const store = new InMemoryObjectStore('source');
    for (let index = 0; index < files; index += 1) {
      store.put('source', `global/parser/p1/${index}`, 'x'.repeat(bytes));
    }
    const result = await list(store).catch((error) => error);
    expect(result.reason).toBe(reason);
  });

  test('reads no further page once a limit is passed', async () => {
    const store = new InMemoryObjectStore('source');
    let pages = 0;
    store.list = async function* () {
      for (;;) {
        pages += 1;
        yield {
          objects: Array.from({ length: 8 }, (_, index) => ({
            key: `p/${pages}-${index}`,
            size: 0,
            etag: '',
            modified: new Date(),
          })),
          date: new Date(),
        };
      }
    };
    expect((await failure(list(store, 'p/'))).reason).toBe('TooManyFiles');
    expect(pages).toBe(2);
  });

  test('names the first ten unsafe keys', async () => {
    const store = new InMemoryObjectStore('source');
    for (let index = 0; index < 10; index += 1) {
      store.put('source', `p/${index}/../up`, '');
    }
    store.put('source', 'p//etc/passwd', 'x');
    const error = await listSource(store, { bucket: 'source', prefix: 'p/', maxBytes: 100, maxFiles: 100 }).catch(
      (reason) => reason,
    );
    expect(error.reason).toBe('UnsafePath');
    expect(error.message).toContain('11 keys in s3://source');
    expect(error.message.match(/\.\."? path segment/g)).toHaveLength(9);
    expect(error.message).toContain('and 1 more');
  });
});

describe('the time at which a source was observed', () => {
  const second = new Date('2026-01-02T03:04:05.000Z');
  test.each([
    {
      case: 'the local clock inside that second',
      now: '2026-01-02T03:04:05.123Z',
      observed: '2026-01-02T03:04:05.123Z',
    },
    {
      case: 'its start where the local clock is behind',
      now: '2026-01-02T02:00:00.000Z',
      observed: '2026-01-02T03:04:05.000Z',
    },
    {
      case: 'its end where the local clock is ahead',
      now: '2026-01-02T03:04:06.001Z',
      observed: '2026-01-02T03:04:05.999Z',
    },
  ])('is $case', ({ now, observed }) => {
    expect(withinSecond(second, new Date(now)).toISOString()).toBe(observed);
  });
});
