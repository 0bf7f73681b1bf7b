/** The Cluster by the official client: Jobs, pods and Leases of one namespace, Services and Triggers of another. */
import {
  BatchV1Api,
  CoordinationV1Api,
  CoreV1Api,
  type KubeConfig,
  PatchStrategy,
  setHeaderOptions,
} from '@kubernetes/client-node';
import type { Cluster } from './cluster.ts';
import { listMetadata } from './job-metadata.ts';
import { knativeObjects } from './knative-objects.ts';
import { connectKubernetes } from './kubernetes-connection.ts';
import { statusOf } from './kubernetes-failure.ts';
import { answered, done, found } from './kubernetes-requests.ts';
import { listSecrets, withoutValues } from './secret-metadata.ts';
import { Singleflight } from './singleflight.ts';

export interface KubernetesSettings {
  /** Where functions live. */
  NAMESPACE: string;
  /** Where builds run. */
  BUILDS_NAMESPACE: string;
}

/** The owner of the fields that we apply. */
const FIELD_MANAGER = 'knative-lambda';

export function createCluster(
  { NAMESPACE, BUILDS_NAMESPACE: namespace }: KubernetesSettings,
  options?: { kubeConfig?: KubeConfig; timeout?: number },
): Cluster & { close(): Promise<void> } {
  const { configuration, close } = connectKubernetes(options);
  const batch = new BatchV1Api(configuration);
  const core = new CoreV1Api(configuration);
  const coordination = new CoordinationV1Api(configuration);
  const knative = { namespace: NAMESPACE, fieldManager: FIELD_MANAGER };
  const services = knativeObjects(configuration, { ...knative, group: 'serving.knative.dev', plural: 'services' });
  const revisions = knativeObjects(configuration, { ...knative, group: 'serving.knative.dev', plural: 'revisions' });
  const triggers = knativeObjects(configuration, { ...knative, group: 'eventing.knative.dev', plural: 'triggers' });
  // Fifty events may be handled at once, and each lists the same thousand Jobs.
  const jobMetadata = new Singleflight<Awaited<ReturnType<typeof listMetadata>>>();

  return {
    getJob: (name) => found(`reading Job ${name}`, () => batch.readNamespacedJob({ name, namespace })),

    listJobs: (labelSelector) =>
      answered(`listing Jobs with ${labelSelector}`, async () => {
        const { items } = await batch.listNamespacedJob({ namespace, labelSelector });
        return items;
      }),

    listJobMetadata: (labelSelector) =>
      answered(`listing Jobs with ${labelSelector}`, () =>
        jobMetadata.ask(labelSelector, () => listMetadata(configuration, namespace, labelSelector)),
      ),

    createJob: (job) =>
      answered(`creating Job ${job.metadata?.name}`, async () => {
        try {
          await batch.createNamespacedJob({ namespace, body: job, fieldManager: FIELD_MANAGER });
          return true;
        } catch (error) {
          if (statusOf(error)?.reason === 'AlreadyExists') {
            return false;
          }
          throw error;
        }
      }),

    patchJob: (name, patch) =>
      done(`changing Job ${name}`, () =>
        batch.patchNamespacedJob(
          { name, namespace, body: patch, fieldManager: FIELD_MANAGER },
          setHeaderOptions('Content-Type', PatchStrategy.MergePatch),
        ),
      ),

    deleteJob: (name, uid) =>
      answered(`deleting Job ${name}`, async () => {
        try {
          await batch.deleteNamespacedJob({
            name,
            namespace,
            body: { propagationPolicy: 'Foreground', ...(uid ? { preconditions: { uid } } : {}) },
          });
          return true;
        } catch (error) {
          const status = statusOf(error);
          const gone = status?.code === 404;
          const another = uid !== undefined && status?.code === 409;
          if (gone || another) {
            return false;
          }
          throw error;
        }
      }),

    listPods: (labelSelector) =>
      answered(`listing pods with ${labelSelector}`, async () => {
        const { items } = await core.listNamespacedPod({ namespace, labelSelector });
        return items;
      }),

    listFunctionPods: (labelSelector) =>
      answered(`listing pods of functions with ${labelSelector}`, async () => {
        const { items } = await core.listNamespacedPod({ namespace: NAMESPACE, labelSelector });
        return items;
      }),

    getPod: (name) => found(`reading pod ${name}`, () => core.readNamespacedPod({ name, namespace })),

    readLog: (name, container, limitBytes) =>
      answered(`reading the log of ${container} in pod ${name}`, () =>
        core.readNamespacedPodLog({ name, namespace, container, limitBytes }),
      ),

    getLease: (name) => found(`reading Lease ${name}`, () => coordination.readNamespacedLease({ name, namespace })),

    replaceLease: (lease) =>
      answered(`changing Lease ${lease.metadata?.name}`, async () => {
        const name = lease.metadata?.name ?? '';
        await coordination.replaceNamespacedLease({ name, namespace, body: lease, fieldManager: FIELD_MANAGER });
      }),

    getSecretKeys: (name) =>
      found(`reading Secret ${name}`, async () =>
        withoutValues(await core.readNamespacedSecret({ name, namespace: NAMESPACE })),
      ),

    listSecretMetadata: (labelSelector) =>
      answered(`listing Secrets with ${labelSelector}`, () => listSecrets(core, NAMESPACE, labelSelector)),

    getService: services.get,
    listServices: services.list,
    applyService: services.apply,
    patchService: services.patch,
    deleteService: services.remove,
    listRevisions: revisions.list,
    getTrigger: triggers.get,
    listTriggers: triggers.list,
    applyTrigger: triggers.apply,
    patchTrigger: triggers.patch,
    deleteTrigger: triggers.remove,
    close,
  };
}
