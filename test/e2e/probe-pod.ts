/**
 * The probe as a Pod of the functions' namespace. It owns all that goes with it, so that deleting it deletes
 * everything.
 */
import { readFile } from 'node:fs/promises';
import type { CoreV1Api, KubernetesObjectApi, V1OwnerReference } from '@kubernetes/client-node';
import { unprivileged } from '#shared/specs/build-pod/security.ts';
import { POD_PORTS } from '#test/contract/probe.ts';
import { subscribe } from '#test/contract/subscribe.ts';
import { waitUntil } from '#test/contract/wait-until.ts';

export interface ProbePod {
  name: string;
  /** As the Broker reaches it. */
  subscriber: string;
  remove(): Promise<void>;
}

const LABEL = 'app.kubernetes.io/component';
const COMPONENT = 'e2e-probe';
const SECONDS = 180;
const LONGEST_RUN_MILLISECONDS = 3_600_000;

export async function createProbePod(
  { core, objects }: { core: CoreV1Api; objects: KubernetesObjectApi },
  { run, namespace, image }: { run: string; namespace: string; image: string },
): Promise<ProbePod> {
  await removeLeftovers(core, namespace);
  const name = `${COMPONENT}-${run}`;
  const labels = { [LABEL]: COMPONENT, 'app.kubernetes.io/instance': run };
  const script = await readFile(new URL('../contract/probe.ts', import.meta.url), 'utf8');
  const pod = await core.createNamespacedPod({
    namespace,
    body: {
      metadata: { name, labels },
      spec: {
        restartPolicy: 'Never',
        // The users' functions' account: it may do nothing, and can pull the image.
        serviceAccountName: 'knative-lambda-function',
        automountServiceAccountToken: false,
        enableServiceLinks: false,
        terminationGracePeriodSeconds: 1,
        containers: [
          {
            name: 'probe',
            image,
            command: ['node', '--input-type=module-typescript', '--eval', script],
            env: [{ name: 'PROBE', value: 'serve' }],
            ports: [{ containerPort: POD_PORTS.subscriber }],
            readinessProbe: { httpGet: { path: '/', port: POD_PORTS.subscriber }, periodSeconds: 1 },
            resources: { requests: { cpu: '10m', memory: '64Mi' }, limits: { cpu: '500m', memory: '512Mi' } },
            securityContext: unprivileged,
          },
        ],
      },
    },
  });
  const remove = async () => {
    await objects
      .delete({ apiVersion: 'eventing.knative.dev/v1', kind: 'Trigger', metadata: { name, namespace } })
      .catch(() => undefined);
    await core.deleteNamespacedPod({ name, namespace, propagationPolicy: 'Background' });
  };
  try {
    const owner: V1OwnerReference = { apiVersion: 'v1', kind: 'Pod', name, uid: pod.metadata?.uid ?? '' };
    const ports = [{ port: 80, targetPort: POD_PORTS.subscriber }];
    await core.createNamespacedService({
      namespace,
      body: { metadata: { name, labels, ownerReferences: [owner] }, spec: { selector: labels, ports } },
    });
    await waitUntil(
      `Pod ${name} to be Ready (kubectl describe pod -n ${namespace} ${name})`,
      async () => {
        const { status } = await core.readNamespacedPod({ name, namespace });
        return status?.conditions?.some((condition) => condition.type === 'Ready' && condition.status === 'True');
      },
      { seconds: SECONDS, every: 500 },
    );
    const subscriber = `http://${name}.${namespace}.svc.cluster.local`;
    await subscribe(objects, { name, namespace, uri: subscriber, owner }, SECONDS);
    return { name, subscriber, remove };
  } catch (error) {
    await remove();
    throw error;
  }
}

/** Of runs that were killed. A younger probe may be that of somebody else's run. */
async function removeLeftovers(core: CoreV1Api, namespace: string): Promise<void> {
  const { items } = await core.listNamespacedPod({ namespace, labelSelector: `${LABEL}=${COMPONENT}` });
  const isOld = (created = new Date()) => Date.now() - created.getTime() > LONGEST_RUN_MILLISECONDS;
  for (const { metadata } of items.filter(({ metadata }) => isOld(metadata?.creationTimestamp))) {
    await core.deleteNamespacedPod({ name: metadata?.name ?? '', namespace, propagationPolicy: 'Background' });
  }
}
