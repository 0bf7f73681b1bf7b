/** The embedded platform's Job controller. */
import type { ObjectStorage } from '#local/kubernetes/types.ts';
import type { KubeObject } from '#shared/kubernetes/object.ts';
import { finishOf, type Job } from './job.ts';
import { countEnded, countRemoved, createHistory, type JobHistory } from './job-history.ts';
import { jobPod } from './job-pod.ts';
import { planJob } from './plan-job.ts';

export interface JobControllerOptions {
  storage: ObjectStorage;
  /** Before the second attempt, doubling with each failure; 10 where left out, as in Kubernetes. */
  backoffSeconds?: number;
  log?: (line: string) => void;
}

/** setTimeout's own limit: whoever sleeps longer wakes early and looks again. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/**
 * Non-indexed Jobs: completions, parallelism, suspend, backoffLimit, podFailurePolicy, activeDeadlineSeconds and
 * ttlSecondsAfterFinished, each of which may change while the Job lives. Not emulated: Indexed completion,
 * successPolicy, podReplacementPolicy (a pod that is ending is always replaced after its end), selectors of one's own,
 * restarts within a pod as attempts.
 *
 * A Job that is being deleted is left alone: its pods are the garbage collector's.
 */
export function startJobController(options: JobControllerOptions): { close(): void } {
  const { storage, log = () => {} } = options;
  const backoffMs = (options.backoffSeconds ?? 10) * 1000;
  const histories = new Map<string, JobHistory>();
  const timers = new Map<string, NodeJS.Timeout>();
  /** Keys (`namespace/name`) of the Jobs to look at. */
  const queue = new Set<string>();
  let scheduled = false;
  let closed = false;

  const stopJobs = storage.watch('jobs.batch', ({ type, object }) => {
    const { uid = '', namespace, name } = object.metadata;
    if (type !== 'DELETED') {
      enqueue(`${namespace}/${name}`);
      return;
    }
    histories.delete(uid);
    clearTimeout(timers.get(uid));
    timers.delete(uid);
  });
  const stopPods = storage.watch('pods', ({ type, object }) => {
    const job = ownerOf(object);
    if (job === undefined) {
      return;
    }
    if (type === 'DELETED') {
      countRemoved(historyOf(job), job, object, Date.now());
    }
    enqueue(`${job.metadata.namespace}/${job.metadata.name}`);
  });

  return {
    close() {
      closed = true;
      stopJobs();
      stopPods();
      for (const timer of timers.values()) {
        clearTimeout(timer);
      }
    },
  };

  /** Several changes in a row are looked at once. */
  function enqueue(key: string): void {
    queue.add(key);
    if (scheduled) {
      return;
    }
    scheduled = true;
    setImmediate(() => {
      scheduled = false;
      const keys = [...queue];
      queue.clear();
      for (const key of keys) {
        if (!closed) {
          sync(key);
        }
      }
    });
  }

  function sync(key: string): void {
    const [namespace, name = ''] = key.split('/');
    const job = storage.get('jobs.batch', namespace, name) as Job | undefined;
    if (job === undefined || job.metadata.deletionTimestamp !== undefined) {
      return;
    }
    try {
      reconcile(job);
    } catch (error) {
      // A template that the API refuses: nothing to do before the Job changes.
      log(`job ${key}: ${error instanceof Error ? error.message : error}`);
    }
  }

  function reconcile(job: Job): void {
    const finish = finishOf(job);
    if (finish !== undefined) {
      expire(job, finish.lastTransitionTime);
      return;
    }
    const now = Date.now();
    const history = historyOf(job);
    const pods = podsOf(job);
    for (const pod of pods) {
      countEnded(history, job, pod, now);
    }
    const plan = planJob(job, pods, history, { now, backoffMs });
    const { namespace, name } = job.metadata;
    // Status first: a pod that ends at once must find a Job that has started.
    storage.updateStatus('jobs.batch', namespace, name, plan.status);
    for (const pod of plan.remove) {
      storage.remove('pods', namespace, pod.metadata.name);
    }
    for (let made = 0; made < plan.create; made++) {
      storage.create(jobPod(job));
    }
    wake(job, plan.wakeAt);
  }

  function expire(job: Job, finishedAt: string): void {
    const ttl = job.spec.ttlSecondsAfterFinished;
    const expiresAt = ttl === undefined ? undefined : Date.parse(finishedAt) + ttl * 1000;
    if (expiresAt === undefined || expiresAt > Date.now()) {
      wake(job, expiresAt);
      return;
    }
    const { namespace, name, uid } = job.metadata;
    storage.remove('jobs.batch', namespace, name, { propagationPolicy: 'Foreground', uid });
  }

  function wake(job: Job, at: number | undefined): void {
    const { uid, namespace, name } = job.metadata;
    clearTimeout(timers.get(uid));
    timers.delete(uid);
    if (at === undefined) {
      return;
    }
    const delay = Math.min(MAX_TIMEOUT_MS, Math.max(0, at - Date.now()));
    timers.set(
      uid,
      setTimeout(() => enqueue(`${namespace}/${name}`), delay),
    );
  }

  function historyOf(job: Job): JobHistory {
    const { uid } = job.metadata;
    const known = histories.get(uid);
    if (known !== undefined) {
      return known;
    }
    const history = createHistory(job, podsOf(job));
    histories.set(uid, history);
    return history;
  }

  function podsOf(job: Job): KubeObject[] {
    const { namespace, uid } = job.metadata;
    const pods = storage.list('pods', { namespace, labelSelector: `batch.kubernetes.io/controller-uid=${uid}` });
    return pods.filter((pod) => controllerOf(pod)?.uid === uid);
  }

  function ownerOf(pod: KubeObject): Job | undefined {
    const owner = controllerOf(pod);
    if (owner === undefined) {
      return undefined;
    }
    const job = storage.get('jobs.batch', pod.metadata.namespace, owner.name) as Job | undefined;
    return job?.metadata.uid === owner.uid ? job : undefined;
  }
}

function controllerOf(pod: KubeObject) {
  return pod.metadata.ownerReferences?.find(({ controller, kind }) => controller === true && kind === 'Job');
}
