/** The machine's own toolchain, which stands behind a FROM line together with an empty folder. */
import { realpathSync, statSync } from 'node:fs';
import { type BaseKind, neededProgram } from '#local/kubelet/base-kinds.ts';
import { findProgram } from '#local/kubelet/find-program.ts';
import { BuildError } from './build-error.ts';

/**
 * Identifies the toolchain in the key of cached layers: another interpreter, other layers. Throws BuildError where the
 * machine has none.
 */
export function toolchainVersion(kind: BaseKind, path: string): string {
  const needed = neededProgram(kind);
  const platform = `${process.platform}/${process.arch}`;
  if (needed === undefined) {
    return `${platform} node ${process.version}`;
  }
  const program = findProgram(needed.program, { cwd: '/', path });
  if (program === undefined) {
    throw new BuildError(
      `this machine has no ${needed.program}: the embedded platform builds ${needed.language} with the machine's own ${needed.tool}; install it, or build on a cluster`,
    );
  }
  const { size, mtimeMs } = statSync(program);
  return `${platform} ${realpathSync(program)} ${size} ${mtimeMs}`;
}
