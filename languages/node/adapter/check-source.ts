/** At image build: the user's file is parsed, then loaded once in a process of its own. */
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import * as module from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MINUTE } from '#shared/durations.ts';
import { neverLoaded } from './load-once.ts';
import type { Settings } from './settings.ts';

/** The exit code: 0, or 1 with the reason on stderr. */
export function checkSource(settings: Settings, adapter: string): number {
  return parse(settings) || load(settings, adapter);
}

function parse({ root, file }: Settings): number {
  if (!/\.[cm]?ts$/.test(file)) {
    // Its messages have file, line and a caret.
    return spawnSync(process.execPath, ['--check', file], { cwd: root, stdio: 'inherit' }).status ?? 1;
  }
  try {
    // What Node does when it loads the file: types are erased, and what can't be (enum, namespace) is an error.
    module.stripTypeScriptTypes(readFileSync(`${root}/${file}`, 'utf8'), { mode: 'strip', sourceUrl: file });
    return 0;
  } catch (error) {
    process.stderr.write(`${file}: ${(error as Error).message}\n`);
    return 1;
  }
}

/** The user in the image (languages/generated-files.ts). */
const POD_USER = 65532;

function load({ root, file }: Settings, adapter: string): number {
  // In a container alone: on a laptop the files belong to whoever runs it.
  const asPod = process.getuid?.() === 0 && root === '/app';
  const temporary = mkdtempSync(join(tmpdir(), 'load-'));
  chmodSync(temporary, 0o777);
  const run = (owner: { uid?: number; gid?: number }) =>
    spawnSync(process.execPath, [adapter, '--load'], {
      cwd: root,
      stdio: 'inherit',
      env: { ...process.env, TMPDIR: temporary },
      timeout: MINUTE,
      killSignal: 'SIGKILL',
      ...owner,
    });
  let { status, error } = run(asPod ? { uid: POD_USER, gid: POD_USER } : {});
  if ((error as NodeJS.ErrnoException | undefined)?.code === 'EPERM') {
    ({ status, error } = run({}));
  }
  rmSync(temporary, { recursive: true, force: true });
  if (error !== undefined || status === null) {
    process.stderr.write(`${neverLoaded(file)}\n`);
  }
  return status ?? 1;
}
