/** What a stage says about running its image: the settings its instructions change without touching a file. */
import type { ImageConfig } from '#local/kubelet/images.ts';
import type { BaseKind } from '#local/kubelet/toolchain.ts';

export interface StageConfig extends ImageConfig {
  /** SHELL: what the shell form of RUN, CMD and ENTRYPOINT is given to. */
  shell: string[];
}

const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** Of a base image: what it would say itself cannot be known without pulling it. */
export function baseConfig(base: BaseKind): StageConfig {
  const program = base === 'node' ? ['node'] : base === 'python' ? ['python3'] : [];
  return {
    base,
    workingDir: '/',
    entrypoint: [],
    cmd: program,
    env: { PATH },
    user: '',
    labels: {},
    exposedPorts: [],
    stopSignal: '',
    shell: ['/bin/sh', '-c'],
  };
}

export function copyConfig(config: StageConfig): StageConfig {
  return structuredClone(config);
}

/** What is written to `config.json`. */
export function imageConfig({ shell: _, ...config }: StageConfig): ImageConfig {
  return config;
}
