/** Reports that a function is ready, or has failed, by the conditions of its Knative Service. */
import * as z from 'zod';
import type { Cluster } from '#shared/clients/cluster.ts';
import { deriveId, type NewEvent } from '#shared/events/event.ts';
import { subjectOf } from '#shared/events/identity.ts';
import type { FunctionFailed } from '#shared/events/lifecycle.ts';
import { type Build, readBuild } from '#shared/specs/annotations.ts';
import { DELIVERY_ANNOTATION, LONGEST_SHARED_CALL } from '#shared/specs/delivery.ts';
import { isManaged } from '#shared/specs/labels.ts';
import { reachableUrl } from '#shared/specs/service-url.ts';
import { type ChangedObject, changedObject } from './changed-object.ts';

// The parts of a Service that are read here.
const serviceSpec = z.object({
  template: z.object({ spec: z.object({ containers: z.array(z.object({ image: z.string() })).min(1) }) }),
});
const serviceStatus = z.object({
  observedGeneration: z.int().optional(),
  latestCreatedRevisionName: z.string(),
  latestReadyRevisionName: z.string().optional(),
  url: z.string().optional(),
  address: z.object({ url: z.string().optional() }).optional(),
  conditions: z.array(z.object({ type: z.string(), status: z.string(), message: z.string().optional() })),
});

/** The scheduler's message. It retries until the progress deadline, after which the message is another one. */
const WAITS_FOR_A_NODE = /\b\d+\/\d+ nodes are available/;

export type ReadinessEvent = 'lifecycle.function.ready' | 'lifecycle.function.failed';

/** Anybody can send a changed object, so the Service is read again. The event alone tells whether that is worth it. */
export async function confirmedReadiness(
  changed: ChangedObject,
  cluster: Pick<Cluster, 'getService'>,
): Promise<NewEvent<ReadinessEvent> | undefined> {
  if (!functionReadiness(changed)) {
    return undefined;
  }
  const service = changedObject.safeParse(await cluster.getService(changed.metadata.name)).data;
  return service && functionReadiness(service);
}

/** Undefined while the state may still change, and where the status belongs to an older generation than the spec. */
export function functionReadiness(service: ChangedObject): NewEvent<ReadinessEvent> | undefined {
  const build = readBuild(service);
  const spec = serviceSpec.safeParse(service.spec).data;
  const status = serviceStatus.safeParse(service.status).data;
  const { metadata } = service;
  if (!isManaged(service) || !build || !spec || !status || metadata.deletionTimestamp) {
    return undefined;
  }
  if (status.observedGeneration !== undefined && status.observedGeneration !== metadata['generation']) {
    return undefined;
  }
  const revision = status.latestCreatedRevisionName;
  const conditionOf = (type: string) => status.conditions.find((condition) => condition.type === type);
  const ready = conditionOf('Ready');
  const about = {
    third_party_id: build.third_party_id,
    parser_id: build.parser_id,
    correlation_id: build.correlation_id,
    service_name: metadata.name,
    revision,
    image_uri: spec.template.spec.containers[0]?.image ?? '',
  };
  // Kubernetes sends the same state many times. The id makes sure that a revision is reported ready once, and failed
  // once.
  const attributes = (type: ReadinessEvent) => ({
    id: deriveId(type, metadata.uid, revision),
    subject: subjectOf(build),
    correlationId: build.correlation_id,
    causationId: build.event_id,
    ...(build.traceparent ? { traceparent: build.traceparent } : {}),
  });
  if (ready?.status === 'True' && status.latestReadyRevisionName === revision && !awaitsItsQueue(service, build)) {
    const type = 'lifecycle.function.ready';
    return { ...attributes(type), type, data: { ...about, url: reachableUrl(status) ?? '' } };
  }
  // The condition Ready alone is not enough: it may be false because of the route, which Knative retries.
  const configured = conditionOf('ConfigurationsReady');
  if (ready?.status === 'False' && configured?.status === 'False' && !WAITS_FOR_A_NODE.test(configured.message ?? '')) {
    const { message } = configured;
    const type = 'lifecycle.function.failed';
    const data: FunctionFailed = {
      ...about,
      reason: 'FunctionNotReady',
      error_message: `revision ${revision} does not become ready: ${message ?? 'Knative gives no reason'} Mend the code and send build.start again; \`kubectl describe ksvc ${metadata.name}\` shows more`,
    };
    return { ...attributes(type), type, data };
  }
  return undefined;
}

/**
 * Until its own queue is bound, a function is called by the way that all share, and so without delay. Only the longest
 * calls find no room there. The annotation says when the queue is bound: that is a change of the Service.
 */
function awaitsItsQueue(service: ChangedObject, { parameters }: Build): boolean {
  return (
    (parameters.timeout_seconds ?? 0) > LONGEST_SHARED_CALL &&
    service.metadata.annotations?.[DELIVERY_ANNOTATION] === 'shared'
  );
}
