/** Resolves a stage's instructions, without running one, so that the cache is asked before anything is done. */
import { createHash } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join, posix } from 'node:path';
import type { Toolchain } from '#local/kubelet/toolchain.ts';
import { BuildError } from './build-error.ts';
import { findSources, hashSources, type SourceTree } from './context.ts';
import { copyStep } from './copy-step.ts';
import type { Instruction, Stage } from './dockerfile.ts';
import { expandWord, splitWords, type Variables } from './dockerfile-words.ts';
import type { BuildOptions } from './flags.ts';
import { readCopy } from './read-copy.ts';
import { type RunStep, runStep } from './run-step.ts';
import { copyConfig, type StageConfig } from './stage-config.ts';
import type { StagePlan, StageStart, Step } from './stage-plan.ts';

export interface PlanInput {
  stage: Stage;
  escapeChar: string;
  start: StageStart;
  /** Of what it starts from. */
  config: StageConfig;
  key: string;
  options: BuildOptions;
  globalArgs: Variables;
  context: SourceTree;
  toolchain: Toolchain;
  /** What `--from` names: a key that stands for the content, and the content itself once it is needed. Throws BuildError. */
  from(name: string): Promise<{ key: string; tree: () => Promise<SourceTree> }>;
  warn(message: string): void;
}

/** Reach RUN without an ARG line, and never the cache's key: another proxy makes no other image. */
const PROXIES = /^(https?|ftp|no|all)_proxy$/i;

/** Throws BuildError. */
export async function planStage(input: PlanInput): Promise<StagePlan> {
  const planner = new StagePlanner(input);
  const steps: Step[] = [];
  for (const instruction of input.stage.instructions) {
    steps.push(await planner.plan(instruction));
  }
  return { name: input.stage.name, start: input.start, steps, config: planner.config, key: planner.key };
}

interface Effect {
  /** All that the result depends on besides what came before. */
  material: string;
  run?: (rootfs: string) => Promise<void>;
  cached?: boolean;
}

class StagePlanner {
  readonly config: StageConfig;
  key: string;
  readonly #input: PlanInput;
  /** ARGs that have a value in this stage. */
  readonly #args: Record<string, string> = {};
  readonly #proxies: Record<string, string>;

  constructor(input: PlanInput) {
    this.#input = input;
    this.config = copyConfig(input.config);
    this.key = input.key;
    this.#proxies = Object.fromEntries(Object.entries(input.options.buildArgs).filter(([name]) => PROXIES.test(name)));
  }

  async plan(instruction: Instruction): Promise<Step> {
    const { keyword } = instruction;
    try {
      const { material, run, cached = false } = await this.#effect(instruction);
      this.key = createHash('sha256').update(`${this.key}\n${keyword} ${material}`).digest('hex');
      return { text: instruction.whole, key: this.key, run, cached };
    } catch (error) {
      if (!(error instanceof BuildError)) {
        throw error;
      }
      throw new BuildError(`${keyword} on line ${instruction.line}: ${error.message}`, error.exitCode);
    }
  }

  async #effect(instruction: Instruction): Promise<Effect> {
    const { keyword, exec, text } = instruction;
    const { config } = this;
    switch (keyword) {
      case 'ARG':
        return this.#arg(instruction);
      case 'ENV': {
        const values = this.#pairs(instruction);
        Object.assign(config.env, values);
        return { material: JSON.stringify(values) };
      }
      case 'LABEL': {
        const values = this.#pairs(instruction);
        Object.assign(config.labels, values);
        return { material: JSON.stringify(values) };
      }
      case 'WORKDIR': {
        config.workingDir = this.#absolute(this.#expand(text)).replace(/(?<=.)\/$/, '');
        const { workingDir } = config;
        return {
          material: workingDir,
          run: async (rootfs) => void mkdirSync(join(rootfs, workingDir), { recursive: true }),
        };
      }
      case 'USER':
        config.user = this.#expand(text);
        return { material: config.user };
      case 'STOPSIGNAL':
        config.stopSignal = this.#expand(text);
        return { material: config.stopSignal };
      case 'EXPOSE':
        config.exposedPorts.push(...this.#words(text));
        return { material: text };
      case 'SHELL':
        config.shell = exec ?? config.shell;
        return { material: JSON.stringify(exec) };
      case 'CMD':
        config.cmd = exec ?? [...config.shell, text];
        return { material: JSON.stringify(config.cmd) };
      case 'ENTRYPOINT':
        config.entrypoint = exec ?? [...config.shell, text];
        // As in Docker: the base image's CMD was meant for its own ENTRYPOINT.
        if (!this.#input.stage.instructions.some((other) => other.keyword === 'CMD')) {
          config.cmd = [];
        }
        return { material: JSON.stringify(config.entrypoint) };
      case 'RUN':
        return this.#run(instruction);
      case 'COPY':
      case 'ADD':
        return await this.#copy(instruction);
      case 'VOLUME':
        return { material: text };
      default:
        // HEALTHCHECK, ONBUILD and MAINTAINER change nothing that Kubernetes looks at.
        this.#input.warn(`${keyword} has no effect here`);
        return { material: text };
    }
  }

  #arg({ pairs }: Instruction): Effect {
    for (const [name, text] of pairs) {
      const { buildArgs } = this.#input.options;
      const given = Object.hasOwn(buildArgs, name) ? buildArgs[name] : undefined;
      const { globalArgs } = this.#input;
      const inherited = Object.hasOwn(globalArgs, name) ? globalArgs[name] : undefined;
      const value = given ?? (text === undefined ? inherited : this.#expand(text));
      if (value !== undefined) {
        this.#args[name] = value;
      }
    }
    // It counts where it is used: in what it expands to, and in every RUN.
    return { material: pairs.map(([name]) => name).join(' ') };
  }

  #run({ exec, text, flags }: Instruction): Effect {
    if (/type=(secret|ssh|bind)/.test(flags['mount'] ?? '')) {
      throw new BuildError('RUN --mount of type secret, ssh or bind is not supported: COPY what the step needs');
    }
    const { config } = this;
    const step: RunStep = {
      command: exec ?? [...config.shell, text],
      workingDir: config.workingDir,
      base: config.base,
      env: { ...config.env },
      args: { ...this.#proxies, ...this.#args },
    };
    const args = Object.entries(this.#args).filter(([name]) => !PROXIES.test(name));
    return {
      material: JSON.stringify([step.command, args.sort(([a], [b]) => (a < b ? -1 : 1))]),
      run: (rootfs) => runStep(step, rootfs, this.#input.toolchain),
      cached: true,
    };
  }

  async #copy(instruction: Instruction): Promise<Effect> {
    const { context, options, escapeChar } = this.#input;
    const expand = (text: string) => this.#expand(text);
    const request = readCopy(instruction, { expand, absolute: (path) => this.#absolute(path), escapeChar });
    const cached = options.cacheCopyLayers;
    if (request.from === undefined) {
      const hashes = request.step.sources.map((source) => hashSources(context, findSources(context, source)));
      return {
        material: JSON.stringify([request.step, hashes]),
        run: (rootfs) => copyStep({ ...request.step, tree: context }, rootfs),
        cached,
      };
    }
    const from = await this.#input.from(request.from);
    return {
      material: JSON.stringify([request.step, from.key]),
      run: async (rootfs) => copyStep({ ...request.step, tree: await from.tree() }, rootfs),
      cached,
    };
  }

  #pairs({ pairs }: Instruction): Record<string, string> {
    // All with the variables as they were before the line.
    return Object.fromEntries(pairs.map(([name, value]) => [this.#expand(name), this.#expand(value ?? '')]));
  }

  #absolute(path: string): string {
    return posix.normalize(posix.join(path.startsWith('/') ? '/' : this.config.workingDir, path));
  }

  #words(text: string): string[] {
    return splitWords(text, this.#input.escapeChar).map((word) => this.#expand(word));
  }

  #expand(text: string): string {
    return expandWord(text, { ...this.#args, ...this.config.env }, this.#input.escapeChar);
  }
}
