/** A pod's volumes as folders. */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { V1KeyToPath, V1Volume, V1VolumeProjection } from '@kubernetes/client-node';
import type { ObjectStorage } from '#local/kubernetes/types.ts';
import { configData, type DataSource } from './config-data.ts';
import { fieldValue } from './field-value.ts';
import type { Pod } from './pod.ts';

/** The pod stays ContainerCreating, and it is tried again. */
export class MountError extends Error {
  override readonly name = 'MountError';
}

/**
 * Folder of each volume by name. Written once, at the pod's start: a changed ConfigMap reaches new pods alone.
 * Throws MountError where a ConfigMap or Secret is missing, or a kind of volume is not emulated.
 */
export async function createVolumes(pod: Pod, folder: string, storage: ObjectStorage): Promise<Map<string, string>> {
  const folders = new Map<string, string>();
  for (const volume of pod.spec.volumes ?? []) {
    const target = join(folder, volume.name);
    await mkdir(target, { recursive: true });
    await fill(pod, volume, target, storage);
    folders.set(volume.name, target);
  }
  return folders;
}

async function fill(pod: Pod, volume: V1Volume, target: string, storage: ObjectStorage): Promise<void> {
  const { emptyDir, configMap, secret, projected } = volume;
  if (emptyDir !== undefined) {
    return;
  }
  if (configMap !== undefined) {
    return await project(pod, { configMap }, target, storage);
  }
  if (secret !== undefined) {
    const { secretName, ...rest } = secret;
    return await project(pod, { secret: { ...rest, name: secretName ?? '' } }, target, storage);
  }
  if (projected === undefined) {
    throw new MountError(
      `volume "${volume.name}": the embedded platform knows emptyDir, configMap, secret and projected`,
    );
  }
  for (const source of projected.sources ?? []) {
    await project(pod, source, target, storage);
  }
}

async function project(pod: Pod, source: V1VolumeProjection, target: string, storage: ObjectStorage): Promise<void> {
  if (source.serviceAccountToken !== undefined) {
    // Not a secret: the embedded API asks for no credentials. It is there because clients refuse to start without one.
    return await put(target, source.serviceAccountToken.path, 'local');
  }
  for (const { path, fieldRef } of source.downwardAPI?.items ?? []) {
    const value = fieldValue(pod, fieldRef?.fieldPath ?? '');
    if (value === undefined) {
      throw new MountError(`downwardAPI item "${path}": only known fieldRefs are emulated`);
    }
    await put(target, path, value);
  }
  const { configMap, secret } = source;
  // Every namespace of a cluster has the API's certificate authority in this ConfigMap; the embedded API speaks plain
  // HTTP.
  if (configMap !== undefined && configMap.name !== 'kube-root-ca.crt') {
    await projectData(pod, 'configMap', configMap, target, storage);
  }
  if (secret !== undefined) {
    await projectData(pod, 'secret', secret, target, storage);
  }
}

async function projectData(
  pod: Pod,
  source: DataSource,
  reference: { name?: string; optional?: boolean; items?: V1KeyToPath[] },
  target: string,
  storage: ObjectStorage,
): Promise<void> {
  const failure = (text: string) => new MountError(`MountVolume.SetUp failed: ${text}`);
  const data = configData(storage, pod.metadata.namespace, source, reference, failure);
  for (const { key, path } of reference.items ?? [...data.keys()].map((key) => ({ key, path: key }))) {
    const value = data.get(key);
    if (value !== undefined) {
      await put(target, path, value);
    } else if (reference.optional !== true) {
      throw failure(`${reference.name} references non-existent key ${key}`);
    }
  }
}

async function put(target: string, path: string, content: string | Buffer): Promise<void> {
  if (path.startsWith('/') || path.split('/').includes('..')) {
    throw new MountError(`volume item path "${path}" leaves the volume`);
  }
  const file = join(target, path);
  await mkdir(dirname(file), { recursive: true });
  // For nobody else on this machine: it may be a Secret's.
  await writeFile(file, content, { mode: 0o600 });
}
