/** `make deploy`: brings an environment onto the cluster of KUBECONFIG. A second run changes only what differs. */
import { relative } from 'node:path';
import { SECOND } from '#shared/durations.ts';
import type { KubeObject } from '#shared/kubernetes/object.ts';
import { say, sayError } from '#shared/say.ts';
import { applyFolder, applyNamespaces, applySecrets } from './apply.ts';
import { authorityProblems } from './authority-problems.ts';
import { clusterProblems } from './cluster-problems.ts';
import { writeComposition } from './compose.ts';
import { removeCopies } from './deploy-function.ts';
import { deployFunctions } from './deploy-functions.ts';
import { ROOT } from './environment.ts';
import { leftoverProblems, permissionProblems, tenantProblems } from './environment-problems.ts';
import { firstEvent } from './first-event.ts';
import { moveCalls } from './move-calls.ts';
import { type Plan, planDeployment } from './plan.ts';
import { run, stopOnSignal } from './run.ts';
import { tlsOfCluster } from './tls-problems.ts';
import { WATCHED, waitUntilReady } from './wait-until-ready.ts';

const force = process.env['FORCE'] === '1';
const timeout = Number(process.env['TIMEOUT'] || 300) * SECOND;

stopOnSignal(removeCopies, 'Stopped in the middle. Nothing is lost: the same command completes it.');
try {
  const { plan, objects } = await prepare();
  await apply(plan, objects);
  await deployFunctions(run, plan, { objects, force, say, timeout });
  const wanted = [...objects, ...plan.composition.services].filter(({ kind }) => WATCHED.includes(kind));
  const { namespace } = plan.environment;
  await waitUntilReady(run, { namespace, wanted, say, timeout });
  await moveCalls(run, plan, say);
  say(firstEvent(plan.environment, plan.composition.config));
} catch (error) {
  sayError(error);
  process.exitCode = 1;
}

/** Reports every problem before anything is changed. */
async function prepare(): Promise<{ plan: Plan; objects: KubeObject[] }> {
  const { plan, problems, ...needs } = planDeployment(ROOT, process.env);
  const cluster = await clusterProblems(run, needs);
  problems.push(...cluster.problems);
  if (plan?.settings.requireTls && cluster.isReachable) {
    const tls = await tlsOfCluster(run);
    problems.push(...tls.problems);
    cluster.notes.push(...tls.notes);
  }
  for (const note of cluster.notes) {
    say(`  ${note}`);
  }
  let objects: KubeObject[] = [];
  if (plan) {
    objects = writeComposition(plan.environment, plan.composition, { withFunctions: false });
    if (cluster.isReachable) {
      const all = [...objects, ...plan.composition.services];
      problems.push(...(await permissionProblems(run, plan.environment, all)));
      problems.push(...(await leftoverProblems(run, plan.environment, objects)));
      problems.push(...(await authorityProblems(run, plan.environment, plan.settings, plan.composition.config)));
      problems.push(...(await tenantProblems(run, plan.environment, plan.composition.config)));
    }
  }
  if (!plan || problems.length > 0) {
    const list = problems.map((problem) => `  - ${problem}`).join('\n');
    throw new Error(`Nothing was changed; what has to be corrected first (${problems.length}):\n${list}`);
  }
  return { plan, objects };
}

async function apply({ environment, settings }: Plan, objects: KubeObject[]): Promise<void> {
  say(`Applying ${relative(process.cwd(), environment.folder)} …`);
  await applyNamespaces(run, objects, force);
  await applySecrets(run, environment, settings);
  const applied = await applyFolder(run, environment.folder, force);
  say(`  ${applied.length} objects`);
}
