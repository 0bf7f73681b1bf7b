/** Small sources of user functions, named by their role. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';

/** Answers `{ answer, echoed }`. No dependencies, so its build installs nothing. */
export function answering(answer: string): Record<string, string> {
  return {
    'parser.mjs': `export async function handler(event) {\n  return { answer: '${answer}', echoed: event.data };\n}\n`,
  };
}

/** Installing may see the whole source, so that each version of it is built by a Job. */
export function byJob(files: Record<string, string>): Record<string, string> {
  return { ...files, 'package.json': JSON.stringify({ version: '1.0.0', scripts: { postinstall: 'true' } }) };
}

/** Its build takes `seconds`, so that something can happen meanwhile. */
export function slowToBuild(answer: string, seconds: number): Record<string, string> {
  return {
    ...answering(answer),
    'package.json': JSON.stringify({
      name: 'slow',
      version: '1.0.0',
      scripts: { postinstall: `node -e "setTimeout(() => {}, ${seconds * 1000})"` },
    }),
  };
}

/**
 * A Dockerfile whose server does what the data of the call says: `answer` (`status`, `headers`, `body` and
 * how many `times`, or `body_base64`), `several` answers, one for each time that the same event comes, or `act`.
 */
export function answeringAsTold(baseImage: string): Record<string, string> {
  return {
    // Its user by number, so that Kubernetes can see that it is not root.
    Dockerfile: `FROM ${baseImage}\nWORKDIR /app\nCOPY server.mjs .\nUSER 65532:65532\nCMD ["node", "server.mjs"]\n`,
    'server.mjs': SERVER_AS_TOLD,
  };
}

const SERVER_AS_TOLD = `import { createServer } from 'node:http';

const began = Date.now();
const times = new Map();
const acts = {
  // Once: the process that takes its place answers.
  exit: (response, { sent }) => (sent > began ? process.exit(1) : response.end('after exit')),
  hang: () => {},
  reset: (response) => response.socket.resetAndDestroy(),
  // Ends in the middle of its body.
  break: (response) => {
    response.writeHead(200, { 'content-type': 'text/plain', 'content-length': '1000' });
    response.write('the beginning');
    setTimeout(() => response.socket.destroy(), 100);
  },
  continue: (response) => every(100, response, () => response.writeContinue()),
  trickle: (response) => {
    response.writeHead(200, { 'content-type': 'text/plain' });
    every(1000, response, () => response.write('x'));
  },
};

function every(milliseconds, response, act) {
  act();
  const timer = setInterval(act, milliseconds);
  response.once('close', () => clearInterval(timer));
}

createServer(async (request, response) => {
  const chunks = await Array.fromAsync(request);
  const told = JSON.parse(Buffer.concat(chunks).toString() || '{}');
  const time = (times.get(request.headers['ce-id']) ?? 0) + 1;
  times.set(request.headers['ce-id'], time);
  const { act, answer } = told.several?.[Math.min(time, told.several.length) - 1] ?? told;
  if (act) {
    acts[act](response, told);
    return;
  }
  const { status = 200, headers = {}, body = '', times: repeated = 1, body_base64 } = answer ?? {};
  const sent = body_base64 === undefined ? body.repeat(repeated) : Buffer.from(body_base64, 'base64');
  response.writeHead(status, headers).end(sent);
}).listen(Number(process.env.PORT));
`;

/** The files of one of examples/, but for the event that goes with it. */
export function example(name: string): { files: Record<string, Buffer>; event: unknown } {
  const folder = join(import.meta.dirname, '../../examples', name);
  const files = Object.fromEntries(
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && !['event.json', 'README.md'].includes(entry.name))
      .map((entry) => join(entry.parentPath, entry.name))
      .map((path) => [relative(folder, path), readFileSync(path)]),
  );
  return { files, event: JSON.parse(readFileSync(join(folder, 'event.json'), 'utf8')) };
}

const hash = (byte: string) => `0x${byte.repeat(32)}`;
const USDC = '0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48';
const WETH = '0xc02aaa39b223fe8d0a0e5c4f27ead9083c756cc2';
const DAI = '0x6b175474e89094c44da98b954eedeac495271d0f';
const POOL = '0x88e6a0c2ddd26feeb64f039a2c41296fcb3f5640';
const WALLET = '0x28c6c06298d514db089934071355e5743bf21d60';
const ROUTER = '0x3fc91a3afd70395cd496c647d5a6cc9d4b2b7fad';
const SAVER = '0x21a31ee1afc51d94c2efccaa2092ad1028285549';

/**
 * What every example must find in its event.json: four transfers, beside an approval, a swap and an ERC-721 transfer
 * that are none.
 */
export const TRANSFERS_OF_THE_EXAMPLE = {
  block: '22586311',
  transfers: [
    { token: USDC, from: WALLET, to: SAVER, amount: '250000000', transaction: hash('a1'), logIndex: 0 },
    { token: WETH, from: ROUTER, to: POOL, amount: '1234567890123456789', transaction: hash('a3'), logIndex: 2 },
    { token: USDC, from: POOL, to: WALLET, amount: '4321987654', transaction: hash('a3'), logIndex: 3 },
    {
      token: DAI,
      from: `0x${'0'.repeat(40)}`,
      to: SAVER,
      amount: String(2n ** 256n - 1n),
      transaction: hash('a5'),
      logIndex: 6,
    },
  ],
};
