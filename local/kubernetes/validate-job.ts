/** The rules for Jobs that go beyond those of their pods. */
import { duplicate, type FieldProblem, invalid, invalidWithoutValue, notSupported, required } from './field-problem.ts';
import type { AnyFields } from './pod-spec-of.ts';
import { nonNegative } from './validate-pod-spec.ts';

const COUNTS = ['parallelism', 'completions', 'activeDeadlineSeconds', 'backoffLimit', 'ttlSecondsAfterFinished'];
const ACTIONS = ['Count', 'FailIndex', 'FailJob', 'Ignore'];
const OPERATORS = ['In', 'NotIn'];
const STATUSES = ['False', 'True', 'Unknown'];

export function validateJob(spec: AnyFields): FieldProblem[] {
  const pod = spec['template']?.spec ?? {};
  const policy = spec['podFailurePolicy'];
  const restart = 'spec.template.spec.restartPolicy';
  return [
    ...COUNTS.flatMap((field) => nonNegative(spec[field], `spec.${field}`)),
    ...(policy ? validateFailurePolicy(policy, pod, 'spec.podFailurePolicy') : []),
    ...(pod.restartPolicy === 'Always' ? [required(restart, 'valid values: "OnFailure", "Never"')] : []),
    ...(policy && pod.restartPolicy === 'OnFailure'
      ? [invalid(restart, 'OnFailure', 'only "Never" is supported when podFailurePolicy is specified')]
      : []),
  ];
}

function validateFailurePolicy(policy: AnyFields, pod: AnyFields, path: string): FieldProblem[] {
  const containers = [...(pod['containers'] ?? []), ...(pod['initContainers'] ?? [])] as AnyFields[];
  const names = containers.map((container) => container['name']);
  return ((policy['rules'] ?? []) as AnyFields[]).flatMap((rule, index) => {
    const field = `${path}.rules[${index}]`;
    const conditions = (rule['onPodConditions'] ?? []) as AnyFields[];
    const exitCodes = rule['onExitCodes'] as AnyFields | undefined;
    const both = 'specifying both OnExitCodes and OnPodConditions is not supported';
    const neither = 'specifying one of OnExitCodes and OnPodConditions is required';
    return [
      ...chosen(rule['action'], `${field}.action`, ACTIONS),
      ...(exitCodes ? validateExitCodes(exitCodes, `${field}.onExitCodes`, names) : []),
      ...conditions.flatMap((one, at) => chosen(one['status'], `${field}.onPodConditions[${at}].status`, STATUSES)),
      ...(exitCodes && conditions.length > 0 ? [invalidWithoutValue(field, both)] : []),
      ...(!exitCodes && conditions.length === 0 ? [invalidWithoutValue(field, neither)] : []),
    ];
  });
}

function validateExitCodes(
  { operator, containerName, values = [] }: AnyFields,
  path: string,
  names: string[],
): FieldProblem[] {
  const codes = values as number[];
  const unknown = 'must be one of the container or initContainer names in the pod template';
  return [
    ...chosen(operator, `${path}.operator`, OPERATORS),
    ...(containerName && !names.includes(containerName)
      ? [invalid(`${path}.containerName`, containerName, unknown)]
      : []),
    ...(codes.length === 0 ? [invalid(`${path}.values`, codes, 'at least one value is required')] : []),
    ...codes.flatMap((code, index) => [
      ...(operator === 'In' && code === 0
        ? [invalid(`${path}.values[${index}]`, 0, 'must not be 0 for the In operator')]
        : []),
      ...(codes.indexOf(code) < index ? [duplicate(`${path}.values[${index}]`, code)] : []),
    ]),
    ...(codes.some((code, index) => code < (codes[index - 1] ?? code))
      ? [invalid(`${path}.values`, codes, 'must be ordered')]
      : []),
  ];
}

function chosen(value: string | undefined, field: string, values: string[]): FieldProblem[] {
  if (!value) {
    return [required(field, `valid values: [${values.map((one) => `"${one}"`).join(' ')}]`)];
  }
  return values.includes(value) ? [] : [notSupported(field, value, values)];
}
