/** `kn-lambda open` as a process: the page at an address of this machine, with the token, for nobody else. */
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { bundledCommand, type Running } from './command.ts';
import { Stub } from './stub.ts';
import { wait } from './wait.ts';

const command = bundledCommand();
const TOKEN = 'secret-of-acme';

interface Answered {
  status: number | undefined;
  headers: IncomingHttpHeaders;
  body: string;
}

/** Not fetch, which writes Host by itself. */
async function ask(url: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Answered> {
  const { promise, resolve, reject } = Promise.withResolvers<Answered>();
  request(url, { method, headers }, async (answer) => {
    let body = '';
    for await (const chunk of answer) {
      body += String(chunk);
    }
    resolve({ status: answer.statusCode, headers: answer.headers, body });
  })
    .on('error', reject)
    .end();
  return await promise;
}

async function opened(stub: Stub, ...args: string[]): Promise<Running & { url: string }> {
  const running = command.start(['open', '--server', stub.url, ...args], { environment: { KN_LAMBDA_TOKEN: TOKEN } });
  await wait(() => running.said().includes('until Ctrl-C'));
  return { ...running, url: /http:\/\/127\.0\.0\.1:\d+\//.exec(running.said())?.[0] ?? '' };
}

async function platform(): Promise<Stub> {
  const stub = await new Stub().start();
  stub.token = TOKEN;
  stub.answers.set('GET /', (incoming, response) => {
    response.writeHead(200, { 'content-type': 'text/html' }).end(`for ${incoming.headers.authorization}`);
  });
  return stub;
}

test('the page and the API are asked with the token, which stands in no address', async () => {
  await using stub = await platform();
  const { url, child, ended, said } = await opened(stub);
  expect(await ask(url)).toMatchObject({ status: 200, body: `for Bearer ${TOKEN}` });
  expect(JSON.parse((await ask(`${url}api/v1/me`)).body)).toMatchObject({ principal: 'anybody' });
  // A token of the browser's own does not count.
  expect((await ask(url, { authorization: 'Bearer other' })).body).toBe(`for Bearer ${TOKEN}`);
  expect(new URL(url).search + new URL(url).hash + new URL(url).pathname).toBe('/');
  expect(said()).not.toContain(TOKEN);
  expect(stub.asked.join()).not.toContain(TOKEN);
  child.kill('SIGINT');
  expect((await ended).stderr).not.toContain(TOKEN);
});

test.each([
  ['another name that leads here', { host: 'evil.example' }],
  ['another port', { host: '127.0.0.1:1' }],
  ['a page from elsewhere', { origin: 'https://evil.example' }],
  ['a page without an origin', { origin: 'null' }],
])('refused: %s', async (_, headers) => {
  await using stub = await platform();
  const { url, child, ended } = await opened(stub);
  const before = stub.asked.length;
  const answer = await ask(`${url}api/v1/me`, headers, 'origin' in headers ? 'POST' : 'GET');
  expect(answer).toMatchObject({ status: 403, body: expect.stringContaining('nobody else') });
  expect(stub.asked.length).toBe(before);
  // The page itself is let through.
  expect((await ask(url, { origin: url.slice(0, -1) })).status).toBe(200);
  child.kill('SIGINT');
  await ended;
});

test('Ctrl-C ends it at once, also while a stream is open', async () => {
  await using stub = await platform();
  const { url, child, ended } = await opened(stub);
  const stream = await fetch(`${url}api/v1/events`, { headers: { accept: 'text/event-stream' } });
  expect(stream.status).toBe(200);
  await wait(() => stub.openStreams === 1);
  const began = performance.now();
  child.kill('SIGINT');
  await ended;
  expect(performance.now() - began).toBeLessThan(2000);
  await wait(() => stub.openStreams === 0);
  await expect(stream.text()).rejects.toThrow();
  await expect(fetch(url)).rejects.toThrow();
});

test('a port that is taken is said, with what to do', async () => {
  await using stub = await platform();
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  const { port } = other.address() as AddressInfo;
  const { code, stderr } = await command.run(['open', '--server', stub.url, '--port', String(port)], {
    environment: { KN_LAMBDA_TOKEN: TOKEN },
  });
  other.close();
  expect(code).toBe(1);
  expect(stderr).toContain(`port ${port} of this machine cannot be listened on: EADDRINUSE`);
  expect(stderr).toContain('Leave --port out');
});

test('a platform that goes away is told by the page, and the next look may find it', async () => {
  await using stub = await platform();
  const { url, child, ended } = await opened(stub);
  stub.answers.set('GET /', (incoming) => incoming.socket.destroy());
  expect(await ask(url)).toMatchObject({ status: 502, body: expect.stringContaining('does not answer') });
  stub.answers.delete('GET /');
  expect((await ask(`${url}api/v1/me`)).status).toBe(200);
  child.kill('SIGINT');
  await ended;
});

test('where no token is needed, the address is that of the platform', async () => {
  await using stub = await new Stub().start();
  const { code, stdout } = await command.run(['open', '--server', stub.url]);
  expect({ code, stdout }).toEqual({ code: 0, stdout: `${stub.url}/\n` });
});
