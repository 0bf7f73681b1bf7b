/** A Cluster in memory: uids, resourceVersions, finalizers and foreground deletion as Kubernetes has them, and a hand that plays its controllers. */
import type { V1ContainerStateTerminated, V1Job, V1Lease, V1ObjectMeta, V1Pod } from '@kubernetes/client-node';
import {
  type Cluster,
  type JobMetadata,
  type KnativeObject,
  NOT_THERE,
  type ObjectVersion,
} from '#shared/clients/cluster.ts';
import { PermanentError, RetryableError } from '#shared/events/errors.ts';

export class InMemoryCluster implements Cluster {
  /** Kubernetes' clock: whole seconds. */
  now = new Date('2026-01-02T03:00:10Z');
  readonly jobs = new Map<string, V1Job>();
  readonly pods = new Map<string, V1Pod>();
  readonly services = new Map<string, KnativeObject>();
  readonly triggers = new Map<string, KnativeObject>();
  readonly logs = new Map<string, string>();
  /** The one that the manifests make. */
  lease: V1Lease = { metadata: { name: 'admission', resourceVersion: '0' } };
  /** Nothing is at NOT_THERE. */
  #version = Number(NOT_THERE);
  readonly #lives = new Map<string, number>();

  async getJob(name: string): Promise<V1Job | undefined> {
    return copy(this.jobs.get(name));
  }

  async listJobs(labelSelector: string): Promise<V1Job[]> {
    return [...this.jobs.values()].filter((job) => matches(job.metadata, labelSelector)).map((job) => copy(job));
  }

  async listJobMetadata(labelSelector: string): Promise<JobMetadata[]> {
    return (await this.listJobs(labelSelector)).map(({ metadata }) => ({ metadata: metadata ?? {} }));
  }

  async createJob(job: V1Job): Promise<boolean> {
    const name = job.metadata?.name ?? '';
    if (this.jobs.has(name)) {
      return false;
    }
    this.jobs.set(name, this.#born('job', copy(job)));
    return true;
  }

  async patchJob(name: string, patch: object): Promise<boolean> {
    const job = this.jobs.get(name);
    if (!job) {
      return false;
    }
    expectVersion(job.metadata, (patch as V1Job).metadata?.resourceVersion);
    const patched = merge(job, patch) as V1Job;
    patched.metadata = { ...patched.metadata, resourceVersion: this.#next() };
    this.#keep(name, patched);
    return true;
  }

  async deleteJob(name: string, uid?: string): Promise<boolean> {
    const job = this.jobs.get(name);
    if (!job?.metadata || (uid !== undefined && job.metadata.uid !== uid)) {
      return false;
    }
    job.metadata.deletionTimestamp ??= this.now;
    job.metadata.resourceVersion = this.#next();
    // Foreground: the pods go first. Here they go at once.
    for (const [pod, { metadata }] of this.pods) {
      if (metadata?.ownerReferences?.some((owner) => owner.uid === job.metadata?.uid)) {
        this.pods.delete(pod);
      }
    }
    this.#keep(name, job);
    return true;
  }

  async listPods(labelSelector: string): Promise<V1Pod[]> {
    return [...this.pods.values()].filter((pod) => matches(pod.metadata, labelSelector)).map((pod) => copy(pod));
  }

  async getPod(name: string): Promise<V1Pod | undefined> {
    return copy(this.pods.get(name));
  }

  async readLog(pod: string, container: string, limitBytes: number): Promise<string> {
    return (this.logs.get(`${pod}/${container}`) ?? '').slice(0, limitBytes);
  }

  async getLease(name: string): Promise<V1Lease | undefined> {
    return name === this.lease.metadata?.name ? copy(this.lease) : undefined;
  }

  async replaceLease(lease: V1Lease): Promise<void> {
    expectVersion(this.lease.metadata, lease.metadata?.resourceVersion);
    this.lease = copy({ ...lease, metadata: { ...lease.metadata, resourceVersion: this.#next() } });
  }

  async getService(name: string): Promise<KnativeObject | undefined> {
    return copy(this.services.get(name));
  }

  async listServices(labelSelector: string): Promise<KnativeObject[]> {
    return [...this.services.values()]
      .filter((service) => matches(service.metadata, labelSelector))
      .map((s) => copy(s));
  }

  async applyService(service: KnativeObject): Promise<KnativeObject> {
    return this.#apply(this.services, service);
  }

  async deleteService(name: string, version?: ObjectVersion): Promise<boolean> {
    return this.#delete(this.services, name, version);
  }

  async getTrigger(name: string): Promise<KnativeObject | undefined> {
    return copy(this.triggers.get(name));
  }

  async listTriggers(labelSelector: string): Promise<KnativeObject[]> {
    return [...this.triggers.values()]
      .filter((trigger) => matches(trigger.metadata, labelSelector))
      .map((trigger) => copy(trigger));
  }

  async applyTrigger(trigger: KnativeObject): Promise<KnativeObject> {
    return this.#apply(this.triggers, trigger);
  }

  async deleteTrigger(name: string, version?: ObjectVersion): Promise<boolean> {
    return this.#delete(this.triggers, name, version);
  }

  /** Adds a pod of the Job, with its Kaniko container ended as told, or running. */
  runPod(job: string, kaniko?: Partial<V1ContainerStateTerminated>, status: V1Pod['status'] = {}): V1Pod {
    const owner = this.jobs.get(job)?.metadata;
    const name = `${job}-${this.#next()}`;
    const state = kaniko ? { terminated: { exitCode: 0, finishedAt: this.now, ...kaniko } } : { running: {} };
    const pod: V1Pod = {
      metadata: {
        name,
        creationTimestamp: this.now,
        labels: { 'batch.kubernetes.io/job-name': job },
        ownerReferences: [{ apiVersion: 'batch/v1', kind: 'Job', name: job, uid: owner?.uid ?? '' }],
      },
      status: {
        containerStatuses: [{ name: 'kaniko', state, ready: false, image: 'kaniko', imageID: '', restartCount: 0 }],
        ...status,
      },
    };
    this.pods.set(name, pod);
    return pod;
  }

  /** The build ends well: Kaniko has pushed, the Job controller has seen it. */
  succeed(job: string, digest = `sha256:${'d'.repeat(64)}`): void {
    this.runPod(job, { exitCode: 0, message: digest });
    this.setStatus(job, {
      startTime: this.now,
      completionTime: this.now,
      conditions: [{ type: 'Complete', status: 'True', lastTransitionTime: this.now }],
    });
  }

  fail(job: string, exitCode = 1, message = 'error building image: it broke', reason = 'BackoffLimitExceeded'): void {
    this.runPod(job, { exitCode, message });
    this.setStatus(job, {
      startTime: this.now,
      conditions: [{ type: 'Failed', status: 'True', reason, lastTransitionTime: this.now }],
    });
  }

  setStatus(name: string, status: NonNullable<V1Job['status']>): void {
    const job = this.jobs.get(name);
    if (!job?.metadata) {
      throw new Error(`there is no Job ${name}`);
    }
    job.status = { ...job.status, ...status };
    job.metadata.resourceVersion = this.#next();
  }

  /** Everything that outlives a request, without what differs between two runs that end alike. */
  state(): object {
    const stripped = (metadata: V1ObjectMeta | KnativeObject['metadata'] | undefined) => {
      const {
        uid: _uid,
        resourceVersion: _version,
        generation: _generation,
        ...rest
      } = { ...(metadata as V1ObjectMeta) };
      return rest;
    };
    return structuredClone({
      jobs: [...this.jobs.values()].map((job) => ({ ...job, metadata: stripped(job.metadata) })),
      services: [...this.services.values()].map((service) => ({ ...service, metadata: stripped(service.metadata) })),
      triggers: [...this.triggers.values()].map((trigger) => ({ ...trigger, metadata: stripped(trigger.metadata) })),
    });
  }

  #keep(name: string, job: V1Job): void {
    const isGone = job.metadata?.deletionTimestamp !== undefined && (job.metadata.finalizers ?? []).length === 0;
    if (isGone) {
      this.jobs.delete(name);
    } else {
      this.jobs.set(name, job);
    }
  }

  #apply(objects: Map<string, KnativeObject>, object: KnativeObject): KnativeObject {
    const { name, resourceVersion } = object.metadata;
    const existing = objects.get(name);
    // Where there is none an apply creates, whatever version it names, as kube-apiserver does.
    if (existing) {
      expectVersion(existing.metadata, resourceVersion);
    }
    const { uid, generation = 0 } = existing?.metadata ?? this.#born('object', { metadata: { name } }).metadata;
    const applied = copy({
      ...existing,
      ...object,
      metadata: { ...object.metadata, uid: uid ?? '', generation: generation + 1, resourceVersion: this.#next() },
    });
    objects.set(name, applied);
    return copy(applied);
  }

  #delete(objects: Map<string, KnativeObject>, name: string, version: ObjectVersion | undefined): boolean {
    const existing = objects.get(name);
    if (existing && version) {
      if (version.uid !== existing.metadata.uid) {
        throw new RetryableError('Conflict', `${name} is another one by now`);
      }
      expectVersion(existing.metadata, version.resourceVersion);
    }
    return objects.delete(name);
  }

  #born<Object extends { metadata?: V1ObjectMeta }>(kind: string, object: Object) {
    const name = object.metadata?.name ?? '';
    if (!/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(name)) {
      throw new PermanentError('Refused', `${name} is no DNS-1123 label`);
    }
    const life = (this.#lives.get(`${kind}/${name}`) ?? 0) + 1;
    this.#lives.set(`${kind}/${name}`, life);
    const metadata: V1ObjectMeta = {
      ...object.metadata,
      uid: `${kind}-${name}-${life}`,
      creationTimestamp: this.now,
      resourceVersion: this.#next(),
    };
    return { ...object, metadata };
  }

  #next(): string {
    this.#version += 1;
    return String(this.#version);
  }
}

function expectVersion(
  metadata: Pick<V1ObjectMeta, 'name' | 'resourceVersion'> | undefined,
  resourceVersion: string | undefined,
): void {
  if (resourceVersion !== undefined && resourceVersion !== metadata?.resourceVersion) {
    throw new RetryableError('Conflict', `${metadata?.name} has changed meanwhile`);
  }
}

function matches(metadata: Pick<V1ObjectMeta, 'labels'> | undefined, labelSelector: string): boolean {
  return labelSelector.split(',').every((term) => {
    const [key = '', value] = term.split('=');
    return metadata?.labels?.[key] === value;
  });
}

/** RFC 7386: null removes, objects merge, everything else replaces. */
function merge(target: unknown, patch: unknown): unknown {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) {
    return patch;
  }
  const merged: Record<string, unknown> = { ...(target as Record<string, unknown>) };
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) {
      delete merged[key];
    } else if (value !== undefined) {
      merged[key] = merge(merged[key], value);
    }
  }
  return merged;
}

function copy<Value>(value: Value): Value {
  return structuredClone(value);
}
