/** What we need of Kubernetes. The adapter is kubernetes.ts; handlers and tests see only this. */
import type { V1Job, V1Lease, V1ObjectMeta, V1Pod } from '@kubernetes/client-node';
import type { KubeObject, ObjectMeta } from '#shared/kubernetes/object.ts';

/** A Knative object, as its API shows it. */
export type KnativeObject = Pick<KubeObject, 'apiVersion' | 'kind' | 'metadata'> & {
  // biome-ignore lint/suspicious/noExplicitAny: a Knative spec is a tree whose shape belongs to its CRD.
  spec?: any;
  // biome-ignore lint/suspicious/noExplicitAny: likewise.
  status?: any;
};

/** The part of a Job that is cheap to list for many Jobs. */
export interface JobMetadata {
  metadata?: Pick<
    V1ObjectMeta,
    | 'name'
    | 'uid'
    | 'resourceVersion'
    | 'labels'
    | 'annotations'
    | 'creationTimestamp'
    | 'deletionTimestamp'
    | 'finalizers'
  >;
}

/** A Secret without its values. */
export interface SecretMetadata {
  metadata: Pick<ObjectMeta, 'name' | 'uid' | 'resourceVersion' | 'labels' | 'annotations'>;
}

/**
 * An apply with this resourceVersion can only create: no object has it, since etcd counts from 1, and the first write
 * is its second revision. Where the object exists, the apply fails with a Conflict, like any write that is based on an
 * old version.
 */
export const NOT_THERE = '1';

/** One version of an object. A delete or an apply that names it can't affect a newer version. */
export interface ObjectVersion {
  uid: string;
  resourceVersion: string;
}

/**
 * Jobs, Leases and, where nothing else is said, pods are those of the builds namespace; Services and Triggers those of
 * the functions namespace. Every method throws RetryableError('Unavailable' | 'Throttled' | 'Conflict', …) or
 * PermanentError('Forbidden' | 'Refused', …); a missing object is no error, nor is one that exists already.
 */
export interface Cluster {
  getJob(name: string): Promise<V1Job | undefined>;
  listJobs(labelSelector: string): Promise<V1Job[]>;
  /**
   * The same without spec, status and managedFields: a tenth of the bytes. Times are strings, as the API sends them.
   * Callers at the same time share the result (singleflight), so it must not be modified.
   */
  listJobMetadata(labelSelector: string): Promise<JobMetadata[]>;
  /** False where a Job of that name exists already. */
  createJob(job: V1Job): Promise<boolean>;
  /**
   * JSON merge patch. With `metadata.resourceVersion` in it, throws RetryableError('Conflict') where the Job has
   * changed since. False where there is no such Job.
   */
  patchJob(name: string, patch: object): Promise<boolean>;
  /**
   * Foreground deletion, so that the pods end although our finalizer keeps the Job. With `uid`, only the Job that has
   * it. False where there was none.
   */
  deleteJob(name: string, uid?: string): Promise<boolean>;
  listPods(labelSelector: string): Promise<V1Pod[]>;
  /** Pods of the functions namespace. */
  listFunctionPods(labelSelector: string): Promise<V1Pod[]>;
  getPod(name: string): Promise<V1Pod | undefined>;
  /** The whole log of one container, at most `limitBytes` of it. */
  readLog(pod: string, container: string, limitBytes: number): Promise<string>;
  getLease(name: string): Promise<V1Lease | undefined>;
  /**
   * Compare-and-swap: throws RetryableError('Conflict') where the Lease no longer has the resourceVersion that `lease`
   * names.
   */
  replaceLease(lease: V1Lease): Promise<void>;
  /** Of the functions namespace, with the names of its keys. Its values are dropped as they arrive. */
  getSecretKeys(name: string): Promise<(SecretMetadata & { keys: string[] }) | undefined>;
  /** Of the functions namespace. The values are not asked for. */
  listSecretMetadata(labelSelector: string): Promise<SecretMetadata[]>;
  getService(name: string): Promise<KnativeObject | undefined>;
  listServices(labelSelector: string): Promise<KnativeObject[]>;
  /**
   * Server-side apply with our field manager, which takes over fields of others. With `metadata.resourceVersion` in it,
   * throws RetryableError('Conflict') where the object has changed since, or exists in spite of NOT_THERE.
   */
  applyService(service: KnativeObject): Promise<KnativeObject>;
  /** As patchJob. */
  patchService(name: string, patch: object): Promise<boolean>;
  /**
   * With `version`, throws RetryableError('Conflict') where the object has changed since. False where there was none.
   */
  deleteService(name: string, version?: ObjectVersion): Promise<boolean>;
  /** Of one Service: its revisions, in no order. */
  listRevisions(labelSelector: string): Promise<KnativeObject[]>;
  getTrigger(name: string): Promise<KnativeObject | undefined>;
  listTriggers(labelSelector: string): Promise<KnativeObject[]>;
  /** As applyService. */
  applyTrigger(trigger: KnativeObject): Promise<KnativeObject>;
  /** As patchJob. */
  patchTrigger(name: string, patch: object): Promise<boolean>;
  /** As deleteService. */
  deleteTrigger(name: string, version?: ObjectVersion): Promise<boolean>;
}
