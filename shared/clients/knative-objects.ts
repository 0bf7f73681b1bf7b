/** Reading, applying and deleting one kind of Knative object. */
import { type Configuration, CustomObjectsApi, PatchStrategy, setHeaderOptions } from '@kubernetes/client-node';
import type { KnativeObject, ObjectVersion } from './cluster.ts';
import { answered, done, found } from './kubernetes-requests.ts';

interface Listed {
  items: KnativeObject[];
  metadata?: { continue?: string };
}

/** Of a list: a thousand objects at once would keep a process from its other work for a tenth of a second. */
const PAGE = 250;

export interface KnativeObjects {
  get(name: string): Promise<KnativeObject | undefined>;
  list(labelSelector: string): Promise<KnativeObject[]>;
  apply(object: KnativeObject): Promise<KnativeObject>;
  patch(name: string, patch: object): Promise<boolean>;
  remove(name: string, version?: ObjectVersion): Promise<boolean>;
}

export function knativeObjects(
  configuration: Configuration,
  {
    group,
    plural,
    namespace,
    fieldManager,
  }: { group: string; plural: string; namespace: string; fieldManager: string },
): KnativeObjects {
  const api = new CustomObjectsApi(configuration);
  const where = { group, version: 'v1', namespace, plural };
  const named = (name: string) => `${plural.slice(0, -1)}.${group} ${name}`;

  return {
    get: (name) => found(`reading ${named(name)}`, () => api.getNamespacedCustomObject({ ...where, name })),

    list: (labelSelector) =>
      answered(`listing ${plural}.${group} with ${labelSelector}`, async () => {
        const found: KnativeObject[] = [];
        let _continue: string | undefined;
        do {
          const query = { ...where, labelSelector, limit: PAGE, ...(_continue ? { _continue } : {}) };
          const { items, metadata } = (await api.listNamespacedCustomObject(query)) as Listed;
          found.push(...items);
          _continue = metadata?.continue;
        } while (_continue);
        return found;
      }),

    apply: (object) =>
      answered(`applying ${named(object.metadata.name)}`, () =>
        api.patchNamespacedCustomObject(
          { ...where, name: object.metadata.name, body: object, fieldManager, force: true },
          setHeaderOptions('Content-Type', PatchStrategy.ServerSideApply),
        ),
      ),

    patch: (name, patch) =>
      done(`changing ${named(name)}`, () =>
        api.patchNamespacedCustomObject(
          { ...where, name, body: patch, fieldManager },
          setHeaderOptions('Content-Type', PatchStrategy.MergePatch),
        ),
      ),

    remove: (name, version) =>
      done(`deleting ${named(name)}`, () =>
        api.deleteNamespacedCustomObject({
          ...where,
          name,
          body: { propagationPolicy: 'Background', ...(version ? { preconditions: version } : {}) },
        }),
      ),
  };
}
