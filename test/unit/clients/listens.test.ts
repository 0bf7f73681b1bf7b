/** Whether somebody listens, asked of real sockets. */

import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { expect, test } from 'vitest';
import { createListens } from '#shared/clients/listens.ts';

const asked: string[] = [];
/** A DNS server that knows all Services but one. */
const lookup = (host: string, { all }: { all?: boolean }, done: (...found: unknown[]) => void) => {
  asked.push(host);
  if (host.startsWith('gone.')) {
    done(Object.assign(new Error('unknown'), { code: 'ENOTFOUND' }));
  } else {
    done(null, all ? [{ address: '127.0.0.1', family: 4 }] : '127.0.0.1', 4);
  }
};
const listens = (BROKER_URL: string) => createListens({ BROKER_URL, NAMESPACE: 'ns' }, { lookup: lookup as never });

const inCluster = listens('http://default-broker-ingress.ns.svc.cluster.local');
const onLaptop = listens('http://127.0.0.1:8080');
const elsewhere = listens('http://default-broker-ingress.ns.svc.k8s.example.com');

async function listener(): Promise<{ port: number; connections: () => number; close(): Promise<unknown> }> {
  let connections = 0;
  const server = createServer((socket) => {
    connections += 1;
    socket.destroy();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { port, connections: () => connections, close: () => new Promise((resolve) => server.close(resolve)) };
}

test('somebody does, then nobody', async () => {
  const server = await listener();
  const url = `http://fn.ns.svc.cluster.local:${server.port}/path`;

  expect(await inCluster(url)).toBe(true);
  await server.close();
  expect([await inCluster(url), await onLaptop(url)]).toEqual([false, false]);
});

test('a name that is not found is nobody in a cluster, and tells nothing on a laptop', async () => {
  const url = 'http://gone.ns.svc.cluster.local';

  expect([await inCluster(url), await onLaptop(url)]).toEqual([false, true]);
});

test("the cluster's own domain and the short name count as well", async () => {
  const server = await listener();

  expect(await elsewhere(`http://fn.ns.svc.k8s.example.com:${server.port}`)).toBe(true);
  expect(await elsewhere(`http://fn.ns.svc:${server.port}`)).toBe(true);
  await server.close();
});

test.each([
  { case: 'an address', url: (port: number) => `http://127.0.0.1:${port}` },
  { case: 'the metadata of the node', url: () => 'http://169.254.169.254/' },
  { case: 'an address in brackets', url: (port: number) => `http://[::1]:${port}` },
  { case: 'a host of the internet', url: (port: number) => `http://example.com:${port}` },
  { case: 'another namespace', url: (port: number) => `http://fn.other.svc.cluster.local:${port}` },
  {
    case: 'a domain that only looks like ours',
    url: (port: number) => `http://fn.ns.svc.cluster.local.evil.com:${port}`,
  },
  { case: 'a domain that begins like ours', url: (port: number) => `http://fn.ns.svc.evil.com:${port}` },
  { case: 'our namespace as the name of another', url: (port: number) => `http://fn.x.ns.svc.cluster.local:${port}` },
  { case: 'our namespace as a user name', url: (port: number) => `http://fn.ns.svc.cluster.local@example.com:${port}` },
  { case: 'no name', url: (port: number) => `http://.ns.svc.cluster.local:${port}` },
  { case: 'another protocol', url: (port: number) => `redis://fn.ns.svc.cluster.local:${port}` },
  { case: 'no address', url: () => 'not an address' },
])('nothing is asked for $case', async ({ url }) => {
  const server = await listener();
  asked.length = 0;

  expect([await inCluster(url(server.port)), await onLaptop(url(server.port))]).toEqual([false, false]);
  expect([asked, server.connections()]).toEqual([[], 0]);
  await server.close();
});
