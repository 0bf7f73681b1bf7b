/** A change of the code becomes an image by the registry's own API, and only where nothing has to run for it. */
import { beforeEach, describe, expect, test } from 'vitest';
import { buildStart } from '#functions/build-start/handler.ts';
import { COPY_CODE } from '#languages/generated-files.ts';
import { terminalIdOfRequest } from '#shared/builds/terminal-event.ts';
import type { BuildComplete } from '#shared/events/build-complete.ts';
import { PermanentError, RetryableError } from '#shared/events/errors.ts';
import type { JobStart } from '#shared/events/job-start.ts';
import { codeLayer } from '#shared/packing/code-layer.ts';
import { writeDependencyImage } from '#shared/requests/dependency-image.ts';
import { imageRepository } from '#shared/specs/names.ts';
import { baseImages } from '#test/fakes/base-images.ts';
import { InMemoryRegistry } from '#test/fakes/oci-registry.ts';
import { received } from '#test/fakes/received.ts';
import {
  ACME,
  buildStartDependencies,
  REGISTRY,
  TEMPORARY_BUCKET,
  uploaded,
  World,
} from '#test/unit/handlers/world.ts';

const REPOSITORY = imageRepository(REGISTRY, ACME);
const WITH_DEPENDENCIES = {
  'parser.mjs': 'export const handler = () => 1;\n',
  'package.json': JSON.stringify({ dependencies: { semver: '7.7.3' } }),
};

let world: World;
let registry: InMemoryRegistry;
let refused: string[];

beforeEach(async () => {
  world = new World();
  registry = new InMemoryRegistry();
  refused = [];
  await registry.image(
    baseImages.node.split(':')[0] ?? '',
    baseImages.node.split(':')[1] ?? '',
    [{ text: 'base', by: 'ADD rootfs' }],
    {
      Env: ['PATH=/bin', 'NODE_ENV=development'],
      Cmd: ['node'],
      Entrypoint: ['docker-entrypoint.sh'],
    },
  );
});

type Data = Partial<Parameters<typeof buildStart>[0]['data']>;

const eventOf = (data: Data = {}, id = 'start-1') =>
  received('build.start', { ...ACME, priority: 5, force: false, parameters: {}, ...data }, { id });

const start = (data: Data = {}, id?: string) => {
  const deps = buildStartDependencies(world);
  return buildStart(
    eventOf(data, id),
    {
      ...deps,
      assembling: {
        registry,
        layerOf: codeLayer,
        ensureRepository: undefined,
      },
    },
    { note: ({ registry_refused }) => void refused.push(String(registry_refused)) },
  );
};

const imageOf = async (reply: { data?: unknown }) => {
  const [repository = '', digest = ''] = ((reply.data as BuildComplete).image_uri ?? '').split('@');
  const image = await registry.readImage(repository, digest);
  return image ?? expect.fail(`there is no ${repository}@${digest}`);
};

/** As Kaniko leaves it, for the job.start that the source led to. */
async function built({ dependencies = '' }: JobStart, by: string = COPY_CODE): Promise<string> {
  const image = await registry.image(REPOSITORY, 'built', [
    { text: 'base', by: 'ADD rootfs' },
    { text: 'adapter', by: 'COPY .knative-lambda/adapter.mjs .knative-lambda/' },
    { text: 'installed', by: 'RUN npm install' },
    { text: 'old code', by },
    { text: 'compile cache', by: 'RUN node --check' },
  ]);
  await writeDependencyImage(
    world.store,
    { bucket: TEMPORARY_BUCKET, third_party_id: ACME.third_party_id, dependencies },
    image,
  );
  return image;
}

describe('a source without dependencies', () => {
  test('becomes an image at once: the base image, the adapter, the code', async () => {
    uploaded(world);
    const reply = await start();
    expect(reply).toMatchObject({
      type: 'build.complete',
      id: terminalIdOfRequest(eventOf()),
      data: { ...ACME, status: 'success', cached: false, correlation_id: 'correlation-1' },
    });
    const { manifest, config } = await imageOf(reply);
    expect(manifest.layers.length).toBe(3);
    expect(config.rootfs.diff_ids.length).toBe(3);
    expect(config.config).toEqual({
      Env: ['PATH=/bin', 'NODE_ENV=production', 'NODE_COMPILE_CACHE=.knative-lambda/compile-cache'],
      Entrypoint: ['docker-entrypoint.sh'],
      Cmd: ['node', '.knative-lambda/adapter.mjs'],
      User: '65532:65532',
      WorkingDir: '/app',
    });
    expect(world.store.keys(TEMPORARY_BUCKET, 'contexts/')).toEqual([]);
  });

  test('is the same image from two clones and two registries', async () => {
    uploaded(world);
    const first = await start();
    const digest = (await imageOf(first)).digest;

    world = uploaded(new World());
    const other = new InMemoryRegistry();
    other.blobs.clear();
    for (const [name, blob] of registry.blobs) {
      if (name.startsWith('node@')) {
        other.blobs.set(name, blob);
      }
    }
    for (const [name, known] of registry.tags) {
      if (name.startsWith('node')) {
        other.tags.set(name, known);
      }
    }
    registry = other;
    expect((await imageOf(await start())).digest).toBe(digest);
  });

  test('asked again, by the same event or another, is answered from the record', async () => {
    uploaded(world);
    const first = await start();
    const calls = registry.calls.length;
    expect(await start()).toEqual(first);
    const image = (first.data as BuildComplete).image_uri;
    expect(await start({}, 'start-2')).toMatchObject({ data: { status: 'success', cached: true, image_uri: image } });
    expect(registry.calls.length).toBe(calls);
  });

  test('is built by a Job where the base image is not in the registry, and where a build is forced', async () => {
    uploaded(world);
    expect(await start({ force: true })).toMatchObject({ type: 'job.start' });
    registry = new InMemoryRegistry();
    expect(await start({}, 'start-2')).toMatchObject({ type: 'job.start' });
  });
});

describe('a source with dependencies', () => {
  test('is built by a Job first, which is told what they depend on', async () => {
    uploaded(world, WITH_DEPENDENCIES);
    const reply = await start();
    expect(reply).toMatchObject({ type: 'job.start', data: { dependencies: expect.stringMatching(/^[0-9a-f]{64}$/) } });
    expect(registry.calls).toEqual(['tag node']);
  });

  test('whose code alone has changed is put on the layers below the code, never on the last code', async () => {
    uploaded(world, WITH_DEPENDENCIES);
    const job = await start();
    const before = await built(job.data as JobStart);
    uploaded(world, { 'parser.mjs': 'export const handler = () => 2;\n' });

    const { manifest, config } = await imageOf(await start({}, 'start-2'));

    const [repository = '', digest = ''] = before.split('@');
    const whole = await registry.readImage(repository, digest);
    expect(manifest.layers.slice(0, 3)).toEqual(whole?.manifest.layers.slice(0, 3));
    expect(manifest.layers.length).toBe(4);
    expect(config.rootfs.diff_ids.slice(0, 3)).toEqual(whole?.config.rootfs.diff_ids.slice(0, 3));
    expect(config.history?.map(({ created_by }) => created_by)).toEqual([
      'ADD rootfs',
      'COPY .knative-lambda/adapter.mjs .knative-lambda/',
      'RUN npm install',
      COPY_CODE,
    ]);
  });

  test.for([
    { change: 'a manifest', files: { 'package.json': JSON.stringify({ dependencies: { semver: '7.7.2' } }) } },
    { change: 'a lock file', files: { 'package-lock.json': '{}' } },
    { change: 'an .npmrc', files: { '.npmrc': 'engine-strict=true' } },
  ])('is built by a Job where $change has changed', async ({ files }) => {
    uploaded(world, WITH_DEPENDENCIES);
    const job = (await start()).data as JobStart;
    await built(job);
    uploaded(world, files);
    const again = await start({}, 'start-2');
    expect(again.type).toBe('job.start');
    expect((again.data as JobStart).dependencies).not.toBe(job.dependencies);
  });

  test('depends on the base image, the adapter and the tenant', async () => {
    const keyOf = async (change: (deps: ReturnType<typeof buildStartDependencies>) => void, data: Data = {}) => {
      world = uploaded(new World(), WITH_DEPENDENCIES);
      const deps = structuredDependencies();
      change(deps);
      return ((await buildStart(eventOf(data), deps)).data as JobStart).dependencies;
    };
    const structuredDependencies = () => {
      const deps = buildStartDependencies(world);
      return { ...deps, settings: { ...deps.settings, baseImages: { ...deps.settings.baseImages } } };
    };
    const usual = await keyOf(() => undefined);
    expect(await keyOf(() => undefined)).toBe(usual);
    const newer = await keyOf(({ settings }) => {
      settings.baseImages.node = 'node:25';
    });
    expect(newer).not.toBe(usual);
    expect(await keyOf(() => undefined, { third_party_id: 'other' })).not.toBe(usual);
  });

  test.for([
    {
      case: 'installing needs the whole source',
      files: {
        ...WITH_DEPENDENCIES,
        'package.json': JSON.stringify({
          dependencies: { semver: '7.7.3' },
          scripts: { postinstall: 'node parser.mjs' },
        }),
      },
    },
    { case: 'a Dockerfile is the user’s own', files: { Dockerfile: 'FROM scratch\nUSER 65532:65532\n' } },
  ])('has none of its own where $case', async ({ files }) => {
    uploaded(world, files);
    const reply = await start();
    expect(reply.type).toBe('job.start');
    expect((reply.data as JobStart).dependencies).toBeUndefined();
  });

  test.for([
    { lost: 'the image', lose: (image: string) => registry.tags.delete(image) },
    {
      lost: 'a layer of it',
      lose: async (image: string) => {
        const [repository = '', digest = ''] = image.split('@');
        const layer = (await registry.readImage(repository, digest))?.manifest.layers[2];
        return registry.blobs.delete(`${repository}@${layer?.digest}`);
      },
    },
  ])('is built by a Job again where the registry has lost $lost', async ({ lose }) => {
    uploaded(world, WITH_DEPENDENCIES);
    const image = await built((await start()).data as JobStart);
    expect(await lose(image)).toBe(true);
    uploaded(world, { 'parser.mjs': 'export const handler = () => 2;\n' });
    expect((await start({}, 'start-2')).type).toBe('job.start');
  });

  test('is built by a Job where the image does not say which layer is the code', async () => {
    uploaded(world, WITH_DEPENDENCIES);
    await built((await start()).data as JobStart, 'COPY . /somewhere');
    uploaded(world, { 'parser.mjs': 'export const handler = () => 2;\n' });
    expect((await start({}, 'start-2')).type).toBe('job.start');
  });

  test('of another tenant are never used', async () => {
    uploaded(world, WITH_DEPENDENCIES);
    const job = (await start()).data as JobStart;
    const image = await built(job);
    const stolen = { bucket: TEMPORARY_BUCKET, third_party_id: 'other', dependencies: job.dependencies ?? '' };
    await writeDependencyImage(world.store, stolen, image);
    expect((await start({ third_party_id: 'other' }, 'start-2')).type).toBe('job.start');
  });
});

test('a source that changes while its layer is read is read again', async () => {
  uploaded(world);
  let changes = 1;
  world.store.onOpen = () => {
    if (changes-- > 0) {
      uploaded(world, { 'parser.mjs': 'export const handler = () => 3;\n' });
    }
  };
  const reply = await start();
  expect(reply).toMatchObject({ type: 'build.complete', data: { status: 'success' } });
});

test('a registry that is down is tried again; one that lets nobody but Kaniko push costs a Job', async () => {
  uploaded(world);
  registry.pushBlob = async () => {
    throw new RetryableError('Unavailable', 'the registry is away');
  };
  await expect(start()).rejects.toThrow(RetryableError);
  registry.pushBlob = async () => {
    throw new PermanentError('Forbidden', 'no right to push');
  };
  expect(await start({}, 'start-2')).toMatchObject({ type: 'job.start' });
  expect(refused).toEqual(['no right to push']);
});

test('a crash between any two requests leaves nothing that another attempt does not mend', async () => {
  for (let crash = 1; ; crash += 1) {
    world = uploaded(new World());
    const whole = new InMemoryRegistry();
    await whole.image('node', '24-slim', [{ text: 'base', by: 'ADD rootfs' }]);
    let calls = 0;
    registry = new Proxy(whole, {
      get: (target, method) => {
        const call = Reflect.get(target, method);
        return typeof call !== 'function'
          ? call
          : (...args: unknown[]) => {
              calls += 1;
              if (calls === crash) {
                throw new RetryableError('Unavailable', 'killed');
              }
              return call.apply(target, args);
            };
      },
    });
    const first = await start().catch(() => undefined);
    registry = whole;
    const reply = await start();
    expect(reply).toMatchObject({ type: 'build.complete', data: { status: 'success' } });
    await imageOf(reply);
    if (first) {
      break;
    }
  }
});
