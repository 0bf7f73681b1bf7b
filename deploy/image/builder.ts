/** Chooses the program that builds the image: the one that BUILDER names, else the first that works. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Outcome, runProgram } from '#deploy/run-program.ts';

const BUILDERS = ['docker', 'podman', 'buildah', 'kaniko', 'pack'] as const;
export type Builder = (typeof BUILDERS)[number];

/** Thrown where no builder works, or where BUILDER names none. */
export class BuilderError extends Error {
  override readonly name = 'BuilderError';
}

const ANSWER = 20_000;
/** The name of a Service of a cluster: an engine on this machine cannot push to it. */
const IN_CLUSTER = /\.svc(\.[^:]*)?(:\d+)?$/;

// Each is tried, not merely looked up: docker may have no daemon, and buildah no file system that it can mount. `pack`
// is never chosen automatically: its image is larger and has no compile cache.
const probes: Record<Exclude<Builder, 'pack'>, () => Promise<Outcome>> = {
  docker: () => runProgram('docker', ['info', '--format={{.ServerVersion}}'], { timeout: ANSWER }),
  podman: () => runProgram('podman', ['info'], { timeout: ANSWER }),
  buildah: buildNothing,
  kaniko: () => runProgram('kubectl', ['get', '--raw=/version', '--request-timeout=10s'], { timeout: ANSWER }),
};

export async function chooseBuilder(asked: string | undefined, registry: string): Promise<Builder> {
  if (asked) {
    const named = BUILDERS.find((builder) => builder === asked);
    if (!named) {
      throw new BuilderError(`BUILDER is ${JSON.stringify(asked)}: set it to one of ${BUILDERS.join(', ')}`);
    }
    return named;
  }
  const refusals: string[] = [];
  for (const [builder, probe] of Object.entries(probes)) {
    if (builder !== 'kaniko' && IN_CLUSTER.test(registry)) {
      refusals.push(`  ${builder}: ${registry} is a name that only the cluster knows`);
      continue;
    }
    const { code, stderr } = await probe();
    if (code === 0) {
      return builder as Builder;
    }
    refusals.push(`  ${builder}: ${lastLine(stderr) || 'does not answer'}`);
  }
  throw new BuilderError(
    [
      'nothing here can build the image:',
      ...refusals,
      'Start docker or podman, or install buildah, or set KUBECONFIG to a cluster for Kaniko to build in (it needs kubectl, and KANIKO_IMAGE in the settings).',
      'With a docker daemon elsewhere (DOCKER_HOST) BUILDER=pack builds with func and buildpacks.',
    ].join('\n'),
  );
}

async function buildNothing(): Promise<Outcome> {
  const directory = mkdtempSync(join(tmpdir(), 'knative-lambda-image-'));
  try {
    writeFileSync(join(directory, 'Dockerfile'), 'FROM scratch\nLABEL probe=1\n');
    const iid = join(directory, 'iid');
    const made = await runProgram('buildah', ['build', `--iidfile=${iid}`, directory], { timeout: ANSWER });
    if (made.code === 0) {
      await runProgram('buildah', ['rmi', made.stdout.trim().split('\n').at(-1) ?? ''], { timeout: ANSWER });
    }
    return made;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

const lastLine = (text: string) => text.trim().split('\n').at(-1)?.trim();
