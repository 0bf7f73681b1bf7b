/** Kubernetes as our port shows it, over the embedded platform's own storage: its finalizers, versions, server-side apply and garbage collection. */
import type { V1Job, V1Lease, V1Pod } from '@kubernetes/client-node';
import { ApiError } from '#local/kubernetes/api-error.ts';
import { deleteObject } from '#local/kubernetes/delete-object.ts';
import { createStorage, type Storage } from '#local/kubernetes/storage.ts';
import type { PropagationPolicy } from '#local/kubernetes/types.ts';
import { classify } from '#shared/clients/classify.ts';
import type { Cluster, KnativeObject, ObjectVersion } from '#shared/clients/cluster.ts';
import { mergePatch } from '#shared/kubernetes/merge-patch.ts';
import type { KubeObject, ResourceName } from '#shared/kubernetes/object.ts';
import { resourceNamed } from '#shared/kubernetes/resource.ts';
import type { Resource } from '#shared/kubernetes/resource-table.ts';
import type { SimulatedProcess, Step } from './process.ts';

export const FUNCTIONS_NAMESPACE = 'functions';
export const BUILDS_NAMESPACE = 'builds';
export const JOBS = 'jobs.batch';
export const PODS = 'pods';
export const SERVICES = 'services.serving.knative.dev';
export const TRIGGERS = 'triggers.eventing.knative.dev';
export const LEASES = 'leases.coordination.k8s.io';

/** Fields that the official client gives as dates. */
const DATES = new Set([
  'creationTimestamp',
  'deletionTimestamp',
  'startTime',
  'completionTime',
  'lastTransitionTime',
  'startedAt',
  'finishedAt',
]);

export class SimulatedCluster {
  readonly storage: Storage = createStorage();

  constructor() {
    for (const name of [FUNCTIONS_NAMESPACE, BUILDS_NAMESPACE]) {
      this.storage.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
    }
    this.storage.create({
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: { name: 'admission', namespace: BUILDS_NAMESPACE },
    });
  }

  jobs(): V1Job[] {
    return this.storage.list(JOBS, { namespace: BUILDS_NAMESPACE }).map((job) => asClient<V1Job>(job));
  }

  /** As one process sees it. */
  portOf(process: SimulatedProcess): Cluster {
    const step = <Result>(name: string, kind: Pick<Step, 'writes' | 'conditional'>, operate: () => Result) =>
      process.step({ system: 'Kubernetes', name, ...kind }, () => translated(name, operate));
    const { storage } = this;
    const read = <Kind>(resource: ResourceName, namespace: string, name: string) =>
      step(`get ${resource} ${name}`, { writes: false }, () => {
        const found = storage.get(resource, namespace, name);
        return found && asClient<Kind>(found);
      });
    const list = <Kind>(resource: ResourceName, namespace: string, labelSelector: string) =>
      step(`list ${resource} ${labelSelector.replace('app.kubernetes.io/', '')}`, { writes: false }, () =>
        storage.list(resource, { namespace, labelSelector }).map((object) => asClient<Kind>(object)),
      );
    const apply = (resource: ResourceName, object: KnativeObject) =>
      step(`apply ${resource} ${object.metadata.name}`, { writes: true, conditional: true }, () => {
        const namespaced = {
          ...object,
          metadata: { ...object.metadata, namespace: FUNCTIONS_NAMESPACE },
        } as KubeObject;
        return storage.apply(namespaced, { fieldManager: 'knative-lambda', force: true }) as KnativeObject;
      });
    const remove = (resource: ResourceName, name: string, version?: ObjectVersion) =>
      step(`delete ${resource} ${name}`, { writes: true, conditional: version !== undefined }, () =>
        this.#delete(resource, FUNCTIONS_NAMESPACE, name, 'Background', version),
      );
    return {
      getJob: async (name) => {
        const job = await read<V1Job>(JOBS, BUILDS_NAMESPACE, name);
        if (job) {
          process.seenJobs.set(name, job);
        }
        return job;
      },
      listJobs: (selector) => list<V1Job>(JOBS, BUILDS_NAMESPACE, selector),
      listJobMetadata: async (selector) =>
        (await list<V1Job>(JOBS, BUILDS_NAMESPACE, selector)).map(({ metadata }) => ({ metadata: metadata ?? {} })),
      createJob: (job) =>
        step(`create ${JOBS} ${job.metadata?.name}`, { writes: true }, () => {
          try {
            process.seenJobs.set(
              job.metadata?.name ?? '',
              asClient<V1Job>(storage.create(job as unknown as KubeObject)),
            );
            return true;
          } catch (error) {
            if (error instanceof ApiError && error.reason === 'AlreadyExists') {
              return false;
            }
            throw error;
          }
        }),
      patchJob: (name, patch) =>
        step(
          `patch ${JOBS} ${name} ${JSON.stringify(patch).slice(0, 120)}`,
          { writes: true, conditional: true },
          () => {
            const current = storage.get(JOBS, BUILDS_NAMESPACE, name);
            if (!current) {
              return false;
            }
            const { resourceVersion: _, ...metadata } = current.metadata;
            storage.update(mergePatch({ ...current, metadata }, patch) as KubeObject);
            return true;
          },
        ),
      deleteJob: (name, uid) =>
        step(`delete ${JOBS} ${name}`, { writes: true }, () => {
          const current = storage.get(JOBS, BUILDS_NAMESPACE, name);
          const isMeant = uid === undefined || current?.metadata.uid === uid;
          return isMeant && this.#delete(JOBS, BUILDS_NAMESPACE, name, 'Foreground');
        }),
      listPods: (selector) => list<V1Pod>(PODS, BUILDS_NAMESPACE, selector),
      getPod: (name) => read<V1Pod>(PODS, BUILDS_NAMESPACE, name),
      readLog: (pod) => step(`log ${pod}`, { writes: false }, () => `log of ${pod}`),
      getLease: (name) => read<V1Lease>(LEASES, BUILDS_NAMESPACE, name),
      replaceLease: (lease) =>
        step(
          `replace lease ${lease.metadata?.annotations?.['knative-lambda/granted']}`,
          { writes: true, conditional: true },
          () => {
            storage.update(lease as unknown as KubeObject);
          },
        ),
      getService: (name) => read<KnativeObject>(SERVICES, FUNCTIONS_NAMESPACE, name),
      listServices: (selector) => list<KnativeObject>(SERVICES, FUNCTIONS_NAMESPACE, selector),
      applyService: (service) => apply(SERVICES, service),
      deleteService: (name, version) => remove(SERVICES, name, version),
      getTrigger: (name) => read<KnativeObject>(TRIGGERS, FUNCTIONS_NAMESPACE, name),
      listTriggers: (selector) => list<KnativeObject>(TRIGGERS, FUNCTIONS_NAMESPACE, selector),
      applyTrigger: (trigger) => apply(TRIGGERS, trigger),
      deleteTrigger: (name, version) => remove(TRIGGERS, name, version),
    };
  }

  #delete(name: ResourceName, namespace: string, object: string, policy: PropagationPolicy, version?: ObjectVersion) {
    const { table } = this.storage;
    const resource = resourceNamed(name) as Resource;
    const current = table.find(resource, namespace, object);
    if (!current) {
      return false;
    }
    deleteObject(table, resource, current, { propagationPolicy: policy, ...version });
    return true;
  }
}

/** What shared/clients makes of the API's refusals. */
function translated<Result>(doing: string, operate: () => Result): Result {
  try {
    return operate();
  } catch (error) {
    if (!(error instanceof ApiError)) {
      throw error;
    }
    const conflict = error.code === 409 && error.reason !== 'AlreadyExists';
    throw classify({ kind: conflict ? 'conflict' : 'refused', system: 'Kubernetes', doing, detail: error.message });
  }
}

function asClient<Kind>(object: KubeObject): Kind {
  const knative = object.apiVersion.includes('knative.dev');
  return (knative ? object : withDates(object)) as Kind;
}

function withDates(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.map(withDates);
  }
  if (typeof value !== 'object' || value === null) {
    return value;
  }
  const entries = Object.entries(value).map(([key, field]) => [
    key,
    typeof field === 'string' && DATES.has(key) ? new Date(field) : withDates(field),
  ]);
  return Object.fromEntries(entries);
}
