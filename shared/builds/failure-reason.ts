/** Why a failed Job failed: a stable reason and a sentence that tells what to do next. */
import type { V1Job, V1Pod } from '@kubernetes/client-node';
import type { Reason } from '#shared/events/reasons.ts';
import type { Build } from '#shared/specs/annotations.ts';
import { COMPILE_EXIT_CODE, DEPENDENCY_INSTALL_EXIT_CODE } from '#shared/specs/exit-codes.ts';
import { conditionOf } from './job-state.ts';
import { fetchResult, kanikoResult, waitingReason, wasEvicted } from './pod-results.ts';

export interface Failure {
  status: 'failed' | 'timeout';
  reason: Reason;
  error_message: string;
  exit_code?: number;
}

const SIGKILLED = 137;

/** `pods` are the Job's own, oldest first: the last one is what ended it. */
export function failureReason(job: V1Job, pods: V1Pod[], build: Build): Failure {
  const condition = conditionOf(job, 'Failed');
  const pod = pods.at(-1);
  const kaniko = pod && kanikoResult(pod);
  const fetched = pod && fetchResult(pod);
  const exit = kaniko?.exitCode ?? fetched?.exitCode;
  const output = lastError(kaniko?.message);
  const see = build.log ? `The whole log: \`aws s3 cp ${build.log} -\`` : 'The log was not kept';
  const told = (reason: Reason, ...sentences: string[]): Failure => ({
    status: 'failed',
    reason,
    error_message: sentences.join('. '),
    ...(exit === undefined ? {} : { exit_code: exit }),
  });

  if (condition?.reason === 'DeadlineExceeded') {
    const deadline = job.spec?.activeDeadlineSeconds;
    const waiting = pod && waitingReason(pod);
    return {
      ...told(
        'BuildTimeout',
        `the build did not end within its deadline of ${deadline ?? '?'} s`,
        ...(waiting ? [waiting] : []),
        'Make it smaller (fewer dependencies, a lock file), or raise BUILD_DEADLINE_SECONDS, then send build.start again',
        see,
      ),
      status: 'timeout',
    };
  }
  const outOfMemory = kaniko?.reason === 'OOMKilled' || fetched?.reason === 'OOMKilled';
  if (outOfMemory) {
    return told(
      'OutOfMemory',
      `the build used more memory than it may (${memoryLimit(job)})`,
      'Install fewer or smaller dependencies, or raise BUILD_MEMORY_LIMIT in ConfigMap knative-lambda-config, then send build.start again',
      see,
    );
  }
  if (pod && wasEvicted(pod)) {
    return told(
      'Evicted',
      `the build's pod ${pod.metadata?.name} was evicted: ${pod.status?.message ?? 'its node was drained or short of resources'}`,
      'Send build.start again; if it happens again look at `kubectl describe nodes`',
    );
  }
  switch (kaniko?.exitCode) {
    case DEPENDENCY_INSTALL_EXIT_CODE:
      return told(
        'DependencyInstallFailed',
        `the dependencies could not be installed: ${output}`,
        'Mend requirements.txt, pyproject.toml, package.json or go.mod (names, versions, lock file), upload it, then send build.start again',
        see,
      );
    case COMPILE_EXIT_CODE:
      return told(
        'CompileFailed',
        `the code does not compile: ${output}`,
        'Mend it, upload it, then send build.start again',
        see,
      );
    default:
  }
  if (kaniko && kaniko.exitCode !== 0) {
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
  if (fetched && fetched.exitCode !== 0) {
    return told(
      'BuildFailed',
      `the build's context could not be fetched: ${fetched.message?.trim() || `exit code ${fetched.exitCode}`}`,
      'Send build.start again',
    );
  }
  return told(
    'BuildFailed',
    `the build's Job failed: ${condition?.message ?? condition?.reason ?? 'no pod of it is left'}`,
    `See \`kubectl describe job ${job.metadata?.name} -n ${job.metadata?.namespace}\`, then send build.start again`,
  );
}

/** Kaniko prints its usage after a refused context, so the end of the log is not always the reason; the line that says so is. */
export function lastError(log = ''): string {
  const lines = log
    .split('\n')
    // biome-ignore lint/suspicious/noControlCharactersInRegex: colours of a terminal.
    .map((line) => line.replace(/\u001b\[[0-9;]*m/g, '').trim())
    .filter((line) => line !== '');
  const said = lines.filter((line) => !/^(INFO|DEBU|TRAC|WARN)/.test(line));
  const reason = said.findLast((line) => /^(Error:|error building image:|error pushing image)/.test(line));
  const tail = said.slice(-6).join(' | ');
  const text = reason && !tail.includes(reason) ? `${reason} | ${tail}` : tail;
  return text.slice(-1500) || 'it printed nothing';
}

function memoryLimit(job: V1Job): string {
  const kaniko = job.spec?.template.spec?.containers?.[0];
  return kaniko?.resources?.limits?.['memory'] ?? 'no limit is set: the node itself ran out';
}
