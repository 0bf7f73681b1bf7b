/**
 * `make bench-builds MIX=1`: first builds, code changes, dependency changes, unchanged sources and deletions of many
 * clients at once on the embedded platform, BUILDS of them, then whether what docs/chaos.md promises holds. SEED gives
 * the same requests again; what happens between them is the machine's.
 */
import type { Identity } from '#shared/events/identity.ts';
import { chance } from '#test/chaos/random.ts';
import { brokenPromises, type Wanted } from './check-platform.ts';
import { type NpmRegistry, startNpmRegistry } from './npm-registry.ts';
import { openLaptop } from './open-laptop.ts';
import { RequestLog, type Sent } from './request-log.ts';
import type { Seen, UnderTest } from './under-test.ts';

const CLIENTS = 20;
const FUNCTIONS_PER_CLIENT = 2;
const REQUESTS = Number(process.env['BUILDS'] ?? 1000);
const SEED = Number(process.env['SEED'] ?? 1);
/** How often a client does not wait for the end of its last request of a function. */
const IMPATIENT = 0.25;
/** What a client asks for next of a function that is there. */
const KINDS: [kind: Kind, share: number][] = [
  ['code change', 0.5],
  ['unchanged', 0.2],
  ['dependency change', 0.15],
  ['deletion', 0.15],
];

type Kind = 'first build' | 'code change' | 'unchanged' | 'dependency change' | 'deletion';

interface MixedFunction {
  identity: Identity;
  /** Without any, never a Job is needed. */
  hasDependencies: boolean;
  code: number;
  dependency: number;
  isThere: boolean;
  pending: Sent[];
}

/** Ends a build may have besides success: a newer request, or a deletion, came in between. */
const OVERTAKEN = ['Superseded', 'Cancelled'];

const result = await mixedRequests(REQUESTS, SEED);
console.log(describe(result));
process.exit(result.broken.length === 0 ? 0 : 1);

interface Mixed {
  kinds: Map<Kind, number>;
  jobs: number;
  /** By status, reason and whether the answer was known already. */
  ends: Map<string, number>;
  seconds: number;
  broken: string[];
}

async function mixedRequests(requests: number, seed: number): Promise<Mixed> {
  const log = new RequestLog();
  const registry = await startNpmRegistry(requests);
  const laptop = await openLaptop((seen) => log.note(seen));
  try {
    const functions = Array.from({ length: CLIENTS }, () => functionsOfClient(laptop));
    const kinds = new Map<Kind, number>();
    const began = performance.now();
    await Promise.all(
      functions.map(async (own, client) => {
        for (let n = client; n < requests; n += CLIENTS) {
          const one = own[n % (own.length * CLIENTS) < CLIENTS ? 0 : 1] as MixedFunction;
          const random = (what: string) => chance(seed, `${what} of ${n}`);
          const kind = await request({ laptop, log, registry }, one, random);
          kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
          process.stderr.write(`\r${log.sent.length} of ${requests} requests sent `);
        }
        await Promise.all(own.flatMap(({ pending }) => pending.map(({ ended }) => ended)));
      }),
    );
    const seconds = (performance.now() - began) / 1000;
    const ends = await endsOf(log);
    const wanted: Wanted = new Map(
      functions.flat().map((one) => [one.identity, one.isThere ? versionOf(one) : undefined]),
    );
    const broken = [...log.brokenEnds(), ...badEnds(ends), ...(await brokenPromises(laptop, wanted))];
    const jobs = laptop.seen.filter(({ event }) => event.type === 'job.start').length;
    return { kinds, jobs, ends, seconds, broken };
  } finally {
    await laptop.close();
    await registry.close();
  }
}

function functionsOfClient(laptop: UnderTest): MixedFunction[] {
  const { third_party_id } = laptop.identity('client');
  return Array.from({ length: FUNCTIONS_PER_CLIENT }, (_, n) => ({
    identity: { third_party_id, parser_id: `${third_party_id}-${n}` },
    hasDependencies: n > 0,
    code: 0,
    dependency: 0,
    isThere: false,
    pending: [],
  }));
}

interface World {
  laptop: UnderTest;
  log: RequestLog;
  registry: NpmRegistry;
}

async function request(world: World, one: MixedFunction, random: (what: string) => number): Promise<Kind> {
  const { laptop, log } = world;
  const kind = kindFor(one, random('kind'));
  if (kind === 'deletion') {
    // What is asked for at the same moment as a deletion has no order that a client could know of.
    await settle(one);
    one.isThere = false;
    await (await log.send(laptop, 'service.delete', one.identity)).ended;
    return kind;
  }
  one.isThere = true;
  one.code += kind === 'unchanged' ? 0 : 1;
  one.dependency += kind === 'dependency change' ? 1 : 0;
  if (kind !== 'unchanged') {
    await laptop.upload(one.identity, sourceOf(one, world.registry));
  }
  one.pending.push(await log.send(laptop, 'build.start', one.identity, { scaling: { scale_down_delay: '0s' } }));
  if (random('patience') > IMPATIENT) {
    await settle(one);
  }
  return kind;
}

async function settle(one: MixedFunction): Promise<void> {
  await Promise.all(one.pending.splice(0).map(({ ended }) => ended));
}

function kindFor({ isThere, hasDependencies }: MixedFunction, random: number): Kind {
  if (!isThere) {
    return 'first build';
  }
  const kind = KINDS.find(([, share], index) => random < share + below(index))?.[0] ?? 'code change';
  return kind === 'dependency change' && !hasDependencies ? 'code change' : kind;
}

function below(index: number): number {
  return KINDS.slice(0, index).reduce((sum, [, share]) => sum + share, 0);
}

function versionOf({ code, dependency, hasDependencies }: MixedFunction): string {
  return hasDependencies ? `${code} with ${dependency}` : `${code}`;
}

function sourceOf(one: MixedFunction, registry: NpmRegistry): Record<string, string> {
  if (!one.hasDependencies) {
    return { 'parser.mjs': `export const handler = () => ({ version: '${one.code}' });\n` };
  }
  return {
    '.npmrc': `registry=${registry.url}/\n`,
    'package.json': JSON.stringify({ type: 'module', dependencies: { number: `1.0.${one.dependency}` } }),
    'parser.mjs': `import number from 'number';\nexport const handler = () => ({ version: \`${one.code} with \${number}\` });\n`,
  };
}

async function endsOf(log: RequestLog): Promise<Map<string, number>> {
  const ends = new Map<string, number>();
  for (const { ended } of log.sent) {
    const name = nameOf(await ended);
    ends.set(name, (ends.get(name) ?? 0) + 1);
  }
  return ends;
}

function nameOf({ event: { type, data } }: Seen): string {
  if (type !== 'build.complete') {
    return 'deleted';
  }
  return data.status === 'success' ? `success${data.cached ? ', known already' : ''}` : String(data.reason);
}

/** Nothing else may end a build here: every source is right. */
function badEnds(ends: Map<string, number>): string[] {
  const known = ['deleted', 'success', 'success, known already', ...OVERTAKEN];
  return [...ends].filter(([name]) => !known.includes(name)).map(([name, count]) => `${count} builds ended as ${name}`);
}

function describe({ kinds, jobs, ends, seconds, broken }: Mixed): string {
  const list = (counts: Map<string, number>) => [...counts].map(([name, count]) => `${count} ${name}`).join(', ');
  const total = [...kinds.values()].reduce((sum, count) => sum + count, 0);
  return [
    `${total} requests of ${CLIENTS} clients: ${list(kinds)}`,
    `ended as: ${list(ends)}`,
    `Jobs: ${jobs}; ${seconds.toFixed(0)} s, ${(total / seconds).toFixed(2)} requests a second`,
    broken.length === 0
      ? 'every request has one end, what was asked for last is what answers, nothing is left over'
      : `BROKEN:\n${broken.join('\n')}`,
  ].join('\n');
}
