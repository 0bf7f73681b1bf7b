/** The nodes: runs build pods in the order of their containers, with the real sidecar, and loses them in every way that nodes do. */
import { createHash } from 'node:crypto';
import { monitorBuild } from '#build-pod/monitor.ts';
import type { KubeObject } from '#shared/kubernetes/object.ts';
import { readBuild } from '#shared/specs/annotations.ts';
import { DEPENDENCY_INSTALL_EXIT_CODE } from '#shared/specs/exit-codes.ts';
import { contextKey } from '#shared/specs/s3-keys.ts';
import { BUILDS_NAMESPACE, type InMemoryCluster, JOBS, PODS } from '#test/fakes/cluster.ts';
import type { InMemoryObjectStore } from '#test/fakes/object-store.ts';
import type { SimulatedBroker } from './broker.ts';
import { clusterPort, storePort } from './ports.ts';
import { SimulatedProcess } from './process.ts';
import { TEMPORARY_BUCKET } from './settings.ts';
import { SECOND, type Simulation } from './simulation.ts';

export interface Nodes {
  simulation: Simulation;
  cluster: InMemoryCluster;
  store: InMemoryObjectStore;
  broker: SimulatedBroker;
}

/** How long the sidecar may take once Kaniko has ended. */
const SIDECAR_GRACE = 20 * SECOND;

export function startKubelet(nodes: Nodes): void {
  const counts = new Map<string, number>();
  nodes.cluster.storage.watch(PODS, ({ type, object }) => {
    if (type === 'ADDED') {
      const job = object.metadata.ownerReferences?.[0]?.name ?? '';
      const count = (counts.get(job) ?? 0) + 1;
      counts.set(job, count);
      void runPod(nodes, object, `${job}#${count}`);
    }
  });
}

interface Ended {
  exitCode: number;
  reason?: string;
  message?: string;
}

/** `where` is the same in every run that gets as far as this pod, which its name is not. */
async function runPod({ simulation, cluster, store, broker }: Nodes, pod: KubeObject, where: string): Promise<void> {
  const { storage } = cluster;
  const { name, uid } = pod.metadata;
  const job = pod.metadata.ownerReferences?.[0]?.name ?? '';
  const current = () => {
    const found = storage.get(PODS, BUILDS_NAMESPACE, name);
    return found?.metadata.uid === uid ? found : undefined;
  };
  const tell = (status: object) => current() && storage.updateStatus(PODS, BUILDS_NAMESPACE, name, status);
  const stopped = untilDeleted(cluster, uid ?? '');
  /** False where the pod is deleted meanwhile, or its node is lost. */
  const passes = async (milliseconds: number) => {
    let gone = false;
    void stopped.then(() => {
      gone = true;
    });
    await Promise.race([simulation.sleep(milliseconds), stopped]);
    return !gone;
  };
  const remove = () => current() && storage.remove(PODS, BUILDS_NAMESPACE, name, { gracePeriodSeconds: 0 });
  const startTime = () => `${new Date(simulation.now).toISOString().slice(0, 19)}Z`;

  if (!(await passes(simulation.between(`pod starts ${where}`, 300, 6 * SECOND)))) {
    remove();
    return;
  }
  if (simulation.fails('the image cannot be pulled', where, 0.01)) {
    tell({ phase: 'Pending', startTime: startTime() });
    await stopped;
    remove();
    return;
  }
  const began = startTime();
  const running = { phase: 'Running', startTime: began };
  tell(running);
  const build = readBuild(storage.get(JOBS, BUILDS_NAMESPACE, job) ?? {});
  if (!(await passes(simulation.between(`fetch ${where}`, 100, 2 * SECOND)))) {
    remove();
    return;
  }
  if (!build || !store.peek(TEMPORARY_BUCKET, contextKey(build, build.build_key))) {
    const fetch = containerStatus('fetch-context', { exitCode: 1, message: 'there is no context' }, startTime());
    tell({ ...running, phase: 'Failed', initContainerStatuses: [fetch] });
    await stopped;
    remove();
    return;
  }

  const took = simulation.between(`kaniko ${where}`, 2 * SECOND, 80 * SECOND);
  const lost = simulation.fails('the node is lost', where, 0.03) ? took * simulation.roll(`lost ${where}`) : undefined;
  const evicted = simulation.fails('the pod is evicted', where, 0.02);
  const undisturbed = await passes(lost ?? took);
  if (undisturbed && lost !== undefined) {
    // The pod garbage collector: no process of it is left to tell anything.
    tell({ ...running, phase: 'Failed', conditions: [{ type: 'DisruptionTarget', status: 'True' }] });
    remove();
    return;
  }
  const hurried = !undisturbed && simulation.roll(`pushes while it is deleted ${where}`) < 0.3;
  if (!undisturbed) {
    await simulation.sleep(simulation.between(`term ${where}`, 10, 4 * SECOND));
  }
  const ended: Ended =
    undisturbed || hurried ? (evicted ? { exitCode: 137 } : outcome(simulation, where, uid ?? '')) : { exitCode: 137 };
  const disrupted = evicted ? { reason: 'Evicted', conditions: [{ type: 'DisruptionTarget', status: 'True' }] } : {};
  const kaniko = [containerStatus('kaniko', ended, startTime())];
  tell({ ...running, ...disrupted, containerStatuses: kaniko });
  simulation.trace(() => `pod ${where} kaniko exited ${ended.exitCode} ${ended.message ?? ''}`);

  const sidecar = new SimulatedProcess(`sidecar ${where}`, simulation);
  if (!simulation.fails('the sidecar is killed', where, 0.05)) {
    const signal = new AbortController();
    simulation.after(SIDECAR_GRACE, () => signal.abort());
    const monitored = monitorBuild(
      {
        cluster: clusterPort(cluster, sidecar),
        store: storePort(store, sidecar),
        send: (event) => broker.send(sidecar, event, signal.signal),
        log: (line) => simulation.trace(() => `   ${sidecar.label}: ${line}`),
      },
      { pod: name, job, logBucket: TEMPORARY_BUCKET, logKey: `logs/${job}.log` },
      { asked: AbortSignal.abort(), signal: signal.signal },
    );
    await Promise.race([monitored, sidecar.died, simulation.timeout(SIDECAR_GRACE + SECOND)]);
    sidecar.kill();
  }
  tell({
    ...running,
    ...disrupted,
    phase: ended.exitCode === 0 ? 'Succeeded' : 'Failed',
    containerStatuses: kaniko,
  });
  await stopped;
  await simulation.sleep(simulation.between(`removed ${where}`, 1, SECOND));
  remove();
}

/** Of a build that nobody disturbs. The digest is this very pod's, so that it tells whose image is deployed. */
function outcome(simulation: Simulation, where: string, uid: string): Ended {
  if (simulation.fails('Kaniko is out of memory', where, 0.03)) {
    return { exitCode: 137, reason: 'OOMKilled' };
  }
  if (simulation.fails('the dependencies cannot be installed', where, 0.06)) {
    return { exitCode: DEPENDENCY_INSTALL_EXIT_CODE, message: 'no such package' };
  }
  if (simulation.fails('the build fails', where, 0.06)) {
    return { exitCode: 1, message: 'error building image' };
  }
  return { exitCode: 0, message: `sha256:${createHash('sha256').update(uid).digest('hex')}` };
}

function containerStatus(name: string, { reason, ...ended }: Ended, finishedAt: string): object {
  return {
    name,
    ready: false,
    restartCount: 0,
    state: { terminated: { ...ended, ...(reason ? { reason } : {}), finishedAt } },
  };
}

/** Settles when the pod is told to end, or is gone. */
function untilDeleted({ storage }: InMemoryCluster, uid: string): Promise<void> {
  return new Promise((resolve) => {
    const stop = storage.watch(PODS, ({ type, object }) => {
      if (object.metadata.uid === uid && (type === 'DELETED' || object.metadata.deletionTimestamp)) {
        stop();
        resolve();
      }
    });
  });
}
