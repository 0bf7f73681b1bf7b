/** The machine's own interpreters and compilers, in place of those a base image brings. */
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';

/** What a base image is for. `none` has nothing but the machine's shell. */
export type BaseKind = 'node' | 'python' | 'golang' | 'none';

export interface Toolchain {
  /** `node`: the one that runs this platform, so that no other on PATH is picked. */
  node: string;
  /** `python`, `pip`, `pip3` by way of the machine's python3, which often comes without those names. */
  python: string;
  /** For RUN steps: what makes no sense without a root file system of one's own. */
  build: string;
}

/** Users do not exist here: every file belongs to whoever started the platform. */
const DO_NOTHING = ['chown', 'chgrp', 'adduser', 'addgroup', 'useradd', 'groupadd', 'usermod', 'groupmod'];
/** They would change the machine itself, and as root they could. */
const REFUSE = ['apt-get', 'apt', 'apt-key', 'dpkg', 'apk', 'yum', 'dnf', 'microdnf', 'zypper', 'pacman', 'brew'];

/** Packages of images whose base is Python, relative to the root file system. */
const PYTHON_PACKAGES = 'usr/local/lib/python-packages';

/** Safe where several processes do it at once. */
export function createToolchain(directory: string): Toolchain {
  const toolchain = {
    node: join(directory, 'toolchain/node'),
    python: join(directory, 'toolchain/python'),
    build: join(directory, 'toolchain/build'),
  };
  for (const folder of Object.values(toolchain)) {
    mkdirSync(folder, { recursive: true });
  }
  link(join(toolchain.node, 'node'), process.execPath);
  script(join(toolchain.python, 'python'), 'exec python3 "$@"');
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

/** Folders for the front of PATH and variables, so that the language's tools work on the image's folder and never on the machine's. */
export function languageEnvironment(
  toolchain: Toolchain,
  base: BaseKind,
  rootfs: string,
): { path: string[]; env: Record<string, string> } {
  switch (base) {
    case 'python': {
      const packages = join(rootfs, PYTHON_PACKAGES);
      return {
        path: [join(packages, 'bin'), toolchain.python, toolchain.node],
        env: {
          // Everything pip installs goes to a folder: that of the image, or the one of a --target, which overrides this. Only
          // therefore may it ignore a distribution's mark that its Python is "externally managed".
          PIP_TARGET: packages,
          PIP_BREAK_SYSTEM_PACKAGES: '1',
          PIP_DISABLE_PIP_VERSION_CHECK: '1',
          PIP_ROOT_USER_ACTION: 'ignore',
          PYTHONPATH: packages,
        },
      };
    }
    case 'golang':
      return {
        path: [join(rootfs, 'go/bin'), toolchain.node],
        env: { GOBIN: join(rootfs, 'go/bin') },
      };
    case 'node':
      return {
        path: [join(rootfs, 'usr/local/bin'), toolchain.node],
        // `npm install --global`.
        env: {
          npm_config_prefix: join(rootfs, 'usr/local'),
          npm_config_update_notifier: 'false',
          // A build's folder is moved when it is done, and code compiled in it must stay valid.
          NODE_COMPILE_CACHE_PORTABLE: '1',
        },
      };
    case 'none':
      return { path: [toolchain.node], env: {} };
  }
}

function link(path: string, target: string): void {
  const there = lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true;
  if (!there || readlinkSync(path) !== target) {
    replace(path, (temporary) => symlinkSync(target, temporary));
  }
}

function script(path: string, body: string): void {
  const text = `#!/bin/sh\n${body}\n`;
  if (existsSync(path) && readFileSync(path, 'utf8') === text) {
    return;
  }
  replace(path, (temporary) => {
    writeFileSync(temporary, text);
    chmodSync(temporary, 0o755);
  });
}

function replace(path: string, write: (temporary: string) => void): void {
  const temporary = `${path}.${process.pid}`;
  rmSync(temporary, { force: true });
  write(temporary);
  renameSync(temporary, path);
}
