/** git itself, in the step that installs dependencies, at a server that wants a password. */
import { execFile, execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { copyPrivateFiles } from '#build-pod/private-files.ts';
import { installScript, installStep } from '#languages/private-dependencies.ts';
import { PRIVATE_FOLDER } from '#shared/specs/build-pod/private-dependencies.ts';

const folder = mkdtempSync(join(tmpdir(), 'private-git-'));
const wanted = `Basic ${Buffer.from('acme:canary').toString('base64')}`;

/** The protocol in which a repository is a folder of files. */
const server = createServer(({ url = '/', headers }, response) => {
  if (headers.authorization !== wanted) {
    response.writeHead(401, { 'www-authenticate': 'Basic realm="private"' }).end();
    return;
  }
  try {
    response.end(readFileSync(join(folder, url.split('?')[0] ?? '')));
  } catch {
    response.writeHead(404).end();
  }
});
let host: string;

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@example.com', ...args], { cwd: folder });
  git('init', '--quiet', 'work');
  git('-C', 'work', 'commit', '--quiet', '--allow-empty', '--message=first');
  git('clone', '--quiet', '--bare', 'work', 'acme/secret.git');
  git('-C', 'acme/secret.git', 'update-server-info');
  mkdirSync(join(folder, 'app/.knative-lambda'), { recursive: true });
  writeFileSync(join(folder, 'app/.knative-lambda/private.sh'), installScript().content);
});
afterAll(() => {
  server.close();
  rmSync(folder, { recursive: true });
});

async function lsRemote(password: string): Promise<{ stdout: string; stderr: string }> {
  const [from, to] = [join(folder, 'secret'), join(folder, 'files')];
  mkdirSync(from, { recursive: true });
  writeFileSync(join(from, '.git-credentials'), `http://acme:${password}@${host}\n`);
  await copyPrivateFiles(from, to);
  const step = installStep(`git ls-remote ssh://git@${host}/acme/secret.git`).replace(PRIVATE_FOLDER, to);
  return await promisify(execFile)('/bin/sh', ['-c', step.replace(/^RUN /, '')], { cwd: join(folder, 'app') });
}

test('a repository that a lock file names by SSH is read with the password', async () => {
  expect((await lsRemote('canary')).stdout).toMatch(/^[0-9a-f]{40}\tHEAD$/m);
});

test('with a wrong one git says so at once, and names no password', async () => {
  const failed = await lsRemote('wrong').catch((error: { stderr: string }) => error);
  expect(failed.stderr).toContain(`Authentication failed for 'http://${host}/acme/secret.git/'`);
  expect(failed.stderr).not.toContain('wrong');
});
