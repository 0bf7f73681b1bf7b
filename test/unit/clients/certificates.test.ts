/** Until when certificates hold, seen without any right: a server shows its own to anybody. */
import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createServer, type Server } from 'node:tls';
import { expect, onTestFinished, test } from 'vitest';
import { lookAtCertificates } from '#shared/clients/certificates.ts';

const file = (name: string) => new URL(`../../fixtures/tls/${name}`, import.meta.url).pathname;

async function serving(certificate: string): Promise<string> {
  const server: Server = createServer({ cert: readFileSync(file(certificate)), key: readFileSync(file('server.key')) });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test('of servers, also where it has ended', async () => {
  const [good, bad] = [await serving('server.pem'), await serving('expired.pem')];
  const found = await lookAtCertificates([good, bad, good, 'http://plain.example']);
  expect(found.map(({ where, until }) => [where, until.getUTCFullYear()])).toEqual([
    [good.slice('https://'.length), 2126],
    [bad.slice('https://'.length), 2021],
  ]);
});

test('who does not answer is left out', async () => {
  expect(await lookAtCertificates(['https://127.0.0.1:9'])).toEqual([]);
});
