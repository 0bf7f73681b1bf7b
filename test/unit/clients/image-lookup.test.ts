/** Whether a registry has an image: asked without credentials, and within seconds. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { lookUpImages } from '#shared/clients/image-lookup.ts';
import { OCI_MANIFEST } from '#shared/clients/oci-registry.ts';

const digest = (letter: string) => `sha256:${letter.repeat(64)}`;
const asked: string[] = [];
const registry = createServer((request, response) => {
  asked.push(`${request.method} ${request.url}`);
  // As distribution: it has an OCI image for those alone who name its type.
  const isThere = request.url?.includes('a'.repeat(64)) && request.headers.accept?.includes(OCI_MANIFEST);
  if (request.url?.includes('/closed/')) {
    response.writeHead(401, { 'www-authenticate': 'Basic realm="r"' }).end();
  } else if (request.url?.includes('/slow/')) {
    setTimeout(() => response.end(), 60_000).unref();
  } else {
    response.writeHead(isThere || request.url === '/v2/' ? 200 : 404, { 'docker-content-digest': digest('a') }).end();
  }
});
let host: string;
beforeAll(async () => {
  await new Promise<void>((resolve) => registry.listen(0, '127.0.0.1', resolve));
  host = `127.0.0.1:${(registry.address() as AddressInfo).port}`;
});
afterAll(() => {
  registry.closeAllConnections();
  registry.close();
});

test('those that are there, and those that are lost', async () => {
  const images = [`${host}/fn/one@${digest('a')}`, `${host}/fn/two@${digest('b')}`, `${host}/fn:tag`];
  const found = await lookUpImages(images);
  expect(found).toEqual({ there: [images[0]], missing: [images[1]], closed: [], silent: [] });
  expect(asked.every((one) => /^(GET|HEAD) /.test(one))).toBe(true);
});

test('a registry that asks who looks is closed, and asked once', async () => {
  const images = Array.from({ length: 40 }, (_, n) => `${host}/closed/fn${n}@${digest('a')}`);
  expect(await lookUpImages(images)).toEqual({ there: [], missing: [], closed: [host], silent: [] });
});

test('one that does not answer is told, within seconds', { timeout: 20_000 }, async () => {
  const began = performance.now();
  const { there, missing } = await lookUpImages([`${host}/slow/fn@${digest('a')}`]);
  expect({ there, missing }).toEqual({ there: [], missing: [] });
  expect(performance.now() - began).toBeLessThan(5000);
  const { silent } = await lookUpImages([`127.0.0.1:9/fn@${digest('a')}`]);
  expect(silent.length).toBeLessThanOrEqual(1);
});
