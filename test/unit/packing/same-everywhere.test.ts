/** Two people clone the same source on two machines, and build it with two S3s and two registries: one image. */
import { randomUUID } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { buildStart } from '#functions/build-start/handler.ts';
import { createPacking } from '#functions/build-start/packing.ts';
import { startS3 } from '#local/s3.ts';
import { createOciRegistry } from '#shared/clients/oci-client.ts';
import { createObjectStore } from '#shared/clients/s3.ts';
import type { BuildComplete } from '#shared/events/build-complete.ts';
import { codeLayer } from '#shared/packing/code-layer.ts';
import { imageRepository } from '#shared/specs/names.ts';
import { received } from '#test/fakes/received.ts';
import { ACME, buildStartDependencies, SOURCE_BUCKET, TEMPORARY_BUCKET, World } from '#test/unit/handlers/world.ts';
import { TestRegistry } from '#test/unit/registry/start.ts';

const FILES: Record<string, string> = {
  'parser.mjs': "import { answer } from './lib/answer.mjs';\nexport const handler = () => answer;\n",
  'lib/answer.mjs': 'export const answer = 42;\n',
  'lib/B': 'upper',
  'lib/b': 'lower',
  'lib-a/x.txt': 'sorts between lib and lib/',
  'bin/run.sh': '#!/bin/sh\necho hello\n',
  'dàta/naïve.txt': 'é',
  empty: '',
};

interface Machine {
  /** As an image's name says it. */
  registryHost: string;
  umask: number;
  modified: Date;
  mode: number;
  order: (paths: string[]) => string[];
}

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) {
    await close();
  }
});

function clone({ umask, modified, mode, order }: Machine): string {
  const folder = mkdtempSync(join(tmpdir(), 'knative-lambda-clone-'));
  closing.push(() => rmSync(folder, { recursive: true }));
  const before = process.umask(umask);
  try {
    for (const path of order(Object.keys(FILES))) {
      const file = join(folder, path);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, FILES[path] ?? '', { mode });
      utimesSync(file, modified, modified);
    }
  } finally {
    process.umask(before);
  }
  return folder;
}

async function digestOn(machine: Machine): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), 'knative-lambda-machine-'));
  closing.push(() => rmSync(directory, { recursive: true }));
  const s3 = await startS3({ directory: join(directory, 's3'), buckets: [SOURCE_BUCKET, TEMPORARY_BUCKET] });
  closing.push(() => s3.close());
  const keys = { AWS_ACCESS_KEY_ID: 'any', AWS_SECRET_ACCESS_KEY: 'any' };
  const store = createObjectStore({ AWS_REGION: 'us-east-1', S3_ENDPOINT: s3.url, ...keys });
  closing.push(() => store.close());
  const server = new TestRegistry();
  await server.start();
  closing.push(() => server.close());
  const registry = createOciRegistry({ endpoint: server.url });
  closing.push(() => registry.close());

  const folder = clone(machine);
  const found = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const paths = found.map(({ parentPath, name }) => relative(folder, join(parentPath, name)));
  for (const path of machine.order(paths)) {
    await store.write(SOURCE_BUCKET, `global/parser/p1/${path}`, readFileSync(join(folder, path)), 'text/plain');
  }
  const imageRegistry = `${machine.registryHost}/functions`;
  const event = received('build.start', { ...ACME, priority: 5, force: false, parameters: {} }, { id: randomUUID() });
  const reply = await buildStart(event, {
    ...buildStartDependencies(new World()),
    store,
    imageRegistry,
    pack: createPacking(),
    assembling: { registry, layerOf: codeLayer, ensureRepository: undefined },
  });
  const { image_uri = '' } = reply.data as BuildComplete;
  expect(image_uri).toContain(`${imageRepository(imageRegistry, ACME)}@sha256:`);
  return image_uri.split('@')[1] ?? '';
}

test('the same source has the same digest from every clone, in every registry', async () => {
  const here: Machine = {
    registryHost: 'here.example',
    umask: 0o022,
    mode: 0o666,
    modified: new Date('2026-01-02T12:00:00Z'),
    order: (paths) => paths.toSorted(),
  };
  const there: Machine = {
    registryHost: 'there.example:5000',
    umask: 0o077,
    mode: 0o777,
    modified: new Date('1999-12-31T23:59:59Z'),
    order: (paths) => paths.toSorted().reverse(),
  };
  const digest = await digestOn(here);
  expect(digest).toMatch(/^sha256:[0-9a-f]{64}$/);
  expect(await digestOn(there)).toBe(digest);
});
