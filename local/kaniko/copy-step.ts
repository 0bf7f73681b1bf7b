/** COPY and ADD: files of the context or of another stage into the stage's folder. */
import { chmodSync, lstatSync, mkdirSync, readdirSync, realpathSync } from 'node:fs';
import { dirname, join, sep } from 'node:path';
import { BuildError } from './build-error.ts';
import { findSources, type SourceTree } from './context.ts';
import { copyTree } from './copy-tree.ts';

export interface CopyStep {
  tree: SourceTree;
  sources: string[];
  /** Absolute within the image; with a slash at its end where it is surely a folder. */
  destination: string;
  /** `--chmod`. Owners are not kept: every file belongs to whoever started the platform. */
  mode: number | undefined;
}

/** Throws BuildError. */
export function copyStep(step: CopyStep, rootfs: string): void {
  const sources = step.sources.flatMap((source) => findSources(step.tree, source));
  const target = join(rootfs, step.destination);
  refuseLeadingOut(rootfs, target, step.destination);
  const toFolder =
    step.destination.endsWith('/') || lstatSync(target, { throwIfNoEntry: false })?.isDirectory() === true;
  if (sources.length > 1 && !toFolder) {
    throw new BuildError(
      `when specifying multiple sources in a COPY command, destination must be a directory and end in '/': ${step.destination}`,
    );
  }
  for (const { path, name } of sources) {
    if (lstatSync(path).isDirectory()) {
      mkdirSync(target, { recursive: true });
      copyTree(path, target, step.tree.ignored);
      if (step.mode !== undefined) {
        changeModes(target, step.mode);
      }
    } else {
      const file = toFolder ? join(target, name) : target;
      mkdirSync(dirname(file), { recursive: true });
      copyTree(path, file);
      if (step.mode !== undefined) {
        chmodSync(file, step.mode);
      }
    }
  }
}

/** A link that a former step made must not turn a copy into a write elsewhere on the machine. */
function refuseLeadingOut(rootfs: string, target: string, destination: string): void {
  let there = target.replace(/\/$/, '');
  while (lstatSync(there, { throwIfNoEntry: false }) === undefined) {
    there = dirname(there);
  }
  const root = realpathSync(rootfs);
  let real: string;
  try {
    real = realpathSync(there);
  } catch {
    real = '';
  }
  if (real !== root && !real.startsWith(root + sep)) {
    throw new BuildError(
      `copying to ${destination}: the way there is a link that leads out of the folder the embedded platform builds in; make the link relative`,
    );
  }
}

function changeModes(path: string, mode: number): void {
  const stat = lstatSync(path);
  if (stat.isSymbolicLink()) {
    return;
  }
  // A folder nobody may enter could be neither copied nor removed.
  chmodSync(path, stat.isDirectory() ? mode | 0o700 : mode);
  if (stat.isDirectory()) {
    for (const name of readdirSync(path)) {
      changeModes(join(path, name), mode);
    }
  }
}
