/** A private npm registry and a private package index, on loopback, with one package each and one token. */
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { pack } from 'tar-stream';
import { zip } from '#test/fakes/zip.ts';

export interface PrivateRegistry {
  /** `127.0.0.1:port`. */
  host: string;
  /** Of npm's package. */
  integrity: string;
  /** Method, path and status of everything it was asked. */
  asked: string[];
  close(): Promise<void>;
}

/** npm's `@acme/secret` for whoever brings the token; pip's `acme-secret` for user `acme` with the token. */
export async function startPrivateRegistry(token: string): Promise<PrivateRegistry> {
  const tarball = await npmPackage();
  const integrity = `sha512-${createHash('sha512').update(tarball).digest('base64')}`;
  const wheel = pythonWheel();
  const basic = `Basic ${Buffer.from(`acme:${token}`).toString('base64')}`;
  const asked: string[] = [];

  const answer = ({ url = '/', headers }: IncomingMessage, response: ServerResponse): void => {
    const path = decodeURIComponent(url);
    const isNpm = path.startsWith('/npm/');
    if (headers.authorization !== (isNpm ? `Bearer ${token}` : basic)) {
      const challenge = isNpm ? 'Bearer' : 'Basic realm="private"';
      response.writeHead(401, { 'www-authenticate': challenge }).end('{"error":"authentication required"}');
    } else if (path === '/npm/@acme/secret') {
      response.setHeader('content-type', 'application/json').end(JSON.stringify(packument()));
    } else if (path === '/npm/@acme/secret/-/secret-1.0.0.tgz') {
      response.end(tarball);
    } else if (path === '/pip/simple/acme-secret/') {
      const hash = createHash('sha256').update(wheel).digest('hex');
      response.setHeader('content-type', 'text/html').end(`<a href="/pip/files/${WHEEL}#sha256=${hash}">${WHEEL}</a>`);
    } else if (path === `/pip/files/${WHEEL}`) {
      response.end(wheel);
    } else {
      response.writeHead(404).end('{"error":"not found"}');
    }
  };
  const packument = () => ({
    name: '@acme/secret',
    'dist-tags': { latest: '1.0.0' },
    versions: {
      '1.0.0': {
        name: '@acme/secret',
        version: '1.0.0',
        main: 'index.js',
        dist: {
          tarball: `http://${host}/npm/@acme/secret/-/secret-1.0.0.tgz`,
          integrity,
        },
      },
    },
  });

  const server = createServer((request, response) => {
    response.once('finish', () => asked.push(`${request.method} ${request.url} ${response.statusCode}`));
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    host,
    integrity,
    asked,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

async function npmPackage(): Promise<Buffer> {
  const archive = pack();
  archive.entry({ name: 'package/package.json' }, '{ "name": "@acme/secret", "version": "1.0.0", "main": "index.js" }');
  archive.entry({ name: 'package/index.js' }, "module.exports = 'from the private registry';\n");
  archive.finalize();
  return gzipSync(await buffer(archive));
}

const WHEEL = 'acme_secret-1.0.0-py3-none-any.whl';

function pythonWheel(): Buffer {
  const info = 'acme_secret-1.0.0.dist-info';
  return zip({
    'acme_secret.py': 'VALUE = "from the private index"\n',
    [`${info}/METADATA`]: 'Metadata-Version: 2.1\nName: acme-secret\nVersion: 1.0.0\n',
    [`${info}/WHEEL`]: 'Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n',
    [`${info}/RECORD`]: `acme_secret.py,,\n${info}/METADATA,,\n${info}/WHEEL,,\n${info}/RECORD,,\n`,
  });
}
