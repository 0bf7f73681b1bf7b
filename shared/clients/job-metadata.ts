/** Lists the metadata of Jobs without the rest: PartialObjectMetadata. */
import { type Configuration, CustomObjectsApi, setHeaderOptions } from '@kubernetes/client-node';
import type { JobMetadata } from './cluster.ts';

/** Objects in one answer, so that only the metadata that is kept grows with the number of Jobs. */
const PAGE = 250;
const ACCEPT = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1';

interface Page {
  metadata?: { continue?: string };
  /** Null where there are none: kube-apiserver sends an empty list of metadata so. */
  items: { metadata: NonNullable<JobMetadata['metadata']> & { managedFields?: unknown } }[] | null;
}

/** Uses the client for custom objects, since the typed one would build a whole Job of each. */
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
