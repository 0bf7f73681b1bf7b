/** What an operator may write, and to whom a token leads. */
import { describe, expect, test } from 'vitest';
import { readPrincipals } from '#functions/gateway/read-principals.ts';
import { parsePrincipals, principalOf } from '#shared/clients/principals.ts';

const TEXT = `
issuers:
  - issuer: https://id.example
principals:
  - name: acme
    tokens:
      - service_account: acme/ci
      - { issuer: https://id.example, claims: { groups: acme-developers } }
    third_party_ids: [acme]
  - name: mallory
    tokens: [{ service_account: mallory/ci }]
    third_party_ids: [mallory]
    blocked: true
`;

function parsed(text: string) {
  const found = parsePrincipals(text);
  if ('problems' in found) {
    throw new Error(JSON.stringify(found.problems));
  }
  return found.principals;
}

describe('a token leads to', () => {
  const find = (iss: string, rest: object, isOfCluster = false) =>
    principalOf(parsed(TEXT), { claims: { iss, ...rest }, isOfCluster })?.name;

  test.each([
    ['the ServiceAccount that is named', 'cluster', { sub: 'system:serviceaccount:acme:ci' }, true, 'acme'],
    ['another account of the namespace', 'cluster', { sub: 'system:serviceaccount:acme:other' }, true, undefined],
    [
      'an issuer that gives the same sub',
      'https://id.example',
      { sub: 'system:serviceaccount:acme:ci' },
      false,
      undefined,
    ],
    ['a group', 'https://id.example', { sub: 'x', groups: ['a', 'acme-developers'] }, false, 'acme'],
    ['another group', 'https://id.example', { sub: 'x', groups: ['acme-developers-2'] }, false, undefined],
    ['the cluster with that group', 'https://id.example', { groups: 'acme-developers' }, true, undefined],
    ['another issuer with that group', 'https://evil.example', { groups: 'acme-developers' }, false, undefined],
  ])('%s', (_, iss, rest, isOfCluster, name) => {
    expect(find(iss, rest, isOfCluster)).toBe(name);
  });
});

describe('what is wrong is named:', () => {
  test.each([
    ['no YAML', 'principals: [', /no YAML/],
    ['an unknown field', 'principals: [{ name: a, tokens: [{ service_account: a/b }], admin: true }]', /admin/],
    [
      'an issuer that is not listed',
      'principals: [{ name: a, tokens: [{ issuer: "https://x.y", claims: { sub: s } }] }]',
      /none of the issuers/,
    ],
    [
      'no claims',
      'issuers: [{issuer: "https://x.y"}]\nprincipals: [{ name: a, tokens: [{ issuer: "https://x.y", claims: {} }] }]',
      /claim/,
    ],
    [
      'a name twice',
      'principals: [{ name: a, tokens: [{ service_account: a/b }] }, { name: a, tokens: [{ service_account: a/c }] }]',
      /twice/,
    ],
    [
      'a token of two principals',
      'principals: [{ name: a, tokens: [{ service_account: a/b }] }, { name: b, tokens: [{ service_account: a/b }] }]',
      /twice/,
    ],
    [
      'an absolute prefix',
      'principals: [{ name: a, tokens: [{ service_account: a/b }], source_prefixes: [/x/] }]',
      /relative/,
    ],
  ])('%s', (_, text, says) => {
    const found = parsePrincipals(text);
    expect(JSON.stringify('problems' in found ? found.problems : found)).toMatch(says);
  });

  test.each(['', '# only a comment', 'principals:', 'principals: []'])('%j is nobody', (text) => {
    expect(parsed(text).principals).toEqual([]);
  });
});

describe('the list is read', () => {
  test('once in five seconds, and the former one counts where it cannot be read', async () => {
    let now = 0;
    let text: string | undefined | Error = TEXT;
    let times = 0;
    const read = readPrincipals(
      async () => {
        times += 1;
        if (text instanceof Error) {
          throw text;
        }
        return text;
      },
      () => now,
    );
    expect((await Promise.all([read(), read(), read()]))[0]?.principals).toHaveLength(2);
    now = 4000;
    await read();
    expect(times).toBe(1);

    now = 6000;
    text = TEXT.replace('blocked: true', 'blocked: false');
    expect((await read()).principals[1]?.blocked).toBe(false);
    now = 12_000;
    text = new Error('down');
    expect((await read()).principals).toHaveLength(2);
    text = 'principals: 7';
    expect((await read()).principals).toHaveLength(2);
    now = 700_000;
    await expect(read()).rejects.toThrow(/cannot be used/);
  });

  test('as nobody where there is none', async () => {
    expect((await readPrincipals(async () => undefined)()).principals).toEqual([]);
  });
});
