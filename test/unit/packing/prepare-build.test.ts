import { describe, expect, test } from 'vitest';
import { prepareBuild } from '#functions/build-start/prepare-build.ts';
import { RetryableError } from '#shared/events/errors.ts';
import { fingerprintOf } from '#shared/packing/fingerprint.ts';
import type { BuildRequest, BuildSettings } from '#shared/packing/types.ts';
import type { InMemoryObjectStore } from '#test/fakes/object-store.ts';
import { identity, list, prefix, settings, storeWith } from '#test/languages/conformance/sources.ts';

const files = { 'parser.py': 'def handler(event): ...', 'requirements.txt': 'requests==2.32.4\n' };

async function prepare(store: InMemoryObjectStore, request: BuildRequest = {}, own: Partial<BuildSettings> = {}) {
  const listing = await list(store);
  return await prepareBuild(store, { listing, identity, request, settings: { ...settings, ...own }, stagingId: 'abc' });
}

describe('preparing a build', () => {
  test('leaves one archive, named by its build key', async () => {
    const store = storeWith(files);
    const { language, buildKey, context, fingerprint, listing } = await prepare(store);

    expect(language).toBe('python');
    expect(context).toEqual({
      bucket: 'temporary',
      key: `contexts/acme/p1/${buildKey}.tar.zst`,
      bytes: store.peek('temporary', context.key)?.length,
    });
    expect(store.keys('temporary')).toEqual([context.key]);
    expect(fingerprint).toBe(fingerprintOf({ listing, identity, request: {}, settings }));
  });

  test('again gives the same, and a young archive: old ones are swept away', async () => {
    const store = storeWith(files);
    store.date = new Date('2026-01-01T00:00:00Z');
    const first = await prepare(store);
    store.date = new Date('2026-01-03T00:00:00Z');
    expect(await prepare(store)).toMatchObject({ buildKey: first.buildKey, context: first.context });
    for await (const { objects } of store.list('temporary', first.context.key)) {
      expect(objects.map(({ modified }) => modified)).toEqual([store.date]);
    }
  });

  test.each<{ case: string; request?: BuildRequest; own?: Partial<BuildSettings> }>([
    { case: 'the handler', request: { handler: 'parser.handler' } },
    { case: 'the base image', own: { baseImages: { ...settings.baseImages, python: 'python:3.14-slim' } } },
  ])('gives another key for the same files after a change of $case', async ({ request, own }) => {
    const { buildKey } = await prepare(storeWith(files));
    expect((await prepare(storeWith(files), request, own)).buildKey).not.toBe(buildKey);
  });

  test('reads again what changed while it was read', async () => {
    const store = storeWith(files);
    let opened = 0;
    store.onOpen = () => {
      opened += 1;
      if (opened === 3) {
        store.put('source', `${prefix}parser.py`, 'def handler(event): return "new"');
      }
    };
    const changed = await prepare(store);
    store.onOpen = undefined;
    expect(changed.buildKey).toBe((await prepare(store)).buildKey);
    expect(changed.fingerprint).toBe((await prepare(store)).fingerprint);
  });

  test('gives up, for now, on what changes all the time', async () => {
    const store = storeWith(files);
    let version = 0;
    store.onOpen = (_, key) => {
      version += 1;
      store.put('source', key, `def handler(event): return ${version}`);
    };
    const error = await prepare(store).catch((reason) => reason);
    expect(error).toBeInstanceOf(RetryableError);
    expect(error.reason).toBe('SourceChanging');
    expect(store.calls.filter((call) => call.startsWith('list'))).toHaveLength(3);
    expect(store.keys('temporary')).toEqual([]);
  });

  test('tells what failed, not what broke because of it', async () => {
    const store = storeWith(files);
    store.failNext('upload', new RetryableError('Unavailable', 'S3 is down'));
    const listing = await list(store);
    await expect(
      prepareBuild(store, { listing, identity, request: {}, settings, stagingId: 'abc' }),
    ).rejects.toMatchObject({ reason: 'Unavailable', message: 'S3 is down' });
  });

  test('leaves nothing behind where the archive could not be put in its place', async () => {
    const store = storeWith(files);
    store.failNext('copy', new RetryableError('Throttled', 'slow down'));
    await expect(prepare(store)).rejects.toMatchObject({ reason: 'Throttled' });
    expect(store.keys('temporary')).toEqual([]);
  });

  test('reads nothing where the source can be refused by its listing', async () => {
    const store = storeWith({ 'main.rs': '' });
    await expect(prepare(store)).rejects.toMatchObject({ reason: 'UnknownLanguage' });
    expect(store.calls.filter((call) => /^(open|upload|write)/.test(call))).toEqual([]);
  });
});

describe('the fingerprint', () => {
  const of = async (store: InMemoryObjectStore, change: object = {}) =>
    fingerprintOf({ listing: await list(store), identity, request: {}, settings, ...change });

  test('is the same for the same listing, whenever it is made', async () => {
    const store = storeWith(files);
    store.date = new Date('2026-01-01');
    const first = await of(store);
    store.date = new Date('2027-01-01');
    expect(first).toMatch(/^[0-9a-f]{64}$/);
    expect(await of(store)).toBe(first);
  });

  test.each<{ case: string; change?: object; store?: InMemoryObjectStore }>([
    { case: 'content', store: storeWith({ ...files, 'parser.py': 'def handler(event): ,,,' }) },
    { case: 'a file more', store: storeWith({ ...files, a: '' }) },
    { case: 'the owner', change: { identity: { ...identity, third_party_id: 'other' } } },
    { case: 'the parser', change: { identity: { ...identity, parser_id: 'other' } } },
    { case: 'the language', change: { request: { language: 'python' } } },
    { case: 'the handler', change: { request: { handler: 'parser.run' } } },
    { case: 'a base image', change: { settings: { baseImages: { ...settings.baseImages, static: 'x' } } } },
  ])('is another after a change of $case', async ({ change, store }) => {
    expect(await of(store ?? storeWith(files), change)).not.toBe(await of(storeWith(files)));
  });
});
