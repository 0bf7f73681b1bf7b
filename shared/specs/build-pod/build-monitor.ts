/** The native sidecar that stores Kaniko's log, reports its success, and keeps what it has downloaded. */
import type { V1Container } from '@kubernetes/client-node';
import type { JobStart } from '#shared/events/job-start.ts';
import { downloadsEnvironment, downloadsRead } from './downloads.ts';
import { s3Credentials, s3Environment } from './s3-environment.ts';
import { unprivileged } from './security.ts';
import type { BuildPodSettings } from './settings.ts';
import { apiToken, certificateMounts, trustedAuthorities } from './volumes.ts';

export function buildMonitorContainer(
  settings: BuildPodSettings,
  { job, logKey, data }: { job: string; logKey: string; data: Pick<JobStart, 'language' | 'third_party_id'> },
): V1Container {
  return {
    name: 'build-monitor',
    image: settings.builderImage,
    command: ['node', 'build-pod/build-monitor.js'],
    // An init container that restarts is a sidecar: it starts before Kaniko, outlives it, and does not keep the Job
    // from completing.
    restartPolicy: 'Always',
    env: [
      ...s3Environment(settings),
      ...trustedAuthorities(settings),
      { name: 'POD_NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
      { name: 'NAMESPACE', valueFrom: { fieldRef: { fieldPath: 'metadata.namespace' } } },
      { name: 'JOB_NAME', value: job },
      { name: 'LOG_BUCKET', value: settings.temporaryBucket },
      { name: 'LOG_KEY', value: logKey },
      { name: 'BROKER_URL', value: settings.brokerUrl },
      ...downloadsEnvironment(settings, data),
    ],
    envFrom: s3Credentials,
    resources: { requests: { cpu: '50m', memory: '96Mi' }, limits: { cpu: '500m', memory: '256Mi' } },
    volumeMounts: [apiToken, ...downloadsRead(settings, data), ...certificateMounts(settings)],
    securityContext: unprivileged,
  };
}
