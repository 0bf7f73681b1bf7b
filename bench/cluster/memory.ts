/** Memory of every pod of ours, as its kubelet tells it; a cluster need not have a metrics server for that. */
import { request } from 'node:https';
import type { V1Pod } from '@kubernetes/client-node';
import type { ClusterUnderTest } from './open-cluster.ts';
import { table } from './table.ts';

type Containers = { name: string; memory?: { workingSetBytes?: number } }[];

interface Summary {
  pods?: { podRef: { name: string; namespace: string; uid: string }; containers?: Containers }[];
}

const EVERY_MILLISECONDS = 5000;

/** Looks every few seconds until it is asked for the table, which has the most that each was seen to use. */
export function watchMemory(cluster: ClusterUnderTest): { stop(): Promise<string> } {
  const most = new Map<string, Map<string, number>>();
  const look = () => note(cluster, most).catch((error: Error) => console.error(`memory: ${error.message}`));
  let looking = look();
  const timer = setInterval(() => {
    looking = looking.then(look);
  }, EVERY_MILLISECONDS);
  return {
    async stop() {
      clearInterval(timer);
      await looking;
      const rows = [...most].sort().map(([owner, containers]) => {
        const each = [...containers].sort().map(([name, bytes]) => [name, (bytes / 2 ** 20).toFixed(0)] as const);
        return [owner, each.map(([name, mebibytes]) => `${name} ${mebibytes}`).join(', ')];
      });
      return table('Memory, the most seen in a pod (working set, MiB)', ['pods of', 'containers'], rows);
    },
  };
}

async function note(cluster: ClusterUnderTest, most: Map<string, Map<string, number>>): Promise<void> {
  const { owners, nodes } = await placesOf(cluster);
  for (const node of nodes) {
    for (const { podRef, containers = [] } of (await summaryOf(cluster, node)).pods ?? []) {
      const owner = owners.get(`${podRef.namespace}/${podRef.name}`);
      if (owner) {
        raise(most, owner, containers);
      }
    }
  }
}

/** Bytes: the working set of these pods, by the kubelets of their nodes. */
export async function memoryOf(cluster: ClusterUnderTest, pods: V1Pod[]): Promise<number> {
  const nodes = new Set(pods.flatMap(({ spec }) => spec?.nodeName ?? []));
  const uids = new Set(pods.map(({ metadata }) => metadata?.uid));
  let bytes = 0;
  for (const node of nodes) {
    for (const { podRef, containers = [] } of (await summaryOf(cluster, node)).pods ?? []) {
      if (uids.has(podRef.uid)) {
        bytes += containers.reduce((sum, { memory }) => sum + (memory?.workingSetBytes ?? 0), 0);
      }
    }
  }
  return bytes;
}

/** Who owns each of our pods, and the nodes they are on. */
async function placesOf({ core, platform }: ClusterUnderTest): Promise<{
  owners: Map<string, string>;
  nodes: Set<string>;
}> {
  const owners = new Map<string, string>();
  const nodes = new Set<string>();
  for (const namespace of [platform.namespace, `${platform.namespace}-builds`]) {
    const { items } = await core.listNamespacedPod({ namespace });
    for (const { metadata, spec } of items) {
      const owner = ownerOf(metadata?.name ?? '', metadata?.labels ?? {}, platform.run);
      if (owner && spec?.nodeName) {
        owners.set(`${namespace}/${metadata?.name}`, owner);
        nodes.add(spec.nodeName);
      }
    }
  }
  return { owners, nodes };
}

function raise(most: Map<string, Map<string, number>>, owner: string, containers: Containers): void {
  const known = most.get(owner) ?? new Map<string, number>();
  most.set(owner, known);
  for (const { name, memory } of containers) {
    known.set(name, Math.max(known.get(name) ?? 0, memory?.workingSetBytes ?? 0));
  }
}

/** What a person calls it; undefined for what is not the builder's, and for functions of others. */
function ownerOf(pod: string, labels: Record<string, string>, run: string): string | undefined {
  const service = labels['serving.knative.dev/service'];
  const isOfThisRun = pod.includes(run);
  if (pod.startsWith('e2e-') || pod.startsWith('bench-')) {
    return undefined;
  }
  if (labels['job-name']) {
    return isOfThisRun ? 'a build' : undefined;
  }
  if (service) {
    return service.startsWith('fn-') ? (isOfThisRun ? 'a user function' : undefined) : service;
  }
  if (pod.startsWith('fn-')) {
    return isOfThisRun ? "a user function's dispatcher" : undefined;
  }
  const workload = pod.replace(/-[a-z0-9]{6,10}-[a-z0-9]{5}$/, '');
  return workload.endsWith('-dispatcher')
    ? "a builder Trigger's dispatcher"
    : workload.replace(/-[0-9a-f-]{30,}.*$/, '');
}

/** Through the API server; the client's own call would escape the slash of the path. */
async function summaryOf({ kubeconfig }: ClusterUnderTest, node: string): Promise<Summary> {
  const url = new URL(`${kubeconfig.getCurrentCluster()?.server}/api/v1/nodes/${node}/proxy/stats/summary`);
  const options = {};
  await kubeconfig.applyToHTTPSOptions(options);
  return new Promise((resolve, reject) => {
    const call = request(url, options, async (response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of response) {
        chunks.push(chunk as Buffer);
      }
      const text = Buffer.concat(chunks).toString();
      if (response.statusCode === 200) {
        resolve(JSON.parse(text) as Summary);
      } else {
        reject(new Error(`node ${node} does not tell (${response.statusCode}): you may need get on nodes/proxy`));
      }
    });
    call.on('error', reject).end();
  });
}
