/** What must hold when nothing fails any more and everything has settled. */
import { awaitsTerminalEvent, isFinished } from '#shared/builds/job-state.ts';
import type { KnativeObject } from '#shared/clients/cluster.ts';
import type { BuildComplete } from '#shared/events/build-complete.ts';
import { deriveId } from '#shared/events/event.ts';
import { type Identity, subjectOf } from '#shared/events/identity.ts';
import type { Delivery } from '#shared/events/parameters.ts';
import { isOf, readBuild } from '#shared/specs/annotations.ts';
import { deliveryOf, isOwnTrigger, UNUSED_SINCE, wantedDelivery } from '#shared/specs/delivery.ts';
import { functionName } from '#shared/specs/names.ts';
import { FUNCTIONS_NAMESPACE, type InMemoryCluster, LEASES, SERVICES, TRIGGERS } from '#test/fakes/cluster.ts';
import type { InMemoryObjectStore } from '#test/fakes/object-store.ts';
import type { InMemoryRegistry } from '#test/fakes/oci-registry.ts';
import type { Delivery as BrokerDelivery, SimulatedBroker } from './broker.ts';
import { callViolations } from './call-invariants.ts';
import type { Door } from './door.ts';
import type { Ledger, Request } from './ledger.ts';
import { manifestIn } from './registry.ts';
import { BASE_IMAGE, TEMPORARY_BUCKET } from './settings.ts';
import type { Violation } from './violation.ts';

export interface Settled {
  ledger: Ledger;
  cluster: InMemoryCluster;
  store: InMemoryObjectStore;
  broker: SimulatedBroker;
  identities: Identity[];
  /** The digests of all images that were pushed. */
  pushed: ReadonlySet<string>;
  registry: InMemoryRegistry;
  /** FUNCTION_DELIVERY. */
  delivery: Delivery;
  door: Door;
}

export function violationsOf(settled: Settled): Violation[] {
  return [
    ...oneEnd(settled),
    ...noOrphans(settled),
    ...settled.identities.flatMap((identity) => newestDeployed(identity, settled)),
    ...successesDeployed(settled),
    ...nothingVanished(settled),
    ...noFalseSuccess(settled),
    ...oneCode(settled),
    ...callViolations({ ...settled, calls: settled.ledger.calls }),
  ];
}

/**
 * Whether an end was processed is not checked here: `orphans` finds the Job or the request that is left where it was
 * not.
 */
function oneEnd({ ledger, broker }: Settled): Violation[] {
  return [...ledger.requests.values()].flatMap((request) => {
    const ends = new Map(request.ends);
    const answered = ledger.answered(request);
    if (answered !== undefined && !ends.has(answered)) {
      ends.set(answered, 'kept as its answer');
    }
    if (ledger.endings.has(request.own) && !ends.has(request.own)) {
      ends.set(request.own, 'told as its own');
    }
    for (const [end, { told }] of ledger.endings) {
      if (!ends.has(end) && told.some(({ correlation_id }) => correlation_id === request.correlation)) {
        ends.set(end, 'told under its correlation id');
      }
    }
    const found = [...ends].map(([end, by]) => `${end.slice(0, 12)} (${by})`).join(' and ');
    if (ends.size === 0 && isLostUnseen(request, broker)) {
      return [];
    }
    if (ends.size !== 1) {
      return [{ invariant: 'one', what: `${request.id} has ${ends.size} ends: ${found}` }];
    }
    const [end = ''] = ends.keys();
    return ledger.endings.has(end)
      ? []
      : [{ invariant: 'one', what: `the end of ${request.id} was never told: ${found}` }];
  });
}

/**
 * The exceptions to the promise. Only its sender knows of an event that the Broker loses before build-start has kept
 * it. Where S3 is away at all tries of the Broker, the event is kept as a dead letter, which a person replays:
 * `vanished` finds it where it is not.
 */
function isLostUnseen({ id }: Request, { deliveries }: SimulatedBroker): boolean {
  return deliveries
    .filter(({ subscription, message }) => subscription.name === 'build-start' && message.headers['ce-id'] === id)
    .every(({ state }) => state === 'lost by the Broker' || state === 'dead-lettered');
}

function noOrphans({ cluster, store, delivery }: Settled): Violation[] {
  const { storage } = cluster;
  const jobs = cluster.jobs.values();
  const lease = storage.get(LEASES, 'builds', 'admission')?.metadata.annotations?.['knative-lambda/granted'] ?? '[]';
  const left = [
    ...triggersAlone(storage).map((name) => `Trigger ${name} has no Service`),
    ...storage.list(SERVICES, { namespace: FUNCTIONS_NAMESPACE }).flatMap((service) => {
      const trigger = storage.get(TRIGGERS, FUNCTIONS_NAMESPACE, service.metadata.name);
      return wrongQueue(service as KnativeObject, trigger as KnativeObject | undefined, delivery);
    }),
    ...jobs.filter(awaitsTerminalEvent).map((job) => `Job ${job.metadata?.name} still has its finalizer`),
    ...jobs.filter((job) => !isFinished(job)).map((job) => `Job ${job.metadata?.name} has not ended`),
    ...store.keys(TEMPORARY_BUCKET, 'requests/').map((key) => `${key} is still pending`),
    ...(JSON.parse(lease) as { name: string; uid: string }[])
      .filter(({ uid }) => jobs.some((job) => job.metadata?.uid === uid && !isFinished(job)))
      .map(({ name }) => `${name} was granted a slot and does not run`),
  ];
  return left.map((what) => ({ invariant: 'orphans', what }));
}

/** Names of Triggers without their Service: sweep keeps each for some minutes, for what waits in its queue. */
export function triggersAlone(storage: InMemoryCluster['storage']): string[] {
  const namesOf = (resource: string) =>
    storage.list(resource, { namespace: FUNCTIONS_NAMESPACE }).map(({ metadata }) => metadata.name);
  const services = new Set(namesOf(SERVICES));
  return namesOf(TRIGGERS).filter((name) => !services.has(name));
}

/** Where the calls of a function go, and where they should. */
function wrongQueue(service: KnativeObject, trigger: KnativeObject | undefined, otherwise: Delivery): string[] {
  const { name } = service.metadata;
  const build = readBuild(service);
  const stated = deliveryOf(service);
  if (!build || !stated) {
    return [];
  }
  const isOld = trigger !== undefined && !isOwnTrigger(trigger);
  const wanted = isOld ? 'shared' : wantedDelivery(build.parameters, otherwise);
  const isRetired = trigger?.metadata.annotations?.[UNUSED_SINCE] !== undefined;
  return [
    ...(stated === wanted ? [] : [`the calls of ${name} go by the ${stated} queue; they should by the ${wanted} one`]),
    ...(wanted === 'own' && trigger === undefined ? [`Service ${name} has no Trigger`] : []),
    ...(wanted === 'own' && isRetired ? [`Trigger ${name} is retired, but it is used`] : []),
    ...(wanted === 'shared' && trigger && !isRetired ? [`Trigger ${name} is not used, and is not retired`] : []),
  ];
}

function newestDeployed(identity: Identity, { ledger, cluster, store }: Settled): Violation[] {
  const name = functionName(identity);
  const service = cluster.storage.get(SERVICES, FUNCTIONS_NAMESPACE, name);
  const image = service?.['spec'].template.spec.containers[0].image as string | undefined;
  const isOfParser = (data: Identity) => subjectOf(data) === subjectOf(identity);
  const successes = [...ledger.deployed.values()].filter(
    (one) => isOfParser(one) && one.observed > deletedAt(identity, store),
  );
  const newest = Math.max(...successes.map(({ observed }) => observed));
  const allowed = successes.filter(({ observed }) => observed === newest).map(({ image_uri }) => image_uri);
  if (image === undefined) {
    return allowed.length === 0
      ? []
      : [{ invariant: 'newest', what: `${name} is not deployed, but ${allowed[0]?.slice(-12)} was built` }];
  }
  if (service && !isOf(identity, service)) {
    return [{ invariant: 'newest', what: `${name} is of somebody else` }];
  }
  if (!allowed.includes(image)) {
    const due = allowed.map((uri) => uri.slice(-12)).join(' or ') || 'nothing';
    const observed = service && readBuild(service)?.observed_at;
    return [
      { invariant: 'newest', what: `${name} runs ${image.slice(-12)}, seen at ${observed}; it should run ${due}` },
    ];
  }
  return [];
}

/**
 * Every build that was reported as deployed was deployed. Every other success was superseded by a newer one, or
 * deleted.
 */
function successesDeployed({ ledger, store }: Settled): Violation[] {
  const never = [...ledger.completed].filter((id) => !ledger.deployed.has(id));
  const invented = never.map((id) => `${id.slice(0, 12)} was told to be deployed, and never was`);
  const all = [...ledger.endings].flatMap(([id, { told }]) => told.map((data) => ({ id, data })));
  const forgotten = all.filter(({ id, data }) => {
    if (data.status !== 'success' || ledger.deployed.has(id)) {
      return false;
    }
    const observed = Date.parse(data.observed_at ?? '');
    const isNewer = (other: BuildComplete) =>
      subjectOf(other) === subjectOf(data) && Date.parse(other.observed_at ?? '') > observed;
    return !all.some((other) => isNewer(other.data)) && !(deletedAt(data, store) >= observed);
  });
  const overlooked = forgotten.map(({ id }) => `${id.slice(0, 12)} is the newest success, and was never deployed`);
  return [...invented, ...overlooked].map((what) => ({ invariant: 'newest', what }));
}

function deletedAt({ third_party_id, parser_id }: Identity, store: InMemoryObjectStore): number {
  const tombstone = store.peek(TEMPORARY_BUCKET, `tombstones/${third_party_id}/${parser_id}.json`);
  return tombstone ? Date.parse(JSON.parse(tombstone.toString()).time) : Number.NEGATIVE_INFINITY;
}

function nothingVanished({ broker, ledger, store }: Settled): Violation[] {
  const kept = lettersOf(store);
  // The letter of an event.rejected is about the event that was refused; its id says which event.rejected it was.
  const isKept = ({ message: { headers } }: BrokerDelivery) => {
    const [id = '', source = ''] = [headers['ce-id'], headers['ce-source']];
    return kept.some((letter) => letter.includes(`"${id}"`) || letter.includes(`"${deriveId(source, id)}"`));
  };
  const isSentAgain = ({ message: { headers } }: BrokerDelivery) =>
    (ledger.events.get(`${headers['ce-source']} ${headers['ce-id']}`) ?? 0) > 1;
  const gone = broker.deliveries.filter((delivery) => {
    const { state, subscription } = delivery;
    // The ping of the next minute makes up for a lost one.
    if (subscription.name === 'sweep') {
      return false;
    }
    return (
      state === 'under way' ||
      state === 'dropped' ||
      (state === 'dead-lettered' && !isKept(delivery) && !isSentAgain(delivery) && !lostAsLetter(delivery, broker))
    );
  });
  const vanished = gone.map(({ label, state, code }) => `${label} is ${state} (${code}), and nobody has it`);
  const refused = ledger.refused.map((what) => `refused: ${what}`);
  return [...vanished, ...refused].map((what) => ({ invariant: 'vanished', what }));
}

function lettersOf(store: InMemoryObjectStore): string[] {
  const keys = store.keys(TEMPORARY_BUCKET, 'dead-letters/');
  return keys.map((key) => store.peek(TEMPORARY_BUCKET, key)?.toString() ?? '');
}

/** The Broker may lose a dead letter as it may lose any event. */
function lostAsLetter({ message }: BrokerDelivery, { deliveries }: SimulatedBroker): boolean {
  return deliveries.some(
    (other) =>
      other.state === 'lost by the Broker' &&
      other.message.headers['ce-knativeerrordest'] !== undefined &&
      other.message.headers['ce-id'] === message.headers['ce-id'],
  );
}

function noFalseSuccess({ ledger, pushed }: Settled): Violation[] {
  return [...ledger.endings].flatMap(([id, { told }]) => {
    const images = told.flatMap((data) => (data.status === 'success' ? [data.image_uri ?? ''] : []));
    const invented = images.filter((image) => !pushed.has(image.split('@')[1] ?? ''));
    return invented.map((image) => ({
      invariant: 'confirmed',
      what: `${id.slice(0, 12)} tells of ${image}, which nobody pushed`,
    }));
  });
}

/** An image holds one code, which lies on the dependencies that this code names. */
function oneCode({ registry }: Settled): Violation[] {
  return [...registry.tags].flatMap(([name, digest]): Violation[] => {
    const repository = name.split(/[@:](?=[^/]+$)/)[0] ?? '';
    const manifest = registry.blobs.get(`${repository}@${digest}`);
    const { layers = [] } = JSON.parse(manifest?.toString() ?? '{}') as { layers?: { digest: string }[] };
    const texts = layers.map((layer) => registry.blobs.get(`${repository}@${layer.digest}`)?.toString() ?? '');
    const codes = texts.filter((text) => text.startsWith('code '));
    const installed = texts.find((text) => text.startsWith('dependencies '));
    const named = manifestIn(codes[0] ?? '');
    const isRight = codes.length === 1 && (!installed || !named || installed.endsWith(named));
    return isRight || layers.length === 0 || name.startsWith(BASE_IMAGE) || repository.endsWith('/base/node')
      ? []
      : [{ invariant: 'layers', what: `${name} has ${texts}` }];
  });
}
