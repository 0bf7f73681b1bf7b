/**
 * Does with a context what a builder would, in a folder: its RUN lines, then its CMD. Everything else in a generated
 * Dockerfile has no meaning without layers.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { saveContext } from '#build-pod/save-context.ts';
import { prepareBuild } from '#functions/build-start/prepare-build.ts';
import type { BuildRequest } from '#shared/packing/types.ts';
import { cache } from './adapters.ts';
import { type Files, identity, list, settings, storeWith } from './sources.ts';

export interface Image {
  folder: string;
  command: string[];
  remove(): void;
}

/** What is compiled. */
const PROGRAM = '.knative-lambda/function';

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
  const packed = store.peek('temporary', prepared.context.key) ?? Buffer.alloc(0);
  await saveContext(Readable.from([packed]), prepared.context.key, archive);
  execFileSync('tar', ['-xzf', archive, '-C', folder]);
  rmSync(archive);

  const lines = readFileSync(join(folder, '.knative-lambda/Dockerfile'), 'utf8').split('\n');
  const command = JSON.parse(lines.findLast((line) => line.startsWith('CMD '))?.slice('CMD '.length) ?? '[]');
  const isCompiled = command[0] === './function';
  const runAll = () => {
    for (const line of lines.filter((candidate) => candidate.startsWith('RUN '))) {
      runCached(folder, line.slice('RUN '.length));
    }
  };
  try {
    if (isCompiled) {
      const tool = existsSync(join(folder, 'Cargo.toml')) ? ['rustc', '--version'] : ['go', 'version'];
      once({ name: 'program', of: [prepared.buildKey, versionOf(tool)], made: [PROGRAM] }, folder, runAll);
    } else {
      runAll();
    }
  } catch (error) {
    rmSync(folder, { recursive: true });
    throw error;
  }
  // The last stage of what is compiled holds nothing but the program.
  const program = isCompiled ? PROGRAM : command[0];
  return {
    folder,
    command: [program, ...command.slice(1)],
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/**
 * What takes a minute to make and is the same every time: kept between runs, under a name made of all that decides
 * about it.
 */
interface Kept {
  name: string;
  of: (string | Buffer)[];
  /** Files and folders of the image. */
  made: string[];
  /** It only spares the work that makes it most of its time. */
  worksAnyway?: boolean;
}

function keptOf(folder: string, command: string): Kept | undefined {
  const [, target, requirements] = /--target=(\S+) -r (\S+)/.exec(command) ?? [];
  if (target !== undefined && requirements !== undefined) {
    const of = [command, versionOf(['python', '--version']), readFileSync(join(folder, requirements))];
    return { name: 'pip', of, made: [target] };
  }
  if (command.startsWith('cd .knative-lambda/rust/dependencies ')) {
    const manifest = readFileSync(join(folder, '.knative-lambda/rust/adapter/Cargo.toml'));
    const of = [command, versionOf(['rustc', '--version']), manifest];
    return { name: 'cargo', of, made: ['.knative-lambda/rust/target'], worksAnyway: true };
  }
  return undefined;
}

function versionOf([tool = '', ...parameters]: string[]): Buffer {
  return execFileSync(tool, parameters);
}

function runCached(folder: string, command: string): void {
  const kept = keptOf(folder, command);
  if (kept === undefined) {
    run(folder, command);
  } else {
    once(kept, folder, () => run(folder, command));
  }
}

function once({ name, of, made, worksAnyway = false }: Kept, folder: string, work: () => void): void {
  const hash = of.reduce((sum, each) => sum.update(each), createHash('sha256'));
  const place = join(cache, `${name}-${hash.digest('hex').slice(0, 16)}`);
  const isThere = existsSync(place);
  if (isThere) {
    copy(place, folder, made);
  }
  if (!isThere || worksAnyway) {
    work();
  }
  if (!isThere) {
    mkdirSync(cache, { recursive: true });
    const finished = mkdtempSync(join(cache, `${name}-new-`));
    copy(folder, finished, made);
    try {
      renameSync(finished, place);
    } catch {
      rmSync(finished, { recursive: true });
    }
  }
}

function copy(from: string, to: string, paths: string[]): void {
  for (const path of paths) {
    cpSync(join(from, path), join(to, path), { recursive: true, preserveTimestamps: true });
  }
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
