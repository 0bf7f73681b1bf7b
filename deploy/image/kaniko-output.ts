/** Turns Kaniko's log and its end into what a person wants to read. */
import type { V1Pod } from '@kubernetes/client-node';
import { lastErrorLine } from '#shared/builds/last-error.ts';
import type { ImageBuild } from './build.ts';

const STEP = /^((RUN|COPY|ADD|FROM|Unpacking rootfs|Retrieving image [^m]|Deleting filesystem|Pushing|Pushed) ?.*)/;

/** The step that a line of the log reports. Undefined for most lines. */
export function kanikoStep(line: string): string | undefined {
  const message = /level=info msg="((?:[^"\\]|\\.)*)"/.exec(line)?.[1]?.replaceAll('\\"', '"');
  const step = message && STEP.exec(message)?.[1];
  return step?.replace(/ as cmd .*/, '').slice(0, 110);
}

export function kanikoFailure(pod: V1Pod, log: readonly string[], build: ImageBuild): string {
  const { settings } = build;
  const state = pod.status?.containerStatuses?.[0]?.state?.terminated;
  if (pod.status?.reason === 'DeadlineExceeded') {
    return `the build did not end within ${settings.BUILD_DEADLINE_SECONDS} s; raise BUILD_DEADLINE_SECONDS in ${settings.file}`;
  }
  if (state?.reason === 'OOMKilled') {
    return `the build used more memory than ${settings.BUILD_MEMORY_LIMIT}; raise BUILD_MEMORY_LIMIT in ${settings.file}`;
  }
  if (state === undefined || pod.status?.reason === 'Evicted') {
    return `the build's pod was lost: ${pod.status?.message ?? pod.status?.reason ?? 'without a reason'}; try again`;
  }
  const said =
    lastErrorLine(log) ?? lastErrorLine((state.message ?? '').split('\n')) ?? state.message?.trim().split('\n').at(-1);
  return `Kaniko failed with code ${state.exitCode}: ${said ?? 'it said nothing'}${advice(said ?? '', build)}`;
}

const KINDS: [RegExp, (build: ImageBuild) => string][] = [
  [
    /UNAUTHORIZED|DENIED|unauthorized|denied|forbidden/,
    ({ registry, settings }) =>
      settings.registryConfig
        ? `look whether the user in ${settings.registryConfig.file} may push to ${registry}`
        : `give REGISTRY_CONFIG_FILE in ${settings.file}, with a user who may push to ${registry}`,
  ],
  [
    /server gave HTTP response to HTTPS client|x509|certificate/,
    () => 'REGISTRY_INSECURE=1 if the registry speaks plain HTTP or has a certificate of its own',
  ],
  [
    /no such host|connection refused|i\/o timeout/,
    ({ registry }) => `is ${registry} what the cluster calls that registry?`,
  ],
  [
    /npm error|ETIMEDOUT|ENOTFOUND|ECONNREFUSED|EAI_AGAIN/,
    ({ settings }) => `can pods reach the npm registry? BUILD_HTTP_PROXY in ${settings.file} is their way out`,
  ],
];

function advice(said: string, build: ImageBuild): string {
  const found = KINDS.find(([pattern]) => pattern.test(said));
  return found ? `. What may help: ${found[1](build)}` : '';
}
