/**
 * Package managers with what an earlier build has downloaded: one package more asks the registry for that alone, and no
 * credential is in what is saved. The installing step is run as the Dockerfile has it, with the machine's own tools.
 */
import { spawn, spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { gzipSync, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { pack } from 'tar-stream';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { restoreDownloads } from '#build-pod/restore-downloads.ts';
import { saveDownloads } from '#build-pod/save-downloads.ts';
import { DOWNLOADS_DIRECTORY, type PackageManager } from '#shared/specs/build-pod/downloads.ts';
import { PRIVATE_FOLDER } from '#shared/specs/build-pod/private-dependencies.ts';
import { InMemoryObjectStore } from '#test/fakes/object-store.ts';
import { zip } from '#test/fakes/zip.ts';
import { type Files, ours, plan } from '#test/languages/conformance/sources.ts';

const TOKEN = `canary${randomBytes(12).toString('hex')}`;
const BUCKET = 'tmp';
const NAMES = ['one', 'two', 'three'];

let root: string;
let store: InMemoryObjectStore;
let server: Server;
let host: string;
let asked: string[];
let answer: (path: string) => { body: string | Buffer; type?: string } | undefined;

beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'downloads-'));
  store = new InMemoryObjectStore(BUCKET);
  asked = [];
  server = createServer(({ url = '/', headers }, response) => {
    asked.push(url);
    const found = answer(decodeURIComponent(url));
    const isAllowed = url.startsWith('/go/') || headers.authorization !== undefined;
    // Whoever caches such an answer with its request keeps the token.
    response.setHeader('vary', 'Authorization').setHeader('cache-control', 'max-age=3600, immutable');
    response.setHeader('set-cookie', `session=${TOKEN}`);
    if (!isAllowed) {
      response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end();
    } else if (found) {
      response.setHeader('content-type', found.type ?? 'application/octet-stream').end(found.body);
    } else {
      response.writeHead(404).end();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  spawnSync('chmod', ['-R', 'u+w', root]);
  rmSync(root, { recursive: true, force: true });
});

/** One build's installing step, between what fetch-context and the sidecar do. Files that were asked for. */
async function install(
  manager: PackageManager,
  files: Files,
  { env = {}, credentials = {} }: { env?: Record<string, string>; credentials?: Record<string, string> },
): Promise<{ code: number; output: string; requests: string[]; folder: string }> {
  const pod = mkdtempSync(join(root, 'pod-'));
  const folder = join(pod, 'app');
  const volume = join(pod, 'downloads');
  mkdirSync(volume);
  const write = (path: string, content: string | Buffer) => {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
  };
  for (const [name, content] of Object.entries(credentials)) {
    write(join(pod, 'private', name), content);
  }
  const context = await plan(files);
  for (const { path, content } of context.files) {
    write(join(folder, path), content);
  }
  for (const [path, content] of Object.entries(files)) {
    write(join(folder, path), content as string);
  }
  const address = {
    manager,
    bucket: BUCKET,
    key: `downloads/acme/${manager}.tar.zst`,
    bytes: 10_000_000,
    folder: volume,
  };
  const tools = { store, log: () => undefined, now: Date.now };
  const { signal } = new AbortController();
  await restoreDownloads(tools, address, signal);
  const step = (ours(context, 'Dockerfile') ?? '')
    .split('\n')
    .find((line) => line.includes('private.sh;'))
    ?.replace(/^RUN /, '')
    .replace(PRIVATE_FOLDER, join(pod, 'private'))
    .replace(DOWNLOADS_DIRECTORY, volume);
  asked = [];
  const child = spawn('sh', ['-c', step ?? 'exit 1'], {
    cwd: folder,
    env: { PATH: process.env['PATH'], HOME: pod, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  child.stdout.on('data', (data) => (output += data));
  child.stderr.on('data', (data) => (output += data));
  const code = await new Promise<number>((resolve) => child.once('close', (status) => resolve(status ?? -1)));
  if (code === 0) {
    await saveDownloads(tools, address, signal);
  }
  return { code, output, requests: asked, folder };
}

/** In all that S3 has, compressed as it is and unpacked. */
function expectNoToken(): void {
  const hidden = [TOKEN, Buffer.from(`acme:${TOKEN}`).toString('base64')];
  for (const key of store.keys(BUCKET)) {
    const unpacked = zstdDecompressSync(store.peek(BUCKET, key) ?? '');
    expect(unpacked.length, key).toBeGreaterThan(1000);
    for (const secret of hidden) {
      expect(unpacked.includes(secret), key).toBe(false);
    }
  }
  expect(store.keys(BUCKET)).toHaveLength(1);
}

async function tarballOf(name: string): Promise<Buffer> {
  const archive = pack();
  archive.entry({ name: 'package/package.json', mtime: new Date(0) }, JSON.stringify({ name, version: '1.0.0' }));
  archive.finalize();
  return gzipSync(await buffer(archive));
}

test('npm', { timeout: 300_000 }, async () => {
  const tarballs = new Map(await Promise.all(NAMES.map(async (name) => [name, await tarballOf(name)] as const)));
  const integrity = (name: string) =>
    `sha512-${createHash('sha512')
      .update(tarballs.get(name) ?? '')
      .digest('base64')}`;
  const urlOf = (name: string) => `http://${host}/${name}/-/${name}-1.0.0.tgz`;
  answer = (path) => {
    const [, name = '', file] = /^\/(\w+)(\/-\/.+)?$/.exec(path) ?? [];
    const dist = { tarball: urlOf(name), integrity: integrity(name) };
    const packument = {
      name,
      'dist-tags': { latest: '1.0.0' },
      versions: { '1.0.0': { name, version: '1.0.0', dist } },
    };
    return file ? { body: tarballs.get(name) ?? '' } : { body: JSON.stringify(packument), type: 'application/json' };
  };
  const manifest = (names: string[]) => ({
    'parser.js': 'exports.handler = () => 1',
    'package.json': JSON.stringify({
      name: 'x',
      version: '1.0.0',
      dependencies: Object.fromEntries(names.map((name) => [name, '1.0.0'])),
    }),
  });
  const locked = (names: string[]) => ({
    ...manifest(names),
    'package-lock.json': JSON.stringify({
      name: 'x',
      version: '1.0.0',
      lockfileVersion: 3,
      packages: Object.fromEntries([
        ['', { name: 'x', version: '1.0.0', dependencies: Object.fromEntries(names.map((name) => [name, '1.0.0'])) }],
        ...names.map((name) => [
          `node_modules/${name}`,
          { version: '1.0.0', resolved: urlOf(name), integrity: integrity(name) },
        ]),
      ]),
    }),
  });
  const credentials = { '.npmrc': `registry=http://${host}/\n//${host}/:_authToken=${TOKEN}\n` };

  const first = await install('npm', locked(['one', 'two']), { credentials });
  expect(first.code, first.output).toBe(0);
  expect(first.requests.sort()).toEqual(['/one/-/one-1.0.0.tgz', '/two/-/two-1.0.0.tgz']);
  expectNoToken();
  const second = await install('npm', locked(NAMES), { credentials });
  expect(second.code, second.output).toBe(0);
  expect(second.requests).toEqual(['/three/-/three-1.0.0.tgz']);
  expect(readdirSync(join(second.folder, 'node_modules')).sort()).toEqual(['.package-lock.json', ...NAMES].sort());
  expect(readdirSync(join(second.folder, '.knative-lambda'))).not.toContain('cache');

  // Without a lock file npm asks which versions there are, and takes the packages from what was kept.
  const unlocked = await install('npm', manifest(NAMES), { credentials });
  expect(unlocked.code, unlocked.output).toBe(0);
  expect(unlocked.requests.filter((path) => path.endsWith('.tgz'))).toEqual([]);
});

const pipVersion = spawnSync('python3', ['-m', 'pip', '--version'], { encoding: 'utf8' }).stdout ?? '';
const [, major = '0', minor = '0'] = /^pip (\d+)\.(\d+)/.exec(pipVersion) ?? [];

test.runIf(Number(major) > 23 || (Number(major) === 23 && Number(minor) >= 3))(
  'pip',
  { timeout: 300_000 },
  async () => {
    const wheels = new Map(NAMES.map((name) => [name, wheelOf(name)]));
    answer = (path) => {
      const [, name = ''] = /^\/simple\/(\w+)\/$/.exec(path) ?? [];
      if (name !== '') {
        const hash = createHash('sha256')
          .update(wheels.get(name) ?? '')
          .digest('hex');
        return {
          body: `<a href="/files/${name}-1.0.0-py3-none-any.whl#sha256=${hash}">${name}-1.0.0-py3-none-any.whl</a>`,
          type: 'text/html',
        };
      }
      const [, file = ''] = /^\/files\/(\w+)-/.exec(path) ?? [];
      return wheels.has(file) ? { body: wheels.get(file) as Buffer } : undefined;
    };
    const source = (names: string[]) => ({
      'parser.py': 'def handler(event): ...\n',
      'requirements.txt': names.map((name) => `${name}==1.0.0\n`).join(''),
    });
    const credentials = {
      'pip.conf': `[global]\nindex-url = http://acme:${TOKEN}@${host}/simple/\ntrusted-host = ${host}\n`,
    };
    const files = (requests: string[]) => [...new Set(requests.filter((path) => path.startsWith('/files/')))];

    const first = await install('pip', source(['one', 'two']), { credentials });
    expect(first.code, first.output).toBe(0);
    expect(files(first.requests)).toHaveLength(2);
    expectNoToken();
    const second = await install('pip', source(NAMES), { credentials });
    expect(second.code, second.output).toBe(0);
    expect(files(second.requests)).toEqual(['/files/three-1.0.0-py3-none-any.whl']);
    expect(second.requests.filter((path) => path.startsWith('/simple/')).length).toBeGreaterThanOrEqual(3);
    expect(readdirSync(join(second.folder, '.knative-lambda')).filter((name) => name.startsWith('pip-'))).toEqual([]);

    // The index has another file under the same name now, or somebody has changed what is kept.
    wheels.set('one', wheelOf('one', 'VALUE = 2\n'));
    const third = await install('pip', source(NAMES), { credentials });
    expect(third.code, third.output).toBe(0);
    expect(third.output).toContain('downloading all anew');
    expect(readFileSync(join(third.folder, '.knative-lambda/dependencies/one.py'), 'utf8')).toBe('VALUE = 2\n');

    const fourth = await install('pip', source(NAMES), { credentials });
    expect(fourth.code, fourth.output).toBe(0);
    expect(files(fourth.requests)).toEqual([]);

    const missing = await install('pip', source([...NAMES, 'nobody']), { credentials });
    expect(missing.code).toBe(65);
    expect(missing.output).not.toContain('downloading all anew');
  },
);

function wheelOf(name: string, code = 'VALUE = 1\n'): Buffer {
  const info = `${name}-1.0.0.dist-info`;
  return zip({
    [`${name}.py`]: code,
    [`${info}/METADATA`]: `Metadata-Version: 2.1\nName: ${name}\nVersion: 1.0.0\n`,
    [`${info}/WHEEL`]: 'Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n',
    [`${info}/RECORD`]: `${name}.py,,\n${info}/METADATA,,\n${info}/WHEEL,,\n${info}/RECORD,,\n`,
  });
}

test.runIf(spawnSync('go', ['version']).status === 0)('go', { timeout: 300_000 }, async () => {
  const path = (name: string) => `corp.example/${name}`;
  const mod = (name: string) => `module ${path(name)}\n\ngo 1.24\n`;
  const moduleOf = (name: string) =>
    zip({ [`${path(name)}@v1.0.0/go.mod`]: mod(name), [`${path(name)}@v1.0.0/${name}.go`]: `package ${name}\n` });
  answer = (url) => {
    const [, name = '', ending] = /^\/go\/corp\.example\/(\w+)\/@v\/v1\.0\.0\.(\w+)$/.exec(url) ?? [];
    return {
      info: { body: '{"Version":"v1.0.0","Time":"2026-01-01T00:00:00Z"}' },
      mod: { body: mod(name) },
      zip: { body: moduleOf(name) },
    }[ending ?? ''];
  };
  const source = (names: string[]) => ({
    'go.mod': `module example.com/p\n\ngo 1.24\n\n${names.map((name) => `require ${path(name)} v1.0.0\n`).join('')}`,
    'parser.go': 'package p\n\nfunc Handle() {}\n',
  });
  const run = async (names: string[]) => {
    // A module cache as that of a base image: empty. The adapter's own modules come from the machine's.
    const cache = mkdtempSync(join(root, 'modules-'));
    const proxies = `http://${host}/go,file://${spawnSync('go', ['env', 'GOMODCACHE'], { encoding: 'utf8' }).stdout.trim()}/cache/download`;
    return await install('go', source(names), {
      env: {
        GOPROXY: proxies,
        GONOSUMDB: '*',
        GONOSUMCHECK: '1',
        GOFLAGS: '-mod=mod',
        GOSUMDB: 'off',
        GOMODCACHE: cache,
        GOTOOLCHAIN: 'local',
      },
    });
  };
  const zips = (requests: string[]) => requests.filter((url) => /corp\.example.*\.(zip|mod)$/.test(url));
  const first = await run(['one', 'two']);
  expect(first.code, first.output).toBe(0);
  expect(zips(first.requests).filter((url) => url.endsWith('.zip'))).toHaveLength(2);
  const second = await run(NAMES);
  expect(second.code, second.output).toBe(0);
  expect(new Set(zips(second.requests))).toEqual(
    new Set(['/go/corp.example/three/@v/v1.0.0.mod', '/go/corp.example/three/@v/v1.0.0.zip']),
  );

  // Somebody has changed what is kept.
  const archive = pack();
  archive.entry({ name: 'corp.example/one/@v/v1.0.0.zip' }, 'no zip');
  archive.finalize();
  store.put(BUCKET, 'downloads/acme/go.tar.zst', zstdCompressSync(await buffer(archive)));
  const third = await run(NAMES);
  expect(third.code, third.output).toBe(0);
  expect(third.output).toContain('downloading all anew');
  const fourth = await run(NAMES);
  expect(fourth.code, fourth.output).toBe(0);
  expect(zips(fourth.requests)).toEqual([]);
});
