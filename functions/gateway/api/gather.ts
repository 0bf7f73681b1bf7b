/** Gathers what explain has to know: recorded events, objects, logs, letters. Each is read once, and all at once. */
import type { ApiDependencies } from '#functions/gateway/dependencies.ts';
import type { Build, Call, Letter } from '#shared/api/schemas.ts';
import type { Principal } from '#shared/clients/principals.ts';
import { TRIGGERS } from '#shared/doctor/installed.ts';
import { HOUR } from '#shared/durations.ts';
import { type Identity, subjectOf } from '#shared/events/identity.ts';
import { type Facts, noFacts, type PlatformTrouble } from '#shared/explain/facts.ts';
import { listCalls } from '#shared/history/calls.ts';
import { readChain } from '#shared/history/chain.ts';
import { readCrash } from '#shared/history/crashes.ts';
import { readTombstone } from '#shared/requests/tombstone.ts';
import { lastBuilds } from './builds.ts';
import { findBuild } from './chains.ts';
import { conditionsOf, functionView } from './function-view.ts';
import { serviceOf } from './functions.ts';
import { findLetter, lettersOf } from './letters.ts';
import { podFact, podsOfFunction } from './pod-facts.ts';
import { maySee } from './serve.ts';

const CALLS = 20;
/** Their place in the list is that of their day: more than are told, so that the newest is among them. */
const LETTERS = 100;
const OF_PLATFORM = 'app.kubernetes.io/part-of=knative-lambda';

/** Of a build; without an id of the last one. */
export async function gatherBuild(deps: ApiDependencies, identity: Identity, id: string | undefined): Promise<Facts> {
  const correlationId = id ?? (await lastBuilds(deps, identity, 1))[0]?.correlation_id ?? '';
  const [base, found] = await Promise.all([
    gatherBase(deps, 'build', identity),
    findBuild(deps, identity, correlationId),
  ]);
  const { chain = [], log } = found ?? {};
  const build: Build | undefined = found?.build;
  const isRunning = build?.job_name !== undefined && build.completed_at === undefined;
  const pods = isRunning ? await deps.cluster.listPods(`batch.kubernetes.io/job-name=${build.job_name}`) : [];
  const about = new Set([correlationId, ...chain.map((event) => event.id)]);
  return {
    ...base,
    id: correlationId,
    chain,
    build,
    log,
    pods: pods.flatMap((pod) => podFact(pod)),
    // Of this build, where one can tell; a letter of another build explains nothing here.
    letters: base.letters.filter(
      ({ type, id: letter }) => type !== 'parser.start' && (build === undefined || about.has(letter)),
    ),
  };
}

export async function gatherFunction(deps: ApiDependencies, identity: Identity): Promise<Facts> {
  const [base, build, pods, calls, tombstone, crash] = await Promise.all([
    gatherBase(deps, 'function', identity),
    lastBuild(deps, identity),
    podsOfFunction(deps, identity),
    lastCalls(deps, identity),
    readTombstone(deps.store, deps.temporaryBucket, identity),
    readCrash(deps.store, deps.temporaryBucket, identity),
  ]);
  const deletedAt = tombstone.tombstone?.time;
  return {
    ...base,
    ...build,
    pods,
    failedCalls: lastFailed(calls),
    ...(crash && isRecent(crash, deps.now()) && isLast(crash, calls) ? { crash } : {}),
    ...(deletedAt ? { deletedAt } : {}),
  };
}

/** That began last, with what was recorded of it. */
async function lastBuild(deps: ApiDependencies, identity: Identity): Promise<Pick<Facts, 'build' | 'chain' | 'log'>> {
  const [last] = await lastBuilds(deps, identity, 1);
  const found = last && (await findBuild(deps, identity, last.correlation_id));
  return { build: found?.build ?? last, chain: found?.chain ?? [], log: found?.log };
}

/** Of a call, by the id of its event, or by its correlation id; without one, of the last that failed. */
export async function gatherCall(deps: ApiDependencies, identity: Identity, id: string | undefined): Promise<Facts> {
  const [base, calls, crash] = await Promise.all([
    gatherBase(deps, 'call', identity),
    lastCalls(deps, identity),
    readCrash(deps.store, deps.temporaryBucket, identity),
  ]);
  const failed = calls.find((one) => !one.succeeded);
  const isCrashLast = crash !== undefined && Date.parse(crash.time) > Date.parse(failed?.time ?? '1970-01-01');
  const last = isCrashLast ? undefined : failed;
  const call = id === undefined ? last : calls.find((one) => isCall(one, id));
  const wanted = call?.id ?? id ?? '';
  const chain = await readChain(deps.store, deps.temporaryBucket, identity, call?.correlation_id ?? wanted);
  const letters = base.letters.filter(({ type }) => type === 'parser.start' || type === 'parser.deliver');
  return {
    ...base,
    id: wanted,
    chain,
    call,
    ...(crash ? { crash } : {}),
    letters: call ? [] : letters.filter((one) => isAbout(one, wanted)),
  };
}

export async function gatherLetter(
  deps: ApiDependencies,
  principal: Principal,
  id: string | undefined,
): Promise<Facts> {
  const found = id === undefined ? undefined : await findLetter(deps, id);
  const view = found?.view ?? (id === undefined ? (await lettersOf(deps, principal, {}, 1))[0] : undefined);
  const isVisible = view !== undefined && maySee(principal, view.third_party_id);
  const { third_party_id, parser_id } = isVisible ? view : {};
  return {
    ...noFacts('letter', deps.now()),
    id: isVisible ? view.id : (id ?? ''),
    letters: isVisible ? [view] : [],
    ...(third_party_id && parser_id ? { subject: `${third_party_id}/${parser_id}` } : {}),
  };
}

export async function gatherNow(
  deps: ApiDependencies,
  principal: Principal,
  tenant: string | undefined,
): Promise<Facts> {
  const isOwn = (one: { third_party_id?: string | undefined }) =>
    maySee(principal, one.third_party_id) && (tenant === undefined || one.third_party_id === tenant);
  const [{ functions, running }, platform, letters] = await Promise.all([
    deps.snapshot(),
    platformTroubles(deps),
    lettersOf(deps, principal, { third_party_id: tenant, state: 'open' }, LETTERS),
  ]);
  return {
    ...noFacts('now', deps.now()),
    functions: functions.filter(isOwn),
    running: running.filter(isOwn),
    letters,
    platform,
    ...(principal.operator ? { slots: slotsOf(running) } : {}),
  };
}

async function gatherBase(deps: ApiDependencies, about: Facts['about'], identity: Identity): Promise<Facts> {
  const [{ functions, running }, service, platform, letters] = await Promise.all([
    deps.snapshot(),
    serviceOf(deps, identity),
    platformTroubles(deps),
    lettersOf(deps, undefined, { ...identity, state: 'open' }, LETTERS),
  ]);
  // As it is now, and not some seconds ago: whoever asks has often just deployed.
  const current = service && functionView(service, 0);
  const future = functions.find((one) => subjectOf(one) === subjectOf(identity) && one.state === 'building');
  return {
    ...noFacts(about, deps.now()),
    subject: subjectOf(identity),
    buildsNamespace: deps.buildsNamespace,
    fn: current ?? future,
    platform,
    letters,
    slots: slotsOf(running),
  };
}

/** Our own Triggers that are missing, and Services and Triggers that are not Ready. */
async function platformTroubles({ cluster }: ApiDependencies): Promise<PlatformTrouble[]> {
  const [services, triggers] = await Promise.all([
    cluster.listServices(`${OF_PLATFORM},app.kubernetes.io/component=builder`),
    cluster.listTriggers(OF_PLATFORM),
  ]);
  const named = [
    ...services.map((object) => ({ kind: 'Service', object })),
    ...triggers.map((object) => ({ kind: 'Trigger', object })),
  ];
  const there = new Set(triggers.map(({ metadata }) => metadata.name));
  // Those that only start a pod early are missed by nobody.
  const missing = TRIGGERS.filter((name) => !there.has(name) && !name.endsWith('-wake'));
  const lost =
    'it is not there, so events of its type are lost until the platform is deployed again: send them again then';
  const notReady = named.flatMap(({ kind, object }) => {
    const conditions = conditionsOf(object);
    const ready = conditions.find(({ type }) => type === 'Ready');
    const why = conditions.find(({ status, message }) => status === 'False' && message) ?? ready;
    return ready?.status === 'False'
      ? [{ object: `${kind} ${object.metadata.name}`, message: why?.message ?? why?.reason ?? 'it is not Ready' }]
      : [];
  });
  return [...missing.map((name) => ({ object: `Trigger ${name}`, message: lost })), ...notReady];
}

async function lastCalls({ store, temporaryBucket }: ApiDependencies, identity: Identity): Promise<Call[]> {
  const calls: Call[] = [];
  for await (const { call } of listCalls(store, temporaryBucket, identity, { limit: 200 })) {
    calls.push(call);
    if (calls.length >= 200) {
      break;
    }
  }
  return calls;
}

/** Since the last one that succeeded, where that is known. */
function lastFailed(all: Call[]): Call[] {
  const calls = all.slice(0, CALLS);
  const good = calls.findIndex(({ succeeded }) => succeeded);
  return good === -1 ? calls : calls.slice(0, good);
}

/** Later its dead letters tell of it, if it was not answered at last. */
function isRecent({ time }: { time: string }, now: Date): boolean {
  return now.getTime() - Date.parse(time) < HOUR;
}

/** Whether no call that is known has succeeded since. */
function isLast({ time }: { time: string }, calls: Call[]): boolean {
  return !calls.some((one) => one.succeeded && Date.parse(one.time) > Date.parse(time));
}

/** The gateway makes ids the tenant's own: `{third_party_id}.{id}`. */
function isCall({ id, correlation_id, third_party_id }: Call, wanted: string): boolean {
  return [id, correlation_id].includes(wanted) || id === `${third_party_id}.${wanted}`;
}

function isAbout({ advice = '', id, event_id }: Letter, wanted: string): boolean {
  return id === wanted || event_id === wanted || event_id?.endsWith(`.${wanted}`) === true || advice.includes(wanted);
}

function slotsOf(running: Build[]): NonNullable<Facts['slots']> {
  const waiting = running.filter(({ status }) => status === 'queued').length;
  return { running: running.length - waiting, waiting };
}
