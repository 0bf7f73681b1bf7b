/** A function as the API shows it: its Service, read. */
import type { V1Pod } from '@kubernetes/client-node';
import type { Build as BuildView, FunctionDetail, FunctionSummary, Version } from '#shared/api/schemas.ts';
import type { JobMetadata, KnativeObject } from '#shared/clients/cluster.ts';
import type { Identity } from '#shared/events/identity.ts';
import { firstSentence } from '#shared/explain/evidence.ts';
import { neverReadyOf } from '#shared/explain/never-ready.ts';
import { type Build, PROCESSED_ANNOTATION, readBuild, readEnded } from '#shared/specs/annotations.ts';
import { deliveryOf } from '#shared/specs/delivery.ts';
import { ADMISSION_LABEL } from '#shared/specs/labels.ts';
import { functionName } from '#shared/specs/names.ts';
import { reachableUrl } from '#shared/specs/service-url.ts';

const SERVICE_LABEL = 'serving.knative.dev/service';

interface Condition {
  type: string;
  status: string;
  reason?: string;
  message?: string;
}

export interface Snapshot {
  /** In the order of their ids. */
  functions: FunctionSummary[];
  running: BuildView[];
}

/** Undefined where the object is no function of ours. */
export function functionView(service: KnativeObject, pods: number): FunctionSummary | undefined {
  const build = readBuild(service);
  if (!build) {
    return undefined;
  }
  const { metadata, status = {} } = service;
  const { state, message: said } = stateOf(service);
  const message = said && (neverReadyOf(said, build.language) ?? said);
  return {
    ...identityOf(build),
    state,
    ...(message ? { message } : {}),
    service_name: metadata.name,
    ...(status.url ? optional('url', reachableUrl(status)) : {}),
    ...(status.latestReadyRevisionName ? { revision: status.latestReadyRevisionName } : {}),
    ...optional('image_uri', containerOf(service)?.image),
    language: build.language,
    delivery: deliveryOf(service) ?? 'own',
    pods,
    observed_at: build.observed_at,
    ...optional('created_at', metadata.creationTimestamp),
    last_build: deployedBuild(service, build),
  };
}

/** That of the version that is deployed: what is known where the history tells nothing newer. */
function deployedBuild(service: KnativeObject, build: Build): BuildView {
  return {
    ...identityOf(build),
    correlation_id: build.correlation_id,
    status: 'success',
    language: build.language,
    ...optional('image_uri', containerOf(service)?.image),
    started_at: build.observed_at,
  };
}

/** A function that is being built for the first time. */
export function futureView(build: BuildView): FunctionSummary {
  const identity = { third_party_id: build.third_party_id, parser_id: build.parser_id };
  return {
    ...identity,
    state: 'building',
    service_name: functionName(identity),
    ...optional('language', build.language),
    delivery: 'shared',
    last_build: build,
  };
}

/** A function whose builds have all failed. */
export function neverDeployedView(build: BuildView): FunctionSummary {
  const why = firstSentence(build.error_message ?? 'its log says why');
  return {
    ...futureView(build),
    state: 'failed',
    message: `its build failed, and there is no version yet: ${build.reason ?? 'BuildFailed'}: ${why}`,
  };
}

/** A build that has not ended; undefined where it has, or the Job is none of ours. */
export function runningBuild(job: JobMetadata): BuildView | undefined {
  const build = readBuild(job);
  const { annotations, labels, deletionTimestamp, creationTimestamp, name } = job.metadata ?? {};
  const isOver = annotations?.[PROCESSED_ANNOTATION] !== undefined || deletionTimestamp !== undefined;
  if (!build || isOver || readEnded(job)) {
    return undefined;
  }
  return {
    ...identityOf(build),
    correlation_id: build.correlation_id,
    status: labels?.[ADMISSION_LABEL] === 'waiting' ? 'queued' : 'running',
    language: build.language,
    path: 'job',
    ...optional('job_name', name),
    ...(creationTimestamp ? { started_at: new Date(creationTimestamp).toISOString() } : {}),
  };
}

export function settingsOf({ parameters }: Build): FunctionDetail['settings'] {
  const { language, handler, env = {}, secrets = [], scaling = {}, resources = {} } = parameters;
  const { timeout_seconds, concurrency, record } = parameters;
  return {
    ...optional('language', language),
    ...optional('handler', handler),
    env: Object.entries(env).map(([name, value]) => ({ name, value })),
    secrets: secrets.map(({ name, key, env: variable, file }) => ({
      name,
      key,
      ...optional('env', variable),
      ...optional('file', file),
    })),
    scaling,
    resources,
    ...optional('timeout_seconds', timeout_seconds),
    ...optional('concurrency', concurrency),
    ...optional('record', record),
  };
}

/** Newest first. */
export function versionsOf(service: KnativeObject, revisions: KnativeObject[]): Version[] {
  const { status = {} } = service;
  const build = readBuild(service);
  const current = containerOf(service)?.image;
  return revisions
    .toSorted((a, b) => createdAt(b) - createdAt(a) || (a.metadata.name < b.metadata.name ? 1 : -1))
    .map((revision): Version => {
      const ready = conditionsOf(revision).find(({ type }) => type === 'Ready');
      const image: string | undefined = revision.spec?.containers?.[0]?.image;
      return {
        revision: revision.metadata.name,
        ...optional('image_uri', image),
        created_at: new Date(createdAt(revision)).toISOString(),
        ...(build && image === current ? { observed_at: build.observed_at } : {}),
        ready: ready?.status === 'True',
        ...(ready?.status === 'False' ? optional('message', ready.message ?? ready.reason) : {}),
        traffic_percent: trafficOf(status, revision.metadata.name),
      };
    });
}

export function conditionsOf({ status }: KnativeObject): Condition[] {
  const conditions: Condition[] = status?.conditions ?? [];
  return conditions.map(({ type, status: value, reason, message }) => ({
    type,
    status: value,
    ...optional('reason', reason),
    ...optional('message', message),
  }));
}

/** Pods of each Service that are not on their way out. */
export function podsByService(pods: V1Pod[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { metadata } of pods) {
    const name = metadata && serviceOfPod({ metadata });
    if (name && metadata?.deletionTimestamp === undefined) {
      counts.set(name, (counts.get(name) ?? 0) + 1);
    }
  }
  return counts;
}

export function serviceOfPod({ metadata }: Pick<V1Pod, 'metadata'>): string | undefined {
  return metadata?.labels?.[SERVICE_LABEL];
}

export function podsSelector(service: string): string {
  return `${SERVICE_LABEL}=${service}`;
}

/** For fields that may be missing, but not undefined. */
export function optional<Name extends string, Value>(name: Name, value: Value | undefined): { [Each in Name]?: Value } {
  return (value === undefined || value === '' ? {} : { [name]: value }) as { [Each in Name]?: Value };
}

function identityOf({ third_party_id, parser_id }: Identity): Identity {
  return { third_party_id, parser_id };
}

/** Serving says in ConfigurationsReady why a revision fails, and in Ready only that none is there. */
function stateOf(service: KnativeObject): Pick<FunctionSummary, 'state' | 'message'> {
  if (service.metadata.deletionTimestamp !== undefined) {
    return { state: 'deleting' };
  }
  const conditions = conditionsOf(service);
  const named = (type: string) => conditions.find((condition) => condition.type === type);
  const isCurrent = (service.status?.observedGeneration ?? 0) >= (service.metadata.generation ?? 0);
  const ready = named('Ready');
  const said = [named('ConfigurationsReady'), ready].find((one) => one?.status === 'False' && one.message);
  if (ready?.status === 'True' && isCurrent) {
    return { state: 'ready' };
  }
  return ready?.status === 'False' && isCurrent
    ? { state: 'failed', ...optional('message', said?.message) }
    : { state: 'starting', ...optional('message', ready?.message) };
}

/** Where the status names no shares, as on a laptop, the latest ready revision has all. */
function trafficOf(status: KnativeObject['status'], revision: string): number {
  const traffic: { revisionName?: string; percent?: number }[] | undefined = status?.traffic;
  if (!traffic) {
    return status?.latestReadyRevisionName === revision ? 100 : 0;
  }
  return traffic
    .filter(({ revisionName }) => revisionName === revision)
    .reduce((sum, { percent = 0 }) => sum + percent, 0);
}

function containerOf(service: KnativeObject): { image?: string } | undefined {
  return service.spec?.template?.spec?.containers?.[0];
}

function createdAt({ metadata }: KnativeObject): number {
  return Date.parse(metadata.creationTimestamp ?? '') || 0;
}
