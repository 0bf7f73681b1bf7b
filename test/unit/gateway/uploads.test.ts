/** Uploads: only what is new, only below one's own prefix, and nothing is taken for uploaded that is not there. */
import { createHash } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type ApiWorld, openApiWorld, SOURCES } from './api-world.ts';

let world: ApiWorld;
beforeEach(async () => {
  world = await openApiWorld();
});
afterEach(() => world.running.close());

const file = (path: string, text: string) => ({
  path,
  size: Buffer.byteLength(text),
  sha256: createHash('sha256').update(text).digest('hex'),
});
const A = file('a.js', 'one');
const B = file('lib/b.js', 'two');
const plan = async (files: object[], as?: string) => await world.post('/uploads/acme/p1', { files }, as);
const finish = async (files: object[]) => await world.post('/uploads/acme/p1/finish', { files });

test('a folder, then the same folder, then less of it', async () => {
  const first = (await plan([A, B])).json;
  expect(first).toMatchObject({ prefix: 'src/acme/p1/', unchanged: [], remove: [] });
  expect(first.uploads).toMatchObject([
    { path: 'a.js', method: 'PUT', url: 'http://s3/src/acme/p1/a.js', headers: { sha256: A.sha256 } },
    { path: 'lib/b.js' },
  ]);
  world.store.put(SOURCES, 'src/acme/p1/a.js', 'one').put(SOURCES, 'src/acme/p1/lib/b.js', 'two');
  expect((await finish([A, B])).json).toEqual({ prefix: 'src/acme/p1/', removed: [] });

  expect((await plan([A, B])).json).toMatchObject({ unchanged: ['a.js', 'lib/b.js'], uploads: [] });
  expect((await plan([A])).json).toMatchObject({ unchanged: ['a.js'], remove: ['lib/b.js'] });
  expect((await finish([A])).json.removed).toEqual(['lib/b.js']);
  expect(world.store.keys(SOURCES)).toEqual(['src/acme/p1/a.js']);
});

test('what was lost, or changed by others, is sent again', async () => {
  world.store.put(SOURCES, 'src/acme/p1/a.js', 'one').put(SOURCES, 'src/acme/p1/lib/b.js', 'two');
  await plan([A, B]);
  await finish([A, B]);
  world.store.put(SOURCES, 'src/acme/p1/a.js', 'eno');
  await world.store.remove(SOURCES, ['src/acme/p1/lib/b.js']);
  expect((await plan([A, B])).json.uploads).toMatchObject([{ path: 'a.js' }, { path: 'lib/b.js' }]);
});

test('what was not uploaded does not count as if it were', async () => {
  world.store.date = new Date('2026-11-01T00:00:00Z');
  world.store.put(SOURCES, 'src/acme/p1/a.js', 'old');
  world.store.date = new Date('2026-11-01T00:00:10Z');
  await plan([A]);
  const answer = await finish([A]);
  expect(answer.json).toMatchObject({ status: 409, reason: 'UploadIncomplete' });
  expect(answer.json.problems[0].path).toContain('a.js');
  world.store.put(SOURCES, 'src/acme/p1/a.js', 'one');
  expect((await finish([A])).status).toBe(200);
});

describe('refused', () => {
  test.each([
    ['a path out of the folder', [file('../x', '1')], /path segment/],
    ['an absolute path', [file('/x', '1')], /absolute/],
    ['a path twice', [A, A], /twice|same file name/],
    ['too many bytes', [{ ...A, size: 1001 }], /MAX_SOURCE_BYTES/],
    ['too many files', [1, 2, 3, 4, 5, 6].map((n) => file(`f${n}`, 'x')), /MAX_SOURCE_FILES/],
    ['a hash that is none', [{ ...A, sha256: 'x' }], /body.files.0.sha256/],
    ['no files', [], /body.files/],
  ])('%s', async (_, files, says) => {
    const answer = await plan(files);
    expect(answer.json).toMatchObject({ status: 400, reason: 'InvalidRequest' });
    expect(JSON.stringify(answer.json)).toMatch(says);
  });

  test('where tenants share the folder, all but operators', async () => {
    world.deps.sourcePrefix = 'global/parser/{parser_id}/';
    expect((await plan([A])).json).toMatchObject({ status: 403, reason: 'Forbidden' });
    expect((await plan([A], 'ops.root')).status).toBe(200);
  });
});
