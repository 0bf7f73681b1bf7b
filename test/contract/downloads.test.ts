/** One package more downloads that alone. What a tenant's builds have downloaded is there for no other's. */
import { createHash } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { pack } from 'tar-stream';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import type { Identity } from '#shared/events/identity.ts';
import { downloadsKey } from '#shared/specs/s3-keys.ts';
import { buildAgain, expectResult } from './build-again.ts';
import { until } from './until.ts';
import { World } from './world.ts';

const PACKAGES = Array.from({ length: 20 }, (_, number) => `package${number}`);

// The registry listens on loopback, which pods of a cluster do not reach.
describe.runIf(inject('platform').directory !== undefined)('a registry that counts', () => {
  let world: World;
  let server: Server;
  let host: string;
  let asked: string[] = [];
  const tarballs = new Map<string, Buffer>();

  beforeAll(async () => {
    world = await new World().open();
    for (const name of [...PACKAGES, 'added']) {
      tarballs.set(name, await tarballOf(name));
    }
    server = createServer(({ url = '/' }, response) => {
      asked.push(url);
      const tarball = tarballs.get(/^\/(\w+)\/-\//.exec(url)?.[1] ?? '');
      response.writeHead(tarball ? 200 : 404).end(tarball);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(async () => {
    await world.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  function source(names: string[]): Record<string, string> {
    const root = {
      name: 'x',
      version: '1.0.0',
      dependencies: Object.fromEntries(names.map((name) => [name, '1.0.0'])),
    };
    const lock = names.map((name) => {
      const integrity = `sha512-${createHash('sha512')
        .update(tarballs.get(name) ?? '')
        .digest('base64')}`;
      const resolved = `http://${host}/${name}/-/${name}-1.0.0.tgz`;
      return [`node_modules/${name}`, { version: '1.0.0', resolved, integrity }];
    });
    return {
      'parser.mjs': `${names.map((name) => `import ${name} from '${name}';\n`).join('')}export const handler = () => [${names}];\n`,
      'package.json': JSON.stringify(root),
      'package-lock.json': JSON.stringify({
        name: 'x',
        version: '1.0.0',
        lockfileVersion: 3,
        packages: Object.fromEntries([['', root], ...lock]),
      }),
    };
  }

  /** What the registry was asked for. */
  async function build(identity: Identity, names: string[]): Promise<string[]> {
    asked = [];
    await world.upload(identity, source(names));
    expect((await buildAgain(world, identity)).data.cached).toBe(false);
    return asked;
  }

  test('is asked for the added package alone, and by another tenant for all', { timeout: 900_000 }, async () => {
    const tenant = `downloading-${world.platform.run}`;
    const identity = world.parser('downloading', tenant);
    expect(await build(identity, PACKAGES)).toHaveLength(PACKAGES.length);
    const key = downloadsKey({ third_party_id: tenant }, 'npm');
    const bucket = world.platform.temporaryBucket;
    await until('the downloads to be kept', async () => (await world.keys(bucket, key)).length > 0, 60);

    expect(await build(identity, [...PACKAGES, 'added'])).toEqual(['/added/-/added-1.0.0.tgz']);
    await expectResult(world, identity, [...PACKAGES, 'added']);

    const other = world.parser('downloading-too', `other-${tenant}`);
    expect(await build(other, PACKAGES)).toHaveLength(PACKAGES.length);
  });
});

async function tarballOf(name: string): Promise<Buffer> {
  const archive = pack();
  const manifest = { name, version: '1.0.0', main: 'index.js' };
  archive.entry({ name: 'package/package.json', mtime: new Date(0) }, JSON.stringify(manifest));
  archive.entry({ name: 'package/index.js', mtime: new Date(0) }, `module.exports = '${name}';\n`);
  archive.finalize();
  return gzipSync(await buffer(archive));
}
