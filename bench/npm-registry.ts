/** An npm registry on loopback, so that dependencies change without a network: `number@1.0.N` exports N. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { pack } from 'tar-stream';

export interface NpmRegistry {
  url: string;
  close(): Promise<void>;
}

/** `versions`: how many there are, from 0. */
export async function startNpmRegistry(versions: number): Promise<NpmRegistry> {
  const server = createServer(async ({ url: path = '/' }, response) => {
    const [, n] = /^\/number\/-\/number-1\.0\.(\d+)\.tgz$/.exec(path) ?? [];
    if (n !== undefined) {
      response.end(await packageOf(n));
    } else if (path === '/number') {
      const all = Array.from({ length: versions }, (_, each) => versionOf(each, url));
      const packument = { name: 'number', 'dist-tags': { latest: '1.0.0' }, versions: Object.fromEntries(all) };
      response.setHeader('content-type', 'application/json').end(JSON.stringify(packument));
    } else {
      response.writeHead(404).end('{"error":"not found"}');
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function versionOf(n: number, url: string): [string, object] {
  const version = `1.0.${n}`;
  const dist = { tarball: `${url}/number/-/number-${version}.tgz` };
  return [version, { name: 'number', version, main: 'index.js', dist }];
}

async function packageOf(n: string): Promise<Buffer> {
  const archive = pack();
  archive.entry({ name: 'package/package.json' }, `{ "name": "number", "version": "1.0.${n}", "main": "index.js" }`);
  archive.entry({ name: 'package/index.js' }, `module.exports = ${n};\n`);
  archive.finalize();
  return gzipSync(await buffer(archive));
}
