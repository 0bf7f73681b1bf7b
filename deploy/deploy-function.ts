/** One builder function by `func deploy`, then what func.yaml cannot say. */
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jsonPatch } from '#shared/kubernetes/json-patch.ts';
import type { KubeObject } from '#shared/kubernetes/object.ts';
import { FIELD_MANAGER } from './apply.ts';
import { kubectl, type Run } from './run.ts';
import { sameService } from './same-service.ts';

export type FunctionStep = 'nothing' | 'patch' | 'deploy';

const copies = new Set<string>();

/** A deployment that was stopped between func and the patch, or changed settings alone, need no second round of func. */
export function functionStep(live: KubeObject | undefined, wanted: KubeObject, patch: unknown[]): FunctionStep {
  if (live && sameService(live, wanted)) {
    return 'nothing';
  }
  return live && isPatchable(live, wanted, patch) ? 'patch' : 'deploy';
}

function isPatchable(live: KubeObject, wanted: KubeObject, patch: unknown[]): boolean {
  try {
    return sameService(jsonPatch(live, patch) as KubeObject, wanted);
  } catch {
    // Somebody took away what the patch adds to.
    return false;
  }
}

export async function deployFunction(
  run: Run,
  step: FunctionStep,
  { root, wanted, image, patch }: { root: string; wanted: KubeObject; image: string; patch: unknown[] },
): Promise<void> {
  const { name, namespace = '' } = wanted.metadata;
  const service = ['services.serving.knative.dev', name, '-n', namespace];
  if (step === 'deploy') {
    const problem = await funcDeploy(run, { folder: join(root, 'functions', name), namespace, image });
    if (problem) {
      // func gives up two seconds after the first bad news, a full node for instance. Where it wrote what it should, we wait on.
      const { code, stdout } = await run('kubectl', ['get', ...service, '-o', 'json']);
      if (code !== 0 || functionStep(JSON.parse(stdout), wanted, patch) === 'deploy') {
        throw new Error(`func deploy of ${name} failed: ${problem}`);
      }
    }
  }
  if (step !== 'nothing') {
    const how = ['--type=json', `--field-manager=${FIELD_MANAGER}`];
    await kubectl(run, ['patch', ...service, ...how, '-p', JSON.stringify(patch)]);
  }
}

/** What func said where it failed. */
async function funcDeploy(
  run: Run,
  { folder, namespace, image }: { folder: string; namespace: string; image: string },
): Promise<string | undefined> {
  // func rewrites func.yaml and puts .func/ beside it.
  const copy = mkdtempSync(join(tmpdir(), 'knative-lambda-deploy-'));
  copies.add(copy);
  try {
    cpSync(join(folder, 'func.yaml'), join(copy, 'func.yaml'));
    const what = ['--image', image, '--build=false', '--push=false'];
    const { code, stdout, stderr } = await run('func', ['deploy', '-p', copy, ...what, '-n', namespace]);
    return code === 0 ? undefined : (stderr || stdout).trim();
  } finally {
    rmSync(copy, { recursive: true, force: true });
    copies.delete(copy);
  }
}

/** For a deployment that is stopped in the middle. */
export function removeCopies(): void {
  for (const copy of copies) {
    rmSync(copy, { recursive: true, force: true });
  }
}
