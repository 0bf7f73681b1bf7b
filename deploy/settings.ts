/** Reads the settings of an environment from `.env.<env>`, or from the file that SETTINGS names. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { parseEnv } from 'node:util';
import * as z from 'zod';
import { nearest } from '#shared/nearest.ts';
import { fieldsFor, fieldsFrom } from '#shared/settings/select.ts';
import { SETTINGS, type Setting, type SettingName } from '#shared/settings/table.ts';

export interface S3Keys {
  AWS_ACCESS_KEY_ID: string;
  AWS_SECRET_ACCESS_KEY: string;
}

export interface Settings {
  /** For the ConfigMap. Null removes the overlay's value. */
  config: Record<string, string | null>;
  s3?: S3Keys;
  /** A key pair for build pods alone. */
  buildS3?: S3Keys;
  /** A RabbitMQ that exists already. Without it, RabbitMQ's cluster operator makes one. */
  rabbitmq?: { uri: string; username: string; password: string; port?: string; caSecretName?: string };
  /** The whole text of a docker config.json. */
  registryConfig?: string;
  /** Pods of the door that never go. */
  doorMinScale?: number;
  /** ConfigMap with the authority that signed what S3, the registry and the collector of traces show. */
  caConfigMap?: string;
  requireTls?: boolean;
  /** Where build pods may connect to. Undefined: the overlay's ranges stay. */
  egressCidrs?: string[];
  /** Where users' functions may connect to besides. */
  functionEgress?: { namespace?: string; cidr?: string; port: number }[];
  /** Of Knative's ingress gateway. Undefined, as for the next one: the overlay's stay. */
  ingressNamespaces?: string[];
  metricsNamespaces?: string[];
  /** Other namespaces whose pods may post to the Broker. */
  brokerClientNamespaces?: string[];
}

/** Of each group either all are set, or none. */
const S3 = ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY'] as const;
const BUILD_S3 = ['BUILD_AWS_ACCESS_KEY_ID', 'BUILD_AWS_SECRET_ACCESS_KEY'] as const;
const RABBITMQ = ['RABBITMQ_URI', 'RABBITMQ_USERNAME', 'RABBITMQ_PASSWORD'] as const;

const ownSchema = z.object(fieldsFor('make deploy'));
/** What the file may have beside the keys of the ConfigMap. */
const ownKeys = Object.keys({ ...fieldsFrom('make'), ...fieldsFrom('Secret') });

type Values = Record<string, string>;

/** The values of the file, and a problem for each line that cannot be read. */
export function readEnvFile(file: string): { values: Values; problems: string[] } {
  if (!existsSync(file)) {
    return { values: {}, problems: [`${file} does not exist: SETTINGS names a file of KEY=value lines`] };
  }
  const text = readFileSync(file, 'utf8');
  const problems = text.split(/\r?\n/).flatMap((line, index) => {
    const value = /^\s*(?:export\s+)?[A-Za-z_]\w*\s*=(.*)$/.exec(line)?.[1]?.trim();
    if (value === undefined) {
      return /^\s*(#.*)?$/.test(line) ? [] : [`${file}:${index + 1} is neither KEY=value nor a comment`];
    }
    // Without quotes, the rest of the line would silently be a comment.
    return /^[^'"`#]+\S#/.test(value) ? [`${file}:${index + 1}: put the value in quotes, because it contains a #`] : [];
  });
  return { values: parseEnv(text) as Values, problems };
}

/** `configKeys`: every key that the ConfigMap may have. Values never appear in a problem: they may be secret. */
export function readSettings(file: string, configKeys: string[]): { settings: Settings; problems: string[] } {
  const { values, problems: unreadable } = readEnvFile(file);
  const inConfig = (key: string) => configKeys.includes(key) && !ownKeys.includes(key) && !givenBy(key);
  const set = withoutEmpty(values);
  const own = ownSchema.safeParse(set);
  const { registryConfig, problem } = readRegistryConfig(file, set['REGISTRY_CONFIG_FILE']);
  const s3 = keyPair(set, S3);
  const buildS3 = keyPair(set, BUILD_S3);
  const rabbitmq = rabbitmqOf(set);
  const egressCidrs = own.data?.BUILD_EGRESS_CIDRS;
  return {
    settings: {
      config: Object.fromEntries(
        Object.keys(values)
          .filter(inConfig)
          .map((key) => [key, set[key] ?? null]),
      ),
      ...(s3 ? { s3 } : {}),
      ...(buildS3 ? { buildS3 } : {}),
      ...(rabbitmq ? { rabbitmq } : {}),
      ...(egressCidrs ? { egressCidrs } : {}),
      ...networkOf(own.data ?? {}),
      ...(own.data?.DOOR_MIN_SCALE === undefined ? {} : { doorMinScale: own.data.DOOR_MIN_SCALE }),
      ...(registryConfig === undefined ? {} : { registryConfig }),
    },
    problems: [
      ...unreadable,
      ...[
        ...unknownKeys(values, configKeys),
        ...[S3, BUILD_S3, RABBITMQ].flatMap((group) => incompleteGroup(set, group)),
        ...(own.error?.issues ?? []).map(({ path, message }) => `${path.join('.')} ${message}`),
        ...(problem ? [`REGISTRY_CONFIG_FILE: ${problem}`] : []),
      ].map((text) => `${file}: ${text}`),
    ],
  };
}

function networkOf(own: Partial<z.infer<typeof ownSchema>>): Partial<Settings> {
  const { FUNCTION_EGRESS, INGRESS_NAMESPACES, METRICS_NAMESPACES, BROKER_CLIENT_NAMESPACES } = own;
  return {
    ...(FUNCTION_EGRESS ? { functionEgress: FUNCTION_EGRESS } : {}),
    ...(INGRESS_NAMESPACES ? { ingressNamespaces: INGRESS_NAMESPACES } : {}),
    ...(METRICS_NAMESPACES ? { metricsNamespaces: METRICS_NAMESPACES } : {}),
    ...(BROKER_CLIENT_NAMESPACES ? { brokerClientNamespaces: BROKER_CLIENT_NAMESPACES } : {}),
    ...(own.CA_CONFIG_MAP ? { caConfigMap: own.CA_CONFIG_MAP } : {}),
    ...(own.REQUIRE_TLS === 'yes' ? { requireTls: true } : {}),
  };
}

/** Why a file must not have this key: something else says it. */
function givenBy(key: string): string | undefined {
  const setting: Setting | undefined = SETTINGS[key as SettingName];
  return setting?.givenBy;
}

function withoutEmpty(values: Values): Values {
  const trimmed = Object.entries(values).map(([key, value]) => [key, value.trim()] as const);
  return Object.fromEntries(trimmed.filter(([, value]) => value !== ''));
}

function unknownKeys(values: Values, configKeys: string[]): string[] {
  const known = new Set([...configKeys, ...ownKeys]);
  return Object.keys(values).flatMap((key) => {
    const given = givenBy(key);
    if (given) {
      return [`leave out ${key}: ${given}`];
    }
    const guess = nearest(key, known);
    return known.has(key) ? [] : [`${key} is no setting${guess ? `; did you mean ${guess}?` : ''}`];
  });
}

function incompleteGroup(set: Values, group: readonly string[]): string[] {
  const missing = group.filter((key) => !set[key]);
  return missing.length > 0 && missing.length < group.length
    ? [`${missing.join(' and ')} must be set too: ${group.join(', ')} belong together`]
    : [];
}

function keyPair(set: Values, [id, secret]: typeof S3 | typeof BUILD_S3): S3Keys | undefined {
  const { [id]: AWS_ACCESS_KEY_ID, [secret]: AWS_SECRET_ACCESS_KEY } = set;
  return AWS_ACCESS_KEY_ID && AWS_SECRET_ACCESS_KEY ? { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY } : undefined;
}

function rabbitmqOf(set: Values): Settings['rabbitmq'] {
  const [uri, username, password] = RABBITMQ.map((key) => set[key]);
  const { RABBITMQ_PORT: port, RABBITMQ_CA_SECRET: caSecretName } = set;
  return uri && username && password
    ? { uri, username, password, ...(port ? { port } : {}), ...(caSecretName ? { caSecretName } : {}) }
    : undefined;
}

/**
 * What `docker login` writes, but with the credentials in it, since pods have no credential helper. A relative path
 * begins at the folder of the settings.
 */
function readRegistryConfig(settings: string, path: string | undefined): { registryConfig?: string; problem?: string } {
  if (!path) {
    return {};
  }
  const file = resolve(dirname(settings), path);
  try {
    const registryConfig = readFileSync(file, 'utf8');
    const entries: unknown[] = Object.values(JSON.parse(registryConfig).auths ?? {});
    const isComplete = entries.some((entry) => typeof entry === 'object' && entry !== null && 'auth' in entry);
    return isComplete
      ? { registryConfig }
      : { problem: `${file} holds no credentials ("auths" with "auth"): it must not use a credential helper` };
  } catch (error) {
    return { problem: `${file} is not readable JSON: ${error instanceof Error ? error.message : error}` };
  }
}
