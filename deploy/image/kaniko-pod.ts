/** The objects with which Kaniko builds our image in a cluster: a namespace and everything in it. */
import type { V1Namespace, V1Pod, V1PodSpec, V1Secret, V1ServiceAccount } from '@kubernetes/client-node';
import { KANIKO } from '#shared/specs/build-pod/kaniko.ts';
import { rootWithoutPrivilege } from '#shared/specs/build-pod/security.ts';
import { registryCredentials } from '#shared/specs/build-pod/volumes.ts';
import { buildArguments, type ImageBuild } from './build.ts';

type KanikoObject = V1Namespace | V1Secret | V1ServiceAccount | V1Pod;

/**
 * In the order of their creation. The builds namespace of an environment cannot be used: it does not exist before the
 * first deployment, and its network policies are for builds whose context comes from S3.
 */
export function kanikoObjects(namespace: string, kanikoImage: string, build: ImageBuild): KanikoObject[] {
  const labels = { 'app.kubernetes.io/part-of': 'knative-lambda', 'app.kubernetes.io/component': 'image' };
  const metadata = { name: KANIKO, namespace, labels };
  const { registryConfig } = build.settings;
  return [
    {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: namespace, labels: { ...labels, 'pod-security.kubernetes.io/enforce': 'baseline' } },
    },
    ...(registryConfig
      ? [
          {
            apiVersion: 'v1',
            kind: 'Secret',
            metadata,
            type: 'kubernetes.io/dockerconfigjson',
            stringData: { '.dockerconfigjson': registryConfig.content },
          },
        ]
      : []),
    {
      // The account `default` is made a moment after the namespace, and until then no pod can use it.
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata,
      automountServiceAccountToken: false,
      ...(registryConfig ? { imagePullSecrets: [{ name: KANIKO }] } : {}),
    },
    { apiVersion: 'v1', kind: 'Pod', metadata, spec: podSpec(kanikoImage, build) },
  ];
}

function podSpec(image: string, build: ImageBuild): V1PodSpec {
  const { settings } = build;
  const credentials = {
    name: registryCredentials.name,
    secret: { secretName: KANIKO, items: [{ key: '.dockerconfigjson', path: 'config.json' }] },
  };
  return {
    restartPolicy: 'Never',
    // Ends the build where this program was killed.
    activeDeadlineSeconds: settings.BUILD_DEADLINE_SECONDS,
    terminationGracePeriodSeconds: 1,
    serviceAccountName: KANIKO,
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    containers: [
      {
        name: KANIKO,
        image,
        args: kanikoArguments(build),
        stdin: true,
        stdinOnce: true,
        resources: {
          requests: { cpu: settings.BUILD_CPU_REQUEST, memory: settings.BUILD_MEMORY_REQUEST },
          limits: { cpu: settings.BUILD_CPU_LIMIT, memory: settings.BUILD_MEMORY_LIMIT },
        },
        terminationMessagePolicy: 'FallbackToLogsOnError',
        securityContext: rootWithoutPrivilege,
        ...(settings.registryConfig ? { volumeMounts: [registryCredentials] } : {}),
      },
    ],
    ...(settings.registryConfig ? { volumes: [credentials] } : {}),
  };
}

/** Flags that both maintained forks have. */
export function kanikoArguments(build: ImageBuild): string[] {
  return [
    '--context=tar://stdin',
    '--dockerfile=Dockerfile',
    `--destination=${build.image}`,
    ...buildArguments(build),
    ...(build.platform ? [`--custom-platform=${build.platform}`] : []),
    '--digest-file=/dev/termination-log',
    // Of the first stage only /app is used, so one snapshot of its files is enough, and node_modules need none.
    '--single-snapshot',
    '--snapshot-mode=redo',
    '--ignore-path=/src',
    '--push-retry=3',
    '--image-fs-extract-retry=3',
    '--log-format=text',
    ...(build.insecure ? ['--insecure', '--insecure-pull', '--skip-tls-verify', '--skip-tls-verify-pull'] : []),
  ];
}
