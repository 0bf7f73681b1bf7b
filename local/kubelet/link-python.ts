/**
 * The machine's Python as a base image has it: with pip, and without whatever else was installed on the machine.
 * That is a virtual environment, which consists of a file and a link.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

type Replace = (path: string, write: (temporary: string) => void) => void;

const ASK = `
import json, sys
try:
    import pip
    pip = pip.__path__[0]
except ImportError:
    pip = None
print(json.dumps({"program": getattr(sys, "_base_executable", sys.executable), "version": "%d.%d" % sys.version_info[:2], "pip": pip}))
`;

/**
 * pip before 24.2 installs what a build needs by calling itself with --prefix, and does not expect the PIP_TARGET of
 * base-kinds.ts then. Read at the start of every Python.
 */
const PTH = `import os, sys; "--prefix" in getattr(sys, "orig_argv", []) and os.environ.pop("PIP_TARGET", None)\n`;

/**
 * Nothing where the machine has no Python. Asks it once for each choice of an interpreter: some take a second to
 * start.
 */
export function linkPython(venv: string, replace: Replace): void {
  const { PATH = '', PYENV_VERSION = '' } = process.env;
  const choice = `choice = ${JSON.stringify([PATH, PYENV_VERSION])}`;
  const settings = join(venv, 'pyvenv.cfg');
  if (existsSync(join(venv, 'bin/python3')) && readFileSync(settings, 'utf8').includes(choice)) {
    return;
  }
  const { status, stdout } = spawnSync('python3', ['-c', ASK], { encoding: 'utf8' });
  if (status !== 0) {
    return;
  }
  const { program, version, pip } = JSON.parse(stdout) as { program: string; version: string; pip: string | null };
  const packages = join(venv, `lib/python${version}/site-packages`);
  for (const folder of [packages, join(venv, 'bin')]) {
    mkdirSync(folder, { recursive: true });
  }
  const write = (path: string, text: string) => replace(path, (temporary) => writeFileSync(temporary, text));
  write(join(packages, 'pip-target.pth'), PTH);
  if (pip !== null) {
    replace(join(packages, 'pip'), (temporary) => symlinkSync(pip, temporary));
  }
  for (const name of ['python3', 'python', `python${version}`]) {
    replace(join(venv, 'bin', name), (temporary) => symlinkSync(program, temporary));
  }
  // Last: it says that the others are there.
  write(settings, `home = ${dirname(program)}\ninclude-system-site-packages = false\n${choice}\n`);
}
