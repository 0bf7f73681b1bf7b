/** Resolves a stage's instructions, without running one, so that the cache is asked before anything is done. */
import { createHash } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join, posix } from 'node:path';
import type { Toolchain } from '#local/kubelet/toolchain.ts';
import type { ImageConfig } from '#local/registry/oci-image.ts';
import { BuildError } from './build-error.ts';
import { findSources, hashSources, type SourceTree } from './context.ts';
import { copyStep } from './copy-step.ts';
import type { Instruction, Stage } from './dockerfile.ts';
import { expandWord, type Variables } from './dockerfile-words.ts';
import { readCopy } from './read-copy.ts';
import { type RunStep, runStep } from './run-step.ts';

export interface Step {
  /** The instruction as it was written, for the log. */
  text: string;
  /** Of everything up to here; the same key, the same root file system. */
  key: string;
  /** Undefined for what only changes the configuration. */
  run?: (rootfs: string) => Promise<void>;
  /** Its result is worth keeping. */
  cached?: boolean;
}

export interface StageStart {
  /** Undefined for an empty folder. */
  stage: StagePlan | undefined;
  config: ImageConfig;
  key: string;
}

export interface StagePlan {
  name: string | undefined;
  start: StageStart;
  steps: Step[];
  /** As at its end. */
  config: ImageConfig;
  key: string;
}

/** What `--from` names: a key that stands for the content, and the content itself once it is needed. */
export interface FromStage {
  key: string;
  tree(): Promise<SourceTree>;
}

export interface PlanInput {
  stage: Stage;
  start: StageStart;
  buildArgs: Readonly<Record<string, string>>;
  globalArgs: Variables;
  context: SourceTree;
  mounts: ReadonlyMap<string, string>;
  toolchain: Toolchain;
  /** Throws BuildError. */
  from(name: string): FromStage;
  log(line: string): void;
}

/** Reach RUN without an ARG line, and never the cache's key: another proxy makes no other image. */
const PROXIES = /^(https?|ftp|no|all)_proxy$/i;

interface Effect {
  /** All that the result depends on besides what came before. */
  material: string;
  run?: (rootfs: string) => Promise<void>;
  cached?: boolean;
}

/** Throws BuildError, which names the line. */
export function planStage(input: PlanInput): StagePlan {
  const { stage, start } = input;
  const planner = new StagePlanner(input);
  let { key } = start;
  const steps = stage.instructions.map((instruction): Step => {
    const { keyword, whole, line } = instruction;
    try {
      const { material, ...step } = planner.effectOf(instruction);
      key = createHash('sha256').update(`${key}\n${keyword} ${material}`).digest('hex');
      return { text: whole, key, ...step };
    } catch (error) {
      throw error instanceof BuildError
        ? new BuildError(`${keyword} on line ${line}: ${error.message}`, error.exitCode)
        : error;
    }
  });
  return { name: stage.name, start, steps, config: planner.config, key };
}

class StagePlanner {
  readonly config: ImageConfig;
  readonly #input: PlanInput;
  /** ARGs that have a value in this stage. */
  readonly #args: Record<string, string> = {};
  readonly #proxies: Record<string, string>;
  /** What the shell form of RUN, CMD and ENTRYPOINT is given to. */
  #shell = ['/bin/sh', '-c'];

  constructor(input: PlanInput) {
    this.#input = input;
    this.config = structuredClone(input.start.config);
    this.#proxies = Object.fromEntries(Object.entries(input.buildArgs).filter(([name]) => PROXIES.test(name)));
  }

  effectOf(instruction: Instruction): Effect {
    const { keyword, exec, text, pairs } = instruction;
    const { config } = this;
    const command = exec ?? [...this.#shell, text];
    switch (keyword) {
      case 'ARG':
        return this.#arg(instruction);
      case 'ENV': {
        // All with the variables as they were before the line.
        const values = pairs.map(([name, value]) => [this.#expand(name), this.#expand(value ?? '')]);
        Object.assign(config.env, Object.fromEntries(values));
        return { material: JSON.stringify(values) };
      }
      case 'WORKDIR': {
        const workingDir = this.#absolute(this.#expand(text)).replace(/(?<=.)\/$/, '');
        config.workingDir = workingDir;
        const run = async (rootfs: string) => void mkdirSync(join(rootfs, workingDir), { recursive: true });
        return { material: workingDir, run };
      }
      case 'SHELL':
        this.#shell = exec ?? this.#shell;
        break;
      case 'CMD':
        config.cmd = command;
        break;
      case 'ENTRYPOINT':
        config.entrypoint = command;
        // As in Docker: the base image's CMD was meant for its own ENTRYPOINT.
        if (!this.#input.stage.instructions.some((other) => other.keyword === 'CMD')) {
          config.cmd = [];
        }
        break;
      case 'USER':
        config.user = this.#expand(text);
        break;
      case 'RUN':
        return this.#run(command, instruction);
      case 'COPY':
      case 'ADD':
        return this.#copy(instruction);
      default:
        // LABEL, EXPOSE, VOLUME, STOPSIGNAL, HEALTHCHECK …: nothing here looks at them.
        this.#input.log(`WARN ${keyword} has no effect here`);
    }
    return { material: text };
  }

  #arg({ pairs }: Instruction): Effect {
    const { buildArgs, globalArgs } = this.#input;
    for (const [name, text] of pairs) {
      const given = Object.hasOwn(buildArgs, name) ? buildArgs[name] : undefined;
      const inherited = Object.hasOwn(globalArgs, name) ? globalArgs[name] : undefined;
      const value = given ?? (text === undefined ? inherited : this.#expand(text));
      if (value !== undefined) {
        this.#args[name] = value;
      }
    }
    // It counts where it is used: in what it expands to, and in every RUN.
    return { material: pairs.map(([name]) => name).join(' ') };
  }

  #run(command: string[], { flags }: Instruction): Effect {
    if (/type=(secret|ssh|bind)/.test(flags['mount'] ?? '')) {
      throw new BuildError('RUN --mount of type secret, ssh or bind is not supported: COPY what the step needs');
    }
    const { workingDir, base, env } = this.config;
    const step: RunStep = { command, workingDir, base, env: { ...env }, args: { ...this.#proxies, ...this.#args } };
    const args = Object.entries(this.#args).filter(([name]) => !PROXIES.test(name));
    return {
      material: JSON.stringify([command, args.sort(([a], [b]) => (a < b ? -1 : 1))]),
      run: (rootfs) => runStep(step, rootfs, this.#input),
      cached: true,
    };
  }

  #copy(instruction: Instruction): Effect {
    const { context } = this.#input;
    const expand = (text: string) => this.#expand(text);
    const { step, from } = readCopy(instruction, { expand, absolute: (path) => this.#absolute(path) });
    if (from === undefined) {
      const hashes = step.sources.map((source) => hashSources(context, findSources(context, source)));
      return {
        material: JSON.stringify([step, hashes]),
        run: async (rootfs) => copyStep({ ...step, tree: context }, rootfs),
      };
    }
    const { key, tree } = this.#input.from(from);
    return {
      material: JSON.stringify([step, key]),
      run: async (rootfs) => copyStep({ ...step, tree: await tree() }, rootfs),
    };
  }

  #absolute(path: string): string {
    return posix.normalize(posix.join(path.startsWith('/') ? '/' : this.config.workingDir, path));
  }

  #expand(text: string): string {
    return expandWord(text, { ...this.#args, ...this.config.env });
  }
}
