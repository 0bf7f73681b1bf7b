/** What stands behind a FROM line: an empty folder and the machine's own toolchain. */
import { realpathSync, statSync } from 'node:fs';
import { findProgram } from '#local/kubelet/find-program.ts';
import type { ImageConfig } from '#local/kubelet/images.ts';
import type { BaseKind } from '#local/kubelet/toolchain.ts';
import { BuildError } from './build-error.ts';

/** Recognised by the last part of the repository: `node`, `python-slim`, `cgr.dev/chainguard/go`. */
export function baseKind(image: string): BaseKind {
  const name = (image.split('@')[0] ?? '').split('/').at(-1)?.split(':')[0] ?? '';
  if (/^node(js)?\d*([-_.]|$)/.test(name)) {
    return 'node';
  }
  if (/^python\d*([-_.]|$)/.test(name)) {
    return 'python';
  }
  if (/^(golang|go)\d*([-_.]|$)/.test(name)) {
    return 'golang';
  }
  return 'none';
}

const TOOLS: Record<BaseKind, { program: string; language: string } | undefined> = {
  node: undefined,
  python: { program: 'python3', language: 'Python' },
  golang: { program: 'go', language: 'Go' },
  none: undefined,
};

/**
 * Identifies the toolchain in the key of cached layers: another interpreter, other layers. Throws BuildError where the machine has none.
 */
export function toolchainVersion(kind: BaseKind, path: string): string {
  const tool = TOOLS[kind];
  const platform = `${process.platform}/${process.arch}`;
  if (tool === undefined) {
    return `${platform} node ${process.version}`;
  }
  const program = findProgram(tool.program, { cwd: '/', path });
  if (program === undefined) {
    throw new BuildError(
      `this machine has no ${tool.program}: the embedded platform builds ${tool.language} with the machine's own ${kind === 'golang' ? 'compiler' : 'interpreter'}; install it, or build on a cluster`,
    );
  }
  const { size, mtimeMs } = statSync(program);
  return `${platform} ${realpathSync(program)} ${size} ${mtimeMs}`;
}

const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const PROGRAMS: Record<BaseKind, string[]> = { node: ['node'], python: ['python3'], golang: [], none: [] };

/** What the image would say about running it, as far as that can be known without pulling it. */
export function baseConfig(base: BaseKind): ImageConfig {
  return { base, workingDir: '/', entrypoint: [], cmd: PROGRAMS[base], env: { PATH } };
}
