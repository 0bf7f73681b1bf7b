/** How the tests break what a deployment needs. */
import { execSync } from 'node:child_process';
import { CoreV1Api, KubeConfig } from '@kubernetes/client-node';
import type { AnyObject, World } from '#test/contract/world.ts';

export const DISPATCHERS = 'eventing.knative.dev/brokerRole=dispatcher';

/** A command that only the cluster's owner can give, from the environment. False where it was not given. */
export function command(name: string): boolean {
  const line = process.env[name];
  console.log(line ? `${name}: ${line}` : `${name} is not given: left out`);
  if (line) {
    execSync(line, { stdio: 'ignore', shell: '/bin/bash' });
  }
  return line !== undefined;
}

/** Without the time to end what they do, as a node that is gone takes them along. */
export async function killPods(
  world: World,
  what: string,
  { selector, matches }: { selector: string; matches: (pod: AnyObject) => boolean },
): Promise<void> {
  const { kubeconfig, namespace } = world.platform;
  const config = new KubeConfig();
  config.loadFromString(kubeconfig);
  const core = config.makeApiClient(CoreV1Api);
  const pods = (await world.pods(selector)).filter(matches);
  console.log(`killing ${pods.length} ${what}`);
  await Promise.all(
    pods.map(({ metadata }) =>
      core.deleteNamespacedPod({ name: metadata?.name ?? '', namespace, gracePeriodSeconds: 0 }).catch(() => undefined),
    ),
  );
}
