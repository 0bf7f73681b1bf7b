/** What of a tenant's downloads is saved and brought back, and that nothing that goes wrong there ends a build. */
import { createHash, randomBytes } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { pack } from 'tar-stream';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { restoreDownloads } from '#build-pod/restore-downloads.ts';
import { saveDownloads } from '#build-pod/save-downloads.ts';
import { DAY } from '#shared/durations.ts';
import { PermanentError, RetryableError } from '#shared/events/errors.ts';
import type { PackageManager } from '#shared/specs/build-pod/downloads.ts';
import { InMemoryObjectStore } from '#test/fakes/object-store.ts';

const BUCKET = 'tmp';
const KEY = 'downloads/acme/npm.tar.zst';
const NOW = Date.UTC(2026, 5, 1);

let root: string;
let store: InMemoryObjectStore;
let lines: string[];
let pods = 0;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'downloads-'));
  store = new InMemoryObjectStore(BUCKET);
  lines = [];
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

/** The volume of one build's pod. */
function pod(manager: PackageManager = 'npm', bytes = 1_000_000, key = KEY) {
  pods += 1;
  const folder = join(root, `pod-${pods}`);
  mkdirSync(folder);
  const address = { manager, bucket: BUCKET, key, bytes, folder };
  const log = (line: string) => lines.push(line);
  const { signal } = new AbortController();
  return {
    folder,
    restore: (asked = signal) => restoreDownloads({ store, log }, address, asked),
    save: (now = NOW, asked = signal) => saveDownloads({ store, log, now: () => now }, address, asked),
    /** As the installing step, or a hostile one, writes it. */
    write: (path: string, content: string | Buffer) => {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), content);
    },
    kept: () => filesOf(join(folder, 'kept')),
  };
}

function filesOf(folder: string): string[] {
  return existsSync(folder)
    ? readdirSync(folder, { recursive: true, withFileTypes: true })
        .filter((entry) => !entry.isDirectory())
        .map(({ parentPath, name }) => join(parentPath, name).slice(folder.length + 1))
        .sort()
    : [];
}

function npmName(content: Buffer): string {
  const hash = createHash('sha512').update(content).digest('hex');
  return `npm/sha512/${hash.slice(0, 2)}/${hash.slice(2, 4)}/${hash.slice(4)}`;
}

const tarball = (bytes = 100) => gzipSync(randomBytes(bytes));

async function archiveOf(entries: { name: string; content?: string | Buffer; type?: 'symlink' }[]): Promise<Buffer> {
  const tar = pack();
  for (const { name, content = '', type } of entries) {
    tar.entry(type ? { name, type, linkname: '/etc/passwd' } : { name }, type ? '' : content);
  }
  tar.finalize();
  return zstdCompressSync(await buffer(tar));
}

describe('between two builds', () => {
  test('what the first has added is there for the second, which saves only what is new to it', async () => {
    const first = pod();
    await first.restore();
    expect(first.kept()).toEqual([]);
    const [a, b] = [tarball(), tarball()];
    first.write(`added/${npmName(a)}`, a);
    expect(await first.save()).toBe(true);

    const second = pod();
    await second.restore();
    expect(second.kept()).toEqual([npmName(a)]);
    expect(readFileSync(join(second.folder, 'kept', npmName(a)))).toEqual(a);
    const { changes } = store;
    expect(await second.save()).toBe(false);
    second.write(`added/${npmName(a)}`, a);
    expect(await second.save()).toBe(false);
    expect(store.changes).toBe(changes);
    second.write(`added/${npmName(b)}`, b);
    expect(await second.save()).toBe(true);

    const third = pod();
    await third.restore();
    expect(third.kept()).toEqual([npmName(a), npmName(b)].sort());
  });

  test('pip finds an entry beside each body, which has nothing of an answer', async () => {
    const key = 'downloads/acme/pip.tar.zst';
    const hash = '0'.repeat(56);
    const first = pod('pip', 1_000_000, key);
    await first.restore();
    first.write(`added/pip/0/0/0/0/0/${hash}.body`, tarball());
    first.write(`added/pip/0/0/0/0/0/${hash}`, 'cc=4, authorization: canary');
    await first.save();
    const second = pod('pip', 1_000_000, key);
    await second.restore();
    expect(second.kept()).toEqual([`pip/0/0/0/0/0/${hash}`, `pip/0/0/0/0/0/${hash}.body`]);
    expect(readFileSync(join(second.folder, 'kept/pip/0/0/0/0/0', hash), 'utf8')).not.toContain('canary');
  });
});

describe('of what users’ commands leave in the volume', () => {
  test('only packages are saved that are what their name says', async () => {
    const it = pod();
    await it.restore();
    const good = tarball();
    it.write(`added/${npmName(good)}`, good);
    it.write(`added/${npmName(tarball())}`, tarball());
    const text = Buffer.from('{"token":"canary"}');
    it.write(`added/${npmName(text)}`, text);
    for (const name of ['npm/_logs/debug.log', 'npm/index-v5/aa/bb/cc', 'npm/canary', 'canary', 'npm/sha512/canary']) {
      it.write(`added/${name}`, 'canary');
    }
    await it.save();
    const next = pod();
    await next.restore();
    expect(next.kept()).toEqual([npmName(good)]);
  });

  test.each(['a file', 'a folder', 'the folder of the manager', 'the folder of what was added'])(
    'no link is followed: %s',
    async (what) => {
      const outside = join(root, 'outside');
      const name = npmName(tarball()).slice(4);
      const secret = tarball();
      const secretName = npmName(secret).slice(4);
      mkdirSync(join(outside, 'npm', dirname(secretName)), { recursive: true });
      writeFileSync(join(outside, 'npm', secretName), secret);
      const it = pod();
      await it.restore();
      it.write(`added/npm/${name}`, '');
      if (what === 'a file') {
        mkdirSync(join(it.folder, 'added/npm', dirname(secretName)), { recursive: true });
        symlinkSync(join(outside, 'npm', secretName), join(it.folder, 'added/npm', secretName));
      } else if (what === 'a folder') {
        rmSync(join(it.folder, 'added/npm/sha512'), { recursive: true });
        symlinkSync(join(outside, 'npm/sha512'), join(it.folder, 'added/npm/sha512'));
      } else {
        const link = what === 'the folder of the manager' ? 'added/npm' : 'added';
        rmSync(join(it.folder, link), { recursive: true });
        symlinkSync(link === 'added' ? outside : join(outside, 'npm'), join(it.folder, link));
      }
      expect(await it.save()).toBe(false);
      expect(store.keys(BUCKET)).toEqual([]);
    },
  );

  test.each(['go/../../x/@v/v1.0.0.zip', 'go/a/@v/list', 'go/sumdb/sum.golang.org/latest', 'go/cache/lock'])(
    'Go is never given %s',
    async (name) => {
      const archive = await archiveOf([{ name: name.slice(3), content: 'x' }]);
      store.put(BUCKET, KEY, archive);
      const it = pod('go');
      await it.restore();
      expect(it.kept()).toEqual([]);
    },
  );
});

describe('bounds', () => {
  test('the newest stay where not all fit', async () => {
    const [old, older, fresh] = [tarball(400), tarball(400), tarball(400)];
    const add = async (content: Buffer, now: number) => {
      const it = pod('npm', 1000);
      await it.restore();
      it.write(`added/${npmName(content)}`, content);
      await it.save(now);
    };
    await add(older, NOW - 2 * DAY);
    await add(old, NOW - DAY);
    await add(fresh, NOW);
    const next = pod('npm', 1000);
    await next.restore();
    expect(next.kept()).toEqual([npmName(old), npmName(fresh)].sort());
  });

  test('what is a month old goes, and what alone is too large is not saved', async () => {
    const [old, fresh] = [tarball(), tarball()];
    const first = pod();
    await first.restore();
    first.write(`added/${npmName(old)}`, old);
    await first.save(NOW - 31 * DAY);
    const second = pod();
    await second.restore();
    second.write(`added/${npmName(fresh)}`, fresh);
    await second.save();
    const third = pod();
    await third.restore();
    expect(third.kept()).toEqual([npmName(fresh)]);

    const small = pod('npm', 50, 'downloads/acme/other');
    await small.restore();
    small.write(`added/${npmName(old)}`, old);
    expect(await small.save()).toBe(false);
  });

  test('an archive above the bound is not unpacked', async () => {
    const content = Buffer.alloc(1_000_000);
    store.put(BUCKET, KEY, await archiveOf([{ name: npmName(content).slice(4), content }]));
    const it = pod('npm', 999_999);
    await it.restore();
    expect(it.kept()).toEqual([]);
  });
});

describe('a build goes on without it', () => {
  const canSave = (folder: string) => existsSync(join(folder, 'kibibytes'));

  test.each<[string, () => Buffer | Promise<Buffer>]>([
    ['no zstd', () => randomBytes(5000)],
    [
      'an end that is missing',
      async () =>
        (await archiveOf([{ name: npmName(tarball()).slice(4), content: randomBytes(9000) }])).subarray(0, 4000),
    ],
    ['nothing', () => Buffer.alloc(0)],
    ['no tar', () => zstdCompressSync(randomBytes(5000))],
    ['a name that leaves the folder', () => archiveOf([{ name: '../../canary', content: 'x' }])],
    ['a link', () => archiveOf([{ name: npmName(tarball()).slice(4), type: 'symlink' }])],
  ])('of an archive that is %s, and replaces it', async (_, archive) => {
    store.put(BUCKET, KEY, await archive());
    const it = pod();
    await it.restore();
    expect(it.kept()).toEqual([]);
    expect(filesOf(root).filter((file) => file.includes('canary'))).toEqual([]);
    expect(canSave(it.folder), lines.join()).toBe(true);
    const content = tarball();
    it.write(`added/${npmName(content)}`, content);
    await it.save();
    const next = pod();
    await next.restore();
    expect(next.kept()).toEqual([npmName(content)]);
  });

  test.each([new RetryableError('Unavailable', 'S3 is away'), new PermanentError('NoSource', 'there is no bucket')])(
    'where S3 does not give it: $message. It does not replace what it has not seen',
    async (error) => {
      store.failNext('open', error);
      const it = pod();
      await it.restore();
      expect(canSave(it.folder)).toBe(false);
      expect(lines.join()).toContain(error.message);
    },
  );

  test('where S3 says of an archive that is not there that it is forbidden, which a key that may not list is told', async () => {
    store.failNext('open', new PermanentError('Forbidden', 'Access Denied'));
    const it = pod();
    await it.restore();
    expect(canSave(it.folder)).toBe(true);
  });

  test('where time runs out', async () => {
    const content = tarball();
    store.put(BUCKET, KEY, await archiveOf([{ name: npmName(content).slice(4), content }]));
    const it = pod();
    await it.restore(AbortSignal.abort());
    expect(it.kept()).toEqual([]);
    expect(canSave(it.folder)).toBe(false);
  });
});
