/** The NetworkPolicy `egress`: where build pods may connect to besides DNS and the Broker. */
import { isIP } from 'node:net';
import type { KubeObject } from '#shared/kubernetes/object.ts';
import type { Settings } from './settings.ts';

interface Address {
  host: string;
  port: number;
}

interface Rule {
  to: { ipBlock?: { cidr: string }; namespaceSelector?: unknown }[];
  ports: { protocol: 'TCP'; port: number }[];
}

/** HTTPS, and the API server wherever it listens. */
const ALWAYS = [443, 6443];

/**
 * Each IP address gets a rule of its own, and so does each Service of the cluster: the pods of its namespace, at the
 * port of the address. Policies apply behind Services, so that port must be the pods' own. Other addresses are names,
 * which policies do not know: they must lie within BUILD_EGRESS_CIDRS, at the ports that are used. Without that setting
 * the overlay's ranges stay.
 */
export function egressRules(config: Record<string, string>, settings: Settings, policy: KubeObject): Rule[] {
  const addresses = addressesOf(config);
  const own: Rule[] = [];
  const outside = new Set(ALWAYS);
  for (const { host, port } of addresses) {
    const [, namespace] = /^[a-z0-9-]+\.([a-z0-9-]+)\.svc(?:\.|$)/.exec(host) ?? [];
    if (isIP(host)) {
      own.push(rule([{ ipBlock: { cidr: `${host}/${isIP(host) === 4 ? 32 : 128}` } }], [port]));
    } else if (namespace) {
      own.push(rule([{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } } }], [port]));
    }
    // A Service may stand for machines outside the cluster, so its port is opened for the ranges as well.
    outside.add(port);
  }
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
    ...own,
    ...kept,
  ]);
}

function rule(to: Rule['to'], ports: number[]): Rule {
  return { to, ports: ports.map((port) => ({ protocol: 'TCP', port })) };
}

function addressesOf(config: Record<string, string>): Address[] {
  const urls = [config['S3_ENDPOINT'], config['BUILD_HTTP_PROXY']].filter((url) => url !== undefined);
  const images = Object.entries(config).flatMap(([key, value]) => (key.startsWith('BASE_IMAGE_') ? [value] : []));
  return [
    ...urls.flatMap((text) => {
      const url = URL.parse(text);
      const port = Number(url?.port || (url?.protocol === 'https:' ? 443 : 80));
      return url ? [{ host: url.hostname.replace(/^\[|\]$/g, ''), port }] : [];
    }),
    ...[config['IMAGE_REGISTRY'] ?? '', ...images].flatMap((image) => {
      // As docker reads it: a first part without dot or port is no host, but a repository of Docker Hub.
      const [, host, port] = /^([^/:]*[.][^/:]*|[^/:]+(?=:\d+\/))(?::(\d+))?\//.exec(`${image}/`) ?? [];
      return host ? [{ host, port: Number(port ?? 443) }] : [];
    }),
  ];
}

function distinct(rules: Rule[]): Rule[] {
  return [...new Map(rules.map((rule) => [JSON.stringify(rule), rule])).values()];
}
