/**
 * The init container that brings the context archive from S3, so that Kaniko needs no S3 credentials, and the tenant's
 * registry credentials from their Secret, so that Kaniko can remove its copy of them.
 */
import type { V1Container } from '@kubernetes/client-node';
import type { JobStart } from '#shared/events/job-start.ts';
import { downloadsEnvironment, downloadsWritten } from './downloads.ts';
import {
  hasPrivateDependencies,
  PRIVATE_FOLDER,
  privateFiles,
  privateSecret,
  SECRET_DIRECTORY,
} from './private-dependencies.ts';
import { s3Credentials, s3Environment } from './s3-environment.ts';
import { unprivileged } from './security.ts';
import type { BuildPodSettings } from './settings.ts';
import { CONTEXT_FILE, certificateMounts, contextWritten, trustedAuthorities } from './volumes.ts';

export const FETCH_CONTEXT = 'fetch-context';

/**
 * Of the Job's deadline, for asking an S3 that does not answer. The rest is for a pod that starts late: fetch-context
 * must end first, since it can say why, and a Job that is over its deadline cannot.
 */
const SHARE_OF_DEADLINE = 0.8;

export function fetchContextContainer(
  settings: BuildPodSettings,
  data: Pick<JobStart, 'context' | 'language' | 'third_party_id'>,
): V1Container {
  const { context } = data;
  const isPrivate = hasPrivateDependencies(data);
  return {
    name: FETCH_CONTEXT,
    image: settings.builderImage,
    command: ['node', 'build-pod/fetch-context.js'],
    env: [
      ...s3Environment(settings),
      ...trustedAuthorities(settings),
      { name: 'CONTEXT_BUCKET', value: context.bucket },
      { name: 'CONTEXT_KEY', value: context.key },
      { name: 'CONTEXT_BYTES', value: String(context.bytes) },
      { name: 'CONTEXT_FILE', value: CONTEXT_FILE },
      { name: 'FETCH_SECONDS', value: String(Math.ceil(settings.deadlineSeconds * SHARE_OF_DEADLINE)) },
      { name: 'TERMINATION_LOG', value: '/dev/termination-log' },
      ...(isPrivate
        ? [
            { name: 'PRIVATE_FROM', value: SECRET_DIRECTORY },
            { name: 'PRIVATE_TO', value: PRIVATE_FOLDER },
          ]
        : []),
      ...downloadsEnvironment(settings, data),
    ],
    envFrom: s3Credentials,
    resources: { requests: { cpu: '50m', memory: '96Mi' }, limits: { cpu: '1', memory: '256Mi' } },
    terminationMessagePolicy: 'FallbackToLogsOnError',
    volumeMounts: [
      contextWritten,
      ...(isPrivate ? [privateSecret, privateFiles] : []),
      ...downloadsWritten(settings, data),
      ...certificateMounts(settings),
    ],
    securityContext: unprivileged,
  };
}
