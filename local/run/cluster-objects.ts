/**
 * What is applied to the cluster at every start: eventing/overlays/local and a Knative Service for each builder
 * function.
 */
import { join } from 'node:path';
import type { ObjectStorage } from '#local/kubernetes/types.ts';
import type { KubeObject } from '#shared/kubernetes/object.ts';
import { builderServices } from '#shared/manifests/builder-services.ts';
import { renderOverlay } from '#shared/manifests/render-overlay.ts';

const CONFIG = 'knative-lambda-config';
const FIELD_MANAGER = 'embedded-platform';

export interface ClusterObjects {
  /** Of the builder and the user functions. */
  namespace: string;
  /** The configuration that every builder function gets. */
  config: Record<string, string>;
  objects: KubeObject[];
}

/**
 * `root` is the project's folder; `overrides` win over the overlay's configuration: this run's addresses, for instance.
 */
export function clusterObjects(root: string, overrides: Record<string, string>): ClusterObjects {
  const rendered = renderOverlay(join(root, 'eventing/overlays/local'));
  const configMap = rendered.find(({ kind, metadata }) => kind === 'ConfigMap' && metadata.name === CONFIG);
  if (!configMap) {
    throw new Error(`eventing/overlays/local has no ConfigMap ${CONFIG}, from which the functions take their settings`);
  }
  const config: Record<string, string> = { ...configMap['data'], ...overrides };
  configMap['data'] = config;
  const namespace = configMap.metadata.namespace ?? '';
  const services = builderServices(root, { namespace, image: config['BUILDER_IMAGE'] ?? '' });
  return { namespace, config, objects: [...rendered, ...services] };
}

/** Over what is there from the last run. Namespaces first, as kubectl does: what lives in them is refused before. */
export function applyAll(storage: ObjectStorage, objects: KubeObject[]): void {
  const namespaces = objects.filter(({ kind }) => kind === 'Namespace');
  const others = objects.filter(({ kind }) => kind !== 'Namespace');
  for (const object of [...namespaces, ...others]) {
    try {
      storage.apply(object, { fieldManager: FIELD_MANAGER, force: true });
    } catch (error) {
      const { kind, metadata } = object;
      throw new Error(
        `${kind} ${metadata.namespace ?? ''}/${metadata.name} was refused: ${messageOf(error)}. If its YAML has changed since the last run, what that left may not take it: start anew (make clean)`,
        { cause: error },
      );
    }
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
