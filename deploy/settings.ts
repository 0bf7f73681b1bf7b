/** The settings of an environment: the env file `.env.<env>`, or the one that SETTINGS names. settings.example.env explains every key. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { parseEnv } from 'node:util';
import { nearest } from './nearest.ts';

export interface S3Keys {
  AWS_ACCESS_KEY_ID: string;
  AWS_SECRET_ACCESS_KEY: string;
}

export interface Settings {
  /** For the ConfigMap; null takes away what the overlay says. */
  config: Record<string, string | null>;
  s3?: S3Keys;
  /** For build pods, where they have keys of their own. */
  buildS3?: S3Keys;
  /** A RabbitMQ that is there already. Without it, RabbitMQ's cluster operator makes one. */
  rabbitmq?: { uri: string; username: string; password: string; port?: string };
  /** A docker config.json, whole. */
  registryConfig?: string;
  /** Where build pods may go; undefined: where the overlay says. */
  egressCidrs?: string[];
}

/** Our own, beside the keys of the ConfigMap. */
const S3 = ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY'];
const BUILD_S3 = S3.map((key) => `BUILD_${key}`);
const RABBITMQ = ['RABBITMQ_URI', 'RABBITMQ_USERNAME', 'RABBITMQ_PASSWORD'];
const OWN = [
  ...S3,
  ...BUILD_S3,
  ...RABBITMQ,
  'RABBITMQ_PORT',
  'REGISTRY_CONFIG_FILE',
  'BUILD_EGRESS_CIDRS',
  'NODE_IMAGE',
];
/** Said by the overlay, by IMAGE, or by Knative: a setting would only contradict them. */
const GIVEN: Record<string, string> = {
  BUILDER_IMAGE: 'it is what IMAGE says',
  NAMESPACE: 'it follows from ENV',
  BUILDS_NAMESPACE: 'it follows from ENV',
};

const CIDR = /^(\d{1,3}(\.\d{1,3}){3}\/\d{1,2}|[0-9a-fA-F:]+\/\d{1,3})$/;

/** Values as they stand in the file, and each line that is none. */
export function readEnvFile(file: string): { values: Record<string, string>; problems: string[] } {
  if (!existsSync(file)) {
    return { values: {}, problems: [`${file} does not exist: SETTINGS names a file of KEY=value lines`] };
  }
  const text = readFileSync(file, 'utf8');
  const problems = text.split(/\r?\n/).flatMap((line, index) => {
    const value = /^\s*(?:export\s+)?[A-Za-z_]\w*\s*=(.*)$/.exec(line)?.[1]?.trim();
    if (value === undefined) {
      return /^\s*(#.*)?$/.test(line) ? [] : [`${file}:${index + 1} is neither KEY=value nor a comment`];
    }
    // Everything from there on would silently be a comment.
    return /^[^'"`#]+\S#/.test(value) ? [`${file}:${index + 1}: put the value in quotes, for it contains a #`] : [];
  });
  return { values: parseEnv(text) as Record<string, string>, problems };
}

/** `configKeys`: every key that the ConfigMap may have. Values never appear in a problem: they may be secret. */
export function readSettings(file: string, configKeys: string[]): { settings: Settings; problems: string[] } {
  const { values, problems } = readEnvFile(file);
  const allowed = new Set([...configKeys, ...OWN]);
  for (const key of Object.keys(values)) {
    if (GIVEN[key]) {
      problems.push(`${file}: leave out ${key}: ${GIVEN[key]}`);
    } else if (!allowed.has(key)) {
      const guess = nearest(key, allowed);
      problems.push(`${file}: ${key} is no setting${guess ? `; did you mean ${guess}?` : ''}`);
    }
  }
  const value = (key: string) => values[key]?.trim() || undefined;
  const config = Object.fromEntries(
    Object.keys(values)
      .filter((key) => configKeys.includes(key) && !OWN.includes(key) && !GIVEN[key])
      .map((key) => [key, value(key) ?? null]),
  );
  const settings: Settings = { config };

  for (const group of [S3, BUILD_S3, RABBITMQ]) {
    const missing = group.filter((key) => !value(key));
    if (missing.length > 0 && missing.length < group.length) {
      problems.push(`${file}: ${missing.join(' and ')} must be set too: ${group.join(', ')} belong together`);
    }
  }
  for (const [place, group] of [['s3', S3] as const, ['buildS3', BUILD_S3] as const]) {
    const [AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY] = group.map(value);
    if (AWS_ACCESS_KEY_ID && AWS_SECRET_ACCESS_KEY) {
      settings[place] = { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY };
    }
  }
  const [uri, username, password] = RABBITMQ.map(value);
  const port = value('RABBITMQ_PORT');
  if (port && !/^\d{1,5}$/.test(port)) {
    problems.push(`${file}: RABBITMQ_PORT must be a port, as a rule 5672`);
  }
  if (uri && !/^https?:\/\/[^/]+$/.test(uri)) {
    problems.push(
      `${file}: RABBITMQ_URI must be RabbitMQ's management address, http(s)://host:15672, without a path; AMQP's port is RABBITMQ_PORT`,
    );
  }
  if (uri && username && password) {
    settings.rabbitmq = { uri, username, password, ...(port ? { port } : {}) };
  }
  const cidrs = value('BUILD_EGRESS_CIDRS')
    ?.split(',')
    .map((cidr) => cidr.trim());
  if (cidrs) {
    settings.egressCidrs = cidrs;
    problems.push(
      ...cidrs
        .filter((cidr) => !CIDR.test(cidr))
        .map((cidr) => `${file}: BUILD_EGRESS_CIDRS: ${cidr} is no range such as 10.0.0.0/8`),
    );
  }
  const registryFile = value('REGISTRY_CONFIG_FILE');
  if (registryFile) {
    const { content, problem } = readRegistryConfig(resolve(dirname(file), registryFile));
    settings.registryConfig = content;
    problems.push(...(problem ? [`${file}: REGISTRY_CONFIG_FILE: ${problem}`] : []));
  }
  return { settings, problems };
}

/** What `docker login` writes, but with the credentials in it: pods have no credential helper. */
function readRegistryConfig(file: string): { content: string; problem?: string } {
  try {
    const content = readFileSync(file, 'utf8');
    const entries: unknown[] = Object.values(JSON.parse(content).auths ?? {});
    const complete = entries.some((entry) => typeof entry === 'object' && entry !== null && 'auth' in entry);
    return complete
      ? { content }
      : { content, problem: `${file} holds no credentials ("auths" with "auth"): it must not use a credential helper` };
  } catch (error) {
    return { content: '', problem: `${file} is not readable JSON: ${error instanceof Error ? error.message : error}` };
  }
}
