import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { parse } from 'yaml';
import { buildCommand, buildWithEngine, type Engine, pushCommand } from '#deploy/image/engine.ts';
import { buildWithPack, funcYaml } from '#deploy/image/pack.ts';
import { imageBuild, install } from './fixture.ts';

const DIGEST = `sha256:${'0123456789abcdef'.repeat(4)}`;
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'image-engine-test-'));
  vi.stubEnv('PATH', `${folder}:/usr/bin:/bin`);
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

describe('arguments', () => {
  const registryConfig = { file: '/r.json', content: '{}' };
  const build = { ...imageBuild({ registryConfig, NODE_IMAGE: 'node:1' }), insecure: true, platform: 'linux/amd64' };
  const made = ['--build-arg=NODE_IMAGE=node:1', '--build-arg=VERSION=1.2.3', '--build-arg=COMMIT=abcdef'];
  const last = ['--tag=registry.example.com/name:abc', '.'];

  test.each<[Engine, string[]]>([
    ['docker', []],
    ['podman', ['--tls-verify=false', '--authfile=/r.json']],
    ['buildah', ['--tls-verify=false', '--authfile=/r.json']],
  ])('of %s', (engine, own) => {
    expect(buildCommand(engine, build)).toEqual(['build', ...made, '--platform=linux/amd64', ...own, ...last]);
    expect(pushCommand(engine, build, '/d')).toEqual([
      'push',
      ...(engine === 'docker' ? [] : ['--digestfile=/d', ...own]),
      'registry.example.com/name:abc',
    ]);
  });
});

const writesDigest = `for a in "$@"; do case "$a" in --digestfile=*) echo ${DIGEST} > "\${a#--digestfile=}";; esac; done`;

test.each<[Engine, string]>([
  ['docker', `[ "$1" = build ] || echo "abc: digest: ${DIGEST} size: 1574"`],
  ['podman', writesDigest],
  ['buildah', writesDigest],
])('%s builds, pushes and tells the digest', async (engine, script) => {
  install(folder, engine, script);
  await expect(buildWithEngine(engine, imageBuild())).resolves.toBe(DIGEST);
});

test.each<[string, string, string[]]>([
  ['the build', 'exit 1', ['docker could not build registry.example.com/name:abc', 'BUILDER=kaniko']],
  ['the push', '[ "$1" = build ]', ['docker could not push', '`docker login registry.example.com`']],
  ['the digest', 'exit 0', ['did not say its digest']],
])('where %s fails, it says what to do', async (_case, script, sentences) => {
  install(folder, 'docker', script);
  const message = await buildWithEngine('docker', imageBuild()).catch((error: Error) => error.message);
  for (const sentence of sentences) {
    expect(message).toContain(sentence);
  }
});

test('an engine that is not there', async () => {
  vi.stubEnv('PATH', folder);
  await expect(buildWithEngine('podman', imageBuild())).rejects.toThrow('podman is not installed');
});

test('func gets a copy, which it may write to, and labels', async () => {
  install(
    folder,
    'func',
    `for a in "$@"; do case "$a" in --path=*) p="\${a#--path=}";; esac; done
     cp "$p/func.yaml" "$p/Procfile" "$p/bundle/main.ts" "${folder}/" && mkdir "$p/.func" && echo "registry.example.com/name@${DIGEST}" > "$p/.func/built-image"`,
  );
  const build = imageBuild();
  const before = readFileSync(join(build.root, 'func.yaml'), 'utf8');
  await expect(buildWithPack({ ...build, insecure: true })).resolves.toBe(DIGEST);

  const call = readFileSync(join(folder, 'calls'), 'utf8');
  expect(call).toMatch(
    /^func build --path=\S+ --builder=pack --image=registry.example.com\/name:abc --push --registry-insecure\n$/,
  );
  expect(readFileSync(join(build.root, 'func.yaml'), 'utf8')).toBe(before);
  expect(existsSync(/--path=(\S+)/.exec(call)?.[1] ?? '')).toBe(false);
  expect(parse(readFileSync(join(folder, 'func.yaml'), 'utf8')).build.buildEnvs).toEqual(
    expect.arrayContaining([
      { name: 'BUNDLE_DIRECTORY', value: '.' },
      { name: 'BP_OCI_VERSION', value: '1.2.3' },
      { name: 'BP_OCI_REVISION', value: 'abcdef' },
    ]),
  );
});

test('buildpacks go through the proxy too', () => {
  const text = 'build:\n  buildEnvs: []\n';
  const { build } = parse(funcYaml(text, imageBuild({ BUILD_HTTP_PROXY: 'http://proxy:3128' })));
  expect(build.buildEnvs).toContainEqual({ name: 'HTTPS_PROXY', value: 'http://proxy:3128' });
});
