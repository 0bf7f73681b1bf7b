/** What we need of Kubernetes. The adapter is kubernetes.ts; handlers and tests see only this. */
import type { V1Job, V1Lease, V1ObjectMeta, V1Pod } from '@kubernetes/client-node';

/** A Knative object, as its API shows it. */
export interface KnativeObject {
  apiVersion: string;
  kind: string;
  metadata: {
    name: string;
    namespace?: string;
    uid?: string;
    resourceVersion?: string;
    generation?: number;
    /** RFC 3339, both. */
    creationTimestamp?: string;
    deletionTimestamp?: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
    ownerReferences?: {
      apiVersion: string;
      kind: string;
      name: string;
      uid: string;
      controller?: boolean;
      blockOwnerDeletion?: boolean;
    }[];
  };
  // biome-ignore lint/suspicious/noExplicitAny: a Knative spec is a tree whose shape belongs to its CRD.
  spec?: any;
  // biome-ignore lint/suspicious/noExplicitAny: likewise.
  status?: any;
}

/** As much of a Job as can be had cheaply of many. */
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

/**
 * An apply that names this resourceVersion creates: no object has it, as etcd counts from 1 and the first write is its second revision.
 * Where there is an object, the apply is a Conflict like any other that comes too late.
 */
export const NOT_THERE = '1';

/** One version of an object: what a delete or an apply may be bound to, so that it can't hit what somebody has put there since. */
export interface ObjectVersion {
  uid: string;
  resourceVersion: string;
}

/**
 * Jobs, pods and Leases are those of the builds namespace, Services and Triggers those of the functions namespace.
 * Every method throws RetryableError('Unavailable' | 'Throttled' | 'Conflict', …) or PermanentError('Forbidden' | 'Refused', …); a missing
 * object is no error, nor is one that exists already.
 */
export interface Cluster {
  getJob(name: string): Promise<V1Job | undefined>;
  listJobs(labelSelector: string): Promise<V1Job[]>;
  /**
   * The same without spec, status and managedFields: of a thousand Jobs a tenth of the bytes. Times are strings, as the API sends them. Shared by all
   * who ask at the same time: not to be changed.
   */
  listJobMetadata(labelSelector: string): Promise<JobMetadata[]>;
  /** False where a Job of that name exists already. */
  createJob(job: V1Job): Promise<boolean>;
  /**
   * JSON merge patch. With `metadata.resourceVersion` in it, a Job changed meanwhile is RetryableError('Conflict').
   * False where there is no such Job.
   */
  patchJob(name: string, patch: object): Promise<boolean>;
  /**
   * Foreground, so that the pods end although our finalizer keeps the Job. With `uid`, only that very Job.
   * False where there was none.
   */
  deleteJob(name: string, uid?: string): Promise<boolean>;
  listPods(labelSelector: string): Promise<V1Pod[]>;
  getPod(name: string): Promise<V1Pod | undefined>;
  /** The whole log of one container, at most `limitBytes` of it. */
  readLog(pod: string, container: string, limitBytes: number): Promise<string>;
  getLease(name: string): Promise<V1Lease | undefined>;
  /** RetryableError('Conflict') where it is no longer at the resourceVersion that `lease` names. */
  replaceLease(lease: V1Lease): Promise<void>;
  getService(name: string): Promise<KnativeObject | undefined>;
  listServices(labelSelector: string): Promise<KnativeObject[]>;
  /**
   * Server-side apply under our field manager; takes fields over from others. With `metadata.resourceVersion` in it, an object changed
   * meanwhile, or made where it says NOT_THERE, is RetryableError('Conflict').
   */
  applyService(service: KnativeObject): Promise<KnativeObject>;
  /** With `version`, an object changed meanwhile is RetryableError('Conflict'). False where there was none. */
  deleteService(name: string, version?: ObjectVersion): Promise<boolean>;
  getTrigger(name: string): Promise<KnativeObject | undefined>;
  listTriggers(labelSelector: string): Promise<KnativeObject[]>;
  /** As applyService. */
  applyTrigger(trigger: KnativeObject): Promise<KnativeObject>;
  /** As deleteService. */
  deleteTrigger(name: string, version?: ObjectVersion): Promise<boolean>;
}
