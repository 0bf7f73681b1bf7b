/**
 * A Cluster in memory, over the storage of local/kubernetes. It has the rules of that storage: versions, finalizers,
 * foreground deletion, garbage collection, server-side apply and validation. Unit tests do the controllers' work by
 * hand; the simulator (test/chaos) has controllers.
 */
import type { V1ContainerStateTerminated, V1Job, V1JobStatus, V1Lease, V1Pod } from '@kubernetes/client-node';
import type { Job } from '#local/jobs/job.ts';
import { jobPod } from '#local/jobs/job-pod.ts';
import { ApiError } from '#local/kubernetes/api-error.ts';
import { createStorage, type Storage } from '#local/kubernetes/storage.ts';
import type { Origin } from '#local/kubernetes/types.ts';
import { classify } from '#shared/clients/classify.ts';
import type { Cluster, JobMetadata, KnativeObject, ObjectVersion, SecretMetadata } from '#shared/clients/cluster.ts';
import { mergePatch } from '#shared/kubernetes/merge-patch.ts';
import type { KubeObject, ResourceName } from '#shared/kubernetes/object.ts';
import { asClient, StoredObjects } from './stored-objects.ts';

export const FUNCTIONS_NAMESPACE = 'functions';
export const BUILDS_NAMESPACE = 'builds';
export const JOBS = 'jobs.batch';
export const PODS = 'pods';
export const SECRETS = 'secrets';
export const SERVICES = 'services.serving.knative.dev';
export const REVISIONS = 'revisions.serving.knative.dev';
export const TRIGGERS = 'triggers.eventing.knative.dev';
export const LEASES = 'leases.coordination.k8s.io';

const FIELD_MANAGER = 'knative-lambda';

/**
 * Every method takes effect while it is called, before it returns its promise. Garbage is collected in microtasks after
 * that.
 */
export class InMemoryCluster implements Cluster {
  /** Kubernetes' clock; objects get whole seconds of it. Undefined: the real time. */
  now: Date | undefined;
  readonly storage: Storage;
  readonly jobs: StoredObjects<V1Job>;
  readonly pods: StoredObjects<V1Pod>;
  readonly services: StoredObjects<KnativeObject>;
  readonly triggers: StoredObjects<KnativeObject>;
  readonly leases: StoredObjects<V1Lease>;
  /** Keyed by `pod/container`. */
  readonly logs = new Map<string, string>();

  /** Has the Lease of admission, as after the manifests are applied. */
  constructor({ newUid = uidsByName() }: Partial<Pick<Origin, 'newUid'>> = {}) {
    this.storage = createStorage(undefined, { now: () => this.now?.getTime() ?? Date.now(), newUid });
    for (const name of [FUNCTIONS_NAMESPACE, BUILDS_NAMESPACE]) {
      this.storage.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
    }
    const metadata = { name: 'admission', namespace: BUILDS_NAMESPACE };
    this.storage.create({ apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata });
    this.jobs = new StoredObjects(this.storage, JOBS, BUILDS_NAMESPACE);
    this.pods = new StoredObjects(this.storage, PODS, BUILDS_NAMESPACE);
    this.services = new StoredObjects(this.storage, SERVICES, FUNCTIONS_NAMESPACE);
    this.triggers = new StoredObjects(this.storage, TRIGGERS, FUNCTIONS_NAMESPACE);
    this.leases = new StoredObjects(this.storage, LEASES, BUILDS_NAMESPACE);
  }

  async getJob(name: string): Promise<V1Job | undefined> {
    return this.jobs.get(name);
  }

  async listJobs(labelSelector: string): Promise<V1Job[]> {
    return this.#list(JOBS, BUILDS_NAMESPACE, labelSelector).map((job) => asClient<V1Job>(job));
  }

  async listJobMetadata(labelSelector: string): Promise<JobMetadata[]> {
    const jobs = this.#list(JOBS, BUILDS_NAMESPACE, labelSelector);
    return jobs.map(({ metadata: { managedFields: _, ...metadata } }) => ({ metadata }) as unknown as JobMetadata);
  }

  async createJob(job: V1Job): Promise<boolean> {
    const namespaced = { ...job, metadata: { namespace: BUILDS_NAMESPACE, ...job.metadata } };
    try {
      this.storage.create(namespaced as unknown as KubeObject);
      return true;
    } catch (error) {
      if (error instanceof ApiError && error.reason === 'AlreadyExists') {
        return false;
      }
      throw asUpstreamError(error, `creating Job ${job.metadata?.name}`);
    }
  }

  async patchJob(name: string, patch: object): Promise<boolean> {
    return this.#patch(JOBS, BUILDS_NAMESPACE, name, patch);
  }

  async patchService(name: string, patch: object): Promise<boolean> {
    return this.#patch(SERVICES, FUNCTIONS_NAMESPACE, name, patch);
  }

  async patchTrigger(name: string, patch: object): Promise<boolean> {
    return this.#patch(TRIGGERS, FUNCTIONS_NAMESPACE, name, patch);
  }

  #patch(resource: ResourceName, namespace: string, name: string, patch: object): boolean {
    const current = this.storage.get(resource, namespace, name);
    if (!current) {
      return false;
    }
    // The current version is left out, so that only a version in the patch is compared.
    const { resourceVersion: _, ...metadata } = current.metadata;
    this.#write(`changing ${resource} ${name}`, () =>
      this.storage.update(mergePatch({ ...current, metadata }, patch) as KubeObject),
    );
    return true;
  }

  async deleteJob(name: string, uid?: string): Promise<boolean> {
    const isAnother = uid !== undefined && this.storage.get(JOBS, BUILDS_NAMESPACE, name)?.metadata.uid !== uid;
    const options = { propagationPolicy: 'Foreground' } as const;
    return !isAnother && this.storage.remove(JOBS, BUILDS_NAMESPACE, name, options) !== undefined;
  }

  async listPods(labelSelector: string): Promise<V1Pod[]> {
    return this.#list(PODS, BUILDS_NAMESPACE, labelSelector).map((pod) => asClient<V1Pod>(pod));
  }

  async listFunctionPods(labelSelector: string): Promise<V1Pod[]> {
    return this.#list(PODS, FUNCTIONS_NAMESPACE, labelSelector).map((pod) => asClient<V1Pod>(pod));
  }

  async getPod(name: string): Promise<V1Pod | undefined> {
    return this.pods.get(name);
  }

  async readLog(pod: string, container: string, limitBytes: number): Promise<string> {
    return (this.logs.get(`${pod}/${container}`) ?? '').slice(0, limitBytes);
  }

  async getLease(name: string): Promise<V1Lease | undefined> {
    return this.leases.get(name);
  }

  async replaceLease(lease: V1Lease): Promise<void> {
    this.#write(`changing Lease ${lease.metadata?.name}`, () => this.storage.update(lease as unknown as KubeObject));
  }

  async getSecretKeys(name: string): Promise<(SecretMetadata & { keys: string[] }) | undefined> {
    const secret = this.storage.get(SECRETS, FUNCTIONS_NAMESPACE, name);
    return secret && { metadata: secret.metadata, keys: Object.keys(secret['data'] ?? {}) };
  }

  async listSecretMetadata(labelSelector: string): Promise<SecretMetadata[]> {
    return this.#list(SECRETS, FUNCTIONS_NAMESPACE, labelSelector).map(({ metadata }) => ({ metadata }));
  }

  async getService(name: string): Promise<KnativeObject | undefined> {
    return this.services.get(name);
  }

  async listServices(labelSelector: string): Promise<KnativeObject[]> {
    return this.#list(SERVICES, FUNCTIONS_NAMESPACE, labelSelector) as KnativeObject[];
  }

  async listRevisions(labelSelector: string): Promise<KnativeObject[]> {
    return this.#list(REVISIONS, FUNCTIONS_NAMESPACE, labelSelector) as KnativeObject[];
  }

  async applyService(service: KnativeObject): Promise<KnativeObject> {
    return this.#apply(service);
  }

  async deleteService(name: string, version?: ObjectVersion): Promise<boolean> {
    return this.#delete(SERVICES, name, version);
  }

  async getTrigger(name: string): Promise<KnativeObject | undefined> {
    return this.triggers.get(name);
  }

  async listTriggers(labelSelector: string): Promise<KnativeObject[]> {
    return this.#list(TRIGGERS, FUNCTIONS_NAMESPACE, labelSelector) as KnativeObject[];
  }

  async applyTrigger(trigger: KnativeObject): Promise<KnativeObject> {
    return this.#apply(trigger);
  }

  async deleteTrigger(name: string, version?: ObjectVersion): Promise<boolean> {
    return this.#delete(TRIGGERS, name, version);
  }

  /**
   * Adds a pod of the Job. Its Kaniko container runs, or has ended as given. Without the phase Running the pod is gone
   * as soon as it is deleted.
   */
  runPod(job: string, kaniko?: Partial<V1ContainerStateTerminated>, status: V1Pod['status'] = {}): V1Pod {
    const owner = this.storage.get(JOBS, BUILDS_NAMESPACE, job) as Job;
    const pod = jobPod(owner);
    const name = `${job}-${this.storage.table.version}`;
    this.storage.create({ ...pod, metadata: { ...pod.metadata, name } });
    this.storage.updateStatus(PODS, BUILDS_NAMESPACE, name, {
      containerStatuses: [{ name: 'kaniko', state: { running: {} } }],
      ...status,
    });
    if (kaniko) {
      this.endKaniko(name, kaniko);
    }
    return this.pods.get(name) as V1Pod;
  }

  endKaniko(pod: string, ended: Partial<V1ContainerStateTerminated>): void {
    const terminated = { exitCode: 0, finishedAt: this.now ?? new Date(), ...ended };
    const status = this.storage.get(PODS, BUILDS_NAMESPACE, pod)?.['status'];
    const containerStatuses = [{ name: 'kaniko', state: { terminated } }];
    this.storage.updateStatus(PODS, BUILDS_NAMESPACE, pod, { ...status, containerStatuses });
  }

  /** The build ends well: Kaniko has pushed, the Job controller has seen it. */
  succeed(job: string, digest = `sha256:${'d'.repeat(64)}`): void {
    this.runPod(job, { exitCode: 0, message: digest });
    const now = this.now ?? new Date();
    this.setStatus(job, {
      startTime: now,
      completionTime: now,
      conditions: [{ type: 'Complete', status: 'True', lastTransitionTime: now }],
    });
  }

  fail(job: string, exitCode = 1, message = 'error building image: it broke', reason = 'BackoffLimitExceeded'): void {
    this.runPod(job, { exitCode, message });
    const now = this.now ?? new Date();
    this.setStatus(job, {
      startTime: now,
      conditions: [{ type: 'Failed', status: 'True', reason, lastTransitionTime: now }],
    });
  }

  setStatus(name: string, status: V1JobStatus): void {
    const job = this.storage.get(JOBS, BUILDS_NAMESPACE, name);
    if (!this.storage.updateStatus(JOBS, BUILDS_NAMESPACE, name, { ...job?.['status'], ...status })) {
      throw new Error(`there is no Job ${name}`);
    }
  }

  /** Everything that outlives a request, without what differs between two runs that end alike. */
  state(): object {
    const stripped = <Kind extends { metadata?: object }>({ metadata, ...object }: Kind) => {
      const { uid, resourceVersion, generation, managedFields, ...rest } = metadata as Record<string, unknown>;
      return { ...object, metadata: rest };
    };
    // A Trigger that sweep makes again differs from the former one only in this.
    const undated = ({ metadata: { creationTimestamp, ...metadata }, ...object }: KnativeObject) =>
      stripped({ ...object, metadata });
    return {
      jobs: this.jobs.values().map(stripped),
      services: this.services.values().map(undated),
      triggers: this.triggers.values().map(undated),
    };
  }

  #list(resource: ResourceName, namespace: string, labelSelector: string): KubeObject[] {
    return this.storage.list(resource, { namespace, labelSelector });
  }

  #apply(object: KnativeObject): KnativeObject {
    const { kind, metadata } = object;
    const namespaced = { ...object, metadata: { ...metadata, namespace: FUNCTIONS_NAMESPACE } } as KubeObject;
    const options = { fieldManager: FIELD_MANAGER, force: true };
    return this.#write(
      `applying ${kind} ${metadata.name}`,
      () => this.storage.apply(namespaced, options) as KnativeObject,
    );
  }

  #delete(resource: ResourceName, name: string, version?: ObjectVersion): boolean {
    const options = { propagationPolicy: 'Background', ...version } as const;
    const removed = this.#write(`deleting ${resource} ${name}`, () =>
      this.storage.remove(resource, FUNCTIONS_NAMESPACE, name, options),
    );
    return removed !== undefined;
  }

  #write<Result>(doing: string, write: () => Result): Result {
    try {
      return write();
    } catch (error) {
      throw asUpstreamError(error, doing);
    }
  }
}

/** The error that shared/clients throws for this refusal of the API. */
function asUpstreamError(error: unknown, doing: string): unknown {
  if (!(error instanceof ApiError)) {
    return error;
  }
  const kind = error.code === 409 && error.reason !== 'AlreadyExists' ? 'conflict' : 'refused';
  return classify({ kind, system: 'Kubernetes', doing, detail: error.message });
}

/** `job-NAME-1` for the first Job of a name, so that two runs that do the same get the same. */
function uidsByName(): Origin['newUid'] {
  const lives = new Map<string, number>();
  return ({ kind, metadata }) => {
    const name = `${kind.toLowerCase()}-${metadata.name}`;
    const life = (lives.get(name) ?? 0) + 1;
    lives.set(name, life);
    return `${name}-${life}`;
  };
}
