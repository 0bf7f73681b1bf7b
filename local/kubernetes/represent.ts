/** Turns objects into what the client asked to see: themselves, their metadata alone, or rows of a table. */

import type { KubeObject } from '#shared/kubernetes/object.ts';
import { apiVersionOf, qualifiedName } from '#shared/kubernetes/resource.ts';
import type { Resource } from '#shared/kubernetes/resource-table.ts';
import type { Representation } from './media-type.ts';
import { columnsOf } from './table-columns.ts';

export interface View {
  as: Representation;
  /** What each row of a table carries beside its cells. */
  includeObject: string;
}

export function representObject(resource: Resource, object: KubeObject, view: View): unknown {
  if (view.as === 'Table') {
    return table(resource, [object], object.metadata.resourceVersion ?? '', view);
  }
  return view.as === 'Metadata' ? metadataOf(object) : object;
}

export function representList(resource: Resource, objects: KubeObject[], version: number, view: View): unknown {
  const metadata = { resourceVersion: String(version) };
  if (view.as === 'Table') {
    return table(resource, objects, metadata.resourceVersion, view);
  }
  if (view.as === 'Metadata') {
    // An empty one is null: kube-apiserver fills this list object by object.
    const items = objects.length > 0 ? objects.map(metadataOf) : null;
    return { kind: 'PartialObjectMetadataList', apiVersion: 'meta.k8s.io/v1', metadata, items };
  }
  // The items of built-in kinds do not repeat what the list says; those of custom kinds do.
  const items = resource.custom ? objects : objects.map(({ apiVersion: _a, kind: _k, ...item }) => item);
  return { kind: `${resource.kind}List`, apiVersion: apiVersionOf(resource), metadata, items };
}

function table(resource: Resource, objects: KubeObject[], resourceVersion: string, view: View): unknown {
  const columns = Object.entries(columnsOf(qualifiedName(resource)));
  const now = Date.now();
  return {
    kind: 'Table',
    apiVersion: 'meta.k8s.io/v1',
    metadata: { resourceVersion },
    columnDefinitions: columns.map(([name]) => ({
      name,
      type: 'string',
      format: name === 'Name' ? 'name' : '',
      description: name,
      priority: 0,
    })),
    rows: objects.map((object) => ({
      cells: columns.map(([, cell]) => cell(object, now)),
      ...(view.includeObject !== 'None' && {
        object: view.includeObject === 'Object' ? object : metadataOf(object),
      }),
    })),
  };
}

function metadataOf({ metadata }: KubeObject): unknown {
  return { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata };
}
