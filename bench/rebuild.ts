/** How long build-start's handler takes to answer an unchanged source: one listing and one read. */

import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CloudEvent } from 'cloudevents';
import { buildStart } from '#functions/build-start/handler.ts';
import { createPacking } from '#functions/build-start/packing.ts';
import { startS3 } from '#local/s3.ts';
import { createObjectStore } from '#shared/clients/s3.ts';
import { buildStartSchema } from '#shared/events/build-start.ts';
import { fingerprintOf } from '#shared/packing/fingerprint.ts';
import { listSource } from '#shared/packing/list-source.ts';
import { writeRecord } from '#shared/requests/record.ts';
import { baseImages } from '#test/fakes/base-images.ts';
import { median, type Row } from './row.ts';

const FILES = 100;
const WARM_UP = 20;
const RUNS = 200;
const SOURCE = 'knative-lambda-source';
const TEMPORARY = 'knative-lambda-tmp';

export async function rebuild(): Promise<Row[]> {
  const directory = await mkdtemp(join(tmpdir(), 'knative-lambda-bench-'));
  const s3 = await startS3({ directory, port: 0, buckets: [SOURCE, TEMPORARY] });
  const store = createObjectStore({
    AWS_REGION: 'us-east-1',
    S3_ENDPOINT: s3.url,
    AWS_ACCESS_KEY_ID: 'bench',
    AWS_SECRET_ACCESS_KEY: 'bench',
  });
  try {
    const identity = { third_party_id: 'acme', parser_id: 'unchanged' };
    const settings = { maxBytes: 100_000_000, maxFiles: 10_000, baseImages, temporaryBucket: TEMPORARY, adapters: '' };
    for (let n = 0; n < FILES; n += 1) {
      await store.write(SOURCE, `global/parser/unchanged/file-${n}.js`, `export const n = ${n};\n`, 'text/javascript');
    }
    const listing = await listSource(store, { bucket: SOURCE, prefix: 'global/parser/unchanged/', ...settings });
    const fingerprint = fingerprintOf({ listing, identity, request: {}, settings });
    const time = listing.observedAt.toISOString();
    const data = {
      ...identity,
      correlation_id: 'bench',
      status: 'success' as const,
      image_uri: `registry/fn@sha256:${'0'.repeat(64)}`,
      observed_at: time,
      cached: false,
      parameters: {},
    };
    const event = {
      id: 'e',
      source: 's',
      type: 'build.complete' as const,
      subject: 'acme/unchanged',
      time,
      correlationid: 'c',
      causationid: 'c',
      data,
    };
    const { image_uri } = data;
    const record = {
      ...identity,
      fingerprint,
      build_key: fingerprint,
      image_uri,
      observed_at: time,
      started_at: time,
      completed_at: time,
      language: 'node' as const,
      event,
    };
    await writeRecord(store, TEMPORARY, record);

    const deps = {
      store,
      settings,
      sourceBucket: SOURCE,
      sourceBuckets: [],
      buildsPerMinute: 1_000_000,
      functionBounds: { cpu: '4', memory: '8Gi', pods: 100, minPods: 10 },
      sourcePrefix: 'global/parser/{parser_id}/',
      imageRegistry: 'registry',
      attemptId: randomUUID,
      pack: createPacking(),
      now: () => new Date(),
    };
    const request = buildStartSchema.parse(identity);
    const milliseconds: number[] = [];
    for (let run = 0; run < WARM_UP + RUNS; run += 1) {
      const original = new CloudEvent<unknown>({ id: `${run}`, source: 'bench', type: 'build.start', data: request });
      const begun = performance.now();
      const reply = await buildStart(
        {
          id: `${run}`,
          source: 'bench',
          type: 'build.start',
          subject: undefined,
          time: undefined,
          correlationId: 'c',
          traceparent: undefined,
          data: request,
          original,
        },
        deps,
      );
      const took = performance.now() - begun;
      if ((reply.data as { cached?: boolean }).cached !== true) {
        throw new Error(`the source is unchanged, yet build-start answered ${JSON.stringify(reply)}`);
      }
      if (run >= WARM_UP) {
        milliseconds.push(took);
      }
    }
    return [
      { name: `unchanged rebuild, warm (${FILES} files)`, value: median(milliseconds), unit: 'ms', aim: '≤ 50 ms' },
    ];
  } finally {
    store.close();
    await s3.close();
    await rm(directory, { recursive: true, force: true });
  }
}
