import { expect, test } from 'vitest';
import { buildArguments } from '#deploy/image/build.ts';
import { kanikoArguments, kanikoObjects } from '#deploy/image/kaniko-pod.ts';
import { imageBuild } from './fixture.ts';

test('a namespace, an account and a pod, with no more rights than Kaniko needs', () => {
  const build = imageBuild();
  const labels = { 'app.kubernetes.io/part-of': 'knative-lambda', 'app.kubernetes.io/component': 'image' };
  const metadata = { name: 'kaniko', namespace: 'n1', labels };
  expect(kanikoObjects('n1', 'executor:1', build)).toEqual([
    {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: 'n1', labels: { ...labels, 'pod-security.kubernetes.io/enforce': 'baseline' } },
    },
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata, automountServiceAccountToken: false },
    {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata,
      spec: {
        restartPolicy: 'Never',
        activeDeadlineSeconds: 1800,
        terminationGracePeriodSeconds: 1,
        serviceAccountName: 'kaniko',
        automountServiceAccountToken: false,
        enableServiceLinks: false,
        containers: [
          {
            name: 'kaniko',
            image: 'executor:1',
            args: kanikoArguments(build),
            stdin: true,
            stdinOnce: true,
            resources: { requests: { cpu: '500m', memory: '1Gi' }, limits: { cpu: '2000m', memory: '4Gi' } },
            terminationMessagePolicy: 'FallbackToLogsOnError',
            securityContext: {
              runAsNonRoot: false,
              runAsUser: 0,
              allowPrivilegeEscalation: false,
              capabilities: { drop: ['ALL'], add: ['CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'SETGID', 'SETUID'] },
              seccompProfile: { type: 'RuntimeDefault' },
            },
          },
        ],
      },
    },
  ]);
});

test('credentials are a Secret that Kaniko pushes with and is itself pulled with', () => {
  const registryConfig = { file: '/somewhere/registry.json', content: '{"auths":{}}' };
  const [, secret, account, pod] = kanikoObjects('n1', 'executor:1', imageBuild({ registryConfig }));
  expect(secret).toMatchObject({
    kind: 'Secret',
    metadata: { name: 'kaniko', namespace: 'n1' },
    type: 'kubernetes.io/dockerconfigjson',
    stringData: { '.dockerconfigjson': '{"auths":{}}' },
  });
  expect(account).toMatchObject({ imagePullSecrets: [{ name: 'kaniko' }] });
  expect(pod).toMatchObject({
    spec: {
      containers: [{ volumeMounts: [{ name: 'registry-credentials', mountPath: '/kaniko/.docker', readOnly: true }] }],
      volumes: [
        {
          name: 'registry-credentials',
          secret: { secretName: 'kaniko', items: [{ key: '.dockerconfigjson', path: 'config.json' }] },
        },
      ],
    },
  });
});

test('the arguments say where from, where to, and where the digest goes', () => {
  const args = kanikoArguments(imageBuild());
  expect(args).toContain('--context=tar://stdin');
  expect(args).toContain('--destination=registry.example.com/name:abc');
  expect(args).toContain('--digest-file=/dev/termination-log');
  expect(args.filter((argument) => /insecure|skip-tls/.test(argument))).toEqual([]);
  expect(kanikoArguments({ ...imageBuild(), insecure: true })).toEqual(
    expect.arrayContaining(['--insecure', '--insecure-pull', '--skip-tls-verify', '--skip-tls-verify-pull']),
  );
});

test('the proxy reaches RUN steps under every name that npm and node read', () => {
  expect(buildArguments(imageBuild({ NODE_IMAGE: 'node:1', BUILD_HTTP_PROXY: 'http://proxy:3128' }))).toEqual([
    '--build-arg=NODE_IMAGE=node:1',
    '--build-arg=VERSION=1.2.3',
    '--build-arg=COMMIT=abcdef',
    '--build-arg=HTTP_PROXY=http://proxy:3128',
    '--build-arg=http_proxy=http://proxy:3128',
    '--build-arg=HTTPS_PROXY=http://proxy:3128',
    '--build-arg=https_proxy=http://proxy:3128',
  ]);
});
