/** One HTTP request to a function that behaves badly, against real sockets. */
import { createServer as createHttpServer, type RequestListener } from 'node:http';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { createCallFunction } from '#functions/parser-events/call-function.ts';

const MIB = 1024 * 1024;
const call = { headers: { 'content-type': 'text/plain', 'ce-id': '1' }, body: Buffer.from('hello') };
/** Far more than a busy machine takes. */
const limits = { milliseconds: 60_000, bytes: MIB };

let open: Server[] = [];
let sockets = new Set<Socket>();
afterEach(() => {
  for (const socket of sockets) {
    socket.destroy();
  }
  for (const server of open) {
    server.close();
  }
  open = [];
  sockets = new Set();
});

async function listening(server: Server): Promise<string> {
  open.push(server);
  server.on('connection', (socket) => sockets.add(socket.on('error', () => undefined)));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
const http = (answer: RequestListener) => listening(createHttpServer(answer));
/** `answer` gets each request as soon as its body has come. */
const raw = (answer: (socket: Socket, nth: number) => void) => {
  let requests = 0;
  return listening(
    createServer((socket) => {
      socket.on('data', (bytes) => {
        if (bytes.includes('hello')) {
          requests += 1;
          answer(socket, requests);
        }
      });
    }),
  );
};
const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';

test('the request has the bytes of the event, and the answer comes whole', async () => {
  const url = await http((request, response) => {
    request.on('data', (body) =>
      response
        .writeHead(201, { 'content-type': 'text/plain' })
        .end(
          `${request.method} ${request.url} ${request.headers['ce-id']} ${request.headers['content-length']} ${body}`,
        ),
    );
  });
  const result = await createCallFunction()(url, call, limits);
  expect(result).toMatchObject({ kind: 'answered', status: 201, headers: { 'content-type': 'text/plain' } });
  expect(result.kind === 'answered' && result.body.toString()).toBe('POST / 1 5 hello');
});

test('names below localhost are this machine', async () => {
  const url = await http((request, response) => response.end(request.headers.host));
  const { port } = new URL(url);
  const result = await createCallFunction()(`http://f.functions.localhost:${port}`, call, limits);
  expect(result.kind === 'answered' && result.body.toString()).toBe(`f.functions.localhost:${port}`);
});

test('a redirect is not followed', async () => {
  let requests = 0;
  const url = await http((_, response) => {
    requests += 1;
    response.writeHead(307, { location: '/elsewhere' }).end();
  });
  expect(await createCallFunction()(url, call, limits)).toMatchObject({ status: 307 });
  expect(requests).toBe(1);
});

describe('broken', () => {
  test('refused', async () => {
    const url = await http(() => undefined);
    open[0]?.close();
    const result = await createCallFunction()(url, call, limits);
    expect(result).toEqual({ kind: 'broken', began: false, detail: expect.stringContaining('ECONNREFUSED') });
  });

  test('a name that does not exist', async () => {
    const result = await createCallFunction()('http://nobody.invalid', call, limits);
    expect(result).toMatchObject({ kind: 'broken', began: false });
  });

  test('reset before the answer', async () => {
    const url = await raw((socket) => socket.resetAndDestroy());
    expect(await createCallFunction()(url, call, limits)).toMatchObject({ kind: 'broken', began: false });
  });

  test.each([
    ['after the head', 'HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n'],
    ['within the body', 'HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf'],
    ['within a chunk', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nab'],
  ])('closed %s', async (_, text) => {
    const url = await raw((socket) => socket.end(text));
    expect(await createCallFunction()(url, call, limits)).toMatchObject({ kind: 'broken', began: true });
  });

  test('within the head', async () => {
    const url = await raw((socket) => socket.end('HTTP/1.1 200 O'));
    expect(await createCallFunction()(url, call, limits)).toMatchObject({ kind: 'broken', began: false });
  });

  test('what is no HTTP', async () => {
    const url = await raw((socket) => socket.end('SSH-2.0-OpenSSH\r\n'));
    expect(await createCallFunction()(url, call, limits)).toMatchObject({ kind: 'broken', began: false });
  });
});

describe('too slow', () => {
  const soon = { milliseconds: 150, bytes: MIB };

  test.each<[string, (socket: Socket) => void]>([
    ['says nothing', () => undefined],
    ['sends its head one byte after the other', (socket) => drip(socket, OK)],
    [
      'sends its body one byte after the other',
      (socket) => drip(socket, `x`.repeat(1000), `${OK.slice(0, -2)}`.replace(': 2', ': 1000')),
    ],
    ['sends 100 Continue for ever', (socket) => drip(socket, 'HTTP/1.1 100 Continue\r\n\r\n'.repeat(1000))],
    ['sends 102 Processing and nothing else', (socket) => socket.write('HTTP/1.1 102 Processing\r\n\r\n')],
  ])('a function that %s', async (_, answer) => {
    const url = await raw(answer);
    const began = performance.now();
    expect(await createCallFunction()(url, call, soon)).toEqual({ kind: 'too slow' });
    expect(performance.now() - began).toBeLessThan(10_000);
    await expect.poll(() => [...sockets].every((socket) => socket.destroyed)).toBe(true);
  });

  test('a server that does not take the request', async () => {
    const url = await listening(createServer((socket) => socket.pause()));
    const large = { ...call, body: Buffer.alloc(32 * MIB) };
    expect(await createCallFunction()(url, large, soon)).toEqual({ kind: 'too slow' });
  });
});

function drip(socket: Socket, text: string, first = ''): void {
  let sent = 0;
  socket.write(first);
  const timer = setInterval(() => {
    if (socket.destroyed || sent >= text.length) {
      clearInterval(timer);
    } else {
      sent += 1;
      socket.write(text.slice(sent - 1, sent));
    }
  }, 5);
}

describe('too large', () => {
  test.each<[string, RequestListener]>([
    ['with its length', (_, response) => response.end(Buffer.alloc(2 * MIB))],
    ['one byte more than may be', (_, response) => response.end(Buffer.alloc(MIB + 1))],
    ['in chunks for ever', (_, response) => void setInterval(() => response.write(Buffer.alloc(100_000)), 1).unref()],
    ['in its headers', (_, response) => response.writeHead(200, { 'x-large': 'x'.repeat(300_000) }).end()],
  ])('%s', async (_, answer) => {
    expect(await createCallFunction()(await http(answer), call, limits)).toEqual({ kind: 'too large' });
  });

  test('in a flood of 1xx', async () => {
    const flood = 'HTTP/1.1 102 Processing\r\n\r\n'.repeat(10_000);
    const url = await raw((socket) => {
      const more = () => !socket.destroyed && socket.write(flood, () => setImmediate(more));
      more();
    });
    expect(await createCallFunction()(url, call, limits)).toEqual({ kind: 'too large' });
  });

  test('but 1 MiB may be, also byte by byte', async () => {
    const url = await http((_, response) => response.end(Buffer.alloc(MIB, 1)));
    const result = await createCallFunction()(url, call, limits);
    expect(result.kind === 'answered' && result.body.equals(Buffer.alloc(MIB, 1))).toBe(true);

    const chunked = await raw((socket) => {
      const chunks = '1\r\nx\r\n'.repeat(200_000);
      socket.write(`HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n${chunks}0\r\n\r\n`);
    });
    const before = process.memoryUsage().external;
    const pieces = await createCallFunction()(chunked, call, limits);
    expect(pieces.kind === 'answered' && pieces.body.toString()).toBe('x'.repeat(200_000));
    expect(process.memoryUsage().external - before).toBeLessThan(16 * MIB);
  });
});

test('headers of 200 KB may be', async () => {
  const url = await http((_, response) => response.writeHead(200, { 'x-large': 'x'.repeat(200_000) }).end('ok'));
  expect(await createCallFunction()(url, call, limits)).toMatchObject({ kind: 'answered', status: 200 });
});

test('1xx before an answer are no answer', async () => {
  const url = await raw((socket) => socket.write(`HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n${OK}`));
  expect(await createCallFunction()(url, call, limits)).toMatchObject({ kind: 'answered', status: 200 });
});

test('another protocol is an answer without a body', async () => {
  const url = await raw((socket) =>
    socket.write('HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\nframes'),
  );
  expect(await createCallFunction()(url, call, limits)).toMatchObject({ kind: 'answered', status: 101 });
  await expect.poll(() => [...sockets].every((socket) => socket.destroyed)).toBe(true);
});

describe('a kept connection', () => {
  test('is used again', async () => {
    const url = await raw((socket) => socket.write(OK));
    const callFunction = createCallFunction();
    for (let n = 0; n < 3; n += 1) {
      expect(await callFunction(url, call, limits)).toMatchObject({ status: 200 });
    }
    expect(sockets.size).toBe(1);
  });

  test('that was closed as the request was on its way costs no call', async () => {
    const url = await raw((socket, nth) => (nth === 2 ? socket.resetAndDestroy() : socket.write(OK)));
    const callFunction = createCallFunction();
    expect(await callFunction(url, call, limits)).toMatchObject({ status: 200 });
    expect(await callFunction(url, call, limits)).toMatchObject({ kind: 'answered', status: 200 });
    expect(sockets.size).toBe(2);
  });

  test('is tried again once, and only within the time that is left', async () => {
    const url = await raw((socket, nth) => (nth === 1 ? socket.write(OK) : socket.resetAndDestroy()));
    const callFunction = createCallFunction();
    await callFunction(url, call, limits);
    expect(await callFunction(url, call, limits)).toMatchObject({ kind: 'broken', began: false });
    expect(sockets.size).toBe(2);

    const hangs = await raw((socket, nth) => {
      if (nth === 1) {
        socket.write(OK);
      } else if (nth === 2) {
        setTimeout(() => socket.resetAndDestroy(), 3000);
      }
    });
    const again = createCallFunction();
    await again(hangs, call, limits);
    const began = performance.now();
    expect(await again(hangs, call, { ...limits, milliseconds: 4000 })).toEqual({ kind: 'too slow' });
    expect(performance.now() - began).toBeLessThan(6500);
  });

  test.each([
    ['a 1xx', 'HTTP/1.1 100 Continue\r\n\r\n'],
    ['half a head', 'HTTP/1.1 200'],
  ])('on which %s has come is not tried again', async (_, text) => {
    let requests = 0;
    const url = await raw((socket, nth) => {
      requests = nth;
      socket.write(nth === 1 ? OK : text, () => nth > 1 && setTimeout(() => socket.resetAndDestroy(), 20));
    });
    const callFunction = createCallFunction();
    await callFunction(url, call, limits);
    expect(await callFunction(url, call, limits)).toMatchObject({ kind: 'broken' });
    expect(requests).toBe(2);
  });
});
