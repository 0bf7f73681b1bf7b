/** The build's Job, whole: what runs, with which rights, and who sees which secret. */
import type { V1Container, V1Job } from '@kubernetes/client-node';
import { describe, expect, test } from 'vitest';
import type { JobStart } from '#shared/events/job-start.ts';
import { readBuild } from '#shared/specs/annotations.ts';
import { type KanikoJobSettings, kanikoJob } from '#shared/specs/kaniko-job.ts';
import { jobName } from '#shared/specs/names.ts';
import { schemaProblems } from '#test/fixtures/crds/schema-problems.ts';

const KEY = 'ab'.repeat(32);
const settings: KanikoJobSettings = {
  registry: 'registry.example/fn',
  buildsNamespace: 'builds',
  builderImage: 'registry.example/builder@sha256:1',
  kanikoImage: 'kaniko@sha256:2',
  temporaryBucket: 'tmp',
  region: 'eu-west-1',
  brokerUrl: 'http://broker',
  deadlineSeconds: 1800,
  resources: { requests: { cpu: '500m', memory: '1Gi' }, limits: { cpu: '2', memory: '4Gi' } },
};

const data: JobStart = {
  third_party_id: 'acme',
  parser_id: 'p1',
  correlation_id: 'c-1',
  build_key: KEY,
  fingerprint: 'cd'.repeat(32),
  observed_at: '2026-01-02T03:04:05.678Z',
  context: { bucket: 'tmp', key: `contexts/acme/p1/${KEY}.tar.zst`, bytes: 1234 },
  image: { repository: 'registry.example/fn/fn-p1-742d58c1', tag: KEY.slice(0, 40) },
  language: 'python',
  priority: 3,
  force: false,
  parameters: { env: { COLOUR: 'red' } },
};

const job = (changed: Partial<KanikoJobSettings> = {}, traceparent?: string): V1Job =>
  kanikoJob({ id: 'ask-1', traceparent, data }, { ...settings, ...changed });

const unprivileged = {
  runAsNonRoot: true,
  runAsUser: 65532,
  runAsGroup: 65532,
  readOnlyRootFilesystem: true,
  allowPrivilegeEscalation: false,
  capabilities: { drop: ['ALL'] },
  seccompProfile: { type: 'RuntimeDefault' },
};

test('the whole Job', () => {
  const name = jobName(data, KEY);
  const labels = {
    'app.kubernetes.io/name': name,
    'app.kubernetes.io/component': 'build',
    'app.kubernetes.io/part-of': 'knative-lambda',
    'app.kubernetes.io/managed-by': 'knative-lambda',
    'knative-lambda/third-party-id': 'acme',
    'knative-lambda/parser-id': 'p1',
    'knative-lambda/build-key': KEY.slice(0, 63),
  };
  expect(job()).toEqual({
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: {
      name,
      namespace: 'builds',
      labels: { ...labels, 'knative-lambda/admission': 'waiting' },
      annotations: {
        'knative-lambda/third-party-id': 'acme',
        'knative-lambda/parser-id': 'p1',
        'knative-lambda/build-key': KEY,
        'knative-lambda/fingerprint': data.fingerprint,
        'knative-lambda/observed-at': data.observed_at,
        'knative-lambda/correlation-id': 'c-1',
        'knative-lambda/event-id': 'ask-1',
        'knative-lambda/image': `registry.example/fn/fn-p1-742d58c1:${KEY.slice(0, 40)}`,
        'knative-lambda/log': `s3://tmp/logs/acme/p1/${name}.log`,
        'knative-lambda/language': 'python',
        'knative-lambda/priority': '3',
        'knative-lambda/parameters': '{"env":{"COLOUR":"red"}}',
      },
      finalizers: ['knative-lambda/terminal-event'],
    },
    spec: {
      suspend: true,
      backoffLimit: 2,
      ttlSecondsAfterFinished: 3600,
      activeDeadlineSeconds: 1800,
      podFailurePolicy: {
        rules: [
          { action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] },
          { action: 'FailJob', onExitCodes: { containerName: 'kaniko', operator: 'In', values: [65, 66] } },
          { action: 'FailJob', onExitCodes: { containerName: 'fetch-context', operator: 'In', values: [67] } },
        ],
      },
      template: {
        metadata: { labels, annotations: {} },
        spec: {
          restartPolicy: 'Never',
          serviceAccountName: 'knative-lambda-build',
          automountServiceAccountToken: false,
          enableServiceLinks: false,
          terminationGracePeriodSeconds: 30,
          securityContext: { seccompProfile: { type: 'RuntimeDefault' } },
          initContainers: [
            {
              name: 'fetch-context',
              image: settings.builderImage,
              command: ['node', 'build-pod/fetch-context.js'],
              env: [
                { name: 'AWS_REGION', value: 'eu-west-1' },
                { name: 'CONTEXT_BUCKET', value: 'tmp' },
                { name: 'CONTEXT_KEY', value: data.context.key },
                { name: 'CONTEXT_BYTES', value: '1234' },
                { name: 'CONTEXT_FILE', value: '/context/context.tar.gz' },
                { name: 'FETCH_SECONDS', value: '1440' },
                { name: 'TERMINATION_LOG', value: '/dev/termination-log' },
                { name: 'PRIVATE_FROM', value: '/knative-lambda-secret' },
                { name: 'PRIVATE_TO', value: '/knative-lambda-private/files' },
              ],
              envFrom: [{ secretRef: { name: 'knative-lambda-s3', optional: true } }],
              resources: { requests: { cpu: '50m', memory: '96Mi' }, limits: { cpu: '1', memory: '256Mi' } },
              terminationMessagePolicy: 'FallbackToLogsOnError',
              volumeMounts: [
                { name: 'context', mountPath: '/context' },
                { name: 'private-secret', mountPath: '/knative-lambda-secret', readOnly: true },
                { name: 'private-files', mountPath: '/knative-lambda-private' },
              ],
              securityContext: unprivileged,
            },
            {
              name: 'build-monitor',
              image: settings.builderImage,
              command: ['node', 'build-pod/build-monitor.js'],
              restartPolicy: 'Always',
              env: [
                { name: 'AWS_REGION', value: 'eu-west-1' },
                { name: 'POD_NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
                { name: 'NAMESPACE', valueFrom: { fieldRef: { fieldPath: 'metadata.namespace' } } },
                { name: 'JOB_NAME', value: name },
                { name: 'LOG_BUCKET', value: 'tmp' },
                { name: 'LOG_KEY', value: `logs/acme/p1/${name}.log` },
                { name: 'BROKER_URL', value: 'http://broker' },
              ],
              envFrom: [{ secretRef: { name: 'knative-lambda-s3', optional: true } }],
              resources: { requests: { cpu: '50m', memory: '96Mi' }, limits: { cpu: '500m', memory: '256Mi' } },
              volumeMounts: [
                { name: 'api-token', mountPath: '/var/run/secrets/kubernetes.io/serviceaccount', readOnly: true },
              ],
              securityContext: unprivileged,
            },
          ],
          containers: [
            {
              name: 'kaniko',
              image: settings.kanikoImage,
              args: [
                '--context=tar:///context/context.tar.gz',
                '--dockerfile=.knative-lambda/Dockerfile',
                `--destination=registry.example/fn/fn-p1-742d58c1:${KEY.slice(0, 40)}-$(POD_NAME)`,
                '--digest-file=/dev/termination-log',
                '--cache=true',
                expect.stringMatching(/^--cache-repo=registry\.example\/fn\/cache-acme-[0-9a-f]{8}$/),
                '--compressed-caching=false',
                '--snapshot-mode=redo',
                '--push-retry=3',
                '--image-fs-extract-retry=3',
                '--log-format=text',
              ],
              env: [
                { name: 'AWS_REGION', value: 'eu-west-1' },
                { name: 'POD_NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
              ],
              resources: settings.resources,
              terminationMessagePolicy: 'FallbackToLogsOnError',
              volumeMounts: [
                { name: 'context', mountPath: '/context', readOnly: true },
                { name: 'registry-credentials', mountPath: '/kaniko/.docker', readOnly: true },
                { name: 'private-files', mountPath: '/knative-lambda-private' },
              ],
              securityContext: {
                runAsNonRoot: false,
                runAsUser: 0,
                allowPrivilegeEscalation: false,
                capabilities: { drop: ['ALL'], add: ['CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'SETGID', 'SETUID'] },
                seccompProfile: { type: 'RuntimeDefault' },
              },
            },
          ],
          volumes: [
            { name: 'context', emptyDir: { sizeLimit: '1Gi' } },
            {
              name: 'api-token',
              projected: {
                defaultMode: 0o644,
                sources: [
                  { serviceAccountToken: { path: 'token', expirationSeconds: 3600 } },
                  { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
                  { downwardAPI: { items: [{ path: 'namespace', fieldRef: { fieldPath: 'metadata.namespace' } }] } },
                ],
              },
            },
            {
              name: 'registry-credentials',
              secret: {
                secretName: 'knative-lambda-registry',
                optional: true,
                items: [{ key: '.dockerconfigjson', path: 'config.json' }],
              },
            },
            {
              name: 'private-secret',
              secret: {
                secretName: 'dependencies-acme',
                optional: true,
                items: ['.npmrc', 'pip.conf', '.netrc', '.git-credentials', 'go.env'].map((key) => ({
                  key,
                  path: key,
                })),
              },
            },
            { name: 'private-files', emptyDir: { medium: 'Memory', sizeLimit: '1Mi' } },
          ],
        },
      },
    },
  });
});

test.each<{ case: string; settings: Partial<KanikoJobSettings>; traceparent?: string }>([
  { case: 'as it is', settings: {} },
  {
    case: 'with everything',
    settings: { s3Endpoint: 'http://s3', httpProxy: 'http://proxy:3128', caConfigMap: 'ca' },
    traceparent: '00-1-2-01',
  },
])('is valid for the API server $case', ({ settings, traceparent }) => {
  expect(schemaProblems(job(settings, traceparent) as Parameters<typeof schemaProblems>[0])).toEqual([]);
});

test('tells back what was built', () => {
  expect(readBuild(job({}, '00-1-2-01'))).toEqual({
    third_party_id: 'acme',
    parser_id: 'p1',
    build_key: KEY,
    fingerprint: data.fingerprint,
    observed_at: data.observed_at,
    correlation_id: 'c-1',
    event_id: 'ask-1',
    traceparent: '00-1-2-01',
    image: `registry.example/fn/fn-p1-742d58c1:${KEY.slice(0, 40)}`,
    log: expect.stringMatching(/^s3:\/\/tmp\/logs\/acme\/p1\/build-p1-/),
    language: 'python',
    priority: 3,
    parameters: { env: { COLOUR: 'red' } },
  });
});

describe('the container that runs the user’s commands', () => {
  const full = job({ s3Endpoint: 'http://s3', httpProxy: 'http://proxy:3128', caConfigMap: 'ca' });
  const spec = full.spec?.template.spec;
  const kaniko = spec?.containers[0] as V1Container;

  test('has neither S3’s credentials nor a token for the API', () => {
    expect(kaniko.envFrom).toBeUndefined();
    expect(kaniko.env?.map(({ name }) => name)).toEqual(['AWS_REGION', 'POD_NAME', 'SSL_CERT_DIR']);
    expect(kaniko.volumeMounts?.map(({ name }) => name)).toEqual([
      'context',
      'registry-credentials',
      'private-files',
      'certificates',
    ]);
    expect(spec?.automountServiceAccountToken).toBe(false);
  });

  test('reaches package registries through the proxy, whose certificates it is given', () => {
    for (const name of ['HTTP_PROXY', 'http_proxy', 'HTTPS_PROXY', 'https_proxy']) {
      expect(kaniko.args).toContain(`--build-arg=${name}=http://proxy:3128`);
    }
    expect(kaniko.args).toContain('--build-arg=SSL_CERT_FILE=/knative-lambda-ca/ca-certificates.crt');
    expect(spec?.volumes).toContainEqual({ name: 'certificates', configMap: { name: 'ca' } });
  });

  test('trusts the operator’s authorities when it pushes, and so do our own containers when they ask S3', () => {
    expect(kaniko.args).toContain('--registry-certificate=registry.example=/knative-lambda-ca/ca-certificates.crt');
    expect(kaniko.env).toContainEqual({ name: 'SSL_CERT_DIR', value: '/kaniko/ssl/certs:/knative-lambda-ca' });
    const mount = { name: 'certificates', mountPath: '/knative-lambda-ca', readOnly: true };
    for (const container of spec?.initContainers ?? []) {
      expect(container.env).toContainEqual({
        name: 'NODE_EXTRA_CA_CERTS',
        value: '/knative-lambda-ca/ca-certificates.crt',
      });
      expect(container.volumeMounts).toContainEqual(mount);
    }
  });
});

test('the trace goes along on Job and pod', () => {
  const traced = job({}, '00-1-2-01');
  expect(traced.metadata?.annotations).toMatchObject({ 'knative-lambda/traceparent': '00-1-2-01' });
  expect(traced.spec?.template.metadata?.annotations).toEqual({ 'knative-lambda/traceparent': '00-1-2-01' });
});

describe("the tenant's registry credentials", () => {
  const podOf = (changed: Partial<JobStart>) =>
    kanikoJob({ id: 'ask-1', data: { ...data, ...changed } }, settings).spec?.template.spec;
  const mounting = (changed: Partial<JobStart>, volume: string) => {
    const pod = podOf(changed);
    return [...(pod?.initContainers ?? []), ...(pod?.containers ?? [])]
      .filter(({ volumeMounts }) => volumeMounts?.some(({ name }) => name === volume))
      .map(({ name }) => name);
  };

  test('are mounted from their Secret in the container that ends before users’ commands', () => {
    expect(mounting({}, 'private-secret')).toEqual(['fetch-context']);
    expect(mounting({}, 'private-files')).toEqual(['fetch-context', 'kaniko']);
  });

  test.each(['docker', 'rust'] as const)('are not in the pod of %s at all', (language) => {
    expect(JSON.stringify(podOf({ language }))).not.toMatch(/private|dependencies-acme/);
  });

  test('are those of the tenant whom the build belongs to', () => {
    const secretOf = (third_party_id: string) =>
      podOf({ third_party_id })?.volumes?.find(({ name }) => name === 'private-secret')?.secret?.secretName;
    expect(secretOf('globex')).toBe('dependencies-globex');
    expect(secretOf('Acme')).toMatch(/^dependencies\.acme-[0-9a-f]{16}$/);
  });
});

describe("the tenant's downloads", () => {
  const podOf = (changed: Partial<JobStart>, downloadsBytes: number | undefined = 5_000_000) =>
    kanikoJob({ id: 'ask-1', data: { ...data, ...changed } }, { ...settings, downloadsBytes }).spec?.template.spec;
  const environmentOf = (changed: Partial<JobStart>, container: string) =>
    Object.fromEntries(
      podOf(changed)
        ?.initContainers?.find(({ name }) => name === container)
        ?.env?.filter(({ name }) => name.startsWith('DOWNLOADS_'))
        .map(({ name, value }) => [name, value]) ?? [],
    );

  test('are written by fetch-context and Kaniko, and only read by the sidecar, which saves them', () => {
    const pod = podOf({});
    const mounts = [...(pod?.initContainers ?? []), ...(pod?.containers ?? [])].map(({ name, volumeMounts }) => ({
      name,
      mount: volumeMounts?.find((mount) => mount.name === 'downloads'),
    }));
    const mount = { name: 'downloads', mountPath: '/knative-lambda-downloads' };
    expect(mounts).toEqual([
      { name: 'fetch-context', mount },
      { name: 'build-monitor', mount: { ...mount, readOnly: true } },
      { name: 'kaniko', mount },
    ]);
    // A limit of the volume's own would end a build because of its downloads.
    expect(pod?.volumes).toContainEqual({ name: 'downloads', emptyDir: {} });
    const problems = schemaProblems(
      kanikoJob({ id: 'ask-1', data }, { ...settings, downloadsBytes: 1 }) as Parameters<typeof schemaProblems>[0],
    );
    expect(problems).toEqual([]);
  });

  test.each([
    { language: 'node', third_party_id: 'acme', manager: 'npm' },
    { language: 'python', third_party_id: 'globex', manager: 'pip' },
    { language: 'go', third_party_id: 'acme', manager: 'go' },
  ] as const)('of $language are those of $third_party_id alone', ({ language, third_party_id, manager }) => {
    for (const container of ['fetch-context', 'build-monitor']) {
      expect(environmentOf({ language, third_party_id }, container)).toEqual({
        DOWNLOADS_OF: manager,
        DOWNLOADS_BUCKET: 'tmp',
        DOWNLOADS_KEY: `downloads/${third_party_id}/${manager}.tar.zst`,
        DOWNLOADS_BYTES: '5000000',
        DOWNLOADS_FOLDER: '/knative-lambda-downloads',
      });
    }
    const kaniko = podOf({ language, third_party_id })?.containers[0];
    expect(JSON.stringify([kaniko?.env, kaniko?.args])).not.toContain('downloads');
  });

  test.each(['docker', 'rust'] as const)('are not in the pod of %s at all', (language) => {
    expect(JSON.stringify(podOf({ language }))).not.toMatch(/downloads/i);
  });

  test('are not there where nothing is to be kept', () => {
    expect(JSON.stringify(podOf({}, 0))).not.toMatch(/downloads/i);
  });
});
