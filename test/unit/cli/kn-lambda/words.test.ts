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
  ['has begun 5 builds. Send build.start again in 9 s', 'has begun 5 builds. Deploy again in 9 s'],
  ['was deleted at noon: send build.start to deploy it again', 'was deleted at noon: deploy it again'],
  ['no record confirms: send build.start instead', 'no record confirms: deploy it again'],
  ['nothing is left. Send build.start with "force": true', 'nothing is left. Deploy it by kn-lambda deploy --force'],
  ['correct the subject, or deploy it by build.start.', 'correct the subject, or deploy it by kn-lambda deploy.'],
  ['evil \u001b[2J', 'evil ?[2J'],
])('%s', (message, told) => {
  expect(inOurWords(message, 'kn-lambda logs x')).toBe(told);
});
