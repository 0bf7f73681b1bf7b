/** The pods of functions whose logs are followed: many streams look at once, and cost few requests. */
import type { V1Pod } from '@kubernetes/client-node';
import type { Cluster } from '#shared/clients/cluster.ts';
import { SECOND } from '#shared/durations.ts';
import { podsSelector, serviceOfPod } from './function-view.ts';

/** A look serves those that come within this time. Less than streams wait between two looks. */
const FRESH = 0.4 * SECOND;
/** Of the list of all: it may be long. */
const FRESH_ENOUGH = 0.9 * SECOND;
/** With more functions than these one list of all pods is cheaper than a list for each. */
const FEW = 8;
const ALL = 'app.kubernetes.io/component=function';

export type PodLooks = (service: string) => Promise<V1Pod[]>;

interface Look {
  at: number;
  pods: Promise<V1Pod[]>;
}

export function createPodLooks(
  cluster: Pick<Cluster, 'listFunctionPods'>,
  now: () => number = () => performance.now(),
): PodLooks {
  const own = new Map<string, Look>();
  let all: Look | undefined;

  const look = (selector: string, before: Look | undefined, fresh = FRESH): Look => {
    if (before && now() - before.at < fresh) {
      return before;
    }
    return { at: now(), pods: cluster.listFunctionPods(selector) };
  };

  return async (service) => {
    for (const [name, { at }] of own) {
      if (now() - at >= 4 * FRESH) {
        own.delete(name);
      }
    }
    const before = own.get(service);
    if (own.size + (before ? 0 : 1) <= FEW) {
      const found = look(podsSelector(service), before);
      own.set(service, found);
      return await found.pods;
    }
    // Who looks is remembered, and not what was seen.
    own.set(service, { at: now(), pods: Promise.resolve([]) });
    all = look(ALL, all, FRESH_ENOUGH);
    return (await all.pods).filter((pod) => serviceOfPod(pod) === service);
  };
}
