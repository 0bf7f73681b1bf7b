/** RUN: a command of the Dockerfile in the folder that stands for the stage. */
import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { type BaseKind, languageEnvironment } from '#local/kubelet/base-kinds.ts';
import { findProgram } from '#local/kubelet/find-program.ts';
import { machineEnvironment } from '#local/kubelet/machine-environment.ts';
import { placeInMounts, placeInRootfs, placePaths } from '#local/kubelet/place-paths.ts';
import type { Toolchain } from '#local/kubelet/toolchain.ts';
import { BuildError } from './build-error.ts';
import { placeInStage } from './place-in-stage.ts';

export interface RunStep {
  /** The program and its arguments: the shell and the text, for the shell form. */
  command: string[];
  workingDir: string;
  base: BaseKind;
  /** ENV of the stage so far. */
  env: Readonly<Record<string, string>>;
  /** ARGs in effect, and the proxies among the build arguments. */
  args: Readonly<Record<string, string>>;
}

/**
 * The working directory is the stage's; absolute paths in the command that mean the image are replaced by the folder's.
 * Of our own environment only where the network and the caches are is passed on (machine-environment.ts): the step is
 * the user's code.
 *
 * Throws BuildError with the step's own exit code.
 */
export async function runStep(
  step: RunStep,
  rootfs: string,
  { toolchain, mounts }: { toolchain: Toolchain; mounts: ReadonlyMap<string, string> },
): Promise<void> {
  const machine = machineEnvironment();
  const machinePath = machine['PATH'] ?? '/usr/bin:/bin';
  const inRootfs = placeInRootfs(rootfs, step.workingDir);
  const placed = (env: Readonly<Record<string, string>>) =>
    Object.fromEntries(Object.entries(env).map(([name, value]) => [name, placePaths(value, inRootfs)]));
  const language = languageEnvironment(toolchain, step.base, rootfs);
  const env: Record<string, string> = { ...machine, ...language.env, ...step.args, ...placed(step.env) };
  if (step.env['PYTHONPATH'] !== undefined && language.env['PYTHONPATH'] !== undefined) {
    env['PYTHONPATH'] = `${env['PYTHONPATH']}:${language.env['PYTHONPATH']}`;
  }
  const imagePath = (step.env['PATH'] ?? '')
    .split(':')
    .flatMap((entry) => (entry.startsWith('/') ? (inRootfs(entry) ?? []) : []));
  env['PATH'] = [...imagePath, toolchain.build, ...language.path, machinePath].join(':');

  const cwd = join(rootfs, step.workingDir);
  mkdirSync(cwd, { recursive: true });
  const inMounts = placeInMounts(mounts);
  const inStage = placeInStage(rootfs, step.workingDir, machinePath);
  const place = (path: string) => inMounts(path) ?? inStage(path);
  const [program = '', ...args] = step.command.map((word) => placePaths(word, place));
  const file = findProgram(program, { cwd, path: env['PATH'] });
  if (file === undefined) {
    throw new BuildError(
      `failed to execute command: starting command: exec: "${program}": executable file not found in $PATH`,
      127,
    );
  }
  const exitCode = await execute(file, args, cwd, env);
  if (exitCode !== 0) {
    throw new BuildError(`failed to execute command: waiting for process to exit: exit status ${exitCode}`, exitCode);
  }
}

/** In our own process group: whoever ends this build ends the step as well. */
function execute(file: string, args: string[], cwd: string, env: Record<string, string>): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { cwd, env, stdio: ['ignore', 'inherit', 'inherit'] });
    child.once('error', (error) => reject(new BuildError(`failed to execute command: ${error.message}`, 126)));
    child.once('exit', (code, signal) => resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal])));
  });
}
