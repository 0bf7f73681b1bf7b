/**
 * Moves the functions of an older installation to the door: each had a Trigger of its own, which brought its calls past
 * it. Nothing is lost: first the door makes their calls, then an old Trigger goes, once its queue is empty. In between,
 * both make them.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { KnativeObject } from '#shared/clients/cluster.ts';
import { MINUTE, SECOND } from '#shared/durations.ts';
import type { KubeObject } from '#shared/kubernetes/object.ts';
import { DELIVERY_ANNOTATION, isOwnTrigger } from '#shared/specs/delivery.ts';
import { FUNCTIONS } from '#shared/specs/labels.ts';
import { FIELD_MANAGER } from './apply.ts';
import type { Environment } from './environment.ts';
import { askQueues, type QueueSource, startAsker, stopAsker } from './queues.ts';
import { kubectl, type Run } from './run.ts';

/**
 * The door relies for 5 s on what it knows of a Service, and leaves a call to the old Trigger until then. RabbitMQ's
 * numbers are up to 10 s old: quorum queues say them every 5 s, and they are collected every 5 s.
 */
const SETTLED = 20 * SECOND;
/** How long queues are waited for. sweep removes what is left. */
const PATIENCE = 2 * MINUTE;
const PAUSE = 2 * SECOND;
/** RabbitMQ, or the way to it, may be away for a moment. */
const FAILURES = 3;
/** Its Trigger brought answers to be counted. Whoever makes a call counts its answer. */
const FORMER = 'parser-events-complete';
const SERVICES = 'services.serving.knative.dev';
const TRIGGERS = 'triggers.eventing.knative.dev';
/** Names on one command line. */
const AT_ONCE = 50;

type Say = (line: string) => void;

export async function moveCalls(run: Run, source: QueueSource, say: Say): Promise<void> {
  const { environment } = source;
  await removeFormer(run, environment, say);
  const former = await formerServices(run, environment);
  const triggers = await oldTriggers(run, environment);
  if (former.length === 0 && triggers.length === 0) {
    return;
  }
  say('Moving the calls of functions to the door …');
  try {
    // Started first, since every call is made twice from the annotation to the end of the Trigger.
    const problem = triggers.length > 0 ? await problemOf(startAsker(run, source)) : undefined;
    await annotate(run, environment, former);
    say(`  ${former.length} functions are called by the door from now on`);
    if (triggers.length > 0) {
      await sleep(problem === undefined ? SETTLED : 0);
      const left = problem ?? (await removeDrained(run, environment, { total: triggers.length, say }));
      await sayWhatIsLeft(run, environment, left, say);
    }
  } finally {
    await stopAsker(run, environment);
  }
}

async function removeFormer(run: Run, { namespace }: Environment, say: Say): Promise<void> {
  const what = ['delete', TRIGGERS, FORMER, '-n', namespace];
  const { code, stderr } = await run('kubectl', [...what, '--ignore-not-found', '--wait=false']);
  if (code !== 0) {
    say(`  Trigger ${FORMER}, which is not needed any more, stays: ${stderr.trim()}. kubectl ${what.join(' ')}`);
  }
}

/** A function may be deleted, or deployed anew, at the same moment: so it counts what is so afterwards. */
async function annotate(run: Run, environment: Environment, services: string[]): Promise<void> {
  let [left, said] = [services, ''];
  for (let round = 0; left.length > 0; round += 1) {
    if (round === FAILURES) {
      throw new Error(
        `${left.length} functions are still called by their own Triggers (${said}). Nothing is lost; the same command tries again`,
      );
    }
    for (let start = 0; start < left.length; start += AT_ONCE) {
      const names = left.slice(start, start + AT_ONCE);
      const how = [`${DELIVERY_ANNOTATION}=shared`, '--overwrite', `--field-manager=${FIELD_MANAGER}`];
      const { stderr } = await run('kubectl', ['annotate', SERVICES, ...names, '-n', environment.namespace, ...how]);
      said = stderr.trim() || said;
    }
    left = await formerServices(run, environment);
  }
}

/** Why there are Triggers left; undefined where there are none. */
async function removeDrained(
  run: Run,
  environment: Environment,
  { total, say }: { total: number; say: Say },
): Promise<string | undefined> {
  const until = Date.now() + PATIENCE;
  let failures = 0;
  let told = total;
  for (;;) {
    const names = await oldTriggers(run, environment);
    if (names.length !== told) {
      say(`  old Triggers: ${total - names.length} of ${total} are gone`);
      told = names.length;
    }
    if (names.length === 0) {
      return undefined;
    }
    if (Date.now() >= until) {
      return 'their queues are not empty, or RabbitMQ does not name them';
    }
    try {
      const messages = await askQueues(run, environment);
      await remove(
        run,
        environment,
        names.filter((name) => messages.get(name) === 0),
      );
      failures = 0;
    } catch (error) {
      failures += 1;
      if (failures === FAILURES) {
        return messageOf(error);
      }
    }
    await sleep(PAUSE);
  }
}

/** Does not wait for what RabbitMQ has to clean up: a Trigger that is being deleted counts as gone. */
async function remove(run: Run, { namespace }: Environment, names: string[]): Promise<void> {
  for (let start = 0; start < names.length; start += AT_ONCE) {
    const some = names.slice(start, start + AT_ONCE);
    await kubectl(run, ['delete', TRIGGERS, ...some, '-n', namespace, '--ignore-not-found', '--wait=false']);
  }
}

async function sayWhatIsLeft(run: Run, environment: Environment, why: string | undefined, say: Say): Promise<void> {
  const names = why === undefined ? [] : await oldTriggers(run, environment);
  if (names.length === 0) {
    return;
  }
  const shown = names.length > 5 ? `${names.slice(0, 5).join(', ')} and ${names.length - 5} more` : names.join(', ');
  say(
    `  The old Triggers of ${shown} stay: ${why}. Until they are gone, a call of these functions is made twice, and answered twice under one id. Run make deploy again, or leave it to sweep, which deletes them in an hour.`,
  );
}

/** Names of the functions that no annotation gives to the door. */
async function formerServices(run: Run, environment: Environment): Promise<string[]> {
  const services = await list(run, SERVICES, environment);
  return namesOf(services.filter(({ metadata }) => !metadata.annotations?.[DELIVERY_ANNOTATION]));
}

async function oldTriggers(run: Run, environment: Environment): Promise<string[]> {
  const triggers = await list(run, TRIGGERS, environment);
  return namesOf(triggers.filter((trigger) => !isOwnTrigger(trigger as KnativeObject)));
}

function namesOf(objects: KubeObject[]): string[] {
  return objects.filter(({ metadata }) => !metadata.deletionTimestamp).map(({ metadata }) => metadata.name);
}

async function list(run: Run, kind: string, { namespace }: Environment): Promise<KubeObject[]> {
  return JSON.parse(await kubectl(run, ['get', kind, '-n', namespace, '-l', FUNCTIONS, '-o', 'json'])).items;
}

async function problemOf(work: Promise<unknown>): Promise<string | undefined> {
  try {
    await work;
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
