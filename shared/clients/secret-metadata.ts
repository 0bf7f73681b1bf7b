/** What we may know of a Secret: its metadata and the names of its keys, never its values. */
import { type CoreV1Api, setHeaderOptions, type V1Secret } from '@kubernetes/client-node';
import type { SecretMetadata } from './cluster.ts';

/** Objects in one answer. */
const PAGE = 250;
const ACCEPT = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1';

/** Asks for metadata alone, so that no value leaves the API server. */
export async function listSecrets(
  core: CoreV1Api,
  namespace: string,
  labelSelector: string,
): Promise<SecretMetadata[]> {
  const secrets: SecretMetadata[] = [];
  let token = '';
  do {
    const page = await core.listNamespacedSecret(
      { namespace, labelSelector, limit: PAGE, ...(token ? { _continue: token } : {}) },
      setHeaderOptions('Accept', ACCEPT),
    );
    // Null where there are none: kube-apiserver sends an empty list of metadata so.
    secrets.push(...((page.items as V1Secret[] | null) ?? []).map((secret) => ({ metadata: metadataOf(secret) })));
    token = page.metadata?._continue ?? '';
  } while (token !== '');
  return secrets;
}

/** The names of the keys are among the values, so whoever asks for them is sent both. */
export function withoutValues(secret: V1Secret): SecretMetadata & { keys: string[] } {
  return { metadata: metadataOf(secret), keys: Object.keys(secret.data ?? {}) };
}

function metadataOf({ metadata }: V1Secret): SecretMetadata['metadata'] {
  const { name = '', uid = '', resourceVersion = '', labels = {}, annotations = {} } = metadata ?? {};
  // kubectl apply keeps a copy of what it applied here, with the values.
  const { 'kubectl.kubernetes.io/last-applied-configuration': _applied, ...others } = annotations;
  return { name, uid, resourceVersion, labels, annotations: others };
}
