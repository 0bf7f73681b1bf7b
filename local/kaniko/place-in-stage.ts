/** Which absolute paths of a RUN step mean the image that is being built rather than the machine. */
import { mkdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { placeInRootfs } from '#local/kubelet/place-paths.ts';

/** The machine's, which its tools need: reading them is harmless, and a step seldom writes there. */
const MACHINE = 'bin sbin lib lib64 usr dev proc sys nix snap System Library private'.split(' ');
const MACHINE_ETC = 'ssl pki ca-certificates ca-certificates.conf os-release resolv.conf hosts mime.types'.split(' ');

/**
 * A step such as `RUN echo x >> /etc/passwd` or `rm -rf /var/lib/apt/lists` must not touch the machine, so that all but
 * the machine's toolchain is placed in the stage's folder. This is help for a Dockerfile that means no harm, not a
 * sandbox: what a program computes (`/$NAME`) is not seen, and RUN steps have the rights of whoever started the
 * platform.
 */
export function placeInStage(rootfs: string, workingDir: string, path: string): (path: string) => string | undefined {
  const inRootfs = placeInRootfs(rootfs, workingDir);
  const tools = path.split(':').filter((folder) => folder.startsWith('/') && !/^\/usr\/local\/s?bin$/.test(folder));
  return (word) => {
    const known = inRootfs(word);
    if (known !== undefined) {
      return known;
    }
    if (word === '/' || word.split('/').includes('..') || looksLikePattern(word)) {
      return undefined;
    }
    if (tools.some((folder) => word === folder || word.startsWith(`${folder}/`)) || isMachines(word)) {
      return undefined;
    }
    const placed = join(rootfs, word);
    // `go build -o /out/server`: in an image the tool would make the folder itself or the step would have failed either
    // way.
    mkdirSync(dirname(placed), { recursive: true });
    return placed;
  };
}

function isMachines(path: string): boolean {
  const [, first = '', second = ''] = path.split('/');
  if (first === 'etc') {
    return MACHINE_ETC.includes(second);
  }
  if (first === 'usr' && second === 'src') {
    return false;
  }
  // What is installed there is a tool; what is not, the step is about to install.
  if (first === 'usr' && second === 'local') {
    return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
  }
  return MACHINE.includes(first);
}

/** `awk '/word/ {…}'`, `sed '/word/d'`. */
function looksLikePattern(word: string): boolean {
  return /^\/[^/]+\/[a-z]?$/.test(word) && !/^\/(tmp|var|opt|home|root|srv|app|etc|out|data|src)\/$/.test(word);
}
