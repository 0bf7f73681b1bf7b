import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { FormerPorts } from '#local/run/former-ports.ts';

let directory: string;
const servers: Server[] = [];
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'ports-'));
});
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.close();
  }
  rmSync(directory, { recursive: true, force: true });
});

async function listen(port: number): Promise<{ url: string; server: Server }> {
  const server = createServer().listen(port, '127.0.0.1');
  await once(server, 'listening');
  servers.push(server);
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, server };
}

async function run(asked: number): Promise<{ url: string; server: Server }> {
  const ports = new FormerPorts(directory);
  const started = await ports.listen('S3_PORT', asked, listen);
  ports.keep();
  return started;
}

async function end({ server }: { server: Server }): Promise<void> {
  server.close();
  await once(server, 'close');
}

test('any free port is that of the last run', async () => {
  const first = await run(0);
  await end(first);

  expect((await run(0)).url).toBe(first.url);
});

test('where somebody else has it now, it is another', async () => {
  const first = await run(0);

  expect((await run(0)).url).not.toBe(first.url);
});

test('a port that is asked for by its number is that one, or an error', async () => {
  await end(await run(0));
  const other = await listen(0);
  const port = Number(new URL(other.url).port);

  await expect(run(port)).rejects.toThrow(`port ${port} of 127.0.0.1 is taken`);
});

test('a failure of another kind is not hidden by a second try', async () => {
  await end(await run(0));
  const ports = new FormerPorts(directory);
  const tried: number[] = [];
  const fail = async (port: number): Promise<never> => {
    tried.push(port);
    throw new Error('its file cannot be read');
  };

  await expect(ports.listen('S3_PORT', 0, fail)).rejects.toThrow('its file cannot be read');
  expect(tried).toHaveLength(1);
});

test('a file that is no list of ports is as none', async () => {
  writeFileSync(join(directory, 'ports.json'), '{"S3_PO');

  expect((await run(0)).url).toMatch(/^http:/);
});

test.each(['{"S3_PORT":"x"}', '{"S3_PORT":99999}', '{"S3_PORT":-1}', 'null', '{'])(
  '%s of a spoilt file is no port',
  async (text) => {
    writeFileSync(join(directory, 'ports.json'), text);

    expect((await run(0)).url).toMatch(/:\d+$/);
  },
);
