import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { buildWithKaniko } from '#deploy/image/kaniko.ts';
import { kanikoStep } from '#deploy/image/kaniko-output.ts';
import { podTrouble } from '#deploy/image/pod-trouble.ts';
import { lastErrorLine } from '#shared/builds/last-error.ts';
import { imageBuild, install } from './fixture.ts';

const DIGEST = `sha256:${'0123456789abcdef'.repeat(4)}`;
const SETTINGS = { KANIKO_IMAGE: 'executor:1' };
let folder: string;
let root: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'image-kaniko-test-'));
  root = join(folder, 'root');
  mkdirSync(root);
  writeFileSync(join(root, 'Dockerfile'), 'FROM scratch\n');
  writeFileSync(join(root, '.dockerignore'), '*\n');
  vi.stubEnv('PATH', `${folder}:/usr/bin:/bin`);
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

/** A cluster whose only pod is in these states, one after another; the last one stays. */
function cluster(states: object[], log: string[] = []): void {
  states.forEach((status, index) => {
    writeFileSync(
      join(folder, `pod-${index}`),
      JSON.stringify({ spec: { containers: [{ name: 'kaniko', image: 'executor:1' }] }, status }),
    );
  });
  writeFileSync(join(folder, 'log'), log.map((line) => `${line}\n`).join(''));
  install(
    folder,
    'kubectl',
    `cd '${folder}'
     case "$1 $2" in
       "create -f") cat > created;;
       "get pod") n=$(cat asked 2>/dev/null || echo 0); [ -f "pod-$n" ] || n=${states.length - 1}; cat "pod-$n"; echo $((n + 1)) > asked;;
       "logs --follow") cat log;;
       "attach --stdin") cat > context;;
     esac`,
  );
}
const calls = () => readFileSync(join(folder, 'calls'), 'utf8');
const running = { phase: 'Running' };
const ended = (terminated: object, more: object = {}) => ({
  phase: (terminated as { exitCode: number }).exitCode === 0 ? 'Succeeded' : 'Failed',
  containerStatuses: [{ name: 'kaniko', state: { terminated } }],
  ...more,
});
const waiting = (reason: string, message = 'why') => ({
  phase: 'Pending',
  containerStatuses: [{ name: 'kaniko', state: { waiting: { reason, message } } }],
});

test('gives Kaniko the context, takes the digest, and deletes the namespace', async () => {
  cluster(
    [waiting('ContainerCreating'), running, ended({ exitCode: 0, message: DIGEST })],
    ['time="x" level=info msg="RUN npm ci --include=dev"'],
  );
  const build = { ...imageBuild(SETTINGS), root };
  await expect(buildWithKaniko(build)).resolves.toBe(DIGEST);

  const namespace = /namespace (knative-lambda-image-[0-9a-f]{8})/.exec(build.told[0] ?? '')?.[1];
  expect(JSON.parse(readFileSync(join(folder, 'created'), 'utf8')).items[0].metadata.name).toBe(namespace);
  // gzip's magic number.
  expect(readFileSync(join(folder, 'context')).subarray(0, 2).toString('hex')).toBe('1f8b');
  expect(build.told[1]).toContain('RUN npm ci --include=dev');
  expect(calls().trim().split('\n').at(-1)).toBe(
    `kubectl delete namespace ${namespace} --ignore-not-found --wait=false`,
  );
});

test.each<[string, object[], string[], string[]]>([
  [
    'an image that cannot be pulled',
    [waiting('ErrImagePull'), waiting('ImagePullBackOff', 'Back-off pulling image "x": ErrImagePull: not found')],
    [],
    ['executor:1 cannot be started: ImagePullBackOff (not found)', 'mend KANIKO_IMAGE'],
  ],
  [
    'a step that fails',
    [running, ended({ exitCode: 1 })],
    [
      'npm error code E404',
      'error building image: error building stage: waiting for process to exit: exit status 1',
      'Usage:',
    ],
    ['Kaniko failed with code 1: error building image: error building stage'],
  ],
  [
    'a registry that refuses',
    [running, ended({ exitCode: 1, message: 'error checking push permissions -- … UNAUTHORIZED: who are you' })],
    [],
    ['UNAUTHORIZED: who are you', 'give REGISTRY_CONFIG_FILE in .env.dev'],
  ],
  ['too little memory', [running, ended({ exitCode: 137, reason: 'OOMKilled' })], [], ['more memory than 4Gi']],
  [
    'too little time',
    [running, ended({ exitCode: 137 }, { reason: 'DeadlineExceeded' })],
    [],
    ['did not end within 1800 s', 'BUILD_DEADLINE_SECONDS'],
  ],
  ['a lost node', [running, { phase: 'Failed', reason: 'NodeLost' }], [], ["the build's pod was lost: NodeLost"]],
])('tells of %s, and deletes the namespace', async (_case, states, log, sentences) => {
  cluster(states, log);
  const message = await buildWithKaniko({ ...imageBuild(SETTINGS), root }).catch((error: Error) => error.message);
  for (const sentence of sentences) {
    expect(message).toContain(sentence);
  }
  expect(calls()).toMatch(/\nkubectl delete namespace knative-lambda-image-/);
});

test('deletes the namespace when it is stopped', async () => {
  cluster([waiting('ContainerCreating')]);
  const stop = new AbortController();
  const stopped = buildWithKaniko({ ...imageBuild(SETTINGS), root, signal: stop.signal });
  setTimeout(() => stop.abort(), 500);
  await expect(stopped).rejects.toThrow();
  expect(calls()).toMatch(/\nkubectl delete namespace knative-lambda-image-/);
});

describe('before anything is made', () => {
  test('KANIKO_IMAGE is missed', async () => {
    await expect(buildWithKaniko(imageBuild())).rejects.toThrow(
      "KANIKO_IMAGE is not set: name the executor's image in .env.dev",
    );
  });
  test('a cluster is missed', async () => {
    install(folder, 'kubectl', 'echo "The connection to the server was refused" >&2; exit 1');
    await expect(buildWithKaniko(imageBuild(SETTINGS))).rejects.toThrow(
      'no cluster answers (The connection to the server was refused): set KUBECONFIG',
    );
    expect(calls()).not.toContain('delete');
  });
});

test.each([
  ['time="t" level=info msg="RUN node bundle/main.ts"', 'RUN node bundle/main.ts'],
  ['time="t" level=info msg="Unpacking rootfs as cmd COPY a b requires it."', 'Unpacking rootfs'],
  [
    'time="t" level=info msg="Pushed registry.example.com/name@sha256:00"',
    'Pushed registry.example.com/name@sha256:00',
  ],
  ['time="t" level=info msg="Cmd: /bin/sh"', undefined],
  ['added 303 packages in 18s', undefined],
])('%s', (line, step) => {
  expect(kanikoStep(line)).toBe(step);
});

test('the last error is the reason, not the usage text or the name of a log file after it', () => {
  expect(
    lastErrorLine(['npm error code E404', 'npm error A complete log of this run can be found in: x', 'Usage:']),
  ).toBe('npm error code E404');
  expect(lastErrorLine(['all is well'])).toBeUndefined();
});

test('a pod that no node takes is waited for', () => {
  const conditions = [
    { type: 'PodScheduled', status: 'False', message: '0/1 nodes are available: 1 Insufficient cpu.' },
  ];
  expect(podTrouble({ status: { phase: 'Pending', conditions } })).toEqual({
    fatal: false,
    problem: expect.stringContaining('1 Insufficient cpu.'),
  });
});
