/** From zero means: no pod of it is left, not even one that is ending. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { UnderTest } from '#bench/under-test.ts';
import { SECOND } from '#shared/durations.ts';

/**
 * Knative's own window and grace, the functions' scale-down delay, and time for a pod to end. Less where it is in use
 * by others, and only the measurement itself is to be tried.
 */
const PATIENCE = Number(process.env['IDLE_SECONDS'] ?? 180) * SECOND;

/** Those that still have pods. */
export async function awake({ core, platform }: UnderTest, services: string[]): Promise<string[]> {
  const labelSelector = `serving.knative.dev/service in (${services.join(',')})`;
  const { items } = await core.listNamespacedPod({ namespace: platform.namespace, labelSelector });
  const names = items.map(({ metadata }) => metadata?.labels?.['serving.knative.dev/service'] ?? '');
  return services.filter((service) => names.includes(service));
}

/** Waits until all have gone. False where they do not: then somebody else is using them. */
export async function idle(cluster: UnderTest, services: string[]): Promise<boolean> {
  const deadline = performance.now() + PATIENCE;
  for (;;) {
    const left = await awake(cluster, services);
    if (left.length === 0) {
      return true;
    }
    if (performance.now() > deadline) {
      console.error(`  ${left.join(', ')} did not scale to zero: somebody else uses them; measured warm`);
      return false;
    }
    await sleep(SECOND);
  }
}
