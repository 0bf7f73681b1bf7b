/** Deploys one function by `func deploy`, then patches what func.yaml cannot say. */
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

/**
 * The patch alone is enough where only settings changed, or where a deployment was stopped between func and the patch.
 */
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
    // The Service lacks what the patch adds to.
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
      // func gives up two seconds after the first bad news, for instance a full node. If it wrote what it should,
      // waiting goes on.
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

/** What func said if it failed. */
async function funcDeploy(
  run: Run,
  { folder, namespace, image }: { folder: string; namespace: string; image: string },
): Promise<string | undefined> {
  // func rewrites func.yaml and puts .func/ beside it, so it gets a copy.
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

/** Deletes what an interrupted deployment leaves behind. */
export function removeCopies(): void {
  for (const copy of copies) {
    rmSync(copy, { recursive: true, force: true });
  }
}
