/**
 * Builds the image with Kaniko in the cluster of KUBECONFIG, by kubectl alone. Its namespace is always deleted in the
 * end.
 */
import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { V1Pod } from '@kubernetes/client-node';
import { runUntil } from '#deploy/run.ts';
import { type Outcome, runProgram } from '#deploy/run-program.ts';
import { MINUTE } from '#shared/durations.ts';
import { KANIKO } from '#shared/specs/build-pod/kaniko.ts';
import { type ImageBuild, ImageBuildError } from './build.ts';
import { contextArchive } from './context.ts';
import { kanikoFailure, kanikoStep } from './kaniko-output.ts';
import { kanikoObjects } from './kaniko-pod.ts';
import { findDigest } from './name.ts';
import { podTrouble } from './pod-trouble.ts';

/** Milliseconds that the pod may take to start: a node may have to be added first, and the image has to be pulled. */
const START = 10 * MINUTE;
const POLL = 1_000;

/** The digest of what was pushed. */
export async function buildWithKaniko(build: ImageBuild): Promise<string> {
  const kanikoImage = build.settings.KANIKO_IMAGE;
  if (!kanikoImage) {
    throw new ImageBuildError(
      `KANIKO_IMAGE is not set: name the executor's image in ${build.settings.file}, such as ghcr.io/osscontainertools/kaniko:v1.28.0`,
    );
  }
  const run = runUntil(build.signal);
  const answer = await run('kubectl', ['get', '--raw=/version', '--request-timeout=10s']);
  if (answer.code !== 0) {
    build.signal.throwIfAborted();
    const said = answer.stderr.trim().split('\n').at(-1);
    throw new ImageBuildError(`no cluster answers (${said}): set KUBECONFIG to the one in which Kaniko may build`);
  }
  const archive = await contextArchive(build.root);
  const namespace = `knative-lambda-image-${randomBytes(4).toString('hex')}`;
  const context = (await runProgram('kubectl', ['config', 'current-context'])).stdout.trim();
  build.tell(`Kaniko builds ${build.image} in namespace ${namespace}${context ? ` of ${context}` : ''}`);
  try {
    const objects = { apiVersion: 'v1', kind: 'List', items: kanikoObjects(namespace, kanikoImage, build) };
    const created = await run('kubectl', ['create', '-f', '-'], { input: JSON.stringify(objects) });
    if (created.code !== 0) {
      throw new ImageBuildError(`the cluster did not take the build: ${created.stderr.trim()}`);
    }
    await untilRunning(build, namespace);
    return await follow(build, namespace, archive);
  } finally {
    // In a process group of its own, so that Ctrl-C does not stop it.
    const gone = await runProgram('kubectl', ['delete', 'namespace', namespace, '--ignore-not-found', '--wait=false'], {
      detached: true,
      timeout: 30_000,
    });
    if (gone.code !== 0) {
      build.tell(
        `namespace ${namespace} could not be deleted (${gone.stderr.trim()}): kubectl delete namespace ${namespace}`,
      );
    }
  }
}

async function podOf(build: ImageBuild, namespace: string): Promise<V1Pod> {
  const asked = ['get', 'pod', KANIKO, `--namespace=${namespace}`, '--output=json'];
  const { code, stdout, stderr } = await runUntil(build.signal)('kubectl', asked);
  build.signal.throwIfAborted();
  if (code !== 0) {
    throw new ImageBuildError(`the build's pod cannot be seen any more: ${stderr.trim()}`);
  }
  return JSON.parse(stdout) as V1Pod;
}

async function untilRunning(build: ImageBuild, namespace: string): Promise<void> {
  const deadline = Date.now() + START;
  let told = '';
  for (;;) {
    const pod = await podOf(build, namespace);
    if (pod.status?.phase !== 'Pending') {
      return;
    }
    const { fatal, problem } = podTrouble(pod);
    if (problem && (fatal || Date.now() > deadline)) {
      throw new ImageBuildError(problem);
    }
    if (Date.now() > deadline) {
      throw new ImageBuildError(`the build's pod did not start within ${START / MINUTE} minutes, and does not say why`);
    }
    if (problem && problem !== told) {
      build.tell(`waiting: ${problem}`);
      told = problem;
    }
    await sleep(POLL, undefined, { signal: build.signal });
  }
}

/** Sends Kaniko the context, shows its steps, and waits for its end. */
async function follow(build: ImageBuild, namespace: string, archive: Buffer): Promise<string> {
  const log: string[] = [];
  const began = Date.now();
  const listening = runProgram('kubectl', ['logs', '--follow', KANIKO, `--namespace=${namespace}`], {
    signal: build.signal,
    onLine: (line) => {
      log.push(line);
      const step = kanikoStep(line);
      if (step) {
        build.tell(`${String(Math.round((Date.now() - began) / 1000)).padStart(4)} s  ${step}`);
      }
    },
  });
  // Both last as long as Kaniko does. If one breaks off, the pod's status tells the rest.
  const attach = ['attach', '--stdin', '--quiet', KANIKO, `--namespace=${namespace}`];
  const giving = runUntil(build.signal)('kubectl', attach, { input: archive });
  const given = await Promise.race([giving, listening.then(() => undefined)]);
  const pod = await ended(build, namespace, given);
  // The log may never end, where the node's API cannot be reached, so the wait is limited.
  await Promise.race([listening, sleep(10_000, undefined, { ref: false })]);

  const folder = join(build.root, '.deploy');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'image.log'), `${log.join('\n')}\n`);
  const state = pod.status?.containerStatuses?.[0]?.state?.terminated;
  const digest = findDigest(state?.message ?? '');
  if (state?.exitCode === 0 && digest) {
    return digest;
  }
  throw new ImageBuildError(`${kanikoFailure(pod, log, build)}. The whole log: .deploy/image.log`);
}

async function ended(build: ImageBuild, namespace: string, given: Outcome | undefined): Promise<V1Pod> {
  for (;;) {
    const pod = await podOf(build, namespace);
    if (pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed') {
      return pod;
    }
    // A connection that breaks after the context has arrived does no harm. Where it was refused, Kaniko would wait for
    // ever.
    if (given && given.code !== 0 && /forbidden|unable to upgrade|error dialing/i.test(given.stderr)) {
      throw new ImageBuildError(`the context could not be sent to the build's pod: ${given.stderr.trim()}`);
    }
    await sleep(POLL, undefined, { signal: build.signal });
  }
}
