/** What every language's example does. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { buildImage } from './image.ts';
import { runFunction } from './run-function.ts';

const USDC = '0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48';
const DAI = '0x6b175474e89094c44da98b954eedeac495271d0f';
const WETH = '0xc02aaa39b223fe8d0a0e5c4f27ead9083c756cc2';
const POOL = '0x88e6a0c2ddd26feeb64f039a2c41296fcb3f5640';
const transaction = (byte: string) => `0x${byte.repeat(32)}`;

const transfers = [
  {
    token: USDC,
    from: '0x28c6c06298d514db089934071355e5743bf21d60',
    to: '0x21a31ee1afc51d94c2efccaa2092ad1028285549',
    amount: '250000000',
    transaction: transaction('a1'),
    logIndex: 0,
  },
  {
    token: WETH,
    from: '0x3fc91a3afd70395cd496c647d5a6cc9d4b2b7fad',
    to: POOL,
    amount: '1234567890123456789',
    transaction: transaction('a3'),
    logIndex: 2,
  },
  {
    token: USDC,
    from: POOL,
    to: '0x28c6c06298d514db089934071355e5743bf21d60',
    amount: '4321987654',
    transaction: transaction('a3'),
    logIndex: 3,
  },
  {
    token: DAI,
    from: '0x0000000000000000000000000000000000000000',
    to: '0x21a31ee1afc51d94c2efccaa2092ad1028285549',
    // The largest uint256.
    amount: '115792089237316195423570985008687907853269984665640564039457584007913129639935',
    transaction: transaction('a5'),
    logIndex: 6,
  },
];

/** The example finds the ERC-20 transfers of its event.json. */
export function exampleContract(language: string, timeout = 180_000): void {
  test('the example finds the ERC-20 transfers of its event', { timeout }, async () => {
    const folder = fileURLToPath(new URL(`../../../examples/${language}/`, import.meta.url));
    const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    const paths = files.map(({ parentPath, name }) => relative(folder, join(parentPath, name)));
    const image = await buildImage(Object.fromEntries(paths.map((path) => [path, readFileSync(join(folder, path))])));
    const running = await runFunction(image);
    const data = JSON.parse(readFileSync(join(folder, 'event.json'), 'utf8'));

    expect(await (await running.send({ data })).json()).toMatchObject({
      context_id: data.contextId,
      succeeded: true,
      result: { block: '22586311', transfers },
    });
    expect(await (await running.send({ data: { logs: [] } })).json()).toMatchObject({ result: { transfers: [] } });
    expect(await (await running.send({ data: {} })).json()).toMatchObject({ succeeded: false });

    expect(await running.stop()).toBe(0);
    image.remove();
  });
}
