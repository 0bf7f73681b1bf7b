/**
 * Builds with func and buildpacks, as the root func.yaml says. func needs the daemon of docker or podman, and finds it
 * itself.
 */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parse, stringify } from 'yaml';
import { runProgram } from '#deploy/run-program.ts';
import { type ImageBuild, ImageBuildError } from './build.ts';
import { contextFiles } from './context.ts';
import { findDigest } from './name.ts';

export function funcCommand(path: string, build: ImageBuild): string[] {
  return [
    'build',
    `--path=${path}`,
    '--builder=pack',
    `--image=${build.image}`,
    '--push',
    ...(build.platform ? [`--platform=${build.platform}`] : []),
    ...(build.insecure ? ['--registry-insecure'] : []),
    ...(build.settings.registryConfig ? [`--registry-authfile=${build.settings.registryConfig.file}`] : []),
  ];
}

/**
 * The root func.yaml with version, commit and proxy of this build. Buildpacks turn BP_OCI_* into labels of the image.
 */
export function funcYaml(text: string, { made, settings }: ImageBuild): string {
  const file = parse(text) as { build: { buildEnvs: { name: string; value: string }[] } };
  const proxy = settings.BUILD_HTTP_PROXY;
  const added = {
    BP_OCI_TITLE: 'knative-lambda',
    BP_OCI_VERSION: made.version,
    BP_OCI_REVISION: made.commit,
    ...(proxy ? { HTTP_PROXY: proxy, HTTPS_PROXY: proxy } : {}),
  };
  file.build.buildEnvs.push(...Object.entries(added).map(([name, value]) => ({ name, value })));
  return stringify(file);
}

/** The digest of what was pushed. */
export async function buildWithPack(build: ImageBuild): Promise<string> {
  // func writes into its folder and rewrites func.yaml, so it gets a copy.
  const copy = mkdtempSync(join(tmpdir(), 'knative-lambda-image-'));
  try {
    for (const file of [...contextFiles(build.root), 'Procfile']) {
      mkdirSync(dirname(join(copy, file)), { recursive: true });
      cpSync(join(build.root, file), join(copy, file));
    }
    writeFileSync(join(copy, 'func.yaml'), funcYaml(readFileSync(join(build.root, 'func.yaml'), 'utf8'), build));
    const command = funcCommand(copy, build);
    build.tell(`func ${command.join(' ')}`);
    const { code, stderr } = await runProgram('func', command, { shown: true, signal: build.signal });
    build.signal.throwIfAborted();
    if (code !== 0) {
      const why =
        (code === 126 || code === 127) && stderr
          ? `: ${stderr}`
          : ', see above; it needs a docker daemon (DOCKER_HOST)';
      throw new ImageBuildError(`func could not build ${build.image}${why}`);
    }
    const digest = findDigest(readFileSync(join(copy, '.func/built-image'), 'utf8'));
    if (!digest) {
      throw new ImageBuildError(`func pushed ${build.image} but did not say its digest; func 0.50 does`);
    }
    return digest;
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}
