/** Kubernetes' Job controller, with the rules of local/jobs. It acts a moment late each time, as in a cluster. */
import { finishOf, type Job } from '#local/jobs/job.ts';
import { countEnded, countRemoved, createHistory, type JobHistory } from '#local/jobs/job-history.ts';
import { jobPod } from '#local/jobs/job-pod.ts';
import { planJob } from '#local/jobs/plan-job.ts';
import { SECOND } from '#shared/durations.ts';
import type { KubeObject } from '#shared/kubernetes/object.ts';
import { BUILDS_NAMESPACE, type InMemoryCluster, JOBS, PODS } from '#test/fakes/cluster.ts';
import type { Simulation } from './simulation.ts';

const BACKOFF = 10 * SECOND;

export function startJobController(simulation: Simulation, { storage }: InMemoryCluster): void {
  const histories = new Map<string, JobHistory>();
  const waiting = new Set<string>();
  const woken = new Map<string, number>();
  let looks = 0;

  storage.watch(JOBS, ({ object }) => look(object.metadata.name));
  storage.watch(PODS, ({ type, object }) => {
    const job = jobOf(object);
    if (!job) {
      return;
    }
    if (type === 'DELETED') {
      countRemoved(historyOf(job), job, object, simulation.now);
    }
    look(job.metadata.name);
  });

  function look(name: string): void {
    if (waiting.has(name)) {
      return;
    }
    waiting.add(name);
    simulation.after(simulation.between(`job controller ${++looks} ${name}`, 2, 400), () => {
      waiting.delete(name);
      reconcile(name);
    });
  }

  function reconcile(name: string): void {
    const job = storage.get(JOBS, BUILDS_NAMESPACE, name) as Job | undefined;
    if (!job || job.metadata.deletionTimestamp !== undefined) {
      return;
    }
    const finished = finishOf(job);
    if (finished) {
      expire(job, finished.lastTransitionTime);
      return;
    }
    const pods = podsOf(job);
    const history = historyOf(job);
    for (const pod of pods) {
      countEnded(history, job, pod, simulation.now);
    }
    const plan = planJob(job, pods, history, { now: simulation.now, backoffMs: BACKOFF });
    storage.updateStatus(JOBS, BUILDS_NAMESPACE, name, plan.status);
    for (const pod of plan.remove) {
      storage.remove(PODS, BUILDS_NAMESPACE, pod.metadata.name);
    }
    for (let made = 0; made < plan.create; made++) {
      storage.create(jobPod(job));
    }
    if (plan.wakeAt !== undefined) {
      wake(job, plan.wakeAt);
    }
  }

  function expire(job: Job, finishedAt: string): void {
    const { name, uid } = job.metadata;
    const at = Date.parse(finishedAt) + (job.spec.ttlSecondsAfterFinished ?? Number.POSITIVE_INFINITY) * SECOND;
    if (at > simulation.now) {
      wake(job, at);
      return;
    }
    storage.remove(JOBS, BUILDS_NAMESPACE, name, { propagationPolicy: 'Foreground', uid });
  }

  function wake(job: Job, at: number): void {
    const { name, uid } = job.metadata;
    if (woken.get(uid) === at || !Number.isFinite(at)) {
      return;
    }
    woken.set(uid, at);
    simulation.at(at, () => look(name), { background: true });
  }

  function historyOf(job: Job): JobHistory {
    const known = histories.get(job.metadata.uid) ?? createHistory(job, podsOf(job));
    histories.set(job.metadata.uid, known);
    return known;
  }

  function podsOf(job: Job): KubeObject[] {
    const pods = storage.list(PODS, { namespace: BUILDS_NAMESPACE });
    return pods.filter(({ metadata }) => metadata.ownerReferences?.some(({ uid }) => uid === job.metadata.uid));
  }

  function jobOf(pod: KubeObject): Job | undefined {
    const owner = pod.metadata.ownerReferences?.[0];
    const job = owner && (storage.get(JOBS, BUILDS_NAMESPACE, owner.name) as Job | undefined);
    return job?.metadata.uid === owner?.uid ? job : undefined;
  }
}
