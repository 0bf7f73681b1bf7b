/** One run: a seed's clients and faults until everything has settled, and the invariants that are broken then. */
import { randomUUID } from 'node:crypto';
import { isFinished } from '#shared/builds/job-state.ts';
import { MINUTE, SECOND } from '#shared/durations.ts';
import type { Identity } from '#shared/events/identity.ts';
import { signingKeys } from '#shared/runtime/signing.ts';
import { observedAt, readBuild } from '#shared/specs/annotations.ts';
import { InMemoryCluster, PODS, SERVICES } from '#test/fakes/cluster.ts';
import { InMemoryObjectStore } from '#test/fakes/object-store.ts';
import { InMemoryRegistry } from '#test/fakes/oci-registry.ts';
import { SimulatedBroker } from './broker.ts';
import { brokerAddress, gatewayAddress, startClients } from './clients.ts';
import { Door } from './door.ts';
import { callFunction } from './functions.ts';
import { startHostile } from './hostile.ts';
import { triggersAlone, violationsOf } from './invariants.ts';
import { startJobController } from './job-controller.ts';
import { startKubelet } from './kubelet.ts';
import { callEach } from './last-calls.ts';
import { Ledger } from './ledger.ts';
import { watchOlderBuilds } from './older-builds.ts';
import { installOlder } from './older-installation.ts';
import type { Way } from './packing.ts';
import { type Operation, plan } from './plan.ts';
import { BASE_IMAGE, functionSettings, SOURCE_BUCKET, TEMPORARY_BUCKET } from './settings.ts';
import { Simulation, START } from './simulation.ts';
import { startApiServerSource, startPing, startServing, startTriggers } from './sources.ts';
import { UserFunctions } from './user-functions.ts';
import type { Violation } from './violation.ts';
import { inVirtualWorld } from './virtual-world.ts';

export interface RunOptions {
  seed: number;
  /** Faults and operations that are left out. */
  without?: ReadonlySet<string>;
  trace?: (line: string) => void;
}

export interface RunResult {
  violations: Violation[];
  faults: string[];
  operations: string[];
  events: number;
  builds: number;
}

const EVENT_KEY = `k1:${Buffer.alloc(32, 1).toString('base64')}`;
const FAULTS_UNTIL = 15 * MINUTE;
/** Long enough: sweep gives up after an hour a request that is lost again and again. */
const SETTLED_WITHIN = 4 * 60 * MINUTE;
/** Few enough that a listing may fail in its middle. */
const PAGE = 3;
/** A run has settled when nothing has changed for this long. */
const QUIET_MINUTES = 3;
/**
 * Longer than any pause in which something is still due, such as a build's deadline or the next time that a lost
 * request is sent again.
 */
const LONGEST_PAUSE_MINUTES = 40;

export async function run({ seed, without, trace }: RunOptions): Promise<RunResult> {
  const intensity = [0, 0.5, 1, 1, 2, 4][seed % 6] as number;
  const simulation = new Simulation({ seed, intensity, faultsUntil: FAULTS_UNTIL, without, trace });
  return await inVirtualWorld(simulation, async () => {
    const cluster = new InMemoryCluster({ newUid: () => randomUUID() });
    const store = new InMemoryObjectStore(SOURCE_BUCKET, TEMPORARY_BUCKET);
    store.pageSize = PAGE;
    const ledger = new Ledger(store);
    const { calls } = ledger;
    const limit = 1 + Math.floor(simulation.roll('limit') * 3);
    const delivery = simulation.roll('FUNCTION_DELIVERY') < 0.3 ? 'own' : 'shared';
    const settings = { ...functionSettings, delivery } as const;
    const door = new Door(simulation);
    const users = new UserFunctions(simulation, cluster, calls);
    const keys = simulation.roll('AUTHENTICATION') < 0.6 ? signingKeys({ EVENT_KEY }) : undefined;
    const registry = new InMemoryRegistry();
    const [base = '', tag = ''] = BASE_IMAGE.split(/:(?=[^:]+$)/);
    await registry.image(base, tag, [{ text: 'base', by: 'ADD rootfs' }]);
    const wayOf = ({ third_party_id, parser_id }: Identity) =>
      simulation.pick<Way>(`way of ${third_party_id}/${parser_id}`, [
        'by a Job',
        'dependencies by a Job',
        'dependencies by a Job',
        'nothing to install',
      ]);
    const world = {
      simulation,
      registry,
      wayOf,
      cluster,
      store,
      limit,
      settings,
      door,
      users,
      calls,
      keys,
      broker: () => broker,
    };
    const broker: SimulatedBroker = new SimulatedBroker(
      simulation,
      { handle: (subscription, message, process) => callFunction(world, subscription, message, process) },
      ledger,
      keys,
    );
    const address = keys ? gatewayAddress(broker, calls) : brokerAddress(broker);
    const atOnce: Violation[] = [];
    const pushed = new Set<string>();
    watchLimit(cluster, simulation, limit, atOnce);
    watchImages(cluster, pushed);
    watchOrder(cluster, ledger, atOnce);
    watchOlderBuilds(cluster, simulation, ledger, atOnce);
    startJobController(simulation, cluster);
    startKubelet({ simulation, cluster, store, broker, registry });
    startServing(simulation, cluster);
    startTriggers(simulation, cluster, broker);
    startApiServerSource(simulation, cluster, broker);
    const operations = plan(simulation).filter((operation) => !without?.has(nameOf(operation)));
    startClients(simulation, { store, cluster, calls, address }, operations);
    const identities = identitiesOf(operations);
    if (keys) {
      startHostile(simulation, { broker, calls, keys }, identities);
    }

    installOlder(simulation, { cluster, calls }, identities);

    const isQuiet = quietness(simulation, cluster, store);
    let settled = false;
    let called = false;
    startPing(simulation, broker, () => {
      settled = called ? simulation.foreground === 0 : false;
      if (!called && isQuiet()) {
        called = true;
        callEach(identities, { cluster, calls, address, simulation, door });
      }
    });
    await simulation.run(() => settled || simulation.now > START + SETTLED_WITHIN);

    for (const digest of registry.tags.values()) {
      pushed.add(digest);
    }
    const violations = [
      ...atOnce,
      ...violationsOf({ ledger, cluster, store, broker, identities, pushed, registry, delivery, door }),
    ];
    return {
      violations,
      faults: simulation.faults,
      operations: operations.map(nameOf),
      events: broker.deliveries.length,
      builds: pushed.size,
    };
  });
}

export function nameOf(operation: Operation): string {
  const { third_party_id, parser_id } = operation.identity;
  const what = operation.do === 'upload' ? `version ${operation.version}` : operation.id;
  const more =
    operation.do === 'start'
      ? ` ${JSON.stringify({ ...operation.data, third_party_id: undefined, parser_id: undefined })}`
      : '';
  return `client: ${(operation.at / SECOND).toFixed(1)} s ${operation.do} ${third_party_id}/${parser_id} ${what}${more}`;
}

function identitiesOf(operations: Operation[]): Identity[] {
  return [...new Map(operations.map(({ identity }) => [identity.parser_id, identity])).values()];
}

function watchLimit(
  { storage }: InMemoryCluster,
  simulation: Simulation,
  limit: number,
  violations: Violation[],
): void {
  storage.watch(PODS, () => {
    const running = storage.list(PODS).filter(({ status }) => !['Succeeded', 'Failed'].includes(status?.phase));
    const jobs = new Set(running.map(({ metadata }) => metadata.ownerReferences?.[0]?.uid));
    if (jobs.size > limit && violations.length === 0) {
      simulation.trace(() => `** ${jobs.size} builds run at once`);
      violations.push({
        invariant: 'limit',
        what: `${jobs.size} builds ran at once: ${running.map(({ metadata }) => metadata.name)}`,
      });
    }
  });
}

function watchImages({ storage }: InMemoryCluster, pushed: Set<string>): void {
  storage.watch(PODS, ({ object }) => {
    const ended = object['status']?.containerStatuses?.[0]?.state?.terminated;
    if (ended?.exitCode === 0) {
      pushed.add(ended.message);
    }
  });
}

function watchOrder({ storage }: InMemoryCluster, ledger: Ledger, violations: Violation[]): void {
  const last = new Map<string, number>();
  storage.watch(SERVICES, ({ type, object }) => {
    const { name } = object.metadata;
    const observed = observedAt(object);
    if (type === 'DELETED') {
      last.delete(name);
      return;
    }
    if (observed < (last.get(name) ?? observed)) {
      violations.push({ invariant: 'order', what: `${name} went back to ${readBuild(object)?.observed_at}` });
    }
    last.set(name, observed);
    const build = readBuild(object);
    if (build) {
      const { third_party_id, parser_id, event_id } = build;
      const newest = Math.max(observed, ledger.deployed.get(event_id)?.observed ?? observed);
      const image_uri = object['spec'].template.spec.containers[0].image;
      ledger.deployed.set(event_id, { third_party_id, parser_id, image_uri, observed: newest });
    }
  });
}

/** To be called once a minute. True when nothing has changed for some minutes, and nothing is about to. */
function quietness(simulation: Simulation, cluster: InMemoryCluster, store: InMemoryObjectStore): () => boolean {
  let quiet = 0;
  let before = '';
  return () => {
    const now = `${cluster.storage.table.version} ${store.changes}`;
    const idle = simulation.settling && simulation.foreground === 0 && now === before;
    before = now;
    quiet = idle ? quiet + 1 : 0;
    const done =
      cluster.jobs.values().every(isFinished) &&
      store.keys(TEMPORARY_BUCKET, 'requests/').length === 0 &&
      triggersAlone(cluster.storage).length === 0;
    return quiet >= (done ? QUIET_MINUTES : LONGEST_PAUSE_MINUTES);
  };
}
