/** Messages that were written for people who send events, as who types a command reads them. */
import { expect, test } from 'vitest';
import { inOurWords } from '#cli/kn-lambda/render/words.ts';

test.each([
  [
    'Revision "fn-1" failed with message: Container failed with: cannot start: a.js:1: TypeError. Mend it, and send build.start again.',
    'cannot start: a.js:1: TypeError. Mend it, and deploy again.',
  ],
  [
    'Mend package.json, upload it, then send build.start again. The whole log: `aws s3 cp s3://b/k -`',
    'Mend package.json, then deploy again. The whole log: kn-lambda logs x',
  ],
  ['evil \u001b[2J', 'evil ?[2J'],
])('%s', (message, told) => {
  expect(inOurWords(message, 'kn-lambda logs x')).toBe(told);
});
