/** `kubectl kustomize`, for the subset of it that eventing/ uses, so that nothing needs to be installed. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import type { KubeObject } from '#shared/kubernetes/object.ts';
import { resourceOfKind } from '#shared/kubernetes/resource.ts';
import { applyPatch } from './apply-patch.ts';
import { readKustomization } from './kustomization.ts';
import { readDocuments } from './read-documents.ts';

/** The objects of an overlay folder, in the order of its files. */
export function renderOverlay(folder: string): KubeObject[] {
  const { namespace, resources, patches } = readKustomization(folder);
  const objects = resources.flatMap((resource) => {
    const path = join(folder, resource);
    return statSync(path).isDirectory() ? renderOverlay(path) : readDocuments(path);
  });
  const placed = namespace === undefined ? objects : objects.map((object) => place(object, namespace));
  refuseDuplicates(placed, folder);
  return patches.reduce((current, patch) => applyPatch(current, patch, folder), placed);
}

/** A Namespace is not put into the namespace: it becomes it. */
function place(object: KubeObject, namespace: string): KubeObject {
  if (object.apiVersion === 'v1' && object.kind === 'Namespace') {
    return { ...object, metadata: { ...object.metadata, name: namespace } };
  }
  const resource = resourceOfKind(object.apiVersion, object.kind);
  if (!resource) {
    throw new Error(
      `there is no ${object.apiVersion} ${object.kind} in the table of kinds: add it to shared/kubernetes/resource-table.ts`,
    );
  }
  return resource.namespaced ? { ...object, metadata: { ...object.metadata, namespace } } : object;
}

function refuseDuplicates(objects: KubeObject[], folder: string): void {
  const seen = new Set<string>();
  for (const { apiVersion, kind, metadata } of objects) {
    const id = `${apiVersion} ${kind} ${metadata.namespace ?? ''}/${metadata.name}`;
    if (seen.has(id)) {
      throw new Error(`${folder}: there are two of ${id}`);
    }
    seen.add(id);
  }
}
