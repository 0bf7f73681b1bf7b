import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { KubeConfig, type V1Job, Watch } from '@kubernetes/client-node';
import type { TapEntry } from '#local/broker/tap.ts';
import { startPlatform } from '#local/platform.ts';
import { answering, byJob } from '#test/contract/sources.ts';
import { inParallel } from './in-parallel.ts';
import { peakMemory } from './peak-memory.ts';
import { sendBuild } from './send-build.ts';

const BUILDS = Number(process.env['BUILDS'] ?? 1000);
const TENANTS = Number(process.env['TENANTS'] ?? 50);
const BIG = Number(process.env['BIG'] ?? BUILDS * 0.6);
const BUCKET = 'knative-lambda-source';
const SENDERS = 20;
const SAMPLE_MS = 1000;
/** A prime larger than any number of builds that this is run with. */
const STEP = 7919;

interface Build {
  tenant: string;
  parser: string;
}

interface Ended extends Build {
  id: string;
  status: string;
  at: number;
}

const small = (index: number): string => `small-${index % (TENANTS - 1)}`;
const builds: Build[] = Array.from({ length: BUILDS }, (_, index) => ({
  tenant: index < BIG ? 'big' : small(index),
  parser: `p${index}`,
}));

const directory = await mkdtemp(join(tmpdir(), 'knative-lambda-builds-'));
const ended = new Map<string, Ended>();
const began = performance.now();
const platform = await startPlatform({ directory, stableWindowSeconds: 5, onEvent });
const s3 = new S3Client({
  endpoint: platform.s3Url,
  region: 'us-east-1',
  forcePathStyle: true,
  credentials: { accessKeyId: 'bench', secretAccessKey: 'bench' },
});
const stopWatching = new AbortController();
const running = new Set<string>();
let most = 0;
const memory = peakMemory(SAMPLE_MS);
try {
  await watchJobs();
  await inParallel(builds, SENDERS, upload);
  console.error(`${BUILDS} sources uploaded after ${seconds()} s`);
  await inParallel(mixed(builds), SENDERS, send);
  console.error(`${BUILDS} events sent after ${seconds()} s`);
  const sent = performance.now();
  while (ended.size < BUILDS) {
    await new Promise((resolve) => setTimeout(resolve, SAMPLE_MS));
    process.stderr.write(`\r${ended.size} of ${BUILDS} ended after ${seconds()} s, ${running.size} running `);
  }
  report((performance.now() - sent) / 1000);
} finally {
  memory.stop();
  stopWatching.abort();
  await platform.close();
  await rm(directory, { recursive: true, force: true });
}

function onEvent(entry: TapEntry): void {
  if (entry.kind !== 'published' || entry.event.attributes['type'] !== 'build.complete') {
    return;
  }
  const { id = '', subject = '' } = entry.event.attributes as Record<string, string>;
  const [tenant = '', parser = ''] = subject.split('/');
  if (!ended.has(id)) {
    const { status } = JSON.parse(entry.event.data?.toString() ?? '{}') as { status: string };
    ended.set(id, { id, tenant, parser, status, at: performance.now() });
  }
}

/** By the Job controller's own word, every change of it. */
async function watchJobs(): Promise<void> {
  const config = new KubeConfig();
  config.loadFromFile(platform.kubeconfig);
  const path = `/apis/batch/v1/namespaces/${platform.namespace}-builds/jobs`;
  const controller = await new Watch(config).watch(
    path,
    {},
    (phase, job: V1Job) => {
      const uid = job.metadata?.uid ?? '';
      const isOver = job.status?.conditions?.some(({ type }) => type === 'Complete' || type === 'Failed') ?? false;
      if ((job.status?.active ?? 0) > 0 && !isOver && phase !== 'DELETED') {
        running.add(uid);
      } else {
        running.delete(uid);
      }
      most = Math.max(most, running.size);
    },
    () => {},
  );
  stopWatching.signal.addEventListener('abort', () => controller.abort());
}

async function upload({ parser }: Build): Promise<void> {
  for (const [name, Body] of Object.entries(byJob(answering(parser)))) {
    await s3.send(new PutObjectCommand({ Bucket: BUCKET, Key: `global/parser/${parser}/${name}`, Body }));
  }
}

async function send({ tenant, parser }: Build): Promise<void> {
  const response = await sendBuild(platform.brokerUrl, { third_party_id: tenant, parser_id: parser });
  if (response.status !== 202) {
    throw new Error(`the Broker answered ${response.status}`);
  }
}

/**
 * Everybody sends at the same time. A step that shares no factor with the number of builds comes to each of them once.
 */
function mixed(all: Build[]): Build[] {
  return all.map((_, index) => all[(index * STEP) % all.length] as Build);
}

function report(took: number): void {
  const order = [...ended.values()].sort((a, b) => a.at - b.at);
  const statuses = Map.groupBy(order, ({ status }) => status);
  const lastSmall = order.findLastIndex(({ tenant }) => tenant !== 'big');
  const bigBefore = order.slice(0, lastSmall).filter(({ tenant }) => tenant === 'big').length;
  const functions = new Set(order.map(({ tenant, parser }) => `${tenant}/${parser}`)).size;
  const rows = [
    ['builds asked for', `${BUILDS} of ${TENANTS} clients, ${BIG} of them one client's`],
    ['distinct build.complete', `${ended.size}, of ${functions} functions`],
    ['by status', [...statuses].map(([status, all]) => `${all.length} ${status}`).join(', ')],
    ['at most running at once', String(most)],
    ['the big client had ended, when all others had', String(bigBefore)],
    ['took', `${took.toFixed(0)} s, ${(BUILDS / took).toFixed(2)} builds a second`],
    ...memory.peaks().map(({ name, mebibytes }) => [`peak memory of ${name}`, `${mebibytes} MiB`]),
  ];
  console.log();
  for (const [name = '', value] of rows) {
    console.log(`${name.padEnd(48)}${value}`);
  }
}

function seconds(): string {
  return ((performance.now() - began) / 1000).toFixed(0);
}
