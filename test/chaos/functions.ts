/**
 * Our functions as they run in their pods: the real runtime and the real handlers. Only their clients are simulated.
 */
import { randomUUID } from 'node:crypto';
import pino from 'pino';
import * as z from 'zod';
import { buildComplete } from '#functions/build-complete/handler.ts';
import { buildStart } from '#functions/build-start/handler.ts';
import { changedObject } from '#functions/cluster-events/changed-object.ts';
import { handleClusterEvent } from '#functions/cluster-events/handler.ts';
import { handleDeadLetter } from '#functions/dead-letter/handler.ts';
import { CLIENT_EVENTS } from '#functions/gateway/bind.ts';
import type { GatewayDependencies } from '#functions/gateway/dependencies.ts';
import { gateway } from '#functions/gateway/handler.ts';
import { jobStart } from '#functions/job-start/handler.ts';
import { handleParserEvent } from '#functions/parser-events/handler.ts';
import type { CallLane } from '#functions/parser-events/places.ts';
import { serviceDelete } from '#functions/service-delete/handler.ts';
import { sweep } from '#functions/sweep/handler.ts';
import { beginning, HISTORY_BOUNDS } from '#functions/sweep/history-place.ts';
import { buildCompleteSchema } from '#shared/events/build-complete.ts';
import { buildStartSchema } from '#shared/events/build-start.ts';
import type { NewEvent, ReceivedEvent } from '#shared/events/event.ts';
import type { Identity } from '#shared/events/identity.ts';
import { jobStartSchema } from '#shared/events/job-start.ts';
import { parserStartSchema } from '#shared/events/parser.ts';
import { serviceDeleteSchema } from '#shared/events/service-delete.ts';
import type { SigningKeys } from '#shared/events/signature.ts';
import { isRetryable } from '#shared/manifests/delivery-settings.ts';
import type { codeLayer } from '#shared/packing/code-layer.ts';
import { answerRequest } from '#shared/runtime/answer-request.ts';
import type { Answer } from '#shared/runtime/request.ts';
import type { EventSchemas, HandlerContext } from '#shared/runtime/types.ts';
import { LANE } from '#shared/specs/delivery.ts';
import type { FunctionSettings } from '#shared/specs/knative-service.ts';
import type { EventMetrics } from '#shared/telemetry/metrics.ts';
import type { Tracing } from '#shared/telemetry/traces.ts';
import type { InMemoryCluster } from '#test/fakes/cluster.ts';
import type { InMemoryObjectStore } from '#test/fakes/object-store.ts';
import type { InMemoryRegistry } from '#test/fakes/oci-registry.ts';
import type { Message, SimulatedBroker } from './broker.ts';
import type { CallLedger } from './call-ledger.ts';
import type { Door, DoorPod } from './door.ts';
import { simulatedPacking, type Way } from './packing.ts';
import { clusterPort, storePort } from './ports.ts';
import type { SimulatedProcess } from './process.ts';
import { registryPort, simulatedLayer } from './registry.ts';
import { buildSettings, jobSettings, REGISTRY, SOURCE_BUCKET, SOURCE_PREFIX, TEMPORARY_BUCKET } from './settings.ts';
import type { Simulation } from './simulation.ts';
import type { Subscription } from './subscriptions.ts';
import type { UserFunctions } from './user-functions.ts';

export interface World {
  simulation: Simulation;
  cluster: InMemoryCluster;
  store: InMemoryObjectStore;
  registry: InMemoryRegistry;
  wayOf: (identity: Identity) => Way;
  broker: () => SimulatedBroker;
  /** MAX_CONCURRENT_BUILDS. */
  limit: number;
  settings: FunctionSettings;
  door: Door;
  users: UserFunctions;
  calls: CallLedger;
  /** Where events have to be signed. */
  keys: SigningKeys | undefined;
}

interface SimulatedFunction {
  events: EventSchemas;
  unsigned?: string[];
  // biome-ignore lint/suspicious/noExplicitAny: each handler takes the events that its own schemas let through.
  handle: (event: any, context: HandlerContext) => Promise<NewEvent | undefined>;
}

/** Too high to be reached: the limits have tests of their own. */
const limits = { waiting: 1000, perMinute: 600 };
const tenantLimits = { functions: 1000, minPods: 1000 };
const silent = pino({ level: 'silent' });
const uncounted: EventMetrics = { begin: () => undefined, end: () => undefined, listening: () => undefined };
const traceparent = { traceId: '1'.repeat(32), spanId: '1'.repeat(16), flags: 0 };
const untraced: Tracing = {
  startSpan: () => ({ traceparent, run: (work) => work(), annotate: () => undefined, end: () => undefined }),
  shutdown: async () => undefined,
};

const RUNTIME = { limit: 4 * 1024 * 1024, wakes: [], tracing: async () => untraced, metrics: uncounted, log: silent };

/** One delivery to the function that a Trigger names, in a process of its own. */
export async function callFunction(
  world: World,
  { subscriber }: Subscription,
  { headers, body }: Message,
  process: SimulatedProcess,
): Promise<Answer> {
  if (subscriber === 'parser-events') {
    const given = await world.door.handle(process, (pod) => answer(doorIn(pod, headers, world, process)));
    if (laneOf(headers) === 'main' && isRetryable(given.statusCode)) {
      world.calls.breaks('places', `${headers['ce-id']} waits on the main lane: ${given.body}`);
    }
    return given;
  }
  return await answer(functionNamed(subscriber, world, process));

  async function answer({ events, unsigned = [], handle }: SimulatedFunction): Promise<Answer> {
    const mode = world.keys ? 'required' : 'off';
    return await answerRequest({
      ...RUNTIME,
      name: subscriber,
      events,
      answers: 'the Broker',
      authentication: { mode, keys: world.keys, unsigned, maxHops: 8 },
      handle,
    })({ method: 'POST', path: '/', headers: { ...headers }, repeated: [], body, size: body.length });
  }
}

/** What a client sends to the gateway, with the name of its tenant for a token. */
export async function askGateway(
  { broker }: Pick<World, 'broker'>,
  { headers, body }: Message,
  tenant: string,
  process: SimulatedProcess,
): Promise<Answer> {
  const principal = { name: tenant, third_party_ids: [tenant], tokens: [], events_per_minute: 1, operator: false };
  const deps: GatewayDependencies = {
    broker: broker().portOf(process),
    principals: async () => ({
      issuers: [],
      principals: [{ ...principal, tokens: [accountOf(tenant)], blocked: false }],
    }),
    verify: async (token) => ({ claims: { sub: `system:serviceaccount:tenants:${token}` }, isOfCluster: true }),
    rates: { exceeded: () => undefined },
    authentication: 'required',
    sourcePrefix: SOURCE_PREFIX,
  };
  return await answerRequest({
    ...RUNTIME,
    name: 'gateway',
    events: CLIENT_EVENTS,
    answers: 'clients',
    authentication: { mode: 'required', keys: undefined, unsigned: [], maxHops: 8 },
    handle: (event, context) => gateway(event, deps, context),
  })({
    method: 'POST',
    path: '/',
    headers: { ...headers, authorization: `Bearer ${tenant}` },
    repeated: [],
    body,
    size: body.length,
  });
}

const accountOf = (tenant: string) => ({ service_account: `tenants/${tenant}` });

/** The door has a state that calls share: it knows functions, and counts the calls that are made. */
function doorIn(pod: DoorPod, headers: Message['headers'], world: World, process: SimulatedProcess): SimulatedFunction {
  const lane = laneOf(headers);
  const cluster = clusterPort(world.cluster, process);
  const deps = {
    cluster: {
      getService: (name: string) => pod.asking(name, () => cluster.getService(name)),
      listFunctionPods: (selector: string) => cluster.listFunctionPods(selector),
    },
    store: storePort(world.store, process),
    temporaryBucket: TEMPORARY_BUCKET,
    known: pod.known,
    callSample: 0,
    places: pod.places,
    patience: pod.patience,
    metrics: { called: () => undefined, handedOn: () => undefined },
    inputs: { keep: () => undefined },
    crashes: { keep: async () => undefined },
    call: world.users.caller({ process, pod, lane }),
    now: () => new Date(),
  };
  return {
    events: { 'parser.start': parserStartSchema, 'parser.deliver': z.unknown() },
    handle: (event, context) => handleParserEvent(event, deps, context),
  };
}

function laneOf(headers: Message['headers']): CallLane {
  return headers['ce-type'] === 'parser.start' ? 'main' : headers[`ce-${LANE}`] === 'own' ? 'own' : 'overflow';
}

function functionNamed(name: string, world: World, process: SimulatedProcess): SimulatedFunction {
  const store = storePort(world.store, process);
  const cluster = clusterPort(world.cluster, process);
  const now = () => new Date();
  const slots = { limit: world.limit };
  const temporaryBucket = TEMPORARY_BUCKET;
  switch (name) {
    case 'build-start': {
      const assembling = {
        store,
        temporaryBucket,
        registry: registryPort(world, process),
        layerOf: (...[, , files]: Parameters<typeof codeLayer>) => simulatedLayer(files),
        ensureRepository: undefined,
        imageRegistry: REGISTRY,
        refused: () => undefined,
      };
      return {
        events: { 'build.start': buildStartSchema },
        handle: (event) =>
          buildStart(event, {
            store,
            settings: buildSettings,
            sourceBucket: SOURCE_BUCKET,
            sourceBuckets: [],
            functionBounds: { cpu: '4', memory: '8Gi', pods: 100, minPods: 10 },
            buildsPerMinute: limits.perMinute,
            sourcePrefix: SOURCE_PREFIX,
            imageRegistry: REGISTRY,
            attemptId: randomUUID,
            pack: simulatedPacking(store, event.data, { way: world.wayOf(event.data), assembling }),
            now,
          }),
      };
    }
    case 'job-start':
      return {
        events: { 'job.start': jobStartSchema },
        handle: (event) => jobStart(event, { store, cluster, settings: jobSettings, slots, limits, now }),
      };
    case 'build-complete':
      return {
        events: { 'build.complete': buildCompleteSchema },
        unsigned: ['build.complete'],
        handle: (event) =>
          buildComplete(event, {
            store,
            cluster,
            temporaryBucket,
            imageRegistry: REGISTRY,
            tenantLimits,
            settings: world.settings,
            now,
          }),
      };
    case 'cluster-events':
      return {
        events: {
          'dev.knative.apiserver.resource.add': changedObject,
          'dev.knative.apiserver.resource.update': changedObject,
          'dev.knative.apiserver.resource.delete': changedObject,
        },
        unsigned: [
          'dev.knative.apiserver.resource.add',
          'dev.knative.apiserver.resource.update',
          'dev.knative.apiserver.resource.delete',
        ],
        handle: (event, context) => handleClusterEvent(event, { cluster, slots }, context),
      };
    case 'service-delete':
      return {
        events: { 'service.delete': serviceDeleteSchema },
        handle: (event) => serviceDelete(event, { store, cluster, temporaryBucket }),
      };
    case 'sweep':
      return {
        events: { 'dev.knative.sources.ping': z.unknown() },
        unsigned: ['dev.knative.sources.ping'],
        handle: (_, context) =>
          sweep(
            {
              store,
              cluster,
              broker: world.broker().portOf(process),
              slots,
              temporaryBucket,
              settings: world.settings,
              history: { bounds: { days: 30, ...HISTORY_BOUNDS }, place: beginning() },
              metrics: {
                swept: () => undefined,
                builds: () => undefined,
                oldestRequest: () => undefined,
                oldestLetter: () => undefined,
              },
              now,
            },
            context,
          ),
      };
    case 'dead-letter':
      return {
        events: { '*': z.unknown() },
        unsigned: ['*'],
        handle: (event: ReceivedEvent<unknown>, context) =>
          handleDeadLetter(
            event,
            { store, broker: world.broker().portOf(process), listens: async () => true, temporaryBucket, now },
            context,
          ),
      };
    default:
      throw new Error(`Trigger names a function that is not simulated: ${name}`);
  }
}
