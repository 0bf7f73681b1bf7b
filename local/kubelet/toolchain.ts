/** The machine's own interpreters and compilers, in place of those a base image brings. */
import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { linkPython } from './link-python.ts';

export interface Toolchain {
  /** `node`: the one that runs this platform, so that no other on PATH is picked. */
  node: string;
  /** `python3`, `python`, `pip`, `pip3`: the machine's interpreter, without the packages that were installed for it. */
  python: string;
  /** For RUN steps: what makes no sense without a root file system of one's own. */
  build: string;
}

/** Users do not exist here: every file belongs to whoever started the platform. */
const DO_NOTHING = ['chown', 'chgrp', 'adduser', 'addgroup', 'useradd', 'groupadd', 'usermod', 'groupmod'];
/** They would change the machine itself, and as root they could. */
const REFUSE = ['apt-get', 'apt', 'apt-key', 'dpkg', 'apk', 'yum', 'dnf', 'microdnf', 'zypper', 'pacman', 'brew'];

/** Safe where several processes do it at once. */
export function createToolchain(directory: string): Toolchain {
  const toolchain = {
    node: join(directory, 'toolchain/node'),
    python: join(directory, 'toolchain/python/bin'),
    build: join(directory, 'toolchain/build'),
  };
  for (const folder of Object.values(toolchain)) {
    mkdirSync(folder, { recursive: true });
  }
  replace(join(toolchain.node, 'node'), (temporary) => symlinkSync(process.execPath, temporary));
  linkPython(join(directory, 'toolchain/python'), replace);
  for (const pip of ['pip', 'pip3']) {
    script(join(toolchain.python, pip), 'exec python3 -m pip "$@"');
  }
  for (const name of DO_NOTHING) {
    script(join(toolchain.build, name), 'exit 0');
  }
  for (const name of REFUSE) {
    script(
      join(toolchain.build, name),
      `echo "${name}: the embedded platform has no distribution to install packages into: it builds with the machine's own tools. Install what is needed on the machine and leave this step out, or build on a cluster." >&2\nexit 1`,
    );
  }
  return toolchain;
}

function script(path: string, body: string): void {
  replace(path, (temporary) => writeFileSync(temporary, `#!/bin/sh\n${body}\n`, { mode: 0o755 }));
}

/** In one step: other builds use it meanwhile. */
function replace(path: string, write: (temporary: string) => void): void {
  const temporary = `${path}.${process.pid}`;
  rmSync(temporary, { force: true });
  write(temporary);
  renameSync(temporary, path);
}
