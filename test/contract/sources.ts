/** Small sources of user functions, named by their role. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Answers `{ answer, echoed }`. No dependencies, so its build installs nothing. */
export function answering(answer: string): Record<string, string> {
  return {
    'parser.mjs': `export async function handler(event) {\n  return { answer: '${answer}', echoed: event.data };\n}\n`,
  };
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

/** The files of one of examples/, but for the event that goes with it. */
export function example(name: string): { files: Record<string, Buffer>; event: unknown } {
  const folder = join(import.meta.dirname, '../../examples', name);
  const files = Object.fromEntries(
    readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isFile() && !['event.json', 'README.md'].includes(entry.name))
      .map((entry) => [entry.name, readFileSync(join(folder, entry.name))]),
  );
  return { files, event: JSON.parse(readFileSync(join(folder, 'event.json'), 'utf8')) };
}

const hash = (byte: string) => `0x${byte.repeat(32)}`;

/** What every example must find in its event.json: three transfers, beside an approval and an ERC-721 transfer that are none. */
export const TRANSFERS_OF_THE_EXAMPLE = {
  block_number: 18_000_000,
  transfers: [
    {
      log_index: 0,
      transaction_hash: hash('a1'),
      token: '0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48',
      from: '0x28c6c06298d514db089934071355e5743bf21d60',
      to: '0x21a31ee1afc51d94c2efccaa2092ad1028285549',
      value: '1500000',
    },
    {
      log_index: 2,
      transaction_hash: hash('a3'),
      token: '0x6b175474e89094c44da98b954eedeac495271d0f',
      from: '0x21a31ee1afc51d94c2efccaa2092ad1028285549',
      to: '0xdfd5293d8e347dfe59e90efd55b2956a1343963d',
      value: '123456789012345678901234567890',
    },
    {
      log_index: 4,
      transaction_hash: hash('a5'),
      token: '0x6b175474e89094c44da98b954eedeac495271d0f',
      from: '0xdfd5293d8e347dfe59e90efd55b2956a1343963d',
      to: `0x${'0'.repeat(40)}`,
      value: (2n ** 256n - 1n).toString(),
    },
  ],
};
