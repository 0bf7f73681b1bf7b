import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { mkdtemp, rm } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TapEntry } from '#local/broker/tap.ts';
import { type Platform, startPlatform } from '#local/platform.ts';
import type { Row } from './row.ts';
import { sendBuild } from './send-build.ts';

const BUILDS = 20;
const AT_ONCE = 4;
const BUCKET = 'knative-lambda-source';
const FILES = ['parser.mjs', 'package.json'];
const GIVE_UP_MS = 180_000;
const POLL_MS = 200;
/** What a build does after its build.complete, such as deploying the function, ends within this time. */
const SETTLE_MS = 5000;
const REQUEST_STARTED = 'http.server.request.start';

export async function buildRequests(): Promise<Row[]> {
  const directory = await mkdtemp(join(tmpdir(), 'knative-lambda-requests-'));
  const counts = new Map<string, number>();
  const ready = new Set<string>();
  let counting = false;
  const count = (name: string) => counting && counts.set(name, (counts.get(name) ?? 0) + 1);
  const onEvent = ({ kind, event }: TapEntry) => {
    const { type, subject } = event.attributes as Record<string, string>;
    if (kind === 'published') {
      count('events');
      if (type === 'lifecycle.function.ready') {
        ready.add(subject ?? '');
      }
    } else if (kind === 'delivered') {
      count('deliveries');
    }
  };
  const platform = await startPlatform({ directory, onEvent });
  const onRequest = (message: unknown) => {
    const { request } = message as { request: IncomingMessage };
    const kind = kindOf(request, platform);
    if (kind) {
      count(kind);
    }
  };
  try {
    await stopSweep(platform);
    const names = Array.from({ length: BUILDS }, (_, index) => `p${index}`);
    for (const name of names) {
      await upload(platform, name);
    }
    subscribe(REQUEST_STARTED, onRequest);
    counting = true;
    const queue = [...names];
    await Promise.all(
      Array.from({ length: AT_ONCE }, async () => {
        for (let name = queue.shift(); name; name = queue.shift()) {
          await build(platform, name, ready);
        }
      }),
    );
    await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
    counting = false;
    return rowsOf(counts);
  } finally {
    unsubscribe(REQUEST_STARTED, onRequest);
    await platform.close();
    await rm(directory, { recursive: true, force: true });
  }
}

function rowsOf(counts: Map<string, number>): Row[] {
  return [...counts].sort().map(([name, value]) => ({
    name: `a build of ${FILES.length} files, ${name}`,
    value: value / BUILDS,
    unit: '',
  }));
}

/** Undefined for what is asked of another server. */
function kindOf(request: IncomingMessage, { s3Url, kubernetesUrl }: Platform): string | undefined {
  const port = String(request.socket.localPort);
  const url = request.url ?? '';
  if (port === new URL(kubernetesUrl).port) {
    const isWatch = url.includes('watch=true');
    return isWatch ? undefined : `Kubernetes ${request.method === 'GET' ? 'reads' : 'writes'}`;
  }
  if (port === new URL(s3Url).port) {
    const verb = url.includes('list-type=2') ? 'LIST' : url.includes('?delete') ? 'DELETE' : request.method;
    return `S3 ${verb}`;
  }
  return undefined;
}

/** It looks at everything once a minute, however many builds there are. */
async function stopSweep({ kubernetesUrl, namespace }: Platform): Promise<void> {
  const path = `/apis/sources.knative.dev/v1/namespaces/${namespace}/pingsources/sweep`;
  const { ok, status } = await fetch(new URL(path, kubernetesUrl), { method: 'DELETE' });
  if (!ok) {
    throw new Error(`the PingSource could not be deleted: ${status}`);
  }
}

async function upload({ s3Url }: Platform, name: string): Promise<void> {
  const contents: Record<string, string> = {
    'parser.mjs': `export const handler = () => '${name}';\n`,
    // With a script to run, it is built by a Job.
    'package.json': '{"type":"module","scripts":{"postinstall":"true"}}',
  };
  for (const file of FILES) {
    const url = `${s3Url}/${BUCKET}/global/parser/${name}/${file}`;
    const { ok, status } = await fetch(url, { method: 'PUT', body: contents[file] ?? '' });
    if (!ok) {
      throw new Error(`${file} could not be uploaded: ${status}`);
    }
  }
}

async function build({ brokerUrl }: Platform, name: string, ready: Set<string>): Promise<void> {
  await sendBuild(brokerUrl, { third_party_id: 'bench', parser_id: name });
  const end = performance.now() + GIVE_UP_MS;
  while (!ready.has(`bench/${name}`)) {
    if (performance.now() > end) {
      throw new Error(`bench/${name} is not ready`);
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
