/** Where requests for an image go, by its name alone. */
import { describe, expect, test } from 'vitest';
import { registryAddress } from '#shared/clients/registry-address.ts';

test.each([
  ['node', 'docker.io', 'library/node', 'registry-1.docker.io'],
  ['acme/parser', 'docker.io', 'acme/parser', 'registry-1.docker.io'],
  ['docker.io/node', 'docker.io', 'library/node', 'registry-1.docker.io'],
  ['index.docker.io/library/node', 'docker.io', 'library/node', 'registry-1.docker.io'],
  ['ghcr.io/acme/parser', 'ghcr.io', 'acme/parser', 'ghcr.io'],
  ['registry.test:5000/a/b/c', 'registry.test:5000', 'a/b/c', 'registry.test:5000'],
])('%s is %s/%s, which %s answers for, by https', (name, host, path, server) => {
  expect(registryAddress(name)).toEqual({
    name: `${host}/${path}`,
    host,
    path,
    server,
    scheme: 'https',
    namespace: undefined,
  });
});

test.each([
  'localhost:5000',
  'localhost',
  'registry.localhost:80',
  'registry.local',
  '127.0.0.1:5000',
  '127.1.2.3',
  '10.0.0.5:5000',
  '172.16.0.1',
  '172.31.255.1:5000',
  '192.168.1.1:5000',
  '[::1]:5000',
])('%s may speak plain HTTP', (host) => {
  expect(registryAddress(`${host}/a`).scheme).toBeUndefined();
});

test.each(['172.32.0.1', '172.15.0.1', '11.0.0.1:5000', 'localhost.example', 'notlocal.example', '[fd00::1]:5000'])(
  '%s speaks TLS',
  (host) => {
    expect(registryAddress(`${host}/a`).scheme).toBe('https');
  },
);

test('one endpoint answers for all registries', () => {
  expect(registryAddress('node', 'http://127.0.0.1:4000')).toEqual({
    name: 'docker.io/library/node',
    host: 'docker.io',
    path: 'library/node',
    server: '127.0.0.1:4000',
    scheme: 'http',
    namespace: 'docker.io',
  });
});

describe('what is no repository is refused by name', () => {
  test.each([
    '',
    'node:24',
    'Node',
    'ghcr.io/',
    'ghcr.io/a/../b',
    'ghcr.io/a//b',
    'ghcr.io/a?b',
    'ghcr.io/a%2fb',
    'user@ghcr.io/a',
    'ghcr.io/a\n',
    `ghcr.io/${'a'.repeat(300)}`,
    `ghcr.io/a${'-'.repeat(50_000)}`,
  ])('%j', (name) => {
    expect(() => registryAddress(name)).toThrow(expect.objectContaining({ name: 'PermanentError', reason: 'Refused' }));
  });
});
