/** Composes what is applied for an environment: its overlay, its settings over it, and the builder's functions. */
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { V1EnvVar, V1Volume } from '@kubernetes/client-node';
import { stringify } from 'yaml';
import { mergePatch } from '#shared/kubernetes/merge-patch.ts';
import type { KubeObject } from '#shared/kubernetes/object.ts';
import { builderServices, functionPatch } from '#shared/manifests/builder-services.ts';
import { renderOverlay } from '#shared/manifests/render-overlay.ts';
import { REGISTRY_SECRET } from '#shared/specs/build-pod/settings.ts';
import { CA_DIRECTORY, registrySecret, trustedAuthorities } from '#shared/specs/build-pod/volumes.ts';
import type { Environment } from './environment.ts';
import { changedPolicies } from './network-policies.ts';
import { RABBITMQ_SECRET } from './secrets.ts';
import type { Settings } from './settings.ts';

const CONFIG = 'knative-lambda-config';
/** The function that makes all calls. */
export const DOOR = 'parser-events';
/** The function that puts images together, and pushes them. */
const ASSEMBLER = 'build-start';
const REGISTRY_CREDENTIALS = '/knative-lambda-registry';

export interface Composition {
  /** The ConfigMap's content as the functions get it. */
  config: Record<string, string>;
  /** JSON patch of a builder function's Service: what its files say, and the settings' checksum. */
  patchOf: (name: string) => unknown[];
  /** The builder functions' Services, patched. */
  services: KubeObject[];
  /** Kustomize's patches, in its own format. */
  patches: unknown[];
}

/** The ConfigMap as a rendered overlay has it. */
export function configOf(overlay: KubeObject[]): Record<string, string> {
  return find(overlay, 'ConfigMap', CONFIG)?.['data'] ?? {};
}

/** `overlay`: the environment's, rendered. */
export function compose(
  root: string,
  environment: Environment,
  overlay: KubeObject[],
  settings: Settings,
  image: string,
): Composition {
  const change = { ...settings.config, BUILDER_IMAGE: image };
  const config = mergePatch(configOf(overlay), change) as Record<string, string>;
  const value = checksum(config, settings);
  const annotation = { op: 'add', path: '/spec/template/metadata/annotations/knative-lambda~1config', value };
  const awake = { op: 'add', path: '/spec/template/metadata/annotations/autoscaling.knative.dev~1min-scale' };
  const minScale = settings.doorMinScale ?? (environment.name === 'dev' ? 0 : 1);
  const patchOf = (name: string) => [
    ...functionPatch(root, name),
    annotation,
    ...mounted(name, settings),
    ...(name === DOOR ? [{ ...awake, value: String(minScale) }] : []),
  ];
  return {
    config,
    patchOf,
    services: builderServices(root, { namespace: environment.namespace, image, patchOf }).map(withoutBuildTime),
    patches: [
      configPatch(environment, change),
      ...rabbitmqPatches(environment, settings),
      ...networkPatches(environment, overlay, config, settings),
      ...registryPatches(settings),
    ],
  };
}

/** Writes .deploy/<env>/ and returns the objects that `kubectl apply -k` applies from it. */
export function writeComposition(
  environment: Environment,
  { patches, services }: Composition,
  { withFunctions }: { withFunctions: boolean },
): KubeObject[] {
  const { folder, name, overlay } = environment;
  const kustomization = {
    apiVersion: 'kustomize.config.k8s.io/v1beta1',
    kind: 'Kustomization',
    resources: [relative(folder, overlay), ...(withFunctions ? ['functions.yaml'] : [])],
    patches,
  };
  const header = `# Composed by \`make deploy ENV=${name}\` and \`make manifests ENV=${name}\`, each time anew: change the settings or the overlay instead.\n`;
  mkdirSync(folder, { recursive: true });
  if (withFunctions) {
    const documents = services.map((service) => stringify(service, { lineWidth: 0, aliasDuplicateObjects: false }));
    writeFileSync(join(folder, 'functions.yaml'), `${header}${documents.join('---\n')}`);
  }
  writeFileSync(join(folder, 'kustomization.yaml'), `${header}${stringify(kustomization, { lineWidth: 0 })}`);
  return renderOverlay(folder);
}

/**
 * Functions read the ConfigMap when their pods start, so a busy revision would keep old values. With this checksum in
 * its template a changed setting makes a new revision. Of the Secret only the key's id is in it, because annotations
 * are no secret.
 */
function checksum(config: Record<string, string>, { s3 }: Settings): string {
  const content = [Object.entries(config).sort(([a], [b]) => (a < b ? -1 : 1)), s3?.AWS_ACCESS_KEY_ID ?? ''];
  return createHash('sha256').update(JSON.stringify(content)).digest('hex').slice(0, 16);
}

/** What a builder function reads from files: func.yaml can't say that a Secret may be missing. */
function mounted(name: string, { caConfigMap }: Settings): unknown[] {
  const files: { volume: V1Volume; mountPath: string; env: V1EnvVar }[] = [
    // An operator's authorities: Node adds them to those that it knows.
    ...trustedAuthorities({ caConfigMap }).map((env) => ({
      volume: { name: 'authorities', configMap: { name: caConfigMap ?? '' } },
      mountPath: CA_DIRECTORY,
      env,
    })),
    ...(name === ASSEMBLER
      ? [
          {
            volume: registrySecret,
            mountPath: REGISTRY_CREDENTIALS,
            env: { name: 'DOCKER_CONFIG', value: REGISTRY_CREDENTIALS },
          },
        ]
      : []),
  ];
  const at = '/spec/template/spec';
  const mounts = files.map(({ volume, mountPath }) => ({ name: volume.name, mountPath, readOnly: true }));
  return files.length === 0
    ? []
    : [
        { op: 'add', path: `${at}/volumes`, value: files.map(({ volume }) => volume) },
        { op: 'add', path: `${at}/containers/0/volumeMounts`, value: mounts },
        ...files.map(({ env }) => ({ op: 'add', path: `${at}/containers/0/env/-`, value: env })),
      ];
}

/** func's BUILT is the time of the deployment: it would make each rendering a new revision. */
function withoutBuildTime(service: KubeObject): KubeObject {
  const result = structuredClone(service);
  for (const container of result['spec'].template.spec.containers) {
    container.env = container.env.filter(({ name }: { name: string }) => name !== 'BUILT');
  }
  return result;
}

function configPatch({ namespace }: Environment, data: Record<string, string | null>) {
  return merge({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: CONFIG, namespace }, data });
}

function rabbitmqPatches({ namespace }: Environment, { rabbitmq }: Settings): unknown[] {
  if (!rabbitmq) {
    return [];
  }
  const metadata = { name: 'rabbitmq', namespace };
  const server = { name: 'rabbitmq-server', namespace };
  const spec = { rabbitmqClusterReference: { name: null, connectionSecret: { name: RABBITMQ_SECRET } } };
  return [
    merge({ $patch: 'delete', apiVersion: 'rabbitmq.com/v1beta1', kind: 'RabbitmqCluster', metadata }),
    merge({ $patch: 'delete', apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy', metadata: server }),
    merge({ apiVersion: 'eventing.knative.dev/v1alpha1', kind: 'RabbitmqBrokerConfig', metadata, spec }),
    merge({ apiVersion: 'rabbitmq.com/v1beta1', kind: 'Policy', metadata: { name: 'dead-letters', namespace }, spec }),
  ];
}

function networkPatches(
  environment: Environment,
  overlay: KubeObject[],
  config: Record<string, string>,
  settings: Settings,
): unknown[] {
  return changedPolicies(environment, overlay, config, settings).map(({ policy: { kind, metadata }, spec }) =>
    json({ kind, name: metadata.name, namespace: metadata.namespace ?? '' }, [
      { op: 'replace', path: '/spec', value: spec },
    ]),
  );
}

/** All pods of both namespaces pull with it, the users' functions included. */
function registryPatches({ registryConfig }: Settings): unknown[] {
  const value = [{ name: REGISTRY_SECRET }];
  return registryConfig === undefined
    ? []
    : [json({ kind: 'ServiceAccount' }, [{ op: 'add', path: '/imagePullSecrets', value }])];
}

function merge(patch: unknown) {
  return { patch: stringify(patch) };
}

function json(target: Record<string, string>, operations: unknown[]) {
  return { target, patch: stringify(operations) };
}

function find(objects: KubeObject[], kind: string, name: string): KubeObject | undefined {
  return objects.find((object) => object.kind === kind && object.metadata.name === name);
}
