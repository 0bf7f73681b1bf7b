import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { chooseBuilder } from '#deploy/image/builder.ts';

let programs: string;
beforeEach(() => {
  programs = mkdtempSync(join(tmpdir(), 'image-builder-test-'));
  // Nothing of this machine is found but the shell that runs the fakes.
  vi.stubEnv('PATH', programs);
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(programs, { recursive: true, force: true });
});

function install(program: string, script: string): void {
  const path = join(programs, program);
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
}
const WORKS = 'exit 0';
const NO_DAEMON = 'echo "Cannot connect to the Docker daemon" >&2; exit 1';

describe('without BUILDER, the first that answers', () => {
  test.each<[string, Record<string, string>, string]>([
    ['docker', { docker: WORKS, podman: WORKS, buildah: WORKS, kubectl: WORKS }, 'docker'],
    ['podman where docker has no daemon', { docker: NO_DAEMON, podman: WORKS, kubectl: WORKS }, 'podman'],
    ['buildah where it can build', { docker: NO_DAEMON, buildah: WORKS, kubectl: WORKS }, 'buildah'],
    [
      'Kaniko where buildah answers but cannot build',
      { buildah: '[ "$1" = info ] || { echo "mount: operation not permitted" >&2; exit 125; }', kubectl: WORKS },
      'kaniko',
    ],
    ['Kaniko where there is only a cluster', { kubectl: WORKS }, 'kaniko'],
  ])('%s', async (_case, installed, chosen) => {
    for (const [program, script] of Object.entries(installed)) {
      install(program, script);
    }
    await expect(chooseBuilder(undefined, 'registry.example.com')).resolves.toBe(chosen);
  });
});

test.each([
  ['registry.registry.svc.cluster.local:5000', 'kaniko'],
  ['registry.registry.svc:5000', 'kaniko'],
  ['registry.registry.svc', 'kaniko'],
  ['svc.example.com', 'docker'],
  ['my.svcs.example.com:5000', 'docker'],
])('to %s pushes %s', async (registry, chosen) => {
  install('docker', WORKS);
  install('kubectl', WORKS);
  await expect(chooseBuilder(undefined, registry)).resolves.toBe(chosen);
});

test('where nothing answers, it says why of each, and every way there is', async () => {
  install('docker', NO_DAEMON);
  install('kubectl', 'echo "The connection to the server localhost:8080 was refused" >&2; exit 1');
  const refusal = await chooseBuilder('', 'registry.example.com').catch((error: Error) => error.message);
  expect(refusal).toContain('docker: Cannot connect to the Docker daemon');
  expect(refusal).toContain('podman: podman is not installed');
  expect(refusal).toContain('buildah: buildah is not installed');
  expect(refusal).toContain('kaniko: The connection to the server localhost:8080 was refused');
  expect(refusal).toContain('KUBECONFIG');
  expect(refusal).toContain('BUILDER=pack');
});

test('BUILDER is taken at its word', async () => {
  await expect(chooseBuilder('pack', 'registry.example.com')).resolves.toBe('pack');
  await expect(chooseBuilder('Docker', 'registry.example.com')).rejects.toThrow(
    'BUILDER is "Docker": set it to one of docker, podman, buildah, kaniko, pack',
  );
});
