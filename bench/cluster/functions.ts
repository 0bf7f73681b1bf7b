/**
 * Functions to call: of one image that the deployment has built, and of the product's own specs. They are not built
 * one by one, so that hundreds of them take minutes.
 */
import type { V1OwnerReference } from '@kubernetes/client-node';
import type { KnativeObject } from '#shared/clients/cluster.ts';
import { type Identity, subjectOf } from '#shared/events/identity.ts';
import type { Delivery, Parameters } from '#shared/events/parameters.ts';
import { type Build, readBuild } from '#shared/specs/annotations.ts';
import { DELIVERY_ANNOTATION } from '#shared/specs/delivery.ts';
import { knativeService } from '#shared/specs/knative-service.ts';
import { functionName } from '#shared/specs/names.ts';
import { functionTrigger } from '#shared/specs/trigger.ts';
import { waitUntil } from '#test/contract/wait-until.ts';
import { deploy } from './deploy.ts';
import type { ClusterUnderTest } from './open-cluster.ts';
import { BEHAVES } from './sources.ts';

/** What one function's Service is made of. */
export interface Template {
  build: Build;
  image: string;
}

export interface CalledFunction {
  service: string;
  subject: string;
}

/**
 * How a function's calls reach it. `legacy`: by a Trigger of its own that posts to the function, as every function had
 * before there was a door.
 */
export type Way = Delivery | 'legacy';

/** The node is to have room for many of them. */
const SMALL = { requests: { cpu: '10m', memory: '32Mi' } };
const SERVING = 'serving.knative.dev/v1';
const EVENTING = 'eventing.knative.dev/v1';
const READY_SECONDS = 240;

/** Builds the image by a build.start. */
export async function buildTemplate(cluster: ClusterUnderTest): Promise<Template> {
  console.error('building the image of the functions …');
  const { service } = await deploy(cluster, cluster.identity('bench-calls'), BEHAVES);
  await waitForReady(cluster, { apiVersion: SERVING, kind: 'Service', name: service });
  const object = await read(cluster, service);
  const build = readBuild(object);
  const image = object.spec.template.spec.containers[0]?.image;
  if (!build || !image) {
    throw new Error(`Service ${service} has no build, or no image`);
  }
  return { build, image };
}

export interface Wanted {
  identity: Identity;
  way?: Way;
  parameters?: Parameters;
  /** Of Knative's autoscaler: how long it looks back before it scales to zero. */
  window?: string;
}

/** Applies the Service, and the Trigger where it has one, without waiting for either. */
export async function createFunction(
  { objects, platform, config }: ClusterUnderTest,
  { build, image }: Template,
  { wanted, owner }: { wanted: Wanted; owner: V1OwnerReference },
): Promise<CalledFunction> {
  const { identity, way = 'shared', parameters = {}, window } = wanted;
  const { namespace } = platform;
  const asked = { resources: SMALL, ...parameters, ...(way === 'legacy' ? {} : { delivery: way }) };
  const own: Build = { ...build, ...identity, parameters: asked };
  const progressDeadline = config['FUNCTION_PROGRESS_DEADLINE'] ?? '120s';
  const service = knativeService(own, image, { namespace, progressDeadline }) as FunctionService;
  const { metadata, spec } = service;
  metadata['ownerReferences'] = [owner];
  metadata.annotations = { ...metadata.annotations, [DELIVERY_ANNOTATION]: way };
  if (way === 'legacy') {
    delete metadata.annotations[DELIVERY_ANNOTATION];
    // So that nobody migrates it.
    metadata.labels = { 'networking.knative.dev/visibility': 'cluster-local' };
  }
  if (window) {
    Object.assign(spec.template.metadata.annotations, { 'autoscaling.knative.dev/window': window });
  }
  const called = { service: functionName(identity), subject: subjectOf(identity) };
  await objects.create(service as never);
  if (way === 'legacy') {
    await objects.create(legacyTrigger(called, { namespace, owner }) as never);
  } else if (way === 'own') {
    const { metadata, ...trigger } = functionTrigger(own, { namespace });
    await objects.create({ ...trigger, metadata: { ...metadata, ownerReferences: [owner] } } as never);
  }
  return called;
}

/** All of them at once, once all are Ready. */
export async function createFunctions(
  cluster: ClusterUnderTest,
  template: Template,
  { wanted, owner }: { wanted: Wanted[]; owner: V1OwnerReference },
): Promise<CalledFunction[]> {
  const called = await Promise.all(wanted.map((one) => createFunction(cluster, template, { wanted: one, owner })));
  for (const [index, one] of called.entries()) {
    await waitForFunction(cluster, one, wanted[index]?.way);
  }
  return called;
}

/** Until the Service is Ready, and the Trigger where it has one. */
export async function waitForFunction(
  cluster: ClusterUnderTest,
  { service }: CalledFunction,
  way: Way = 'shared',
): Promise<void> {
  await waitForReady(cluster, { apiVersion: SERVING, kind: 'Service', name: service });
  if (way !== 'shared') {
    await waitForReady(cluster, { apiVersion: EVENTING, kind: 'Trigger', name: service });
  }
}

export async function deleteFunctions({ objects, platform }: ClusterUnderTest, all: CalledFunction[]): Promise<void> {
  const { namespace } = platform;
  for (const { service: name } of all) {
    await objects
      .delete({ apiVersion: SERVING, kind: 'Service', metadata: { name, namespace } })
      .catch(() => undefined);
    await objects
      .delete({ apiVersion: EVENTING, kind: 'Trigger', metadata: { name, namespace } })
      .catch(() => undefined);
  }
}

/** Of a function of an installation without a door. */
function legacyTrigger(
  { service: name, subject }: CalledFunction,
  { namespace, owner }: { namespace: string; owner: V1OwnerReference },
): KnativeObject {
  const annotations = {
    parallelism: '50',
    'cpu-request': '10m',
    'memory-request': '24Mi',
    'cpu-limit': '1',
    'memory-limit': '256Mi',
  };
  const prefixed = Object.entries(annotations).map(([key, value]) => [`rabbitmq.eventing.knative.dev/${key}`, value]);
  return {
    apiVersion: EVENTING,
    kind: 'Trigger',
    metadata: { name, namespace, annotations: Object.fromEntries(prefixed), ownerReferences: [owner] },
    spec: {
      broker: 'default',
      filter: { attributes: { type: 'parser.start', subject } },
      subscriber: { ref: { apiVersion: SERVING, kind: 'Service', name } },
    },
  };
}

interface FunctionService extends KnativeObject {
  spec: {
    template: {
      metadata: { annotations: Record<string, string> };
      spec: { containers: { image?: string }[] };
    };
  };
}

async function read({ objects, platform }: ClusterUnderTest, name: string): Promise<FunctionService> {
  const metadata = { name, namespace: platform.namespace };
  return (await objects.read({ apiVersion: SERVING, kind: 'Service', metadata })) as unknown as FunctionService;
}

async function waitForReady(
  cluster: ClusterUnderTest,
  { apiVersion, kind, name }: { apiVersion: string; kind: string; name: string },
): Promise<void> {
  const { objects, platform } = cluster;
  const metadata = { name, namespace: platform.namespace };
  await waitUntil(
    `${kind} ${name} to be Ready (kubectl describe ${kind} -n ${platform.namespace} ${name})`,
    async () => isReady(await objects.read({ apiVersion, kind, metadata })),
    { seconds: READY_SECONDS, every: 500 },
  );
}

function isReady(object: object): boolean {
  const { status } = object as { status?: { conditions?: { type: string; status: string }[] } };
  return status?.conditions?.some((condition) => condition.type === 'Ready' && condition.status === 'True') ?? false;
}
