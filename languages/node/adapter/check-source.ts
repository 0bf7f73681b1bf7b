/** At image build: the user's file is parsed, never run. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import * as module from 'node:module';
import type { Settings } from './settings.ts';

/** The exit code: 0, or 1 with the reason on stderr. */
export function checkSource({ root, file }: Settings): number {
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
