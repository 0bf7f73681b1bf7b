/** Sources in a store, and the settings with which the tests of this folder build them. */

import { type Plan, planBuild } from '#functions/build-start/plan-build.ts';
import { listSource } from '#shared/packing/list-source.ts';
import { sourceReader } from '#shared/packing/source-reader.ts';
import type { BuildRequest, BuildSettings, SourceListing } from '#shared/packing/types.ts';
import { baseImages } from '#test/fakes/base-images.ts';
import { InMemoryObjectStore } from '#test/fakes/object-store.ts';
import { adapters } from './adapters.ts';

export const identity = { third_party_id: 'acme', parser_id: 'p1' };

export const prefix = 'global/parser/p1/';

export const settings: BuildSettings = {
  maxBytes: 100e6,
  maxFiles: 10_000,
  temporaryBucket: 'temporary',
  adapters,
  baseImages,
};

export type Files = Record<string, string | Buffer>;

export function storeWith(files: Files): InMemoryObjectStore {
  const store = new InMemoryObjectStore('source', 'temporary');
  for (const [path, content] of Object.entries(files)) {
    store.put('source', prefix + path, content);
  }
  return store;
}

export async function list(store: InMemoryObjectStore): Promise<SourceListing> {
  return await listSource(store, { bucket: 'source', prefix, ...settings });
}

export async function plan(files: Files, request: BuildRequest = {}): Promise<Plan> {
  const store = storeWith(files);
  return await planBuild(sourceReader(store, await list(store)), request, settings);
}

/** A file of ours in a plan, as text. */
export function ours({ files }: Plan, name: string): string | undefined {
  return files.find(({ path }) => path === `.knative-lambda/${name}`)?.content.toString();
}
