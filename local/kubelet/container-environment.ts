/** The environment that a container's spec asks for. */
import type { V1EnvVar } from '@kubernetes/client-node';
import type { ObjectStorage } from '#local/kubernetes/types.ts';
import { configData } from './config-data.ts';
import { expandVariables } from './expand-variables.ts';
import { fieldValue } from './field-value.ts';
import type { ContainerSpec, Pod } from './pod.ts';

/** Becomes the waiting state CreateContainerConfigError; the container starts once what is missing is there. */
export class ContainerConfigError extends Error {
  override readonly name = 'ContainerConfigError';
}

const failure = (text: string) => new ContainerConfigError(text);

/**
 * envFrom first, then env, so that env wins; a value may use `$(NAME)` of what stands before it.
 * Throws ContainerConfigError.
 */
export function containerEnvironment(
  pod: Pod,
  container: ContainerSpec,
  storage: ObjectStorage,
  known: Readonly<Record<string, string>>,
): Record<string, string> {
  const environment: Record<string, string> = {};
  for (const { configMapRef, secretRef, prefix = '' } of container.envFrom ?? []) {
    const source = secretRef ? 'secret' : 'configMap';
    const data = configData(storage, pod.metadata.namespace, source, secretRef ?? configMapRef ?? {}, failure);
    for (const [key, value] of data) {
      environment[prefix + key] = value.toString();
    }
  }
  for (const variable of container.env ?? []) {
    const value = variableValue(pod, variable, storage, { ...known, ...environment });
    if (value !== undefined) {
      environment[variable.name] = value;
    }
  }
  return environment;
}

function variableValue(
  pod: Pod,
  { name, value = '', valueFrom }: V1EnvVar,
  storage: ObjectStorage,
  known: Record<string, string>,
): string | undefined {
  if (valueFrom === undefined) {
    return expandVariables(value, known);
  }
  const { fieldRef, secretKeyRef, configMapKeyRef } = valueFrom;
  const reference = secretKeyRef ?? configMapKeyRef;
  const source = secretKeyRef ? 'secret' : 'configMap';
  const found = reference
    ? configData(storage, pod.metadata.namespace, source, reference, failure).get(reference.key)?.toString()
    : fieldValue(pod, fieldRef?.fieldPath ?? '');
  if (found === undefined && reference?.optional !== true) {
    throw failure(
      reference
        ? `couldn't find key ${reference.key} in ${source} ${pod.metadata.namespace}/${reference.name}`
        : `env ${name}: the embedded platform does not know what it comes from`,
    );
  }
  return found;
}
