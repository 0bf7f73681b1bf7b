/**
 * Changes of the code alone, of many clients at once: how many a second the embedded platform takes, and whether each
 * is answered once and the newest answers. The baseline is how often an empty Node server can be started.
 */
import { type Identity, subjectOf } from '#shared/events/identity.ts';
import { brokenPromises, type Wanted } from './check-platform.ts';
import { cpuOfTree, cpuSince } from './cpu-of-tree.ts';
import { startEmptyServer } from './empty-server.ts';
import { inParallel } from './in-parallel.ts';
import { openLaptop } from './open-laptop.ts';
import { RequestLog } from './request-log.ts';
import { median, percentile, type Row } from './row.ts';
import type { Seen, UnderTest } from './under-test.ts';

const CLIENTS = 20;
/** Functions that start at the same time, before the measurement. */
const AT_ONCE = 4;
const READY_SECONDS = 300;
const BASELINES = 10;

/** Throws where a promise is broken. */
export async function changesAtOnce(changes = 200): Promise<Row[]> {
  const log = new RequestLog();
  const laptop = await openLaptop((seen) => log.note(seen));
  try {
    return await measure(laptop, log, changes);
  } finally {
    await laptop.close();
  }
}

async function measure(laptop: UnderTest, log: RequestLog, changes: number): Promise<Row[]> {
  const tenants = Array.from({ length: CLIENTS }, () => laptop.identity('client').third_party_id);
  const identities = Array.from({ length: changes }, (_, n) => ({
    third_party_id: tenants[n % CLIENTS] ?? '',
    parser_id: `change-${n}`,
  }));
  const wanted: Wanted = new Map();
  const upload = async (identity: Identity, version: string) => {
    wanted.set(identity, version);
    await laptop.upload(identity, { 'parser.mjs': `export const handler = () => ({ version: '${version}' });\n` });
  };
  const build = async (identity: Identity): Promise<Timed> => {
    const sent = await log.send(laptop, 'build.start', identity, { scaling: { scale_down_delay: '0s' } });
    const { at, event } = await sent.ended;
    if (event.data.status !== 'success' || event.data.cached) {
      throw new Error(`a change ended as ${JSON.stringify(event.data)}`);
    }
    return { sent: sent.at, ended: at };
  };
  console.error(`deploying ${changes} functions …`);
  await inParallel(identities, AT_ONCE, async (identity) => {
    await upload(identity, 'first');
    await build(identity);
    await laptop.wait(`${subjectOf(identity)} to be ready`, isReady(identity), READY_SECONDS);
  });
  const starts: number[] = [];
  for (let n = 0; n < BASELINES; n += 1) {
    starts.push(await startEmptyServer());
  }
  await inParallel(identities, CLIENTS, (identity) => upload(identity, 'changed'));

  console.error(`changing all of them at once …`);
  const before = laptop.seen.length;
  const cpuBefore = cpuOfTree();
  const times = await Promise.all(identities.map(build));
  const cpu = cpuSince(cpuBefore, cpuOfTree());
  const seconds = (Math.max(...times.map(({ ended }) => ended)) - Math.min(...times.map(({ sent }) => sent))) / 1000;
  console.error(`${seconds.toFixed(1)} s; calling all of them …`);
  const broken = [...log.brokenEnds(), ...(await brokenPromises(laptop, wanted))];
  const jobs = laptop.seen.slice(before).filter(({ event }) => event.type === 'job.start').length;
  if (jobs > 0 || broken.length > 0) {
    throw new Error(`${jobs} changes of the code alone needed a Job; promises broken: ${broken.join('\n') || 'none'}`);
  }
  const name = `${changes} code changes of ${CLIENTS} clients at once`;
  const perSecond = changes / seconds;
  const each = times.map(({ sent, ended }) => ended - sent);
  return [
    {
      name,
      value: perSecond,
      unit: 'a second',
      baseline: 'starts of an empty Node server',
      ratio: (perSecond * median(starts)) / 1000,
      aim: '≥ 20 a second',
    },
    { name: `${name}, each`, value: median(each), unit: 'ms', p95: percentile(each, 0.95) },
    ...[...cpu].map(([who, milliseconds]) => ({
      name: `  CPU of one until all are built: ${who}`,
      value: milliseconds / changes,
      unit: 'ms',
    })),
  ];
}

/** By performance.now(). */
interface Timed {
  sent: number;
  ended: number;
}

function isReady(identity: Identity) {
  return ({ event }: Seen) => event.type === 'lifecycle.function.ready' && event.subject === subjectOf(identity);
}
