/** The embedded platform, with every event of its Broker as it is published. */
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TapEntry } from '#local/broker/tap.ts';
import { startPlatform } from '#local/platform.ts';
import { type Seen, type UnderTest, underTest } from './under-test.ts';

/** A signal closes it, and ends the process: nothing of it is left on the machine. */
export async function openLaptop(onSeen: (seen: Seen) => void = () => undefined): Promise<UnderTest> {
  const directory = await mkdtemp(join(tmpdir(), 'knative-lambda-bench-'));
  const seen: Seen[] = [];
  const onEvent = (entry: TapEntry) => {
    if (entry.kind === 'published') {
      const now = seenNow(entry);
      seen.push(now);
      onSeen(now);
    }
  };
  const remove = async () => rm(await realpath(directory), { recursive: true, force: true });
  const platform = await startPlatform({ directory, stableWindowSeconds: 3, onEvent }).catch(async (error) => {
    await remove();
    throw error;
  });
  const { brokerUrl, gatewayUrl, s3Url, namespace } = platform;
  const stop = (signal: string) => {
    console.error(`${signal}: closing the platform …`);
    void close().finally(() => process.exit(130));
  };
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
  const close = async () => {
    await platform.close();
    await remove();
    for (const signal of signals) {
      process.off(signal, stop);
    }
  };
  for (const signal of signals) {
    process.on(signal, stop);
  }
  const measured = {
    run: `r${randomBytes(3).toString('hex')}`,
    brokerUrl,
    gatewayUrl,
    s3: { endpoint: s3Url, region: 'us-east-1', credentials: { accessKeyId: 'bench', secretAccessKey: 'benchbench' } },
    sourceBucket: 'knative-lambda-source',
    sourcePrefix: 'global/parser/{parser_id}/',
    temporaryBucket: 'knative-lambda-tmp',
    kubeconfig: await readFile(platform.kubeconfig, 'utf8'),
    namespace,
  };
  return underTest(measured, { seen, close });
}

function seenNow({ event }: { event: { attributes: Record<string, unknown>; data: Buffer } }): Seen {
  const at = performance.now();
  const { type, id, source, subject } = event.attributes as Record<string, string>;
  const text = event.data.toString();
  const data = text.startsWith('{') ? JSON.parse(text) : undefined;
  return { at, event: { type: type ?? '', id: id ?? '', source: source ?? '', subject, data } };
}
