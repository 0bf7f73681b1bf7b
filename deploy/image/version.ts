/** The version of our sources: that of package.json, and the commit. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { runProgram } from '#deploy/run-program.ts';

export interface ImageVersion {
  version: string;
  /** Ends in `-dirty` where files of the image differ from the commit. `unknown` outside a clone. */
  commit: string;
  /** The default tag. */
  tag: string;
}

/** Only changes within `paths`, the sources of the image, make it dirty. */
export async function imageVersion(root: string, paths: readonly string[]): Promise<ImageVersion> {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
  const head = await runProgram('git', ['-C', root, 'rev-parse', 'HEAD']);
  const status = await runProgram('git', ['-C', root, 'status', '--porcelain', '--', ...paths]);
  const hash = head.stdout.trim();
  if (head.code !== 0 || status.code !== 0 || !/^[0-9a-f]{40,64}$/.test(hash)) {
    return { version, commit: 'unknown', tag: `v${version}` };
  }
  const dirty = status.stdout.trim() === '' ? '' : '-dirty';
  return { version, commit: `${hash}${dirty}`, tag: `${hash.slice(0, 12)}${dirty}` };
}
