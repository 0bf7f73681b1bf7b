/**
 * A script of the suite as a Pod of the functions' namespace, subscribed to the Broker: the probe, or the caller. It
 * owns all that goes with it, so that deleting it deletes everything.
 */
import { readFile } from 'node:fs/promises';
import type { CoreV1Api, KubernetesObjectApi, V1OwnerReference } from '@kubernetes/client-node';
import { unprivileged } from '#shared/specs/build-pod/security.ts';
import { POD_PORTS } from '#test/contract/probe.ts';
import { subscribe } from '#test/contract/subscribe.ts';
import { waitUntil } from '#test/contract/wait-until.ts';
import { COMPONENT } from './run-lease.ts';
import { openWaysFor } from './script-policies.ts';

/** Its ports are POD_PORTS. */
export interface Script {
  component: string;
  file: URL;
  /** A variable of its environment that is `serve`. */
  starter: string;
  cpuLimit: string;
  /** Attributes of the events that it is subscribed to, each a Trigger; none means every event. */
  events: Record<string, string>[];
}

export const PROBE: Script = {
  component: 'e2e-probe',
  file: new URL('../contract/probe.ts', import.meta.url),
  starter: 'PROBE',
  cpuLimit: '500m',
  events: [{}],
};

export const CALLER: Script = {
  component: 'e2e-caller',
  file: new URL('caller.ts', import.meta.url),
  starter: 'CALLER',
  cpuLimit: '2',
  events: [{ type: 'parser.complete' }, { type: 'event.rejected' }],
};

export interface ScriptPod {
  name: string;
  owner: V1OwnerReference;
  /** As the Broker reaches it. */
  subscriber: string;
  remove(): Promise<void>;
}

const SECONDS = 180;

export async function createScriptPod(
  { core, objects }: { core: CoreV1Api; objects: KubernetesObjectApi },
  { component, file, starter, cpuLimit, events }: Script,
  {
    run,
    namespace,
    image,
    owner: runsOwner,
  }: { run: string; namespace: string; image: string; owner?: V1OwnerReference },
): Promise<ScriptPod> {
  const name = `${component}-${run}`;
  const labels = { [COMPONENT]: component, 'app.kubernetes.io/instance': run };
  const script = await readFile(file, 'utf8');
  const pod = await core.createNamespacedPod({
    namespace,
    body: {
      metadata: { name, labels, ...(runsOwner ? { ownerReferences: [runsOwner] } : {}) },
      spec: {
        restartPolicy: 'Never',
        // The users' functions' account: it may do nothing, and can pull the image.
        serviceAccountName: 'knative-lambda-function',
        automountServiceAccountToken: false,
        enableServiceLinks: false,
        terminationGracePeriodSeconds: 1,
        containers: [
          {
            name: 'script',
            image,
            command: ['node', '--input-type=module-typescript', '--eval', script],
            env: [{ name: starter, value: 'serve' }],
            ports: [{ containerPort: POD_PORTS.subscriber }],
            readinessProbe: { httpGet: { path: '/', port: POD_PORTS.subscriber }, periodSeconds: 1 },
            resources: { requests: { cpu: '10m', memory: '64Mi' }, limits: { cpu: cpuLimit, memory: '512Mi' } },
            securityContext: unprivileged,
          },
        ],
      },
    },
  });
  const triggers = events.map((attributes, index) => ({ name: index === 0 ? name : `${name}-${index}`, attributes }));
  const remove = async () => {
    for (const trigger of triggers) {
      await objects
        .delete({ apiVersion: 'eventing.knative.dev/v1', kind: 'Trigger', metadata: { name: trigger.name, namespace } })
        .catch(() => undefined);
    }
    await core.deleteNamespacedPod({ name, namespace, propagationPolicy: 'Background' });
  };
  try {
    const owner: V1OwnerReference = { apiVersion: 'v1', kind: 'Pod', name, uid: pod.metadata?.uid ?? '' };
    await openWaysFor(objects, { name, namespace, labels, owner });
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
    for (const trigger of triggers) {
      await subscribe(objects, { ...trigger, namespace, uri: subscriber, owner, retries: false }, SECONDS);
    }
    return { name, owner, subscriber, remove };
  } catch (error) {
    await remove();
    throw error;
  }
}
