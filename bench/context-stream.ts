/**
 * Packing a source from S3 to S3 by prepareBuild, against `tar | zstd -1` over the same files on disk. S3 and the
 * packing run in processes of their own.
 */
import { execFile, fork } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { bundleAdapters } from '#bundle/main.ts';
import { startS3 } from '#local/s3.ts';
import { createObjectStore } from '#shared/clients/s3.ts';
import type { Packed, PackRequest } from './pack-context.ts';
import { median, type Row } from './row.ts';

const FILES = 2000;
const MEGABYTES = 300;
const RUNS = 5;
const SOURCE = 'knative-lambda-source';
const TEMPORARY = 'knative-lambda-tmp';
const PREFIX = 'global/parser/large/';

const program = fileURLToPath(import.meta.url);
const run = promisify(execFile);

export async function contextStream(): Promise<Row[]> {
  const directory = await mkdtemp(join(tmpdir(), 'knative-lambda-bench-'));
  const s3 = fork(program, ['serve', join(directory, 's3')]);
  try {
    const [url] = (await once(s3, 'message')) as [string];
    const source = join(directory, 'source');
    await writeSource(source, url);
    const bundle = join(directory, 'pack-context.mjs');
    const adapters = join(directory, 'adapters');
    await Promise.all([bundlePacking(bundle), bundleAdapters(adapters)]);
    const request: PackRequest = { url, source: SOURCE, prefix: PREFIX, temporary: TEMPORARY, adapters };
    const own: Packed[] = [];
    const reading: number[] = [];
    const baseline: number[] = [];
    // In turns, so that whatever else the machine does slows both.
    for (let index = 0; index < RUNS; index += 1) {
      own.push(await packOnce(bundle, request));
      reading.push((await packOnce(bundle, { ...request, readOnly: true })).milliseconds);
      baseline.push(await tarOnce(source, join(directory, 'baseline.tar.zst')));
    }
    const speedOf = (milliseconds: number[]) => MEGABYTES / (median(milliseconds) / 1000);
    const speed = speedOf(own.map(({ milliseconds }) => milliseconds));
    const read = speedOf(reading);
    const local = speedOf(baseline);
    return [
      {
        name: `context of ${FILES} files, S3 to S3`,
        value: speed,
        unit: 'MB/s',
        baseline: 'tar | zstd -1',
        ratio: speed / local,
        aim: '≥ 0.80',
      },
      { name: '  its objects read alone', value: read, unit: 'MB/s', baseline: 'tar | zstd -1', ratio: read / local },
      { name: 'tar | zstd -1 over the same files on disk', value: local, unit: 'MB/s' },
      {
        name: 'resident memory while packing',
        value: Math.max(...own.map(({ resident }) => resident)),
        unit: 'MB',
        aim: '≤ 150 MB',
      },
    ];
  } finally {
    s3.kill();
    await once(s3, 'exit');
    await rm(directory, { recursive: true });
  }
}

/** Half of it noise in hexadecimal, half of it words: zstd -1 makes it a third, as it does source code. */
async function writeSource(directory: string, url: string): Promise<void> {
  const store = connect(url);
  await mkdir(directory, { recursive: true });
  const size = Math.round((MEGABYTES * 1e6) / FILES);
  for (let index = 0; index < FILES; index += 1) {
    const name = index === 0 ? 'parser.js' : `file-${index}.js`;
    const chunks = ['exports.handler = (event) => event.data;\n'];
    let length = chunks[0]?.length ?? 0;
    for (let line = 0; length < size; line += 1) {
      const noise = createHash('sha256').update(`${index}/${line}`).digest('hex');
      const text = `// the block ${line} of the chain has the hash\nconst block${line} = '0x${noise}';\n`;
      chunks.push(text);
      length += text.length;
    }
    const content = chunks.join('').slice(0, size);
    await writeFile(join(directory, name), content);
    await store.write(SOURCE, PREFIX + name, content, 'text/javascript');
  }
  store.close();
}

/** With the options that the image gives every function. */
async function packOnce(bundle: string, request: PackRequest): Promise<Packed> {
  const child = fork(bundle, [JSON.stringify(request)], { execArgv: nodeOptions() });
  const [packed] = (await once(child, 'message')) as [Packed];
  await once(child, 'exit');
  return packed;
}

function nodeOptions(): string[] {
  const file = readFileSync(new URL('../Dockerfile', import.meta.url), 'utf8');
  return /NODE_OPTIONS=(\S+)/.exec(file)?.[1]?.split(' ') ?? [];
}

/** As everything of ours runs: bundled. */
async function bundlePacking(outfile: string): Promise<void> {
  await build({
    entryPoints: [fileURLToPath(new URL('./pack-context.ts', import.meta.url))],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    logLevel: 'error',
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
  });
}

async function tarOnce(source: string, target: string): Promise<number> {
  const began = performance.now();
  await run('sh', ['-c', 'tar -cf - -C "$0" . | zstd -1 -q > "$1"', source, target]);
  return performance.now() - began;
}

function connect(url: string) {
  return createObjectStore({
    AWS_REGION: 'us-east-1',
    S3_ENDPOINT: url,
    AWS_ACCESS_KEY_ID: 'bench',
    AWS_SECRET_ACCESS_KEY: 'bench',
  });
}

if (import.meta.main) {
  const [role, directory = ''] = process.argv.slice(2);
  if (role === 'serve') {
    const { url } = await startS3({ directory, port: 0, buckets: [SOURCE, TEMPORARY] });
    process.send?.(url);
  }
}
