/** A small source. As a program: tells the diff id of its layer. */
import { buffer } from 'node:stream/consumers';
import { codeLayer } from '#shared/packing/code-layer.ts';
import { type Files, list, storeWith } from '#test/languages/conformance/sources.ts';

export const SMALL_TREE: Files = {
  'parser.py': 'def handler(event): ...\n',
  'run.sh': '#!/bin/sh\n',
  'lib/empty': '',
  'lib/İstanbul/ı.txt': 'i',
  'lib/𝄞.txt': 'by code units before U+FFFC',
  'lib/\ufffc.txt': 'object',
  [`lib/${'long/'.repeat(30)}${'name'.repeat(40)}`]: 'long',
  'data.bin': Buffer.alloc(1_500_000, Buffer.from([0, 1, 2, 253, 254, 255])),
};

if (import.meta.main) {
  const store = storeWith(SMALL_TREE);
  const listing = await list(store);
  const ours = [{ path: '.knative-lambda/function.json', content: Buffer.from('{}') }];
  const layer = codeLayer(store, listing, listing.files, ours, '/app');
  await buffer(layer.open());
  process.stdout.write(JSON.stringify(await layer.done));
}
