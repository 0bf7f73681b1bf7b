/**
 * The simulator as a load test, at a tenth of the load of docs/scale.md: our real handlers and runtime, in simulated
 * time, with nothing failing. What they ask of Kubernetes, S3 and the Broker is counted, and held against the model.
 */
import { randomUUID } from 'node:crypto';
import { createPlaces } from '#functions/parser-events/places.ts';
import { MINUTE, SECOND } from '#shared/durations.ts';
import type { Identity } from '#shared/events/identity.ts';
import { type Message, SimulatedBroker } from '#test/chaos/broker.ts';
import { CallLedger } from '#test/chaos/call-ledger.ts';
import { callMessage, sourceOf } from '#test/chaos/clients.ts';
import { Door, DoorPod } from '#test/chaos/door.ts';
import { callFunction, type World } from '#test/chaos/functions.ts';
import { startJobController } from '#test/chaos/job-controller.ts';
import { startKubelet } from '#test/chaos/kubelet.ts';
import { functionSettings, SOURCE_BUCKET, TEMPORARY_BUCKET } from '#test/chaos/settings.ts';
import { Simulation } from '#test/chaos/simulation.ts';
import { startApiServerSource, startPing, startServing } from '#test/chaos/sources.ts';
import type { UserFunctions } from '#test/chaos/user-functions.ts';
import { inVirtualWorld } from '#test/chaos/virtual-world.ts';
import { FUNCTIONS_NAMESPACE, InMemoryCluster, TRIGGERS } from '#test/fakes/cluster.ts';
import { InMemoryObjectStore } from '#test/fakes/object-store.ts';
import { InMemoryRegistry } from '#test/fakes/oci-registry.ts';
import { deployedFunction, manyIdentities } from './many-functions.ts';
import type { Row } from './row.ts';
import { COSTS } from './scale-costs.ts';
import { doorGets, LOAD, type Load, needsOf, sharedBy } from './scale-model.ts';

const TENTH = sharedBy(10, LOAD);
/** One in which a call of Kubernetes or S3 takes milliseconds. */
const SEED = 2;
/** Until all functions are there. Nothing is counted before. */
const STARTS_WITHIN = MINUTE;
const BUILDS_LAST = 60 * MINUTE;
/** What was asked for at the end is done by then. */
const ENDS_WITHIN = 5 * MINUTE;
/** Of the door. */
const CALLS_LAST = MINUTE;
/** The simulator reads neither the two source files one by one nor, in the build pod, the archive. */
const NOT_SIMULATED = 3;
/** Nor does it deliver the two events of a build that only wake a pod of ours. */
const WAKING = 2;
const READS = /^(?:get|list|read|open|page)/;

type Who = 'builds' | 'sweep' | 'door';

interface Counts {
  /** By who asks, and what. */
  requests: Map<string, number>;
  events: number;
  deliveries: number;
  answers: number;
  triggers: number;
  /** Milliseconds of all calls together, from the door's first look at them to its answer. */
  held: number;
}

export async function scaleLoad(): Promise<Row[]> {
  const simulation = new Simulation({ seed: SEED, intensity: 0, faultsUntil: 0 });
  return rowsOf(await inVirtualWorld(simulation, () => simulate(simulation, TENTH)));
}

async function simulate(simulation: Simulation, load: Load): Promise<Counts> {
  const counts: Counts = { requests: new Map(), events: 0, deliveries: 0, answers: 0, triggers: 0, held: 0 };
  const cluster = new InMemoryCluster({ newUid: () => randomUUID() });
  const store = new InMemoryObjectStore(SOURCE_BUCKET, TEMPORARY_BUCKET);
  const begins = simulation.now + STARTS_WITHIN;
  const isCounted = () => simulation.now >= begins;
  const as = <Port extends object>(who: Who, system: string, port: Port) =>
    counted(port, (method) => {
      const name = `${who} ${system} ${READS.test(method) ? 'reads' : 'writes'}`;
      if (isCounted()) {
        counts.requests.set(name, (counts.requests.get(name) ?? 0) + 1);
      }
    });
  const registry = new InMemoryRegistry();
  const worldOf = (who: Who): World => ({
    simulation,
    registry,
    wayOf: () => 'by a Job',
    cluster: as(who, 'Kubernetes', cluster),
    store: as(who, 'S3', store),
    limit: COSTS.buildSlots.value,
    settings: { ...functionSettings, delivery: 'shared' },
    door,
    users,
    calls: new CallLedger(store),
    keys: undefined,
    broker: () => broker,
  });
  const door = doorOf(simulation, needsOf(load).doorPods);
  const users = usersWho(simulation, load.callSeconds * SECOND);
  const broker: SimulatedBroker = new SimulatedBroker(
    simulation,
    {
      handle: async (subscription, message, process) => {
        const who = WHO[subscription.subscriber] ?? 'builds';
        const began = simulation.now;
        const answer = await callFunction(worlds[who], subscription, message, process);
        if (isCounted()) {
          counts.deliveries += 1;
          counts.held += who === 'door' ? simulation.now - began : 0;
        }
        return answer;
      },
    },
    {
      stored: ({ headers }) => {
        counts.events += isCounted() ? 1 : 0;
        counts.answers += headers['ce-type'] === 'parser.complete' ? 1 : 0;
      },
      replied: () => undefined,
    },
  );
  const worlds: Record<Who, World> = { builds: worldOf('builds'), sweep: worldOf('sweep'), door: worldOf('door') };

  startJobController(simulation, cluster);
  startServing(simulation, cluster);
  startKubelet({ simulation, broker, cluster: worlds.builds.cluster, store: worlds.builds.store, registry });
  const identities = manyIdentities(load.functions, load.tenants);
  for (const identity of identities) {
    await cluster.applyService(deployedFunction(identity, FUNCTIONS_NAMESPACE));
  }
  startApiServerSource(simulation, cluster, broker);
  simulation.at(begins, () => {
    startPing(simulation, broker, () => undefined);
    askForBuilds(simulation, { store, broker }, { identities, load });
  });
  simulation.at(begins + BUILDS_LAST - CALLS_LAST, () => call(simulation, broker, { identities, load }));
  await simulation.run(() => simulation.now > begins + BUILDS_LAST + ENDS_WITHIN);
  counts.triggers = cluster.storage.list(TRIGGERS).length;
  return counts;
}

const WHO: Record<string, Who> = { sweep: 'sweep', 'parser-events': 'door' };

/** The same port; each call of a method is told. */
function counted<Port extends object>(port: Port, tell: (method: string) => void): Port {
  return new Proxy(port, {
    get: (target, name) => {
      const value = Reflect.get(target, name) as unknown;
      if (typeof value !== 'function' || typeof name !== 'string') {
        return value;
      }
      return (...args: unknown[]) => {
        tell(name);
        return Reflect.apply(value, target, args) as unknown;
      };
    },
  });
}

function doorOf(simulation: Simulation, pods: number): Door {
  const door = new Door(simulation);
  // Those of the simulator have few places, so that a run with few calls reaches them.
  const places = () => createPlaces({ perTenant: 25 });
  const many = Array.from({ length: pods }, () => Object.assign(new DoorPod(), { places: places() }));
  door.pods.splice(0, door.pods.length, ...many);
  return door;
}

/** Every function takes the same time and answers. */
function usersWho(simulation: Simulation, milliseconds: number): UserFunctions {
  const answer = { kind: 'answered', status: 200, headers: { 'content-type': 'application/json' } } as const;
  const caller: UserFunctions['caller'] = () => async () => {
    await simulation.sleep(milliseconds);
    return { ...answer, body: Buffer.from('{"n":1}') };
  };
  return { caller } as UserFunctions;
}

interface Asked {
  identities: Identity[];
  load: Load;
}

function askForBuilds(
  simulation: Simulation,
  { store, broker }: { store: InMemoryObjectStore; broker: SimulatedBroker },
  { identities, load }: Asked,
): void {
  const builds = (load.buildsPerHour * BUILDS_LAST) / (60 * MINUTE);
  for (const [index, identity] of identities.slice(0, builds).entries()) {
    simulation.after((BUILDS_LAST / builds) * index, () => {
      for (const file of ['package.json', 'parser.mjs']) {
        store.put(SOURCE_BUCKET, `global/parser/${identity.parser_id}/${file}`, file);
      }
      broker.store(buildMessage(identity));
    });
  }
}

function buildMessage(identity: Identity): Message {
  const headers = {
    'ce-specversion': '1.0',
    'ce-id': randomUUID(),
    'ce-source': sourceOf(identity),
    'ce-type': 'build.start',
    'ce-time': new Date().toISOString(),
    'content-type': 'application/json',
  };
  return { headers, body: Buffer.from(JSON.stringify(identity)) };
}

function call(simulation: Simulation, broker: SimulatedBroker, { identities, load }: Asked): void {
  const awake = identities.slice(0, load.functions * load.awakeShare);
  const calls = callsOf(load);
  for (let index = 0; index < calls; index += 1) {
    const identity = simulation.pick(`call ${index}`, awake);
    simulation.after((CALLS_LAST / calls) * index, () => {
      broker.store(callMessage({ id: `call-${index}`, identity, bySubject: true }));
    });
  }
}

function callsOf({ callsPerSecond }: Load): number {
  return (callsPerSecond * CALLS_LAST) / SECOND;
}

function rowsOf(counts: Counts): Row[] {
  const builds = TENTH.buildsPerHour;
  const calls = callsOf(TENTH);
  const runs = (BUILDS_LAST + ENDS_WITHIN) / MINUTE;
  const asked = (who: Who, system: string, kind?: 'reads' | 'writes') =>
    (kind ? [kind] : ['reads', 'writes']).reduce(
      (sum, each) => sum + (counts.requests.get(`${who} ${system} ${each}`) ?? 0),
      0,
    );
  const row = (name: string, value: number, predicted: number, unit = ''): Row => ({
    name,
    value,
    unit,
    ...(predicted > 0 ? { baseline: `the model’s ${predicted.toPrecision(3)}`, ratio: value / predicted } : {}),
  });
  const { buildReads, buildS3, buildEvents, buildDeliveries, hopSeconds } = COSTS;
  return [
    row('a build reads of the API server', asked('builds', 'Kubernetes', 'reads') / builds, buildReads.value),
    row('a build writes to the API server', asked('builds', 'Kubernetes', 'writes') / builds, OUR_WRITES),
    row('a build asks S3', asked('builds', 'S3') / builds, buildS3.value - NOT_SIMULATED),
    row('a sweep reads of the API server', asked('sweep', 'Kubernetes', 'reads') / runs, 0),
    row('a sweep asks S3', asked('sweep', 'S3') / runs, 0),
    row('calls answered', counts.answers, calls),
    row(
      'the door reads of the API server a second',
      (asked('door', 'Kubernetes') * SECOND) / CALLS_LAST,
      doorGets(TENTH, needsOf(TENTH).doorPods),
    ),
    row('the door asks S3', asked('door', 'S3'), 0),
    row('calls in flight', counts.held / CALLS_LAST, TENTH.callsPerSecond * (TENTH.callSeconds + hopSeconds.value)),
    row('events of a build', (counts.events - 2 * calls - runs) / builds, buildEvents.value),
    row('deliveries of a build', (counts.deliveries - calls - runs) / builds, buildDeliveries.value - WAKING),
    row('Triggers of functions', counts.triggers, 0),
  ];
}

/** Of COSTS.buildWrites. */
const OUR_WRITES = 5.9;
