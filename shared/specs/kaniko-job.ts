/** The Job that builds one image. */
import type { V1Job, V1PodFailurePolicy } from '@kubernetes/client-node';
import type { JobStart } from '#shared/events/job-start.ts';
import { type Build, buildAnnotations, TERMINAL_EVENT_FINALIZER } from './annotations.ts';
import { buildMonitorContainer } from './build-pod/build-monitor.ts';
import { downloadsVolumes } from './build-pod/downloads.ts';
import { FETCH_CONTEXT, fetchContextContainer } from './build-pod/fetch-context.ts';
import { KANIKO, kanikoContainer } from './build-pod/kaniko.ts';
import { privateVolumes } from './build-pod/private-dependencies.ts';
import { BUILD_SERVICE_ACCOUNT, type BuildPodSettings } from './build-pod/settings.ts';
import { buildVolumes } from './build-pod/volumes.ts';
import { COMPILE_EXIT_CODE, DEPENDENCY_INSTALL_EXIT_CODE, FETCH_EXIT_CODE } from './exit-codes.ts';
import { ADMISSION_LABEL, type Admission, buildKeyLabel, identityLabels } from './labels.ts';
import { cacheRepository, jobName } from './names.ts';
import { logKey } from './s3-keys.ts';

const BACKOFF_LIMIT = 2;
const TTL_SECONDS = 3600;
/** The sidecar needs up to 20 s to store the log and send the event. */
const GRACE_SECONDS = 30;

export interface BuildRequested {
  id: string;
  traceparent?: string | undefined;
  data: JobStart;
}

export interface KanikoJobSettings extends BuildPodSettings {
  registry: string;
  buildsNamespace: string;
  /** The Kueue LocalQueue that decides when it runs. Undefined where our own admission decides. */
  kueueQueue?: string | undefined;
}

export function kanikoJob({ id, traceparent, data }: BuildRequested, settings: KanikoJobSettings): V1Job {
  const name = jobName(data, data.build_key);
  const log = logKey(data, name);
  const build: Build = {
    third_party_id: data.third_party_id,
    parser_id: data.parser_id,
    build_key: data.build_key,
    fingerprint: data.fingerprint,
    observed_at: data.observed_at,
    correlation_id: data.correlation_id,
    event_id: id,
    traceparent,
    image: `${data.image.repository}:${data.image.tag}`,
    log: `s3://${settings.temporaryBucket}/${log}`,
    dependencies: data.dependencies,
    language: data.language,
    priority: data.priority,
    parameters: data.parameters,
  };
  const labels = { ...identityLabels(data, 'build', name), ...buildKeyLabel(data.build_key) };
  const queue = settings.kueueQueue
    ? { 'kueue.x-k8s.io/queue-name': settings.kueueQueue }
    : { [ADMISSION_LABEL]: 'waiting' satisfies Admission };
  const annotations = buildAnnotations(build);
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: {
      name,
      namespace: settings.buildsNamespace,
      labels: { ...labels, ...queue },
      annotations,
      finalizers: [TERMINAL_EVENT_FINALIZER],
    },
    spec: {
      // Until the build is admitted: the suspended Jobs are the queue.
      suspend: true,
      backoffLimit: BACKOFF_LIMIT,
      ttlSecondsAfterFinished: TTL_SECONDS,
      activeDeadlineSeconds: settings.deadlineSeconds,
      podFailurePolicy,
      template: {
        metadata: { labels, annotations: traceparent ? { 'knative-lambda/traceparent': traceparent } : {} },
        spec: {
          restartPolicy: 'Never',
          serviceAccountName: BUILD_SERVICE_ACCOUNT,
          automountServiceAccountToken: false,
          enableServiceLinks: false,
          terminationGracePeriodSeconds: GRACE_SECONDS,
          securityContext: { seccompProfile: { type: 'RuntimeDefault' } },
          initContainers: [
            fetchContextContainer(settings, data),
            buildMonitorContainer(settings, { job: name, logKey: log, data }),
          ],
          containers: [
            kanikoContainer(settings, {
              image: build.image,
              cacheRepository: cacheRepository(settings.registry, data),
              language: data.language,
            }),
          ],
          volumes: [...buildVolumes(settings), ...privateVolumes(data), ...downloadsVolumes(settings, data)],
        },
      },
    },
  };
}

/** The first rule that matches applies. A failure that matches none is retried, up to the backoffLimit. */
const podFailurePolicy: V1PodFailurePolicy = {
  rules: [
    // A drain or an eviction is not the build's fault, so it uses up none of its attempts.
    { action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] },
    {
      action: 'FailJob',
      onExitCodes: {
        containerName: KANIKO,
        operator: 'In',
        values: [DEPENDENCY_INSTALL_EXIT_CODE, COMPILE_EXIT_CODE],
      },
    },
    {
      action: 'FailJob',
      onExitCodes: { containerName: FETCH_CONTEXT, operator: 'In', values: [FETCH_EXIT_CODE] },
    },
  ],
};
