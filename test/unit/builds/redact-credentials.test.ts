import { expect, test } from 'vitest';
import { redactCredentials } from '#shared/redact-credentials.ts';

test.each([
  ['GET https://user:canary@host/path', 'GET https://***@host/path'],
  ['git+https://canary@host/a.git', 'git+https://***@host/a.git'],
  ['//host/:_authToken=canary', '//host/:_authToken=***'],
  ['//host/:_auth = canary', '//host/:_auth = ***'],
  ['Authorization: Bearer canary', 'Authorization: Bearer ***'],
  ["authorization: 'Basic canary'", "authorization: 'Basic ***'"],
  ['machine host login me password canary', 'machine host login me password ***'],
  [`token ghp_${'a'.repeat(36)}`, 'token ***'],
  ['nothing: https://host/@acme/secret at 10:30', 'nothing: https://host/@acme/secret at 10:30'],
  ['mail me@host, ssh git@host:a/b', 'mail me@host, ssh git@host:a/b'],
])('%s', (text, redacted) => {
  expect(redactCredentials(text)).toBe(redacted);
});
