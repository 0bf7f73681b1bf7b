/** What the NetworkPolicies allow, all taken together: a policy only ever adds to what the others allow. */
import { readdirSync } from 'node:fs';
import { BlockList, isIPv4 } from 'node:net';
import { join } from 'node:path';
import type { V1IPBlock, V1LabelSelector, V1NetworkPolicySpec } from '@kubernetes/client-node';
import { describe, expect, test } from 'vitest';
import { renderOverlay } from '#shared/manifests/render-overlay.ts';
import { identityLabels } from '#shared/specs/labels.ts';

const overlays = new URL('../../../eventing/overlays/', import.meta.url).pathname;
const environments = readdirSync(overlays);
const identity = { third_party_id: 'acme', parser_id: 'p1' };
const METADATA = ['169.254.169.254', '169.254.170.2', '169.254.170.23'];

/** The specs of the policies that hold for a pod. */
function policiesOf(environment: string, namespace: string, labels: Record<string, string>): V1NetworkPolicySpec[] {
  return renderOverlay(join(overlays, environment))
    .filter(({ kind, metadata }) => kind === 'NetworkPolicy' && metadata.namespace === namespace)
    .map((policy) => policy['spec'] as V1NetworkPolicySpec)
    .filter(({ podSelector = {} }) => selects(podSelector, labels));
}

function selects({ matchLabels = {}, matchExpressions = [] }: V1LabelSelector, labels: Record<string, string>) {
  expect(matchExpressions).toEqual([]);
  return Object.entries(matchLabels).every(([key, value]) => labels[key] === value);
}

const portsOf = (ports: { protocol?: string; port?: unknown }[] | undefined) =>
  ports?.map(({ protocol, port }) => `${protocol} ${port}`) ?? ['any port'];

function allows({ cidr, except = [] }: V1IPBlock, address: string): boolean {
  const contains = (range: string) => {
    const [network = '', length] = range.split('/');
    const list = new BlockList();
    // To BlockList an IPv4 address is an IPv6 one as well; to a network it is not.
    if (isIPv4(network)) {
      list.addSubnet(network, Number(length));
    }
    return list.check(address);
  };
  return contains(cidr) && !except.some(contains);
}

/** At which ports any of these policies lets a pod go to an address that is nobody's pod. */
function waysTo(address: string, policies: V1NetworkPolicySpec[]): string[] {
  const rules = policies.flatMap(({ egress = [] }) => egress);
  return rules
    .filter(({ to }) => !to || to.some(({ ipBlock }) => ipBlock && allows(ipBlock, address)))
    .flatMap(({ ports }) => portsOf(ports));
}

describe.each(environments)('a build pod of environment %s', (environment) => {
  const namespace = `knative-lambda-${environment}`;
  const ofBuild = () => policiesOf(environment, `${namespace}-builds`, identityLabels(identity, 'build', 'build-p1'));

  test('is walled in both ways, and so is every other pod of its namespace', () => {
    const ofAnyPod = policiesOf(environment, `${namespace}-builds`, {});

    expect(ofAnyPod.flatMap(({ policyTypes = [] }) => policyTypes)).toEqual(
      expect.arrayContaining(['Ingress', 'Egress']),
    );
    expect(ofAnyPod.flatMap(({ egress = [] }) => egress).flatMap(({ ports }) => portsOf(ports))).toEqual([
      'UDP 53',
      'TCP 53',
    ]);
  });

  test('is reached by nobody', () => {
    expect(ofBuild().flatMap(({ ingress = [] }) => ingress)).toEqual([]);
  });

  test.each(METADATA)('does not reach the metadata address %s at any port that serves it', (address) => {
    expect(waysTo(address, ofBuild()).filter((way) => !['TCP 443', 'TCP 6443'].includes(way))).toEqual([]);
  });

  test('goes nowhere without a stated target and stated ports', () => {
    const rules = ofBuild().flatMap(({ egress = [] }) => egress);

    expect(rules.filter(({ to = [], ports = [] }) => to.length === 0 || ports.length === 0)).toEqual([]);
    expect(rules.flatMap(({ to = [] }) => to).filter(({ ipBlock }) => ipBlock && /\/0$/.test(ipBlock.cidr))).toEqual(
      [],
    );
  });

  test("reaches DNS and the Broker's ingress, and but for these only what its overlay says", () => {
    const named = ofBuild()
      .flatMap(({ egress = [] }) => egress)
      .flatMap(({ to = [], ports }) => to.map((target) => ({ target, ports: portsOf(ports) })));

    expect(named).toEqual(
      expect.arrayContaining([
        {
          target: { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'kube-system' } } },
          ports: ['UDP 53', 'TCP 53'],
        },
        {
          target: {
            namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } },
            podSelector: {
              matchLabels: { 'eventing.knative.dev/broker': 'default', 'eventing.knative.dev/brokerRole': 'ingress' },
            },
          },
          ports: ['TCP 8080'],
        },
      ]),
    );
    const ofOverlay = renderOverlay(join(overlays, environment)).filter(
      ({ kind, metadata }) => kind === 'NetworkPolicy' && metadata.name === 'egress',
    );
    const stated = ofOverlay.flatMap(({ spec }) => spec.egress).flatMap(({ to }) => to).length;
    expect(named).toHaveLength(2 + stated);
  });
});

test('a build pod of environment dev reaches the network of the cluster by HTTPS, and the package proxy', () => {
  const egress = renderOverlay(join(overlays, 'dev')).find(
    ({ kind, metadata }) => kind === 'NetworkPolicy' && metadata.name === 'egress',
  );

  expect(egress?.['spec'].egress).toEqual([
    {
      to: [{ ipBlock: { cidr: '10.0.0.0/8' } }],
      ports: [
        { protocol: 'TCP', port: 443 },
        { protocol: 'TCP', port: 6443 },
      ],
    },
    {
      to: [
        {
          namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'egress' } },
          podSelector: { matchLabels: { 'app.kubernetes.io/name': 'package-proxy' } },
        },
      ],
      ports: [{ protocol: 'TCP', port: 3128 }],
    },
  ]);
});

describe.each(environments)("a user's function of environment %s", (environment) => {
  const namespace = `knative-lambda-${environment}`;
  const policies = policiesOf(environment, namespace, identityLabels(identity, 'function', 'fn-p1'));

  test.each(METADATA)('gets no credentials from the metadata address %s', (address) => {
    expect(waysTo(address, policies).filter((way) => !way.endsWith(' 53'))).toEqual([]);
  });

  test.each(['10.0.0.1', '203.0.113.7', '169.254.20.10'])('reaches %s', (address) => {
    expect(waysTo(address, policies)).toEqual(['any port']);
  });

  test('is the only kind of pod there that is held back', () => {
    expect(policiesOf(environment, namespace, { 'app.kubernetes.io/component': 'builder' })).toEqual([]);
  });
});
