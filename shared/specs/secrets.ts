/** Secrets that users' functions refer to: whose they are, and how a function's pods get their values. */
import type { V1EnvVar, V1Volume } from '@kubernetes/client-node';
import type { SecretMetadata } from '#shared/clients/cluster.ts';
import { deriveId } from '#shared/events/event.ts';
import type { SecretReference } from '#shared/events/secrets.ts';
import { type Build, tenantOf } from './annotations.ts';
import { FUNCTIONS, SECRET_FOR, TENANT_LABEL } from './labels.ts';
import { labelValue } from './names.ts';

/** Selects every Secret that is meant for functions. */
export const FUNCTION_SECRETS = `${SECRET_FOR}=functions`;

/** On a Service: its function refers to Secrets. */
export const USES_SECRETS = 'knative-lambda/uses-secrets';
export const FUNCTIONS_WITH_SECRETS = `${FUNCTIONS},${USES_SECRETS}=true`;

/** On the template: which versions of its Secrets the function's pods read. A change makes a new revision. */
export const SECRETS_VERSION = 'knative-lambda/secrets-version';

const DIRECTORY = '/secrets';
const VOLUME = 'secrets';

/**
 * Whether the Secret is labelled for functions of this tenant. Where the label cannot hold the whole id, the annotation
 * has to: two ids may have one label value.
 */
export function isSecretOf(tenant: string, { metadata }: SecretMetadata): boolean {
  const { labels = {} } = metadata;
  const value = labelValue(tenant);
  const stated = tenantOf({ metadata }) || (value === tenant ? tenant : '');
  return labels[SECRET_FOR] === 'functions' && labels[TENANT_LABEL] === value && stated === tenant;
}

/**
 * Of the Secrets that this function refers to; nothing of their values is in it. Undefined where it refers to none, or
 * one of them is missing or not its tenant's.
 */
export function secretsVersion(
  { third_party_id, parameters }: Pick<Build, 'third_party_id' | 'parameters'>,
  found: ReadonlyMap<string, SecretMetadata>,
): string | undefined {
  const names = secretNames(parameters.secrets);
  const versions = names.flatMap((name) => {
    const secret = found.get(name);
    const { uid = '', resourceVersion = '' } = secret?.metadata ?? {};
    return secret && isSecretOf(third_party_id, secret) ? [deriveId(name, uid, resourceVersion)] : [];
  });
  return names.length > 0 && versions.length === names.length ? deriveId(...versions) : undefined;
}

/** Sorted, each once. */
export function secretNames(secrets: readonly SecretReference[] = []): string[] {
  return [...new Set(secrets.map(({ name }) => name))].sort();
}

/** Of the container; Kubernetes fills the values in when a pod starts. */
export function secretVariables(secrets: readonly SecretReference[] = []): V1EnvVar[] {
  return secrets.flatMap(({ name, key, env }) =>
    env === undefined ? [] : [{ name: env, valueFrom: { secretKeyRef: { name, key } } }],
  );
}

/** Tells code where its files are on every platform: on a laptop the folder has another path. */
export function directoryVariable(secrets: readonly SecretReference[] = []): Record<string, string> {
  return secrets.some(({ file }) => file !== undefined) ? { SECRETS_DIRECTORY: DIRECTORY } : {};
}

/** One volume with the files of all Secrets; undefined where the function wants no files. */
export function secretsVolume(
  secrets: readonly SecretReference[] = [],
): { volume: V1Volume; mount: { name: string; mountPath: string; readOnly: true } } | undefined {
  const files = secrets.flatMap(({ name, key, file }) => (file === undefined ? [] : [{ name, key, path: file }]));
  if (files.length === 0) {
    return undefined;
  }
  const sources = secretNames(secrets).flatMap((name) => {
    const items = files.filter((one) => one.name === name).map(({ key, path }) => ({ key, path }));
    return items.length > 0 ? [{ secret: { name, items } }] : [];
  });
  return {
    // Readable for every user: an image may run as any, and Knative takes no fsGroup by default.
    volume: { name: VOLUME, projected: { defaultMode: 0o444, sources } },
    mount: { name: VOLUME, mountPath: DIRECTORY, readOnly: true },
  };
}
