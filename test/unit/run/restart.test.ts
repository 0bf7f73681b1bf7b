/**
 * A platform that is killed in the middle of its work, and one started in its place: nothing is lost, nothing ends
 * twice.
 */
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KubeConfig, KubernetesObjectApi } from '@kubernetes/client-node';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { bundle } from '#bundle/main.ts';
import { binary, post } from '#test/contract/post.ts';
import { answering } from '#test/contract/sources.ts';
import { subscribe } from '#test/contract/subscribe.ts';
import { waitUntil } from '#test/contract/wait-until.ts';
import { type PlatformProcess, startPlatformProcess } from './platform-process.ts';
import { type Recorder, startRecorder } from './recorder.ts';

const DIST = join(import.meta.dirname, '../../../dist');
/** `RESTART_BUILDS=50 vitest run --project unit test/unit/run/restart.test.ts` */
const BUILDS = Number(process.env['RESTART_BUILDS'] ?? 6);
const SECONDS = 60 + 6 * BUILDS;
const TENANTS = 5;

let directory: string;
let recorder: Recorder;
let platform: PlatformProcess;
beforeAll(async () => {
  if (!existsSync(join(DIST, 'main.js'))) {
    await bundle(DIST);
  }
  directory = await mkdtemp(join(tmpdir(), 'restart-'));
  recorder = await startRecorder();
});
afterAll(async () => {
  await platform?.close();
  await recorder.close();
  await rm(directory, { recursive: true, force: true });
});

const requests = Array.from({ length: BUILDS }, (_, n) => ({
  id: `request-${n}`,
  data: { third_party_id: `tenant-${n % TENANTS}`, parser_id: `parser-${n}` },
}));

async function kubernetes(): Promise<KubernetesObjectApi> {
  const config = new KubeConfig();
  config.loadFromString(await readFile(platform.kubeconfig, 'utf8'));
  return KubernetesObjectApi.makeApiClient(config);
}

async function upload(parser: string): Promise<void> {
  for (const [name, body] of Object.entries(answering(parser))) {
    const url = `${platform.s3Url}/knative-lambda-source/global/parser/${parser}/${name}`;
    expect((await fetch(url, { method: 'PUT', body })).status).toBe(200);
  }
}

async function send(event: Parameters<typeof binary>[0]): Promise<void> {
  expect((await post(new URL(platform.brokerUrl), binary(event))).status).toBe(202);
}

/** The distinct terminal events of each request. */
const endings = () =>
  Object.fromEntries(
    requests.map(({ id }) => [
      id,
      recorder
        .of('build.complete')
        .filter((event) => event['correlationid'] === id)
        .map(({ data }) => data.status),
    ]),
  );
const ended = () => Object.values(endings()).filter((statuses) => statuses.length > 0).length;
const until = (what: string, look: () => unknown, seconds = SECONDS) =>
  waitUntil(what, look, { seconds, every: 50, story: () => JSON.stringify(endings()) });

test(`killed in the middle of ${BUILDS} builds, it finishes all of them after its restart`, {
  timeout: (3 * SECONDS + 120) * 1000,
}, async () => {
  platform = await startPlatformProcess(directory);
  const { namespace } = platform;
  await subscribe(await kubernetes(), { name: 'recorder', namespace, uri: recorder.url });
  const began = performance.now();
  for (const { id, data } of requests) {
    await upload(data.parser_id);
    await send({ type: 'build.start', id, data });
  }
  await until('some builds to have ended', () => ended() >= BUILDS / 3);

  const former = platform;
  const endedBefore = ended();
  await former.kill();
  const killed = performance.now();
  platform = await startPlatformProcess(directory);
  const restarted = performance.now();

  expect(platform).toMatchObject({ brokerUrl: former.brokerUrl, s3Url: former.s3Url });
  await until('every build to have ended', () => ended() === BUILDS);
  const done = performance.now();

  const answered = () => recorder.of('parser.complete').map(({ subject, data }) => [subject, data.result?.answer]);
  for (const { id, data } of requests) {
    const subject = `${data.third_party_id}/${data.parser_id}`;
    await until(`${subject} to be deployed`, async () => {
      const { items } = await (await kubernetes()).list('serving.knative.dev/v1', 'Service', namespace);
      return items.some(
        (service) =>
          service.metadata?.annotations?.['knative-lambda/parser-id'] === data.parser_id &&
          (service as { status?: { latestReadyRevisionName?: string } }).status?.latestReadyRevisionName,
      );
    });
    await send({ type: 'parser.start', id: `call-${id}`, subject, data: {} });
  }
  await until('every function to have answered', () => answered().length >= BUILDS);
  expect(Object.fromEntries(answered())).toEqual(
    Object.fromEntries(requests.map(({ data }) => [`${data.third_party_id}/${data.parser_id}`, data.parser_id])),
  );
  await until('every queue to be empty', () => messagesLeft() === 0);
  expect(endings()).toEqual(Object.fromEntries(requests.map(({ id }) => [id, ['success']])));
  expect(recorder.of('event.rejected')).toEqual([]);
  console.log(
    `${BUILDS} builds: ${endedBefore} had ended when it was killed after ${seconds(began, killed)}; up again in ${seconds(killed, restarted)}, all ended ${seconds(restarted, done)} later`,
  );
});

/** In the file of the queues. */
function messagesLeft(): number {
  const lines = readFileSync(join(directory, 'queues.jsonl'), 'utf8').split('\n').filter(Boolean);
  const left = new Set<string>();
  for (const { queue, add, remove } of lines.map((line) => JSON.parse(line))) {
    if (add !== undefined) {
      left.add(`${queue} ${add}`);
    }
    left.delete(`${queue} ${remove}`);
  }
  return left.size;
}

function seconds(from: number, to: number): string {
  return `${((to - from) / 1000).toFixed(1)} s`;
}
