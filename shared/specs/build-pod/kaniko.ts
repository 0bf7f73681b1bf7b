/** The container that runs the user's own commands. Uses only flags that both maintained forks of Kaniko have. */
import type { V1Container } from '@kubernetes/client-node';
import type { JobStart } from '#shared/events/job-start.ts';
import { downloadsWritten } from './downloads.ts';
import { hasPrivateDependencies, privateFiles } from './private-dependencies.ts';
import { rootWithoutPrivilege } from './security.ts';
import type { BuildPodSettings } from './settings.ts';
import { CA_DIRECTORY, CA_FILE, CONTEXT_FILE, certificateMounts, contextRead, registryCredentials } from './volumes.ts';

export const KANIKO = 'kaniko';
/** Those that both forks' images bring along. */
const KANIKO_AUTHORITIES = '/kaniko/ssl/certs';

export function kanikoContainer(
  settings: BuildPodSettings,
  { image, cacheRepository, language }: { image: string; cacheRepository: string } & Pick<JobStart, 'language'>,
): V1Container {
  return {
    name: KANIKO,
    image: settings.kanikoImage,
    args: [
      `--context=tar://${CONTEXT_FILE}`,
      '--dockerfile=.knative-lambda/Dockerfile',
      // Each pod pushes to its own tag: where tags are immutable, a retry or a forced build could not push to the first
      // one's. The digest is deployed.
      `--destination=${image}-$(POD_NAME)`,
      // The pod's status then shows the digest. After a failure the file is empty, and the status shows the end of the
      // log.
      '--digest-file=/dev/termination-log',
      '--cache=true',
      `--cache-repo=${cacheRepository}`,
      // Kaniko would compress cached layers in memory, so that its memory would grow with the image.
      '--compressed-caching=false',
      '--snapshot-mode=redo',
      '--push-retry=3',
      '--image-fs-extract-retry=3',
      '--log-format=text',
      ...proxyArguments(settings.httpProxy),
      ...certificateArguments(settings, image),
    ],
    env: [
      { name: 'AWS_REGION', value: settings.region },
      { name: 'POD_NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
      // Go's own variable, a list: the registries of base images may have the same authority as ours.
      ...(settings.caConfigMap ? [{ name: 'SSL_CERT_DIR', value: `${KANIKO_AUTHORITIES}:${CA_DIRECTORY}` }] : []),
    ],
    resources: settings.resources,
    terminationMessagePolicy: 'FallbackToLogsOnError',
    volumeMounts: [
      contextRead,
      registryCredentials,
      ...(hasPrivateDependencies({ language }) ? [privateFiles] : []),
      ...downloadsWritten(settings, { language }),
      ...certificateMounts(settings),
    ],
    securityContext: rootWithoutPrivilege,
  };
}

/**
 * Docker's predefined build arguments, which RUN steps get without an ARG line. In both cases, since pip reads one and
 * npm the other.
 */
export function proxyArguments(httpProxy: string | undefined): string[] {
  const names = ['HTTP_PROXY', 'http_proxy', 'HTTPS_PROXY', 'https_proxy'];
  return httpProxy ? names.map((name) => `--build-arg=${name}=${httpProxy}`) : [];
}

/** For the registry. RUN steps get the build arguments only where the Dockerfile declares them with ARG. */
function certificateArguments({ caConfigMap }: BuildPodSettings, image: string): string[] {
  const names = ['SSL_CERT_FILE', 'NODE_EXTRA_CA_CERTS', 'PIP_CERT', 'REQUESTS_CA_BUNDLE'];
  const registry = `--registry-certificate=${image.split('/')[0]}=${CA_FILE}`;
  return caConfigMap ? [registry, ...names.map((name) => `--build-arg=${name}=${CA_FILE}`)] : [];
}
