/** Rules of NetworkPolicies for the addresses that settings name. */
import { isIP } from 'node:net';
import type { KubeObject } from '#shared/kubernetes/object.ts';
import type { Settings } from './settings.ts';

interface Address {
  host: string;
  port: number;
}

export interface Rule {
  to: { ipBlock?: { cidr: string }; namespaceSelector?: unknown }[];
  ports: { protocol: 'TCP'; port: number }[];
}

/** HTTPS, and the API server wherever it listens. */
const ALWAYS = [443, 6443];
const ANYWHERE = ['0.0.0.0/0', '::/0'];

/**
 * The policy `egress`: where build pods may connect to besides DNS and the Broker. Each IP address gets a rule of its
 * own, and so does each Service of the cluster: the pods of its namespace, at the port of the address. Policies apply
 * behind Services, so that port must be the pods' own. Other addresses are names, which policies do not know: they must
 * lie within BUILD_EGRESS_CIDRS, at the ports that are used. Without that setting the overlay's ranges stay.
 */
export function egressRules(config: Record<string, string>, settings: Settings, policy: KubeObject): Rule[] {
  const addresses = addressesOf(config);
  // A Service may stand for machines outside the cluster, so its port is opened for the ranges as well.
  const outside = new Set([...ALWAYS, ...addresses.map(({ port }) => port)]);
  const stated: Rule[] = policy['spec'].egress ?? [];
  const cidrs = settings.egressCidrs ?? stated.flatMap(({ to }) => to.flatMap(({ ipBlock }) => ipBlock?.cidr ?? []));
  const kept = settings.egressCidrs ? [] : stated.filter(({ to }) => !to.some(({ ipBlock }) => ipBlock));
  const ranges = cidrs.map((cidr) => ({ ipBlock: { cidr } }));
  return distinct([
    ...(ranges.length > 0
      ? [
          rule(
            ranges,
            [...outside].sort((a, b) => a - b),
          ),
        ]
      : []),
    ...addresses.flatMap(ruleFor),
    ...kept,
  ]);
}

/**
 * For the builder's functions, beside the policy's own rules: S3, the registry, and the collector of traces. An address
 * of this machine is nobody's to allow.
 */
export function builderRules(config: Record<string, string>): Rule[] {
  const { BUILD_HTTP_PROXY: _, ...others } = config;
  const addresses = [...addressesOf(others), ...addressOf(config['OTEL_EXPORTER_OTLP_ENDPOINT'])];
  return rulesFor(addresses.filter(({ host }) => !LOOPBACK.test(host)));
}

const LOOPBACK = /^(localhost|127\..*|::1)$/;

/** For whoever talks to the RabbitMQ of RABBITMQ_URI: AMQP, and its management where `management` is set. */
export function rabbitmqRules(settings: Settings, { management }: { management: boolean }): Rule[] | undefined {
  const { uri, port } = settings.rabbitmq ?? {};
  const address = addressOf(uri)[0];
  if (!address) {
    return undefined;
  }
  // The Broker's own default, with TLS too.
  const amqp = Number(port ?? 5672);
  return rulesFor([{ ...address, port: management ? address.port : amqp }]);
}

/** For users' functions: the Services that their environment names, and the operator's list. */
export function functionRules(environment: Record<string, string>, { functionEgress = [] }: Settings): Rule[] {
  const services = Object.values(environment)
    .flatMap(addressOf)
    .filter(({ host }) => namespaceOf(host));
  return distinct([
    ...services.flatMap(ruleFor),
    ...functionEgress.map(({ namespace, cidr, port }) =>
      rule([cidr === undefined ? inNamespace(namespace ?? '') : { ipBlock: { cidr } }], [port]),
    ),
  ]);
}

/** A name, or what a Service stands for, may lie anywhere: its port is opened to every address. */
function rulesFor(addresses: Address[]): Rule[] {
  const named = addresses.filter(({ host, port }) => !isIP(host) && !ALWAYS.includes(port));
  const ports = [...new Set(named.map(({ port }) => port))].sort((a, b) => a - b);
  const anywhere = ANYWHERE.map((cidr) => ({ ipBlock: { cidr } }));
  return distinct([...addresses.flatMap(ruleFor), ...(ports.length > 0 ? [rule(anywhere, ports)] : [])]);
}

/** None for a name of the world: policies know no names. */
function ruleFor({ host, port }: Address): Rule[] {
  const namespace = namespaceOf(host);
  if (isIP(host)) {
    return [rule([{ ipBlock: { cidr: `${host}/${isIP(host) === 4 ? 32 : 128}` } }], [port])];
  }
  return namespace ? [rule([inNamespace(namespace)], [port])] : [];
}

/** The namespace of a Service's name. */
function namespaceOf(host: string): string | undefined {
  return /^[a-z0-9-]+\.([a-z0-9-]+)\.svc(?:\.|$)/.exec(host)?.[1];
}

export function inNamespace(name: string) {
  return { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': name } } };
}

function rule(to: Rule['to'], ports: number[]): Rule {
  return { to, ports: ports.map((port) => ({ protocol: 'TCP', port })) };
}

function addressesOf(config: Record<string, string>): Address[] {
  const images = Object.entries(config).flatMap(([key, value]) => (key.startsWith('BASE_IMAGE_') ? [value] : []));
  return [
    ...[config['S3_ENDPOINT'], config['BUILD_HTTP_PROXY']].flatMap(addressOf),
    ...[config['IMAGE_REGISTRY'] ?? '', ...images].flatMap((image) => {
      // As docker reads it: a first part without dot or port is no host, but a repository of Docker Hub.
      const [, host, port] = /^([^/:]*[.][^/:]*|[^/:]+(?=:\d+\/))(?::(\d+))?\//.exec(`${image}/`) ?? [];
      return host ? [{ host, port: Number(port ?? 443) }] : [];
    }),
  ];
}

function addressOf(text: string | undefined): Address[] {
  const url = URL.parse(text ?? '');
  const port = Number(url?.port || (url?.protocol === 'https:' ? 443 : 80));
  return url ? [{ host: url.hostname.replace(/^\[|\]$/g, ''), port }] : [];
}

function distinct(rules: Rule[]): Rule[] {
  return [...new Map(rules.map((rule) => [JSON.stringify(rule), rule])).values()];
}
