/** Does with a context what a builder would, in a folder: its RUN lines, then its CMD. Everything else in a generated Dockerfile has no meaning without layers. */
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { prepareBuild } from '#functions/build-start/prepare-build.ts';
import type { BuildRequest } from '#shared/packing/types.ts';
import { cache } from './adapters.ts';
import { type Files, identity, list, settings, storeWith } from './sources.ts';

export interface Image {
  folder: string;
  command: string[];
  remove(): void;
}

export class RunFailed extends Error {
  readonly exitCode: number | null;
  constructor(exitCode: number | null, output: string) {
    super(output);
    this.exitCode = exitCode;
  }
}

/** Throws RunFailed where a RUN line fails. */
export async function buildImage(files: Files, request: BuildRequest = {}): Promise<Image> {
  const store = storeWith(files);
  const prepared = await prepareBuild(store, {
    listing: await list(store),
    identity,
    request,
    settings,
    stagingId: 'test',
  });
  const folder = mkdtempSync(join(tmpdir(), 'knative-lambda-image-'));
  const archive = join(folder, '..', `${prepared.buildKey}.tar.gz`);
  writeFileSync(archive, store.peek('temporary', prepared.context.key) ?? '');
  execFileSync('tar', ['-xzf', archive, '-C', folder]);
  rmSync(archive);

  const lines = readFileSync(join(folder, '.knative-lambda/Dockerfile'), 'utf8').split('\n');
  try {
    for (const line of lines.filter((candidate) => candidate.startsWith('RUN '))) {
      runCached(folder, line.slice('RUN '.length));
    }
  } catch (error) {
    rmSync(folder, { recursive: true });
    throw error;
  }
  const command = JSON.parse(lines.findLast((line) => line.startsWith('CMD '))?.slice('CMD '.length) ?? '[]');
  // Go's last stage holds nothing but the program.
  const program = command[0] === './function' ? '.knative-lambda/function' : command[0];
  return {
    folder,
    command: [program, ...command.slice(1)],
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** What pip installs from a file of fixed versions is the same every time. */
function runCached(folder: string, command: string): void {
  const [, target, requirements] = /--target=(\S+) -r (\S+)/.exec(command) ?? [];
  if (target === undefined || requirements === undefined) {
    run(folder, command);
    return;
  }
  const content = readFileSync(join(folder, requirements));
  const python = execFileSync('python', ['--version']);
  const key = createHash('sha256').update(command).update(content).update(python).digest('hex').slice(0, 16);
  const kept = join(cache, `pip-${key}`);
  if (!existsSync(kept)) {
    run(folder, command);
    mkdirSync(cache, { recursive: true });
    const copy = mkdtempSync(join(cache, 'pip-new-'));
    cpSync(join(folder, target), copy, { recursive: true, preserveTimestamps: true });
    try {
      renameSync(copy, kept);
    } catch {
      rmSync(copy, { recursive: true });
    }
    return;
  }
  cpSync(kept, join(folder, target), { recursive: true, preserveTimestamps: true });
}

function run(folder: string, command: string): void {
  const { status, stdout, stderr } = spawnSync('sh', ['-c', command], {
    cwd: folder,
    encoding: 'utf8',
    env: environment(),
  });
  if (status !== 0) {
    throw new RunFailed(status, stdout + stderr);
  }
}

/** The Node that runs the tests, whatever else is installed. */
export function environment(): NodeJS.ProcessEnv {
  return { ...process.env, PATH: `${join(process.execPath, '..')}:${process.env['PATH']}`, NODE_OPTIONS: '' };
}

/** Whether a program is installed; a suite that needs it says that it is skipped. */
export function installed(program: string, ...parameters: string[]): boolean {
  return spawnSync(program, parameters).status === 0;
}
