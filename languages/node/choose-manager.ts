/** Which package manager installs: the one that package.json names, or that wrote the lock file. */
import { invalidManifest } from '#languages/invalid-manifest.ts';
import type { SourceReader } from '#shared/packing/source-reader.ts';
import type { PackageJson } from './package-json.ts';

const LOCKS = {
  npm: ['package-lock.json', 'npm-shrinkwrap.json'],
  pnpm: ['pnpm-lock.yaml'],
  yarn: ['yarn.lock'],
};
/** Of managers that are not there. */
const UNREAD = ['bun.lock', 'bun.lockb', 'deno.lock'];

export interface Choice {
  manager: keyof typeof LOCKS;
  lock: string | undefined;
}

/** Throws PermanentError InvalidManifest where what the source says cannot be heeded, or is not one thing. */
export function chooseManager(source: SourceReader, { packageManager }: PackageJson): Choice {
  const named = packageManager?.split('@')[0];
  const there = Object.entries(LOCKS).flatMap(([manager, files]) => {
    const lock = files.find(source.has);
    return lock === undefined ? [] : [{ manager: manager as Choice['manager'], lock }];
  });
  if (named !== undefined && !(named in LOCKS)) {
    throw refused(
      'package.json',
      `has "packageManager": ${JSON.stringify(packageManager)}, and only npm, pnpm and yarn install packages here. Name one of them, with its lock file`,
    );
  }
  const [first, second] = there;
  const choice = named === undefined ? first : there.find(({ manager }) => manager === named);
  if (named !== undefined && choice === undefined && first !== undefined) {
    throw refused(
      'package.json',
      `has "packageManager": ${JSON.stringify(packageManager)}, and the lock file is that of ${first.manager} (${first.lock}). Upload that of ${named}, or take one of the two out`,
    );
  }
  if (named === undefined && first !== undefined && second !== undefined) {
    throw refused(
      first.lock,
      `and ${second.lock} are lock files of two package managers, which need not agree. Leave one out, or name yours in "packageManager" of package.json`,
    );
  }
  const unread = UNREAD.find(source.has);
  if (choice === undefined && unread !== undefined) {
    throw refused(
      unread,
      'is not read: other versions would be installed than it says. Upload package-lock.json (`npm install --package-lock-only`), or leave it out',
    );
  }
  return choice ?? { manager: (named as Choice['manager'] | undefined) ?? 'npm', lock: undefined };
}

function refused(file: string, problem: string): Error {
  return invalidManifest(file, undefined, problem);
}
