/** What the installing step says where npm says more than Kubernetes keeps: the end of it is the usage of a command. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { installScript, installStep } from '#languages/private-dependencies.ts';
import { lastError } from '#shared/builds/last-error.ts';

test.each([
  ['npm-eusage', 'Missing: is-odd@3.0.1 from lock file', /allow-|Usage/],
  ['npm-gyp', 'rows.c:1:10: fatal error: libvips-rows.h', /gyp info|spawn/],
  ['npm-404', "'@acme-nobody-here/private-rows@1.0.0' could not be found", /Usage/],
])('%s', (name, why, noise) => {
  const output = readFileSync(new URL(`../../fixtures/tool-outputs/${name}.txt`, import.meta.url), 'utf8');
  const folder = mkdtempSync(join(tmpdir(), 'installing-'));
  try {
    const logs = join(folder, '.knative-lambda/cache/_logs');
    mkdirSync(logs, { recursive: true });
    writeFileSync(join(folder, '.knative-lambda/private.sh'), installScript().content);
    writeFileSync(join(folder, 'output.txt'), output);
    const log = output.split('\n').map((line, index) => line.replace(/^npm error/, `${index} error`));
    writeFileSync(join(logs, 'debug-0.log'), log.join('\n'));

    const step = installStep('{ cat output.txt; false; } || exit 65').replace(/^RUN /, '');
    const { status, stdout } = spawnSync('sh', ['-c', step], { cwd: folder, encoding: 'utf8' });

    expect(status).toBe(65);
    const told = lastError(stdout.slice(-2048));
    expect(told).toContain(why);
    expect(told).not.toMatch(noise);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
