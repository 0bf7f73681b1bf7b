/** What package managers really printed, and which refusal that is. */
import { describe, expect, test } from 'vitest';
import { deniedDependency } from '#shared/builds/denied-dependency.ts';

const NPM_401 = `npm error code E401
npm error Unable to authenticate, your authentication token seems to be invalid.
npm error To correct this please try logging in again with:
npm error   npm login
npm error A complete log of this run can be found in: /app/.knative-lambda/cache/_logs/2026-11-27T01_57_29_126Z-debug-0.log
http fetch GET 401 https://npm.corp.example/npm/@acme%2fsecret 15ms (cache skip)`;

const NPM_404 = (host: string) => `npm error code E404
npm error 404 Not Found - GET https://${host}/@acme%2fsecret - Not found
npm error 404
npm error 404  The requested resource '@acme/secret@1.0.0' could not be found or you do not have permission to access it.
npm error 404
npm error 404 Note that you can also install from a
npm error 404 tarball, folder, http url, or git url.
http fetch GET 404 https://${host}/@acme%2fsecret 27ms (cache skip)`;

const PIP = (
  refused: string,
) => `Looking in indexes: https://pypi.org/simple, https://acme:****@pip.corp.example/simple/
ERROR: Could not find a version that satisfies the requirement acme-secret (from versions: none)
ERROR: No matching distribution found for acme-secret
Could not fetch URL https://pypi.org/simple/acme-secret/: 404 Client Error: Not Found for url: https://pypi.org/simple/acme-secret/ - skipping
${refused}`;

const found: { case: string; log: string; host: string; dependency: string; status?: number }[] = [
  { case: 'npm, wrong token', log: NPM_401, host: 'npm.corp.example', dependency: '@acme/secret', status: 401 },
  {
    case: 'npm ci, tarball of a lock file',
    log: `npm error code E403
npm error 403 403 Forbidden - GET https://npm.corp.example/npm/@acme/secret/-/secret-1.0.0.tgz
npm error 403 In most cases, you or one of your dependencies are requesting
npm error 403 a package version that is forbidden by your security policy, or
npm error 403 on a server you do not have access to.`,
    host: 'npm.corp.example',
    dependency: '@acme/secret',
    status: 403,
  },
  {
    case: 'npm, hidden by 404',
    log: NPM_404('npm.corp.example'),
    host: 'npm.corp.example',
    dependency: '@acme/secret',
    status: 404,
  },
  {
    case: 'npm, a package without scope',
    log: 'npm error code E401\nhttp fetch GET 401 https://npm.corp.example/secret 15ms (cache skip)',
    host: 'npm.corp.example',
    dependency: 'secret',
    status: 401,
  },
  {
    case: 'pnpm',
    log: ` ERR_PNPM_FETCH_401  GET http://127.0.0.1:38909/npm/@acme%2Fsecret: Unauthorized - 401

This error happened while installing a direct dependency of /app

An authorization header was used: Bearer [hidden]`,
    host: '127.0.0.1:38909',
    dependency: '@acme/secret',
    status: 401,
  },
  {
    case: 'Yarn Classic',
    log: `error Error: http://127.0.0.1:38909/npm/@acme%2fsecret: authentication required
    at params.callback [as _callback] (/usr/local/lib/node_modules/yarn/lib/cli.js:66680:18)`,
    host: '127.0.0.1:38909',
    dependency: '@acme/secret',
  },
  {
    case: 'pip, index',
    log: PIP(
      'Could not fetch URL https://acme:****@pip.corp.example/simple/acme-secret/: 401 Client Error: Unauthorized for url: https://pip.corp.example/simple/acme-secret/ - skipping',
    ),
    host: 'pip.corp.example',
    dependency: 'acme-secret',
    status: 401,
  },
  {
    case: 'pip, hidden by 404',
    log: PIP(
      'Could not fetch URL https://pip.corp.example/simple/acme-secret/: 404 Client Error: Not Found for url: https://pip.corp.example/simple/acme-secret/ - skipping',
    ),
    host: 'pip.corp.example',
    dependency: 'acme-secret',
    status: 404,
  },
  {
    case: 'pip, file',
    log: 'ERROR: HTTP error 401 while getting http://127.0.0.1:38909/pip/files/acme_secret-1.0.0-py3-none-any.whl',
    host: '127.0.0.1:38909',
    dependency: 'acme_secret',
    status: 401,
  },
  {
    case: 'Go, a module proxy',
    log: 'go: corp.example/acme/secret@v1.0.0: reading http://127.0.0.1:38909/go/corp.example/acme/secret/@v/v1.0.0.mod: 401 Unauthorized',
    host: '127.0.0.1:38909',
    dependency: 'corp.example/acme/secret',
    status: 401,
  },
  {
    case: 'Go, a repository',
    log: `go: github.com/acme/secret@v1.0.0: reading github.com/acme/secret/go.mod at revision v1.0.0: git ls-remote -q --end-of-options origin in /go/pkg/mod/cache/vcs/c4415e7a: exit status 128:
\tfatal: could not read Username for 'https://github.com': terminal prompts disabled
Confirm the import path was entered correctly.`,
    host: 'github.com',
    dependency: 'github.com/acme/secret',
  },
  {
    case: 'npm, a repository',
    log: `npm error code 128
npm error An unknown git error occurred
npm error command git --no-replace-objects ls-remote http://127.0.0.1:38909/acme/secret.git
npm error fatal: Authentication failed for 'http://127.0.0.1:38909/acme/secret.git/'`,
    host: '127.0.0.1:38909',
    dependency: 'acme/secret',
  },
  {
    case: 'npm, a repository of a host that asks for a user',
    log: `npm error command git --no-replace-objects ls-remote https://github.com/acme/secret.git
npm error fatal: could not read Username for 'https://github.com': terminal prompts disabled`,
    host: 'github.com',
    dependency: 'acme/secret',
  },
];

const notFound: { case: string; log: string }[] = [
  { case: 'a public package that does not exist', log: NPM_404('registry.npmjs.org') },
  { case: 'a public package that pip does not find', log: PIP('') },
  {
    case: 'another index that was asked too, where a package exists elsewhere',
    log: `Could not fetch URL https://pip.corp.example/simple/requests/: 404 Client Error: Not Found for url: https://pip.corp.example/simple/requests/ - skipping
ERROR: No matching distribution found for requests==99.0`.replace('requests==99.0', 'urllib3==99.0'),
  },
  {
    case: 'an optional package that was refused, where another failed to compile',
    log: 'npm error code 1\nnpm error command failed\nhttp fetch GET 404 https://npm.corp.example/optional 5ms',
  },
  { case: 'nothing of the kind', log: 'npm error code ETARGET\nnpm error notarget No matching version for a@9' },
  { case: 'no log', log: '' },
];

describe('a refused dependency', () => {
  test.each(found)('is found: $case', ({ log, host, dependency, status }) => {
    expect(deniedDependency(log)).toEqual({ host, dependency, status });
  });

  test.each(notFound)('is not: $case', ({ log }) => {
    expect(deniedDependency(log)).toBeUndefined();
  });
});
