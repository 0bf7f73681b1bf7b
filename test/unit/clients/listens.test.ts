/** Whether somebody listens, asked of real sockets. */

import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { expect, test } from 'vitest';
import { createListens } from '#shared/clients/listens.ts';

const inCluster = createListens({ BROKER_URL: 'http://default-broker-ingress.ns.svc.cluster.local' });
const onLaptop = createListens({ BROKER_URL: 'http://127.0.0.1:8080' });

test('somebody does, then nobody', async () => {
  const server = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/path`;

  expect(await inCluster(url)).toBe(true);
  await new Promise((resolve) => server.close(resolve));
  expect([await inCluster(url), await onLaptop(url)]).toEqual([false, false]);
});

test('a name that is not found is nobody in a cluster, and tells nothing on a laptop', async () => {
  const url = 'http://gone.ns.svc.invalid';

  expect([await inCluster(url), await onLaptop(url)]).toEqual([false, true]);
});

test('what is no address is nobody', async () => {
  expect(await onLaptop('not an address')).toBe(false);
});
