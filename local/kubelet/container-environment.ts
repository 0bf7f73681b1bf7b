/** The environment that a container's spec asks for. */
import type { V1EnvVar } from '@kubernetes/client-node';
import type { ObjectStorage } from '#local/kubernetes/types.ts';
import { configData, type DataSource, missingText } from './config-data.ts';
import { expandVariables } from './expand-variables.ts';
import { fieldValue } from './field-value.ts';
import type { ContainerSpec, Pod } from './pod.ts';

/** Becomes the waiting state CreateContainerConfigError; the container starts once what is missing is there. */
export class ContainerConfigError extends Error {
  override readonly name = 'ContainerConfigError';
}

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
  for (const from of container.envFrom ?? []) {
    const source: DataSource = from.secretRef === undefined ? 'configMap' : 'secret';
    const reference = from.secretRef ?? from.configMapRef;
    const data = configData(storage, source, pod.metadata.namespace, reference?.name ?? '');
    if (data === undefined) {
      if (reference?.optional === true) {
        continue;
      }
      throw new ContainerConfigError(missingText(source, reference?.name ?? ''));
    }
    for (const [key, value] of data) {
      environment[(from.prefix ?? '') + key] = value.toString();
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
  variable: V1EnvVar,
  storage: ObjectStorage,
  known: Record<string, string>,
): string | undefined {
  const from = variable.valueFrom;
  if (from === undefined) {
    return expandVariables(variable.value ?? '', known);
  }
  if (from.fieldRef !== undefined) {
    const value = fieldValue(pod, from.fieldRef.fieldPath);
    if (value === undefined) {
      throw new ContainerConfigError(`unsupported fieldPath: ${from.fieldRef.fieldPath}`);
    }
    return value;
  }
  const source: DataSource = from.secretKeyRef === undefined ? 'configMap' : 'secret';
  const reference = from.secretKeyRef ?? from.configMapKeyRef;
  if (reference === undefined) {
    throw new ContainerConfigError(
      `env ${variable.name}: the embedded platform knows value, fieldRef, configMapKeyRef and secretKeyRef`,
    );
  }
  const name = reference.name ?? '';
  const data = configData(storage, source, pod.metadata.namespace, name);
  const value = data?.get(reference.key);
  if (value !== undefined) {
    return value.toString();
  }
  if (reference.optional === true) {
    return undefined;
  }
  throw new ContainerConfigError(
    data === undefined
      ? missingText(source, name)
      : `couldn't find key ${reference.key} in ${source === 'secret' ? 'Secret' : 'ConfigMap'} ${pod.metadata.namespace}/${name}`,
  );
}
