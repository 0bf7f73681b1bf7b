/**
 * Which downloads are kept: packages alone, under names by which their manager finds and checks them. Nothing else of a
 * cache is: npm's index and pip's entries hold headers, with the token among them where an answer varies by it.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import type { PackageManager } from '#shared/specs/build-pod/downloads.ts';

export interface Rule {
  /** Of the path below the manager's folder. */
  name: RegExp;
  /** The first bytes that such a file may have. Undefined: any. */
  begins?: Buffer[];
  /** The SHA-512 that the name promises. */
  sha512?: (name: string) => string;
  /** What the manager has to find beside a file, and its name. */
  beside?: (name: string) => { name: string; content: Buffer };
}

const GZIP = Buffer.from('1f8b', 'hex');
const ZIP = Buffer.from('PK\x03\x04', 'latin1');

const RULES: Record<PackageManager, Rule> = {
  // Content by its hash. A package that a lock file or an answer of the registry names is looked up there by it.
  npm: {
    name: /^sha512\/[0-9a-f]{2}\/[0-9a-f]{2}\/[0-9a-f]{124}$/,
    begins: [GZIP],
    sha512: (name) => name.split('/').slice(1).join(''),
  },
  // Bodies by the hash of their URL. pip compares them with the hash that requirements or index have.
  pip: {
    name: /^([0-9a-f]\/){5}[0-9a-f]{56}\.body$/,
    begins: [GZIP, ZIP],
    beside: (name) => ({ name: name.replace(/\.body$/, ''), content: PIP_ENTRY }),
  },
  // As a proxy for modules has them. Go compares .zip and .mod with go.sum.
  go: { name: /^([a-z0-9!~_-][a-z0-9!~_.-]*\/)+@v\/v[A-Za-z0-9!~_.+-]+\.(zip|mod|info)$/ },
};

export function ruleOf(manager: PackageManager): Rule {
  return RULES[manager];
}

/** Whether this file, which a user's command may have written, is what its name says. Follows no link. */
export async function isKept({ begins, sha512 }: Rule, name: string, file: string): Promise<boolean> {
  if (begins !== undefined) {
    const handle = await open(file);
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(4), 0, 4, 0).finally(() => handle.close());
    if (!begins.some((magic) => buffer.subarray(0, Math.min(bytesRead, magic.length)).equals(magic))) {
      return false;
    }
  }
  if (sha512 === undefined) {
    return true;
  }
  const hash = createHash('sha512');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex') === sha512(name);
}

/**
 * What pip 23.3 and later keep beside a body: MessagePack of CacheControl, version 4. Ours says of each body that it is
 * an answer without a secret, and never of use as an index, whose pages pip always asks for.
 */
const PIP_ENTRY = Buffer.concat([
  Buffer.from('cc=4,'),
  map([
    [
      'response',
      map([
        ['body', Buffer.from([0xc4, 0])],
        [
          'headers',
          map(
            Object.entries({
              'cache-control': 'max-age=3153600000, immutable',
              'content-type': 'application/octet-stream',
              date: 'Thu, 01 Jan 2026 00:00:00 GMT',
            }).map(([name, value]) => [name, text(value)]),
          ),
        ],
        ['status', Buffer.from([0xcc, 200])],
        ['version', Buffer.from([11])],
        ['reason', text('OK')],
        ['decode_content', Buffer.from([0xc2])],
      ]),
    ],
    ['vary', map([])],
  ]),
]);

/** At most 15 pairs. */
function map(pairs: [string, Buffer][]): Buffer {
  const parts = pairs.flatMap(([name, value]) => [text(name), value]);
  return Buffer.concat([Buffer.from([0x80 | pairs.length]), ...parts]);
}

/** At most 255 bytes. */
function text(value: string): Buffer {
  return Buffer.concat([Buffer.from([0xd9, value.length]), Buffer.from(value)]);
}
