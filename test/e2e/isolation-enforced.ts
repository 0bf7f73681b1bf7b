/**
 * Whether this cluster's network enforces NetworkPolicies, told by a pod of the builds namespace that no policy lets
 * out but to DNS.
 */
import type { CoreV1Api } from '@kubernetes/client-node';
import { unprivileged } from '#shared/specs/build-pod/security.ts';
import { waitUntil } from '#test/contract/wait-until.ts';

const SECONDS = 120;

/** `url` is one that answers to pods without a policy. */
export async function policiesAreEnforced(
  core: CoreV1Api,
  { namespace, image, url, run }: { namespace: string; image: string; url: string; run: string },
): Promise<boolean> {
  const name = `walled-in-${run}`;
  const script = `fetch('${url}', { signal: AbortSignal.timeout(8000) }).then(() => process.exit(0), () => process.exit(7))`;
  await core.createNamespacedPod({
    namespace,
    body: {
      metadata: { name },
      spec: {
        restartPolicy: 'Never',
        serviceAccountName: 'knative-lambda-build',
        automountServiceAccountToken: false,
        containers: [
          {
            name: 'prisoner',
            image,
            command: ['node', '--eval', script],
            securityContext: unprivileged,
          },
        ],
      },
    },
  });
  try {
    const ended = await waitUntil(
      `pod ${name} to end (kubectl describe pod -n ${namespace} ${name})`,
      async () => {
        const { status } = await core.readNamespacedPod({ name, namespace });
        return status?.containerStatuses?.[0]?.state?.terminated;
      },
      { seconds: SECONDS, every: 500 },
    );
    return ended.exitCode === 7;
  } finally {
    await core.deleteNamespacedPod({ name, namespace });
  }
}
