/** The metadata of Jobs without the Jobs: what the API calls PartialObjectMetadata. */
import { type Configuration, CustomObjectsApi, setHeaderOptions } from '@kubernetes/client-node';
import type { JobMetadata } from './cluster.ts';

/** Objects of one answer: memory does not grow with how many there are, but for what is kept of each. */
const PAGE = 250;
const ACCEPT = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1';

interface Page {
  metadata?: { continue?: string };
  /** Null where there are none: so kube-apiserver tells an empty list of metadata. */
  items: { metadata: NonNullable<JobMetadata['metadata']> & { managedFields?: unknown } }[] | null;
}

/** By the client for custom objects: the typed one makes a Job of each, spec and all. */
export async function listMetadata(
  configuration: Configuration,
  namespace: string,
  labelSelector: string,
): Promise<JobMetadata[]> {
  const api = new CustomObjectsApi(configuration);
  const jobs: JobMetadata[] = [];
  let token = '';
  do {
    const page = (await api.listNamespacedCustomObject(
      {
        group: 'batch',
        version: 'v1',
        namespace,
        plural: 'jobs',
        labelSelector,
        limit: PAGE,
        ...(token ? { _continue: token } : {}),
      },
      setHeaderOptions('Accept', ACCEPT),
    )) as Page;
    jobs.push(
      ...(page.items ?? []).map(({ metadata: { managedFields: _managedFields, ...metadata } }) => ({ metadata })),
    );
    token = page.metadata?.continue ?? '';
  } while (token !== '');
  return jobs;
}
