/** The kubeconfig of the embedded API, for kubectl, for the functions and for the build pods. */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { stringify } from 'yaml';

const NAME = 'knative-lambda-local';

export async function writeKubeconfig(path: string, server: string, namespace: string): Promise<void> {
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': NAME,
    // Plain HTTP within this machine, which the official client refuses unless it is told so.
    clusters: [{ name: NAME, cluster: { server, 'insecure-skip-tls-verify': true } }],
    // The API asks nobody who they are; kubectl wants a user all the same.
    users: [{ name: NAME, user: { token: 'local' } }],
    contexts: [{ name: NAME, context: { cluster: NAME, user: NAME, namespace } }],
  };
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, stringify(config), { mode: 0o600 });
}
