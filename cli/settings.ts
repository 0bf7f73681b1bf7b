/**
 * Finds bucket and Broker of the dead letters: from the environment, from a cluster, or from the platform of `make
 * run`.
 */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import * as z from 'zod';
import { type Environment, parseConfig } from '#shared/settings/parse-config.ts';
import { fieldsFor } from '#shared/settings/select.ts';
import { clusterSettings, type Settings } from './cluster-settings.ts';

const fields = fieldsFor('npm run dead-letters');
/** Only `replay` needs the Broker. */
const schema = z.object({ ...fields, BROKER_URL: fields.BROKER_URL.optional() });
const KEYS = ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN'];
/** May differ on this machine, for example by a port-forward. */
const ADDRESSES = ['BROKER_URL', 'S3_ENDPOINT'];
const LOCAL = resolve(import.meta.dirname, '../.local/kubeconfig');

export type LetterSettings = z.infer<typeof schema>;

export interface Wanted {
  kubeconfig: string | undefined;
  namespace: string | undefined;
}

/** Throws an Error that says what to do. */
export async function findSettings(
  { kubeconfig, namespace }: Wanted,
  environment: Environment,
  read = clusterSettings,
): Promise<LetterSettings> {
  const file = kubeconfig ?? (environment['TEMPORARY_BUCKET'] ? undefined : fromKubeconfig(environment));
  const cluster = file === undefined ? {} : await read(file, namespace);
  return parseConfig(schema, merged(cluster, environment)).own;
}

function fromKubeconfig({ KUBECONFIG }: Environment): string {
  const file = KUBECONFIG || (existsSync(LOCAL) ? LOCAL : undefined);
  if (file === undefined) {
    throw new Error(
      'which dead letters? Say --kubeconfig FILE [--namespace knative-lambda-dev], or set KUBECONFIG, or set TEMPORARY_BUCKET, AWS_REGION, S3_ENDPOINT, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and BROKER_URL as the functions have them, or start the platform of this machine: make run',
    );
  }
  return file;
}

/**
 * The cluster's values win, since a shell may have AWS_REGION and keys for other reasons. A key pair is never mixed
 * from two places.
 */
function merged(cluster: Settings, environment: Environment): Settings {
  const hasKeys = cluster['AWS_ACCESS_KEY_ID'] !== undefined;
  const own = Object.entries(environment).filter(([name, value]) => value && !(hasKeys && KEYS.includes(name)));
  const addresses = own.filter(([name]) => ADDRESSES.includes(name));
  return { ...Object.fromEntries(own), ...cluster, ...Object.fromEntries(addresses) };
}
