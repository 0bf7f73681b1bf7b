/** The kubeconfig of the embedded API. */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { stringify } from 'yaml';

const NAME = 'knative-lambda-local';

/** One context, without credentials: the API asks for none. */
export async function writeKubeconfig(path: string, url: string, namespace: string): Promise<void> {
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    // There is no TLS to skip; @kubernetes/client-node speaks plain HTTP on no other condition.
    clusters: [{ name: NAME, cluster: { server: url, 'insecure-skip-tls-verify': true } }],
    users: [{ name: NAME, user: {} }],
    contexts: [{ name: NAME, context: { cluster: NAME, user: NAME, namespace } }],
    'current-context': NAME,
  };
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, stringify(config));
}
