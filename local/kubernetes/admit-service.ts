/** What Knative Serving refuses in a Service: most of a pod is not for its users. */

import type { KubeObject } from '#shared/kubernetes/object.ts';
import { admitAutoscaling } from './admit-autoscaling.ts';
import type { KnativeProblems } from './knative-problems.ts';
import { dns1035Label } from './name-rules.ts';
import type { AnyFields } from './pod-spec-of.ts';

const REVISION_FIELDS = [
  'containers',
  'volumes',
  'serviceAccountName',
  'imagePullSecrets',
  'enableServiceLinks',
  'containerConcurrency',
  'timeoutSeconds',
  'responseStartTimeoutSeconds',
  'idleTimeoutSeconds',
];
const CONTAINER_FIELDS = [
  'name',
  'args',
  'command',
  'env',
  'workingDir',
  'envFrom',
  'image',
  'imagePullPolicy',
  'livenessProbe',
  'ports',
  'readinessProbe',
  'resources',
  'securityContext',
  'startupProbe',
  'terminationMessagePath',
  'terminationMessagePolicy',
  'volumeMounts',
];
const SECURITY_FIELDS = [
  'capabilities',
  'readOnlyRootFilesystem',
  'runAsUser',
  'runAsGroup',
  'runAsNonRoot',
  'allowPrivilegeEscalation',
  'seccompProfile',
];
const VOLUME_SOURCES = ['secret', 'configMap', 'projected', 'emptyDir'];
const RESERVED_ENV = ['PORT', 'K_SERVICE', 'K_CONFIGURATION', 'K_REVISION'];
const RESERVED_PORTS = [8008, 8012, 8013, 8022, 9090, 9091];
const RESERVED_PATHS = ['/', '/dev', '/dev/log'];
const MAX_TIMEOUT_SECONDS = 600;
const MAX_CONCURRENCY = 1000;
const SPEC = 'spec.template.spec';

export function admitService({ metadata, spec = {} }: KubeObject, problems: KnativeProblems): void {
  const wrongName = dns1035Label(metadata.name);
  if (wrongName) {
    problems.add(`not a DNS 1035 label: [${wrongName}]`, 'metadata.name');
  }
  for (const key of Object.keys(metadata.annotations ?? {}).filter((name) =>
    name.startsWith('autoscaling.knative.dev'),
  )) {
    const where = 'autoscaling annotations must be put under "spec.template.metadata.annotations" to work';
    problems.add(`invalid key name ${JSON.stringify(key)}`, 'metadata.annotations', where);
  }
  const template = (spec.template ?? {}) as AnyFields;
  const { name, annotations = {} } = (template['metadata'] ?? {}) as AnyFields;
  if (name && !String(name).startsWith(`${metadata.name}-`)) {
    problems.add(
      `invalid value: ${JSON.stringify(name)} must have prefix ${JSON.stringify(`${metadata.name}-`)}`,
      'spec.template.metadata.name',
    );
  }
  admitAutoscaling(annotations, 'spec.template.metadata.annotations', problems);
  admitRevision((template['spec'] ?? {}) as AnyFields, problems);
  const percents = ((spec.traffic ?? []) as AnyFields[]).reduce((sum, target) => sum + (target['percent'] ?? 0), 0);
  if (percents !== 100) {
    problems.add(`Traffic targets sum to ${percents}, want 100`, 'spec.traffic');
  }
}

function admitRevision(spec: AnyFields, problems: KnativeProblems): void {
  const { automountServiceAccountToken: automount, timeoutSeconds = 0, containerConcurrency = 0, ...others } = spec;
  problems.only(others, REVISION_FIELDS, SPEC);
  if (automount === true) {
    problems.disallowed(`${SPEC}.automountServiceAccountToken`);
  }
  if (timeoutSeconds < 0 || timeoutSeconds > MAX_TIMEOUT_SECONDS) {
    problems.outOfBounds(timeoutSeconds, 0, MAX_TIMEOUT_SECONDS, `${SPEC}.timeoutSeconds`);
  }
  if (containerConcurrency < 0 || containerConcurrency > MAX_CONCURRENCY) {
    problems.outOfBounds(containerConcurrency, 0, MAX_CONCURRENCY, `${SPEC}.containerConcurrency`);
  }
  const containers = (spec['containers'] ?? []) as AnyFields[];
  const volumes = (spec['volumes'] ?? []) as AnyFields[];
  const mounted = containers.flatMap(({ volumeMounts = [] }) => volumeMounts.map((mount: AnyFields) => mount['name']));
  for (const [index, volume] of volumes.entries()) {
    admitVolume(volume, `${SPEC}.volumes[${index}]`, mounted, problems);
  }
  const [container, ...more] = containers;
  if (!container) {
    problems.missing(`${SPEC}.containers`);
  }
  // Real clusters take more by default; this platform runs one process for each pod of a function.
  else if (more.length > 0) {
    problems.add(`multi-container is off, but found ${containers.length} containers`, SPEC);
  } else {
    admitContainer(container, `${SPEC}.containers[0]`, volumes, problems);
  }
}

function admitVolume(volume: AnyFields, path: string, mounted: string[], problems: KnativeProblems): void {
  const { name, ...sources } = volume;
  problems.only(sources, VOLUME_SOURCES, path);
  if (!name) {
    problems.missing(`${path}.name`);
  } else if (!mounted.includes(name)) {
    problems.add(`volume with name ${JSON.stringify(name)} not mounted`, `${path}.name`);
  }
  const count = Object.keys(sources).length;
  const paths = VOLUME_SOURCES.map((source) => `${path}.${source}`).join(', ');
  if (count !== 1) {
    problems.add(`expected exactly one, got ${count === 0 ? 'neither' : 'both'}`, paths);
  }
}

function admitContainer(container: AnyFields, path: string, volumes: AnyFields[], problems: KnativeProblems): void {
  problems.only(container, CONTAINER_FIELDS, path);
  const { image, name, env = [], ports = [], securityContext = {}, volumeMounts = [] } = container;
  if (!image) {
    problems.missing(`${path}.image`);
  }
  if (name === 'queue-proxy') {
    problems.add('"queue-proxy" is a reserved container name', `${path}.name`);
  }
  for (const [index, variable] of (env as AnyFields[]).entries()) {
    const field = `${path}.env[${index}]`;
    if (!variable['name']) {
      problems.missing(`${field}.name`);
    }
    if (RESERVED_ENV.includes(variable['name'])) {
      problems.add(`"${variable['name']}" is a reserved environment variable`, `${field}.name`);
    }
    problems.only(variable['valueFrom'] ?? {}, ['configMapKeyRef', 'secretKeyRef'], `${field}.valueFrom`);
  }
  if (ports.length > 1) {
    problems.add(
      'more than one container port is set',
      `${SPEC}.containers[*].ports`,
      'Only a single port is allowed across all containers',
    );
  }
  for (const port of (ports as AnyFields[]).slice(0, 1)) {
    admitPort(port, `${path}.ports`, problems);
  }
  const { privileged, ...security } = securityContext as AnyFields;
  if (privileged === true) {
    problems.disallowed(`${path}.securityContext.privileged`);
  }
  problems.only(security, SECURITY_FIELDS, `${path}.securityContext`);
  problems.only(security['capabilities'] ?? {}, ['drop'], `${path}.securityContext.capabilities`);
  for (const [index, mount] of (volumeMounts as AnyFields[]).entries()) {
    admitMount(mount, `${path}.volumeMounts[${index}]`, volumes, problems);
  }
}

function admitPort(
  { containerPort, name = '', protocol = 'TCP' }: AnyFields,
  path: string,
  problems: KnativeProblems,
): void {
  if (RESERVED_PORTS.includes(containerPort)) {
    problems.invalid(
      `${containerPort} is a reserved port`,
      `${path}.containerPort`,
      `${containerPort} is a reserved port, please use a different value`,
    );
  }
  if (containerPort < 0 || containerPort > 65535) {
    problems.outOfBounds(containerPort, 0, 65535, `${path}.containerPort`);
  }
  if (protocol !== 'TCP') {
    problems.invalid(protocol, `${path}.protocol`);
  }
  if (!['', 'http1', 'h2c'].includes(name)) {
    problems.add(`Port name ${name} is not allowed`, path, "Name must be empty, or one of: 'h2c', 'http1'");
  }
}

function admitMount(
  { name, mountPath, readOnly }: AnyFields,
  path: string,
  volumes: AnyFields[],
  problems: KnativeProblems,
): void {
  const volume = volumes.find((candidate) => candidate['name'] === name);
  if (!volume) {
    problems.add('volumeMount has no matching volume', `${path}.name`);
  }
  const clean = String(mountPath ?? '').replace(/(?<=.)\/+$/, '');
  if (!mountPath) {
    problems.missing(`${path}.mountPath`);
  } else if (RESERVED_PATHS.includes(clean)) {
    problems.add(`mountPath "${clean}" is a reserved path`, `${path}.mountPath`);
  } else if (!clean.startsWith('/')) {
    problems.invalid(mountPath, `${path}.mountPath`);
  }
  if (volume && !volume['emptyDir'] && !readOnly) {
    problems.add('volume mount should be readOnly for this type of volume', `${path}.readOnly`);
  }
}
