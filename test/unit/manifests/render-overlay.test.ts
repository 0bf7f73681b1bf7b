/** The overlays as we render them are those that kubectl renders, and what we do not understand is an error. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parseDocuments } from '#shared/manifests/read-documents.ts';
import { renderOverlay } from '#shared/manifests/render-overlay.ts';

const root = new URL('../../../', import.meta.url).pathname;
const hasKubectl = spawnSync('kubectl', ['version', '--client']).status === 0;

function byId(objects: ReturnType<typeof renderOverlay>) {
  return Object.fromEntries(
    objects.map((object) => [`${object.kind} ${object.metadata.namespace ?? ''}/${object.metadata.name}`, object]),
  );
}

describe.each(['local', 'dev'])('overlay %s', (environment) => {
  const folder = join(root, 'eventing/overlays', environment);

  test.skipIf(!hasKubectl)('is what kubectl kustomize makes of it', () => {
    const expected = parseDocuments(execFileSync('kubectl', ['kustomize', folder], { encoding: 'utf8' }), 'kubectl');

    expect(byId(renderOverlay(folder))).toEqual(byId(expected));
  });
});

describe('a kustomization', () => {
  let folder: string;
  const configMap =
    'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: c, labels: { a: b } }\ndata: { one: "1", two: "2" }\n';
  const file = (name: string, text: string) => writeFileSync(join(folder, name), text);

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'overlay-'));
    file('c.yaml', configMap);
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  test.each([
    { case: 'a generator', text: 'configMapGenerator: [{ name: x }]', says: 'configMapGenerator' },
    { case: 'a name prefix', text: 'namePrefix: x-\nresources: [c.yaml]', says: 'namePrefix' },
    { case: 'a remote resource', text: 'resources: ["https://example.org/x.yaml"]', says: 'must be local' },
    {
      case: 'a target by regular expression',
      text: 'resources: [c.yaml]\npatches: [{ target: { name: "c.*" }, patch: "[]" }]',
      says: 'regular expressions',
    },
    {
      case: 'a JSON patch without target',
      text: 'resources: [c.yaml]\npatches: [{ patch: "[{op: remove, path: /data/one}]" }]',
      says: 'needs a target',
    },
    {
      case: 'a patch of nothing',
      text: 'resources: [c.yaml]\npatches: [{ target: { name: d }, patch: "[]" }]',
      says: 'finds no object',
    },
    {
      case: 'a patch of a missing field',
      text: 'resources: [c.yaml]\npatches: [{ target: { name: c }, patch: "[{op: replace, path: /data/three/four, value: 1}]" }]',
      says: 'ConfigMap c',
    },
    {
      case: 'a list in a merge patch',
      text: 'resources: [c.yaml]\npatches: [{ patch: "{apiVersion: v1, kind: ConfigMap, metadata: {name: c}, data: [1]}" }]',
      says: 'lists in a merge patch',
    },
    {
      case: 'a patch directive',
      text: 'resources: [c.yaml]\npatches: [{ patch: "{apiVersion: v1, kind: ConfigMap, metadata: {name: c}, $patch: replace}" }]',
      says: '$patch',
    },
    {
      case: 'both path and patch',
      text: 'resources: [c.yaml]\npatches: [{ path: c.yaml, patch: "[]" }]',
      says: 'one of path and patch',
    },
    { case: 'an object twice', text: 'resources: [c.yaml, d.yaml]', says: 'there are two' },
    { case: 'a kind nobody knows, placed', text: 'namespace: n\nresources: [e.yaml]', says: 'no example.org/v1 Thing' },
  ])('refuses $case', ({ text, says }) => {
    file('d.yaml', configMap);
    file('e.yaml', 'apiVersion: example.org/v1\nkind: Thing\nmetadata: { name: t }\n');
    file('kustomization.yaml', text);

    expect(() => renderOverlay(folder)).toThrow(says);
  });

  test('places what is namespaced, renames the Namespace, and patches by label, by null and by path', () => {
    mkdirSync(join(folder, 'base'));
    file('base/kustomization.yaml', 'resources: [../c.yaml, n.yaml]');
    file('base/n.yaml', 'apiVersion: v1\nkind: Namespace\nmetadata: { name: base }\n');
    file(
      'kustomization.yaml',
      `namespace: prod
resources: [base]
patches:
  - target: { kind: ConfigMap, labelSelector: a=b }
    patch: |-
      - { op: add, path: /metadata/annotations, value: { x~y/z: "1" } }
      - { op: replace, path: /metadata/annotations/x~0y~1z, value: "2" }
  - patch: |-
      apiVersion: v1
      kind: ConfigMap
      metadata: { name: c }
      data: { one: null, three: "3" }
`,
    );

    expect(renderOverlay(folder)).toEqual([
      {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name: 'c', namespace: 'prod', labels: { a: 'b' }, annotations: { 'x~y/z': '2' } },
        data: { two: '2', three: '3' },
      },
      { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'prod' } },
    ]);
  });
});
