/** One entry of a kustomization's `patches`, applied to the objects that it means. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { jsonPatch } from '#shared/kubernetes/json-patch.ts';
import { mergePatch } from '#shared/kubernetes/merge-patch.ts';
import type { KubeObject } from '#shared/kubernetes/object.ts';
import type { KustomizePatch } from './kustomization.ts';
import { parseDocuments } from './read-documents.ts';

export function applyPatch(objects: KubeObject[], patch: KustomizePatch, folder: string): KubeObject[] {
  const origin = join(folder, patch.path ?? 'kustomization.yaml');
  const text = patch.path === undefined ? (patch.patch ?? '') : readFileSync(origin, 'utf8');
  const content: unknown = parse(text);
  if (Array.isArray(content)) {
    return patched(objects, targeted(patch, origin), origin, (object) => jsonPatch(object, content) as KubeObject);
  }
  return parseDocuments(text, origin).reduce((current, document) => {
    const { $patch: directive, ...merge } = document;
    if (directive === 'delete' && !patch.target) {
      const isDeleted = sameObject(merge);
      return patched(current, isDeleted, origin, (object) => object).filter((object) => !isDeleted(object));
    }
    refuseLists(document, origin);
    const isMeant = patch.target ? targeted(patch, origin) : sameObject(merge);
    return patched(current, isMeant, origin, (object) => {
      const { apiVersion, kind, metadata } = object;
      const result = mergePatch(object, merge) as KubeObject;
      return { ...result, apiVersion, kind, metadata: { ...result.metadata, name: metadata.name } };
    });
  }, objects);
}

function patched(
  objects: KubeObject[],
  isMeant: (object: KubeObject) => boolean,
  origin: string,
  change: (object: KubeObject) => KubeObject,
): KubeObject[] {
  if (!objects.some(isMeant)) {
    throw new Error(`${origin}: a patch finds no object to change`);
  }
  return objects.map((object) => {
    if (!isMeant(object)) {
      return object;
    }
    try {
      return change(object);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      throw new Error(`${origin}, for ${object.kind} ${object.metadata.name}: ${why}`, { cause: error });
    }
  });
}

function targeted({ target }: KustomizePatch, origin: string): (object: KubeObject) => boolean {
  if (!target) {
    throw new Error(`${origin}: a JSON patch needs a target`);
  }
  const [label, value] = target.labelSelector?.split('=') ?? [];
  return ({ apiVersion, kind, metadata }) => {
    const [group, version] = apiVersion.includes('/') ? apiVersion.split('/') : ['', apiVersion];
    return (
      (target.group === undefined || target.group === group) &&
      (target.version === undefined || target.version === version) &&
      (target.kind === undefined || target.kind === kind) &&
      (target.name === undefined || target.name === metadata.name) &&
      (target.namespace === undefined || target.namespace === metadata.namespace) &&
      (label === undefined || metadata.labels?.[label] === value)
    );
  };
}

function sameObject(merge: Pick<KubeObject, 'apiVersion' | 'kind' | 'metadata'>): (object: KubeObject) => boolean {
  return ({ apiVersion, kind, metadata }) =>
    apiVersion === merge.apiVersion &&
    kind === merge.kind &&
    metadata.name === merge.metadata.name &&
    (merge.metadata.namespace === undefined || metadata.namespace === merge.metadata.namespace);
}

/**
 * In a strategic merge, some lists of some kinds are merged by a key and others replaced; a patch that has none cannot
 * be misread.
 */
function refuseLists(value: unknown, origin: string): void {
  if (Array.isArray(value)) {
    throw new Error(`${origin}: lists in a merge patch are not supported: use a JSON patch with a target`);
  }
  if (typeof value === 'object' && value !== null) {
    for (const [key, child] of Object.entries(value)) {
      if (key.startsWith('$')) {
        throw new Error(`${origin}: the directive ${key} is not supported`);
      }
      refuseLists(child, origin);
    }
  }
}
