/** Posts the same event again and again over kept connections, as a dispatcher does, with little work of its own. */
import { connect } from 'node:net';

export interface Posted {
  perSecond: number;
  /** Of one call, in milliseconds. */
  median: number;
  calls: number;
}

/** `atOnce` connections, each with one call at a time. Rejects at the first answer that is not as `expected`. */
export async function postForAWhile(
  url: string,
  atOnce: number,
  milliseconds: number,
  expected: RegExp,
): Promise<Posted> {
  const times: number[] = [];
  const began = performance.now();
  const end = began + milliseconds;
  await Promise.all(Array.from({ length: atOnce }, () => postUntil(url, end, times, expected)));
  times.sort((a, b) => a - b);
  return {
    perSecond: (times.length * 1000) / (performance.now() - began),
    median: times[times.length >> 1] ?? Number.NaN,
    calls: times.length,
  };
}

let id = 0;

function requestFor(host: string): string {
  id += 1;
  const body = '{"context_id":"c1","text":"as much as a small event has","numbers":[1,2,3]}';
  return [
    'POST / HTTP/1.1',
    `host: ${host}`,
    'content-type: application/json',
    `content-length: ${body.length}`,
    'ce-specversion: 1.0',
    `ce-id: ${id}`,
    'ce-source: bench',
    'ce-type: parser.start',
    'ce-subject: bench/p1',
    'ce-time: 2026-01-02T03:04:05Z',
    'ce-correlationid: chain',
    '',
    body,
  ].join('\r\n');
}

function postUntil(url: string, end: number, times: number[], expected: RegExp): Promise<void> {
  const { hostname, port, host } = new URL(url);
  const socket = connect(Number(port), hostname).setNoDelay();
  return new Promise((resolve, reject) => {
    let answer = '';
    let sent = 0;
    const post = () => {
      answer = '';
      sent = performance.now();
      socket.write(requestFor(host));
    };
    socket.once('connect', post);
    socket.once('error', reject);
    socket.once('close', () => reject(new Error(`the connection was closed: ${answer}`)));
    socket.setEncoding('latin1').on('data', (text) => {
      answer += text;
      if (!isWhole(answer)) {
        return;
      }
      times.push(performance.now() - sent);
      if (!expected.test(answer)) {
        reject(new Error(answer));
      } else if (performance.now() < end) {
        post();
      } else {
        socket.destroy();
        resolve();
      }
    });
  });
}

function isWhole(answer: string): boolean {
  const head = answer.indexOf('\r\n\r\n');
  const [, length] = /\r\ncontent-length: (\d+)/i.exec(answer) ?? [];
  return head >= 0 && answer.length >= head + 4 + Number(length ?? 0);
}
