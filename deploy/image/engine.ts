/** Builds and pushes with docker, podman or buildah, by the options that all of their versions have. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runProgram } from '#deploy/run-program.ts';
import { buildArguments, type ImageBuild, ImageBuildError } from './build.ts';
import { findDigest } from './name.ts';

export type Engine = 'docker' | 'podman' | 'buildah';

export function buildCommand(engine: Engine, build: ImageBuild): string[] {
  return [
    'build',
    ...buildArguments(build),
    ...(build.platform ? [`--platform=${build.platform}`] : []),
    ...registryOptions(engine, build),
    `--tag=${build.image}`,
    '.',
  ];
}

/** docker writes no digest file: it prints the digest at the end. */
export function pushCommand(engine: Engine, build: ImageBuild, digestFile: string): string[] {
  const options = engine === 'docker' ? [] : [`--digestfile=${digestFile}`, ...registryOptions(engine, build)];
  return ['push', ...options, build.image];
}

// docker's client has neither option: insecure registries are a setting of its daemon, credentials come from `docker
// login`.
function registryOptions(engine: Engine, { insecure, settings }: ImageBuild): string[] {
  return engine === 'docker'
    ? []
    : [
        ...(insecure ? ['--tls-verify=false'] : []),
        ...(settings.registryConfig ? [`--authfile=${settings.registryConfig.file}`] : []),
      ];
}

/** The digest of what was pushed. */
export async function buildWithEngine(engine: Engine, build: ImageBuild): Promise<string> {
  const scratch = mkdtempSync(join(tmpdir(), 'knative-lambda-image-'));
  const digestFile = join(scratch, 'digest');
  try {
    await step(engine, buildCommand(engine, build), build, whatNext(engine, build));
    const said = await step(engine, pushCommand(engine, build, digestFile), build, whoMayPush(engine, build));
    const digest = findDigest(
      engine === 'docker' ? said.replace(/^.*digest: /s, '') : readFileSync(digestFile, 'utf8'),
    );
    if (!digest) {
      throw new ImageBuildError(`${engine} pushed ${build.image} but did not say its digest; its output is above`);
    }
    return digest;
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

function whatNext(engine: Engine, { settings }: ImageBuild): string {
  return [
    ...(engine === 'docker' ? [] : ['REGISTRY_INSECURE=1 is for a registry that speaks plain HTTP']),
    ...(engine === 'buildah'
      ? ['in a container or a small machine try BUILDAH_ISOLATION=chroot STORAGE_DRIVER=vfs']
      : []),
    ...(settings.NODE_IMAGE ? [] : ['NODE_IMAGE in the settings takes the base from elsewhere']),
    'BUILDER=kaniko builds in the cluster',
  ].join('; ');
}

function whoMayPush(engine: Engine, { settings, registry }: ImageBuild): string {
  return engine === 'docker'
    ? `\`docker login ${registry}\` if it wants to know you; insecure-registries in the daemon's settings if it speaks plain HTTP`
    : [
        settings.registryConfig
          ? `look whether the user in ${settings.registryConfig.file} may push there`
          : `\`${engine} login ${registry}\`, or REGISTRY_CONFIG_FILE in the settings, if it wants to know you`,
        'REGISTRY_INSECURE=1 if it speaks plain HTTP',
      ].join('; ');
}

async function step(engine: Engine, command: string[], build: ImageBuild, advice: string): Promise<string> {
  build.tell(`${engine} ${command.join(' ')}`);
  const { code, stdout, stderr } = await runProgram(engine, command, {
    // docker's output is read, because the digest is in it.
    ...(engine === 'docker' && command[0] === 'push' ? { onLine: build.tell } : { shown: true }),
    signal: build.signal,
    cwd: build.root,
  });
  build.signal.throwIfAborted();
  if (code !== 0) {
    const why = (code === 126 || code === 127) && stderr ? `: ${stderr}` : ', see above';
    throw new ImageBuildError(`${engine} could not ${command[0]} ${build.image}${why}. What may help: ${advice}`);
  }
  return stdout;
}
