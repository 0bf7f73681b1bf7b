/**
 * One parser's world in memory: S3, Kubernetes, and the events and objects that the handlers' tests are about, named by
 * their role.
 */

import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import type { V1Job } from '@kubernetes/client-node';
import type { BuildStartDependencies } from '#functions/build-start/dependencies.ts';
import { createPacking } from '#functions/build-start/packing.ts';
import { releaseJob } from '#shared/builds/release-job.ts';
import { terminalId } from '#shared/builds/terminal-event.ts';
import type { BuildComplete } from '#shared/events/build-complete.ts';
import type { JobStart } from '#shared/events/job-start.ts';
import { mergePatch } from '#shared/kubernetes/merge-patch.ts';
import { readBuild } from '#shared/specs/annotations.ts';
import { type KanikoJobSettings, kanikoJob } from '#shared/specs/kaniko-job.ts';
import { type FunctionSettings, knativeService } from '#shared/specs/knative-service.ts';
import { ADMISSION_LABEL } from '#shared/specs/labels.ts';
import { imageRepository, imageTag, jobName } from '#shared/specs/names.ts';
import { functionTrigger } from '#shared/specs/trigger.ts';
import { baseImages } from '#test/fakes/base-images.ts';
import { BUILDS_NAMESPACE, FUNCTIONS_NAMESPACE, InMemoryCluster } from '#test/fakes/cluster.ts';
import { InMemoryObjectStore } from '#test/fakes/object-store.ts';
import { received } from '#test/fakes/received.ts';
import { type Steps, stepped } from '#test/fakes/stepped.ts';

export const ACME = { third_party_id: 'acme', parser_id: 'p1' };
export const SOURCE_BUCKET = 'source';
export const TEMPORARY_BUCKET = 'tmp';
export const REGISTRY = 'registry.local/knative-lambda';
export const DIGEST = `sha256:${'d'.repeat(64)}`;

/** S3's clock, when nothing else is said; sources are older or newer than it. */
export const NOON = new Date('2026-01-02T12:00:00.000Z');
export const OLD = '2026-01-02T11:00:00.000Z';
export const MIDDLE = '2026-01-02T11:30:00.000Z';
export const NEW = '2026-01-02T11:45:00.000Z';

export const jobSettings: KanikoJobSettings = {
  registry: REGISTRY,
  buildsNamespace: BUILDS_NAMESPACE,
  builderImage: 'registry.local/builder',
  kanikoImage: 'registry.local/kaniko',
  temporaryBucket: TEMPORARY_BUCKET,
  region: 'eu-west-1',
  brokerUrl: 'http://broker',
  deadlineSeconds: 1800,
  resources: { requests: { cpu: '1', memory: '1Gi' }, limits: { cpu: '2', memory: '4Gi' } },
};

/** Of the whole cluster, and of one client. */
export const SLOTS = { limit: 10 };
export const LIMITS = { waiting: 100, perMinute: 100 };

export const functionSettings: FunctionSettings = {
  namespace: FUNCTIONS_NAMESPACE,
  progressDeadline: '120s',
  // So that there are Triggers to be wrong about.
  delivery: 'own',
};

/** 64 hex digits that stand for a content. */
export function keyOf(content: string): string {
  return Buffer.from(content).toString('hex').padEnd(64, '0').slice(0, 64);
}

export interface Asked {
  content?: string;
  observed_at?: string;
  id?: string;
  force?: boolean;
  parameters?: JobStart['parameters'];
  identity?: typeof ACME;
}

/** The data of a job.start as build-start would say it. */
export function jobStartData({
  content = 'one',
  observed_at = MIDDLE,
  force = false,
  parameters = {},
  identity = ACME,
}: Asked = {}): JobStart {
  const build_key = keyOf(content);
  return {
    ...identity,
    correlation_id: `correlation-${content}`,
    build_key,
    fingerprint: keyOf(`f-${content}`),
    observed_at,
    context: {
      bucket: TEMPORARY_BUCKET,
      key: `contexts/${identity.third_party_id}/${identity.parser_id}/${build_key}.tar.zst`,
      bytes: 100,
    },
    image: { repository: imageRepository(REGISTRY, identity), tag: imageTag(build_key) },
    language: 'node',
    priority: 5,
    force,
    parameters,
  };
}

export function jobStartEvent(asked: Asked = {}) {
  const data = jobStartData(asked);
  const { third_party_id, parser_id } = data;
  return received('job.start', data, {
    id: asked.id ?? `ask-${asked.content ?? 'one'}`,
    source: 'knative-lambda',
    subject: `${third_party_id}/${parser_id}`,
  });
}

export function nameOf(content = 'one', identity = ACME): string {
  return jobName(identity, keyOf(content));
}

export function imageOf(identity = ACME, digest = DIGEST): string {
  return `${imageRepository(REGISTRY, identity)}@${digest}`;
}

export class World {
  readonly cluster = new InMemoryCluster();
  readonly store = new InMemoryObjectStore(SOURCE_BUCKET, TEMPORARY_BUCKET);
  now = NOON;

  constructor() {
    this.store.date = NOON;
    this.cluster.now = NOON;
  }

  /** What handlers are given; with steps, each call of theirs passes the hooks. */
  deps(steps?: Steps) {
    return {
      store: steps ? stepped(this.store, steps) : this.store,
      cluster: steps ? stepped(this.cluster, steps) : this.cluster,
      temporaryBucket: TEMPORARY_BUCKET,
      imageRegistry: REGISTRY,
      slots: SLOTS,
      limits: LIMITS,
      tenantLimits: { functions: 100, minPods: 100 },
      now: () => this.now,
    };
  }

  /** A Job that runs. */
  async running(asked: Asked = {}): Promise<V1Job> {
    const admitted = { metadata: { labels: { [ADMISSION_LABEL]: 'admitted' } }, spec: { suspend: false } };
    await this.cluster.createJob(mergePatch(kanikoJob(jobStartEvent(asked), jobSettings), admitted) as V1Job);
    return (await this.cluster.getJob(nameOf(asked.content, asked.identity))) as V1Job;
  }

  async succeeded(asked: Asked = {}): Promise<V1Job> {
    await this.running(asked);
    this.cluster.succeed(nameOf(asked.content, asked.identity), DIGEST);
    return (await this.cluster.getJob(nameOf(asked.content, asked.identity))) as V1Job;
  }

  async failed(asked: Asked = {}): Promise<V1Job> {
    await this.running(asked);
    this.cluster.fail(nameOf(asked.content, asked.identity));
    return (await this.cluster.getJob(nameOf(asked.content, asked.identity))) as V1Job;
  }

  /** Its terminal event has been processed. */
  async released(job: V1Job): Promise<void> {
    await releaseJob(this.cluster, job, this.now);
  }

  /** Service and Trigger of a build, as build-complete applies them. */
  async deployed(asked: Asked = {}): Promise<void> {
    const build = readBuild(kanikoJob(jobStartEvent(asked), jobSettings));
    if (!build) {
      throw new Error('the Job has no build');
    }
    await this.cluster.applyService(knativeService(build, imageOf(asked.identity), functionSettings));
    await this.cluster.applyTrigger(functionTrigger(build, functionSettings));
  }

  buried(time: string, eventId = 'some-deletion'): void {
    this.store.put(
      TEMPORARY_BUCKET,
      'tombstones/acme/p1.json',
      JSON.stringify({ event_id: eventId, time, deleted: [], contexts: [], earlier: [] }),
    );
  }

  /** All that outlives the handlers, but for what each request was answered. */
  state(): object {
    const objects = this.store
      .keys(TEMPORARY_BUCKET)
      .filter((key) => !key.includes('/.staging-') && !key.startsWith('answers/'))
      .map((key) => [key, this.store.peek(TEMPORARY_BUCKET, key)?.toString('latin1')]);
    return { ...this.cluster.state(), objects: Object.fromEntries(objects) };
  }
}

/** A build.complete that claims success. */
export function successClaim(asked: Asked & Partial<BuildComplete> = {}) {
  const { content = 'one', observed_at = MIDDLE, id, identity = ACME, force: _force, ...claimed } = asked;
  const data: BuildComplete = {
    ...identity,
    correlation_id: `correlation-${content}`,
    status: 'success',
    build_key: keyOf(content),
    fingerprint: keyOf(`f-${content}`),
    image_uri: imageOf(identity),
    observed_at,
    cached: false,
    parameters: {},
    ...claimed,
  };
  return received('build.complete', data, {
    id: id ?? terminalId(`ask-${content}`),
    source: 'knative-lambda',
    subject: `${identity.third_party_id}/${identity.parser_id}`,
  });
}

/** A small Node parser, or the files given, where build-start looks for acme's p1. */
export function uploaded(
  world: World,
  files: Record<string, string> = { 'parser.mjs': 'export const handler = () => 1;\n' },
): World {
  for (const [path, content] of Object.entries(files)) {
    world.store.put(SOURCE_BUCKET, `global/parser/p1/${path}`, content);
  }
  return world;
}

const adapters = join(import.meta.dirname, '../../fixtures/adapters');

export function buildStartDependencies(world: World, steps?: Steps): BuildStartDependencies {
  return {
    store: world.deps(steps).store,
    settings: {
      maxBytes: 1_000_000,
      maxFiles: 100,
      baseImages,
      temporaryBucket: TEMPORARY_BUCKET,
      adapters,
    },
    sourceBucket: SOURCE_BUCKET,
    sourceBuckets: [],
    functionBounds: { cpu: '4', memory: '8Gi', pods: 100, minPods: 10 },
    buildsPerMinute: LIMITS.perMinute,
    sourcePrefix: 'global/parser/{parser_id}/',
    imageRegistry: REGISTRY,
    attemptId: randomUUID,
    pack: createPacking(),
    now: () => world.now,
  };
}
