/**
 * `make undeploy`: deletes both namespaces of an environment, step by step, so that no finalizer waits for what is gone
 * already.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { SECOND } from '#shared/durations.ts';
import type { KubeObject } from '#shared/kubernetes/object.ts';
import { say, sayError } from '#shared/say.ts';
import { environmentOf, environmentProblem, ROOT } from './environment.ts';
import { kubectl, run, stopOnSignal } from './run.ts';
import { finalizersWithout, type Step, stepsOf, stillThere } from './undeploy-steps.ts';

const INTERVAL = 2 * SECOND;
const timeout = Number(process.env['TIMEOUT'] || 300) * SECOND;

stopOnSignal(() => {}, 'Stopped in the middle: the same command deletes the rest.');
try {
  await undeploy(process.env['ENV'] ?? '');
} catch (error) {
  sayError(error);
  process.exitCode = 1;
}

async function undeploy(name: string): Promise<void> {
  const { namespace, buildsNamespace } = environmentOf(name || '-', ROOT);
  const namespaces = await objectsOf(['namespaces', namespace, buildsNamespace]);
  if (namespaces.length === 0) {
    const unknown = environmentProblem(name, ROOT);
    if (unknown) {
      throw new Error(unknown);
    }
    say(`Nothing is deployed: there is neither namespace ${namespace} nor ${buildsNamespace}.`);
    return;
  }
  const foreign = namespaces.filter(
    ({ metadata }) => metadata.labels?.['app.kubernetes.io/part-of'] !== 'knative-lambda',
  );
  if (foreign.length > 0) {
    const names = foreign.map(({ metadata }) => metadata.name).join(' and ');
    throw new Error(
      `${names}: make deploy did not make that (the label app.kubernetes.io/part-of=knative-lambda is missing), so nothing was deleted`,
    );
  }
  const present = namespaces.map(({ metadata }) => metadata.name);
  // A cluster from which Knative was removed no longer knows its kinds.
  const known = new Set((await kubectl(run, ['api-resources', '-o', 'name', '--verbs=list'])).split('\n'));
  const steps = stepsOf({ namespace, buildsNamespace })
    .filter((step) => present.includes(step.namespace))
    .map((step) => ({
      ...step,
      kinds: step.kinds.filter((kind) => known.has(kind)),
      wait: step.wait.filter((kind) => known.has(kind)),
    }));

  say(`Deleting ${present.join(' and ')}:`);
  for (const step of steps) {
    const objects = step.kinds.length > 0 ? await list(step.kinds, step.namespace) : [];
    const names = objects.map(({ kind, metadata }) => `${kind} ${metadata.name}`);
    say(`  ${step.title}: ${names.length > 0 ? names.join(', ') : 'none'}`);
  }
  for (const step of steps) {
    await perform(step);
  }
  await kubectl(run, ['delete', 'namespaces', ...present, '--wait=false', '--ignore-not-found']);
  await until('namespaces', async () => await objectsOf(['namespaces', ...present]));
  say('Gone. What stays is outside of the cluster: the buckets in S3, the images in the registry.');
}

async function perform({ title, namespace, kinds, wait, ownedBy, finalizer }: Step): Promise<void> {
  if (kinds.length > 0) {
    await kubectl(run, ['delete', kinds.join(','), '--all', '-n', namespace, '--wait=false', '--ignore-not-found']);
  }
  if (wait.length === 0) {
    return;
  }
  await until(title, async () => {
    const objects = stillThere(await list(wait, namespace), kinds, ownedBy);
    if (finalizer) {
      await removeFinalizer(objects, finalizer);
    }
    return objects;
  });
}

/** Removes our finalizer from what is being deleted. Other finalizers are left to their controllers. */
async function removeFinalizer(objects: KubeObject[], finalizer: string): Promise<void> {
  for (const { kind, metadata } of objects) {
    const finalizers = finalizersWithout(metadata, finalizer);
    if (finalizers) {
      const patch = JSON.stringify({ metadata: { finalizers } });
      const where = ['-n', metadata.namespace ?? '', '--type=merge', '-p', patch];
      const { code, stderr } = await run('kubectl', ['patch', kind.toLowerCase(), metadata.name, ...where]);
      if (code !== 0 && !stderr.includes('NotFound')) {
        throw new Error(`the finalizer of ${kind} ${metadata.name} could not be removed: ${stderr.trim()}`);
      }
    }
  }
}

async function until(title: string, remaining: () => Promise<KubeObject[]>): Promise<void> {
  const end = Date.now() + timeout;
  let told = -1;
  for (;;) {
    const objects = await remaining();
    if (objects.length !== told) {
      say(`  ${title}: ${objects.length === 0 ? 'gone' : `waiting for ${objects.length}`}`);
      told = objects.length;
    }
    if (objects.length === 0) {
      return;
    }
    if (Date.now() > end) {
      throw new Error(`after ${timeout / SECOND} s there are still:\n${objects.map(whyThere).join('\n')}`);
    }
    await sleep(INTERVAL);
  }
}

function whyThere({ kind, metadata, ...object }: KubeObject): string {
  const { name, namespace, finalizers = [] } = metadata;
  const conditions: { status: string; type: string; message?: string }[] = object['status']?.conditions ?? [];
  const said =
    kind === 'Namespace' ? conditions.filter(({ status }) => status === 'True').map(({ message }) => message) : [];
  const holds =
    finalizers.length > 0
      ? `held by ${finalizers.join(', ')}, whose controller must run and reach what it cleans up`
      : '';
  return `  ${kind} ${namespace ? `${namespace}/` : ''}${name} ${[holds, ...said].filter(Boolean).join('; ')}`;
}

async function list(kinds: string[], namespace: string): Promise<KubeObject[]> {
  return await objectsOf([kinds.join(','), '-n', namespace]);
}

async function objectsOf(what: string[]): Promise<KubeObject[]> {
  const stdout = await kubectl(run, ['get', ...what, '--ignore-not-found', '-o', 'json']);
  const answer = stdout.trim() === '' ? { items: [] } : JSON.parse(stdout);
  return answer.items ?? [answer];
}
