/** The registry as one process reaches it: every request is a step that may fail, and it may have lost an image. */
import type { Readable } from 'node:stream';
import type { OciRegistry } from '#shared/clients/oci-registry.ts';
import type { CodeLayer } from '#shared/packing/code-layer.ts';
import type { SourceFile } from '#shared/packing/types.ts';
import type { InMemoryRegistry } from '#test/fakes/oci-registry.ts';
import { digestOf } from '#test/fakes/oci-registry.ts';
import type { SimulatedProcess } from './process.ts';
import type { Simulation } from './simulation.ts';

export function registryPort(
  { registry, simulation }: { registry: InMemoryRegistry; simulation: Simulation },
  process: SimulatedProcess,
): OciRegistry {
  const step = <Result>(name: string, writes: boolean, operate: () => Promise<Result>) =>
    process.step({ system: 'the registry', name, writes }, operate);
  const isLost = (what: string) => simulation.fails('the registry has lost it', what, 0.05);
  return {
    readImage: (repository, reference) =>
      step(`read image ${repository}`, false, async () =>
        isLost(`${repository} ${reference}`) ? undefined : await registry.readImage(repository, reference),
      ),
    takeBlob: (repository, blob, from) =>
      step(`take blob ${blob.digest}`, true, async () =>
        isLost(`${from} ${blob.digest}`) ? false : await registry.takeBlob(repository, blob, from),
      ),
    pushBlob: (repository, type, open) =>
      step(`push blob ${repository}`, true, () => registry.pushBlob(repository, type, open)),
    pushManifest: (repository, tag, manifest) =>
      step(`push manifest ${repository}:${tag}`, true, () => registry.pushManifest(repository, tag, manifest)),
  };
}

/** Text for the layer: the code, or the files of ours. */
export function simulatedLayer(files: readonly SourceFile[]): CodeLayer {
  const text = files.length > 0 ? `code ${JSON.stringify(files.map(({ path, etag }) => [path, etag]))}` : 'adapter';
  return {
    open: () => [Buffer.from(text)] as unknown as Readable,
    done: Promise.resolve({ diffId: digestOf(Buffer.from(text)) }),
  };
}

/** What a build has pushed. The digest is the pod's own. */
export async function pushBuilt(
  registry: InMemoryRegistry,
  { repository, digest, context }: { repository: string; digest: string; context: string },
): Promise<void> {
  const name = await registry.image(repository, digest.slice(7, 47), [
    { text: 'base', by: 'ADD rootfs' },
    { text: `dependencies ${manifestIn(context)}`, by: 'RUN npm ci' },
    { text: `code built ${digest}`, by: 'COPY . .' },
    { text: `cache ${digest}`, by: 'RUN node --check' },
  ]);
  registry.tags.set(`${repository}@${digest}`, name.split('@')[1] ?? '');
}

/** The ETag of package.json in a text with the paths and ETags of a source. */
export function manifestIn(text: string): string | undefined {
  return /"package\.json","([^"]+)"/.exec(text)?.[1];
}
