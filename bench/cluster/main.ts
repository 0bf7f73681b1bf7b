/**
 * `make bench-cluster`: what the deployment of KUBECONFIG and ENV takes, beside baselines of the same cluster and the
 * same minutes. PARTS names the measurements that are made, in the order of PARTS below.
 */
import { type Caller, openCaller } from '#test/e2e/open-caller.ts';
import { awakeCalls } from './awake-calls.ts';
import { builds } from './builds.ts';
import { callsFromZero } from './calls-from-zero.ts';
import { changes } from './changes.ts';
import { fromZero } from './from-zero.ts';
import { buildTemplate, type Template, type Way } from './functions.ts';
import { idleFunctions } from './idle-functions.ts';
import { watchMemory } from './memory.ts';
import { neighbours } from './neighbours.ts';
import { openCluster } from './open-cluster.ts';
import { SOURCES } from './sources.ts';

const number = (name: string, otherwise: number) => {
  const value = Number(process.env[name] || otherwise);
  if (!Number.isInteger(value) || value < 0) {
    console.error(`${name} is ${process.env[name]}: give a whole number`);
    process.exit(1);
  }
  return value;
};
const words = (name: string, otherwise: string, known: string[]) => {
  const given = (process.env[name] || otherwise).split(',');
  const unknown = given.filter((word) => !known.includes(word));
  if (unknown.length > 0) {
    console.error(`${name} has ${unknown.join(', ')}; there are: ${known.join(', ')}`);
    process.exit(1);
  }
  return given;
};

const n = number('N', 0);
const changesRounds = n || 20;
const runs = number('RUNS', n || 30);
const rounds = number('BUILDS', 3);
const languages = words('LANGUAGES', 'node,python', Object.keys(SOURCES));
const calls = number('CALLS', 300);
const events = number('EVENTS', 2000);
const eventRounds = number('EVENT_ROUNDS', 3);
const zeroRuns = number('ZERO_RUNS', 5);
const functions = number('FUNCTIONS', 200);
const woken = number('WOKEN', 20);
const seconds = number('SECONDS', 300);
const rate = number('RATE', 20);
const [idleTime] = words('IDLE', 'own', ['own', 'short']);
const [way = 'shared'] = words('WAY', 'shared', ['shared', 'own', 'legacy']) as Way[];

console.error('opening the way into the cluster …');
let caller: Promise<Caller> | undefined;
/** What has been changed of the deployment itself is made as it was. */
const undo: (() => Promise<void>)[] = [];
const closeCaller = async () => {
  for (const work of undo.splice(0)) {
    await work().catch((error: Error) => console.error(`cleaning up: ${error.message}`));
  }
  await caller?.then((opened) => opened.close()).catch(() => undefined);
};
const cluster = await openCluster(closeCaller);
let template: Promise<Template> | undefined;
/** The caller's pod and an image of functions to call, made for the first part that needs them. */
const prepared = async () => {
  template ??= buildTemplate(cluster);
  caller ??= openCaller(cluster.platform);
  return { caller: await caller, template: await template };
};

const PARTS: Record<string, () => Promise<string>> = {
  changes: async () =>
    changes(cluster, { rounds: changesRounds, short: idleTime === 'short', undo: (work) => undo.push(work) }),
  builds: async () => (rounds > 0 ? builds(cluster, { rounds, languages }) : ''),
  zero: async () => (runs > 0 ? fromZero(cluster, { runs }) : ''),
  latency: async () => awakeCalls(cluster, { ...(await prepared()), wanted: { calls, events: 0, rounds: 0 } }),
  throughput: async () =>
    awakeCalls(cluster, { ...(await prepared()), wanted: { calls: 0, events, rounds: eventRounds } }),
  wake: async () => callsFromZero(cluster, { ...(await prepared()), runs: zeroRuns }),
  idle: async () => idleFunctions(cluster, { ...(await prepared()), wanted: { functions, called: woken, way } }),
  neighbours: async () => neighbours(cluster, { ...(await prepared()), wanted: { seconds, rate, way } }),
};

try {
  const wanted = words('PARTS', Object.keys(PARTS).join(','), Object.keys(PARTS));
  const memory = watchMemory(cluster);
  for (const [name, measure] of Object.entries(PARTS)) {
    if (wanted.includes(name)) {
      // Each as soon as it is known: the whole takes more than an hour.
      console.log(await measure());
    }
  }
  console.log(await memory.stop());
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
} finally {
  await closeCaller();
  await cluster.close();
}
process.exit();
