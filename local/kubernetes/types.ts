/** The embedded Kubernetes API, as our controllers in this process use it. Outside, everybody uses HTTP. */
import type { KubeObject, ResourceName } from '#shared/kubernetes/object.ts';

export interface WatchEvent {
  type: 'ADDED' | 'MODIFIED' | 'DELETED';
  object: KubeObject;
}

/** What an object is born with. Tests have a clock and uids of their own. */
export interface Origin {
  /** Milliseconds since the epoch. */
  now(): number;
  newUid(object: KubeObject): string;
}

export type PropagationPolicy = 'Foreground' | 'Background';

/**
 * Objects in memory (kept on disk where the platform is told to). Returned objects are copies: changing one changes
 * nothing. Failures are ApiError, which carries the Status that HTTP would answer.
 */
export interface ObjectStorage {
  get(resource: ResourceName, namespace: string | undefined, name: string): KubeObject | undefined;
  list(resource: ResourceName, filter?: { namespace?: string; labelSelector?: string }): KubeObject[];
  /** The resource is found by apiVersion and kind. AlreadyExists where it is there. */
  create(object: KubeObject): KubeObject;
  /** Replaces everything but status. Conflict where metadata.resourceVersion is given and stale. */
  update(object: KubeObject): KubeObject;
  /**
   * Replaces status alone; undefined where the object is gone. Does not change generation. No event where nothing
   * changed.
   */
  updateStatus(
    resource: ResourceName,
    namespace: string | undefined,
    name: string,
    status: unknown,
  ): KubeObject | undefined;
  /** Server-side apply. */
  apply(object: KubeObject, options: { fieldManager: string; force?: boolean }): KubeObject;
  /** Sets deletionTimestamp and waits for finalizers, or removes. Undefined where there was none. */
  remove(
    resource: ResourceName,
    namespace: string | undefined,
    name: string,
    options?: {
      propagationPolicy?: PropagationPolicy;
      gracePeriodSeconds?: number;
      uid?: string;
      resourceVersion?: string;
    },
  ): KubeObject | undefined;
  /** First ADDED for all that is there, then every change, in order. Call the result to stop. */
  watch(resource: ResourceName, listener: (event: WatchEvent) => void): () => void;
}

/** Where `pods/log` comes from. */
export interface PodLogs {
  /** Undefined where the container has not started. */
  read(namespace: string, pod: string, container: string): Promise<Buffer | undefined>;
  /** The time of each whole line of what was just read. Undefined where nobody can tell. */
  times?(namespace: string, pod: string, container: string, text: Buffer): string[] | undefined;
}
