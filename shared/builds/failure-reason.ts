/** Why a failed Job failed: a stable reason and a sentence that tells what to do next. */

import type { V1ContainerStateTerminated, V1Job, V1Pod } from '@kubernetes/client-node';
import type { Reason } from '#shared/events/reasons.ts';
import { OUT_OF_MEMORY } from '#shared/kubernetes/container-ends.ts';
import type { Build } from '#shared/specs/annotations.ts';
import { COMPILE_EXIT_CODE, DEPENDENCY_INSTALL_EXIT_CODE } from '#shared/specs/exit-codes.ts';
import { dependenciesSecret } from '#shared/specs/names.ts';
import { type DeniedDependency, deniedDependency } from './denied-dependency.ts';
import { conditionOf } from './job-state.ts';
import { lastError } from './last-error.ts';
import { fetchResult, kanikoResult, waitingReason, wasEvicted } from './pod-results.ts';

export interface Failure {
  status: 'failed' | 'timeout';
  reason: Reason;
  error_message: string;
  exit_code?: number;
}

const SIGKILLED = 137;

/** What lists dependencies, where the language has one such file or two. */
const MANIFESTS: Partial<Record<string, string>> = {
  python: 'requirements.txt or pyproject.toml',
  node: 'package.json',
  go: 'go.mod',
  rust: 'Cargo.toml',
};

interface Cause {
  reason: Reason;
  /** What happened, then what to do next. */
  sentences: string[];
}

/** How a Job ended: it, its last pod, and what the containers of that pod said. */
interface End {
  job: V1Job;
  build: Build;
  pod: V1Pod | undefined;
  kaniko: V1ContainerStateTerminated | undefined;
  fetched: V1ContainerStateTerminated | undefined;
  /** Where the whole log is. */
  see: string;
}

/** `pods` are the Job's own, oldest first: the last one is what ended it. */
export function failureReason(job: V1Job, pods: V1Pod[], build: Build): Failure {
  const pod = pods.at(-1);
  const kaniko = pod && kanikoResult(pod);
  const fetched = pod && fetchResult(pod);
  const see = build.log ? `The whole log: \`aws s3 cp ${build.log} -\`` : 'The log was not kept';
  const end: End = { job, build, pod, kaniko, fetched, see };
  const { reason, sentences } =
    tooLong(end) ?? tooMuchMemory(end) ?? evicted(end) ?? kanikoFailed(end) ?? notFetched(end) ?? jobFailed(end);
  const exit = kaniko?.exitCode ?? fetched?.exitCode;
  return {
    status: reason === 'BuildTimeout' ? 'timeout' : 'failed',
    reason,
    error_message: sentences.join('. '),
    ...(exit === undefined ? {} : { exit_code: exit }),
  };
}

function told(reason: Reason, ...sentences: string[]): Cause {
  return { reason, sentences };
}

function tooLong({ job, pod, see }: End): Cause | undefined {
  if (conditionOf(job, 'Failed')?.reason !== 'DeadlineExceeded') {
    return undefined;
  }
  const waiting = pod && waitingReason(pod);
  return told(
    'BuildTimeout',
    `the build did not end within its deadline of ${job.spec?.activeDeadlineSeconds ?? '?'} s`,
    ...(waiting ? [waiting] : []),
    'Make it smaller (fewer dependencies, a lock file), or raise BUILD_DEADLINE_SECONDS, then send build.start again',
    see,
  );
}

function tooMuchMemory({ job, kaniko, fetched, see }: End): Cause | undefined {
  if (kaniko?.reason !== OUT_OF_MEMORY && fetched?.reason !== OUT_OF_MEMORY) {
    return undefined;
  }
  return told(
    'OutOfMemory',
    `the build used more memory than it may (${memoryLimit(job)})`,
    'Install fewer or smaller dependencies, or raise BUILD_MEMORY_LIMIT in ConfigMap knative-lambda-config, then send build.start again',
    see,
  );
}

function evicted({ pod }: End): Cause | undefined {
  if (!pod || !wasEvicted(pod)) {
    return undefined;
  }
  return told(
    'Evicted',
    `the build's pod ${pod.metadata?.name} was evicted: ${pod.status?.message ?? 'its node was drained or short of resources'}`,
    ...(/ephemeral/.test(pod.status?.message ?? '')
      ? ['Have it write less to disk, or have BUILD_EPHEMERAL_STORAGE_LIMIT raised']
      : []),
    'Send build.start again; if it happens again look at `kubectl describe nodes`',
  );
}

function kanikoFailed(end: End): Cause | undefined {
  const { build, kaniko, see } = end;
  if (!kaniko || kaniko.exitCode === 0) {
    return undefined;
  }
  const output = lastError(kaniko.message);
  if (kaniko.exitCode === DEPENDENCY_INSTALL_EXIT_CODE) {
    const denied = deniedDependency(kaniko.message ?? '');
    if (denied) {
      return told('PrivateDependencyDenied', ...deniedSentences(denied, end), see);
    }
    return told(
      'DependencyInstallFailed',
      `the dependencies could not be installed: ${output}`,
      `Mend ${MANIFESTS[build.language] ?? 'the manifest that lists them'} (names, versions, lock file), upload it, then send build.start again`,
      see,
    );
  }
  if (kaniko.exitCode === COMPILE_EXIT_CODE) {
    return told(
      'CompileFailed',
      `the code does not compile, or cannot be imported: ${output}`,
      'Mend it, upload it, then send build.start again',
      see,
    );
  }
  if (kaniko.message?.includes('error pushing image')) {
    return told(
      'ImagePushFailed',
      `the image could not be pushed to ${build.image.replace(/:[^:/]*$/, '')}: ${output}`,
      'Check the registry and its credentials (Secret knative-lambda-registry), then send build.start again',
      see,
    );
  }
  const killed = kaniko.exitCode === SIGKILLED ? ' (killed)' : '';
  return told(
    'BuildFailed',
    `the build failed with exit code ${kaniko.exitCode}${killed}: ${output}`,
    'Mend what it names, then send build.start again',
    see,
  );
}

function deniedSentences({ host, dependency, status }: DeniedDependency, { job, build }: End): string[] {
  const code = status === undefined ? '' : ` with ${status}`;
  const hidden = status === 404 ? ', as many do to whoever may not read it' : '';
  const secret = `${job.metadata?.namespace}/${dependenciesSecret(build)}`;
  return [
    `${host} refused the dependency ${dependency}${code}${hidden}`,
    `Let the operator check the token for ${host} in Secret ${secret} and what it may read, check the name, then send build.start again`,
  ];
}

function notFetched({ fetched }: End): Cause | undefined {
  if (!fetched || fetched.exitCode === 0) {
    return undefined;
  }
  return told(
    'BuildFailed',
    `the build's context could not be fetched: ${fetched.message?.trim() || `exit code ${fetched.exitCode}`}`,
    'Send build.start again',
  );
}

function jobFailed({ job }: End): Cause {
  const condition = conditionOf(job, 'Failed');
  return told(
    'BuildFailed',
    `the build's Job failed: ${condition?.message ?? condition?.reason ?? 'no pod of it is left'}`,
    `See \`kubectl describe job ${job.metadata?.name} -n ${job.metadata?.namespace}\`, then send build.start again`,
  );
}

function memoryLimit(job: V1Job): string {
  const kaniko = job.spec?.template.spec?.containers?.[0];
  return kaniko?.resources?.limits?.['memory'] ?? 'no limit is set: the node itself ran out';
}
