/** A Revision: a Service's template, frozen under a name of its own. */
import { createHash } from 'node:crypto';
import type { KubeObject } from '#shared/kubernetes/object.ts';
import { CONFIGURATION, GENERATION, SERVICE, SERVICE_UID, TEMPLATE_HASH } from './labels.ts';

/** Equal templates have equal hashes, whatever the order of their keys. */
export function templateHash(service: KubeObject): string {
  return createHash('sha256')
    .update(canonical(service['spec']?.template ?? {}))
    .digest('hex')
    .slice(0, 40);
}

/** Where a Service's newest revision was made of another template, the next one; undefined where nothing changed. */
export function nextRevision(service: KubeObject, revisions: KubeObject[]): KubeObject | undefined {
  const newest = newestOf(revisions);
  const hash = templateHash(service);
  if (newest?.metadata.annotations?.[TEMPLATE_HASH] === hash) {
    return undefined;
  }
  const generation = newest === undefined ? 1 : generationOf(newest) + 1;
  const template = service['spec']?.template ?? {};
  const { name, namespace = '', uid = '' } = service.metadata;
  return {
    apiVersion: 'serving.knative.dev/v1',
    kind: 'Revision',
    metadata: {
      name: template.metadata?.name ?? `${name}-${String(generation).padStart(5, '0')}`,
      namespace,
      labels: {
        ...template.metadata?.labels,
        [SERVICE]: name,
        [SERVICE_UID]: uid,
        [CONFIGURATION]: name,
        [GENERATION]: String(generation),
      },
      annotations: { ...template.metadata?.annotations, [TEMPLATE_HASH]: hash },
      ownerReferences: [
        // Knative puts a Configuration in between, which is not kept here.
        { apiVersion: service.apiVersion, kind: service.kind, name, uid, controller: true, blockOwnerDeletion: true },
      ],
    },
    spec: template.spec,
  };
}

export function generationOf(revision: KubeObject): number {
  return Number(revision.metadata.labels?.[GENERATION] ?? 0);
}

export function newestOf(revisions: KubeObject[]): KubeObject | undefined {
  return revisions.reduce<KubeObject | undefined>(
    (newest, revision) => (newest === undefined || generationOf(revision) > generationOf(newest) ? revision : newest),
    undefined,
  );
}

function canonical(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) =>
    part !== null && typeof part === 'object' && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}
