/** The rules for a pod's spec, as far as our kinds and their mistakes go: names, references and amounts. */

import { parseQuantity } from '#shared/kubernetes/quantity.ts';
import { duplicate, type FieldProblem, forbidden, invalid, notFound, notSupported, required } from './field-problem.ts';
import { dnsLabel } from './name-rules.ts';
import type { AnyFields } from './pod-spec-of.ts';

const RESTART_POLICIES = ['Always', 'OnFailure', 'Never'];
const PULL_POLICIES = ['Always', 'IfNotPresent', 'Never'];
const MESSAGE_POLICIES = ['File', 'FallbackToLogsOnError'];

export function validatePodSpec(spec: AnyFields, path: string): FieldProblem[] {
  const volumes = (spec['volumes'] ?? []) as AnyFields[];
  const names = new Set<string>();
  const containers = (field: string) =>
    ((spec[field] ?? []) as AnyFields[]).flatMap((container, index) => [
      ...validateName(container['name'], `${path}.${field}[${index}].name`, names),
      ...validateContainer(container, `${path}.${field}[${index}]`, volumes, field === 'initContainers'),
    ]);
  const restart = spec['restartPolicy'];
  return [
    ...validateVolumes(volumes, `${path}.volumes`),
    ...(spec['containers']?.length ? [] : [required(`${path}.containers`)]),
    ...containers('containers'),
    ...containers('initContainers'),
    ...(RESTART_POLICIES.includes(restart) ? [] : [notSupported(`${path}.restartPolicy`, restart, RESTART_POLICIES)]),
    ...nonNegative(spec['terminationGracePeriodSeconds'], `${path}.terminationGracePeriodSeconds`),
  ];
}

/** Whole, and not below zero; absent is fine. */
export function nonNegative(value: unknown, field: string): FieldProblem[] {
  if (value === undefined || (Number.isInteger(value) && (value as number) >= 0)) {
    return [];
  }
  return [invalid(field, value, 'must be greater than or equal to 0')];
}

function validateName(name: string | undefined, field: string, seen: Set<string>): FieldProblem[] {
  if (!name) {
    return [required(field)];
  }
  const wrong = dnsLabel(name);
  if (wrong) {
    return [invalid(field, name, wrong)];
  }
  if (seen.has(name)) {
    return [duplicate(field, name)];
  }
  seen.add(name);
  return [];
}

function validateVolumes(volumes: AnyFields[], path: string): FieldProblem[] {
  const names = new Set<string>();
  return volumes.flatMap((volume, index) => {
    const field = `${path}[${index}]`;
    const [, ...more] = Object.keys(volume).filter((key) => key !== 'name');
    const none = Object.keys(volume).every((key) => key === 'name');
    return [
      ...validateName(volume['name'], `${field}.name`, names),
      ...(none ? [required(field, 'must specify a volume type')] : []),
      ...more.map((source) => forbidden(`${field}.${source}`, 'may not specify more than 1 volume type')),
    ];
  });
}

function validateContainer(container: AnyFields, path: string, volumes: AnyFields[], init: boolean): FieldProblem[] {
  const { image, restartPolicy, imagePullPolicy, terminationMessagePolicy } = container;
  const oneOf = (field: string, value: string | undefined, values: string[]) =>
    value === undefined || values.includes(value) ? [] : [notSupported(`${path}.${field}`, value, values)];
  return [
    ...(image?.trim() ? [] : [required(`${path}.image`)]),
    ...(init ? oneOf('restartPolicy', restartPolicy, ['Always']) : []),
    ...(!init && restartPolicy !== undefined
      ? [forbidden(`${path}.restartPolicy`, 'may not be set for non-init containers')]
      : []),
    ...oneOf('imagePullPolicy', imagePullPolicy, PULL_POLICIES),
    ...oneOf('terminationMessagePolicy', terminationMessagePolicy, MESSAGE_POLICIES),
    ...validateEnv(container['env'], `${path}.env`),
    ...validateMounts(container['volumeMounts'], `${path}.volumeMounts`, volumes),
    ...validatePorts(container['ports'], `${path}.ports`),
    ...validateResources(container['resources'], `${path}.resources`),
  ];
}

function validateEnv(env: AnyFields[] = [], path: string): FieldProblem[] {
  return env.flatMap(({ name, value, valueFrom }, index) => {
    const field = `${path}[${index}]`;
    if (!name) {
      return [required(`${field}.name`)];
    }
    if (!/^[\x20-\x3c\x3e-\x7e]+$/.test(name)) {
      return [
        invalid(
          `${field}.name`,
          name,
          "a valid environment variable name must consist only of printable ASCII characters other than '='",
        ),
      ];
    }
    if (valueFrom === undefined) {
      return [];
    }
    const sources = Object.keys(valueFrom);
    if (sources.length === 0) {
      return [
        invalid(
          `${field}.valueFrom`,
          '',
          'must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`',
        ),
      ];
    }
    if (value) {
      return [invalid(`${field}.valueFrom`, '', 'may not be specified when `value` is not empty')];
    }
    return sources.length > 1
      ? [invalid(`${field}.valueFrom`, '', 'may not have more than one field specified at a time')]
      : [];
  });
}

function validateMounts(mounts: AnyFields[] = [], path: string, volumes: AnyFields[]): FieldProblem[] {
  const paths = new Set<string>();
  return mounts.flatMap(({ name, mountPath }, index) => {
    const field = `${path}[${index}]`;
    const repeated = paths.has(mountPath);
    paths.add(mountPath);
    return [
      ...(name ? [] : [required(`${field}.name`)]),
      ...(name && !volumes.some((volume) => volume['name'] === name) ? [notFound(`${field}.name`, name)] : []),
      ...(mountPath ? [] : [required(`${field}.mountPath`)]),
      ...(mountPath && repeated ? [invalid(`${field}.mountPath`, mountPath, 'must be unique')] : []),
    ];
  });
}

function validatePorts(ports: AnyFields[] = [], path: string): FieldProblem[] {
  return ports.flatMap(({ containerPort: port }, index) => {
    const field = `${path}[${index}].containerPort`;
    if (port === undefined) {
      return [required(field)];
    }
    return Number.isInteger(port) && port > 0 && port < 65536
      ? []
      : [invalid(field, port, 'must be between 1 and 65535, inclusive')];
  });
}

function validateResources({ requests = {}, limits = {} }: AnyFields = {}, path: string): FieldProblem[] {
  const amounts = [
    ...Object.entries(limits).map(([key, value]) => ['limits', key, value] as const),
    ...Object.entries(requests).map(([key, value]) => ['requests', key, value] as const),
  ];
  const negative = amounts
    .filter(([, , value]) => (parseQuantity(value) ?? 0) < 0)
    .map(([list, key, value]) => invalid(`${path}.${list}[${key}]`, value, 'must be greater than or equal to 0'));
  const excessive = Object.entries(requests).flatMap(([key, value]) => {
    const limit = limits[key];
    if (limit === undefined || (parseQuantity(value) ?? 0) <= (parseQuantity(limit) ?? 0)) {
      return [];
    }
    return [invalid(`${path}.requests`, value, `must be less than or equal to ${key} limit of ${limit}`)];
  });
  return [...negative, ...excessive];
}
