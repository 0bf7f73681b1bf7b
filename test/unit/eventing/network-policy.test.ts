/** What the NetworkPolicies allow, all taken together: a policy only ever adds to what the others allow. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { V1NetworkPolicySpec } from '@kubernetes/client-node';
import { describe, expect, test } from 'vitest';
import type { KubeObject } from '#shared/kubernetes/object.ts';
import { renderOverlay } from '#shared/manifests/render-overlay.ts';
import { identityLabels } from '#shared/specs/labels.ts';
import { canConnect, contains, type End, policiesFor } from './connections.ts';

const overlays = new URL('../../../eventing/overlays/', import.meta.url).pathname;
const environments = readdirSync(overlays);
const identity = { third_party_id: 'acme', parser_id: 'p1' };
/** Of DNS pods: they listen on 5353 where they may not bind a low port. */
const DNS = ['UDP 53', 'TCP 53', 'UDP 5353', 'TCP 5353'];
const METADATA = ['169.254.169.254', '169.254.170.2', '169.254.170.23'];

const policiesIn = (environment: string) =>
  renderOverlay(join(overlays, environment)).filter(({ kind }) => kind === 'NetworkPolicy');

/** The specs of the policies that hold for a pod. */
const policiesOf = (environment: string, namespace: string, labels: Record<string, string>) =>
  policiesFor(policiesIn(environment), { namespace, labels });

const portsOf = (ports: { protocol?: string; port?: unknown }[] | undefined) =>
  ports?.map(({ protocol, port }) => `${protocol} ${port}`) ?? ['any port'];

/** At which ports any of these policies lets a pod go to an address that is nobody's pod. */
function waysTo(address: string, policies: V1NetworkPolicySpec[]): string[] {
  const rules = policies.flatMap(({ egress = [] }) => egress);
  return rules
    .filter(({ to }) => !to || to.some(({ ipBlock }) => ipBlock && contains(ipBlock, address)))
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
      ...DNS,
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
          ports: DNS,
        },
        {
          target: { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'openshift-dns' } } },
          ports: DNS,
        },
        { target: { ipBlock: { cidr: '169.254.20.10/32' } }, ports: ['UDP 53', 'TCP 53'] },
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
    expect(named).toHaveLength(4 + stated);
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

  test.each(['203.0.113.7', '2001:db8:a::7'])('reaches %s by HTTPS', (address) => {
    expect(waysTo(address, policies)).toEqual(['TCP 443']);
  });

  test.each(['10.0.0.1', '172.20.0.1', '192.168.1.1', '100.64.0.1', '169.254.1.1', '127.0.0.1', 'fd00::1', 'fe80::1'])(
    'does not reach %s, which is a pod, a Service, a node or of a private network',
    (address) => {
      expect(waysTo(address, policies)).toEqual([]);
    },
  );

  test.each(['169.254.20.10', '169.254.169.254'])('asks the resolver at %s', (address) => {
    expect(waysTo(address, policies)).toEqual(['UDP 53', 'TCP 53']);
  });
});

describe.each(environments)('in environment %s', (environment) => {
  const namespace = `knative-lambda-${environment}`;
  const policies = policiesIn(environment);
  const here = (labels: Record<string, string>): End => ({ namespace, labels });
  const there = (place: string, labels: Record<string, string> = {}): End => ({ namespace: place, labels });
  const ends = {
    builder: here({ 'app.kubernetes.io/component': 'builder' }),
    function: here(identityLabels(identity, 'function', 'fn-p1')),
    'another function': here(identityLabels({ third_party_id: 'globex', parser_id: 'p2' }, 'function', 'fn-p2')),
    broker: here({ 'eventing.knative.dev/brokerRole': 'ingress', 'eventing.knative.dev/broker': 'default' }),
    dispatcher: here({ 'eventing.knative.dev/brokerRole': 'dispatcher' }),
    'dispatcher of dead letters': here({ 'eventing.knative.dev/brokerRole': 'dispatcher-dlq' }),
    source: here({ 'eventing.knative.dev/source': 'apiserver-source-controller' }),
    'sender of kn': here({ 'batch.kubernetes.io/job-name': 'kn-event-sender-1' }),
    queues: here({ 'app.kubernetes.io/component': 'queues' }),
    rabbitmq: here({ 'app.kubernetes.io/component': 'rabbitmq' }),
    'any other pod here': here({}),
    build: there(`${namespace}-builds`, identityLabels(identity, 'build', 'build-p1')),
    ping: there('knative-eventing', { 'eventing.knative.dev/source': 'ping-source-controller' }),
    serving: there('knative-serving'),
    gateway: there('kourier-system'),
    operators: there('rabbitmq-system'),
    prometheus: there('monitoring'),
    dns: there('kube-system'),
    stranger: there('default', { 'app.kubernetes.io/component': 'builder' }),
    world: { address: '203.0.113.7' },
    'API server': { address: '10.0.0.1' },
    'identity of EKS': { address: '169.254.170.23' },
  } as const satisfies Record<string, End>;
  type Name = keyof typeof ends;

  /** Every port that anything listens on, once. */
  const WAYS = ['443', '6443', '80', '8080', '8012', '8112', '9090', '9464', '5672', '15672', '15692', '25672', '3128'];
  /** Where they go: all ways, and no others. Ends without a policy of ours go anywhere that lets them in. */
  const EXPECTED: Partial<Record<Name, Partial<Record<Name, string[]>>>> = {
    builder: {
      broker: ['8080'],
      gateway: WAYS,
      world: ['443', '6443'],
      'API server': ['443', '6443'],
      'identity of EKS': ['443', '6443', '80'],
    },
    function: { world: ['443'] },
    'another function': { world: ['443'] },
    broker: { rabbitmq: ['5672'] },
    dispatcher: { broker: ['8080'], rabbitmq: ['5672'], gateway: WAYS },
    'dispatcher of dead letters': { broker: ['8080'], rabbitmq: ['5672'], gateway: WAYS },
    source: {
      broker: ['8080'],
      world: ['443', '6443'],
      'API server': ['443', '6443'],
      'identity of EKS': ['443', '6443'],
    },
    'sender of kn': { broker: ['8080'] },
    queues: { rabbitmq: ['15672'] },
    rabbitmq: {
      rabbitmq: WAYS,
      world: ['443', '6443'],
      'API server': ['443', '6443'],
      'identity of EKS': ['443', '6443'],
    },
    'any other pod here': {},
  };
  /** What lies inside, and who comes from outside. */
  const FROM_OUTSIDE: Partial<Record<Name, Partial<Record<Name, string[]>>>> = {
    build: { broker: ['8080'] },
    ping: { broker: ['8080'] },
    serving: {
      builder: ['8012', '8112', '9090'],
      function: ['8012', '8112', '9090'],
      'another function': ['8012', '8112', '9090'],
    },
    gateway: { builder: ['8012', '8112'], function: ['8012', '8112'], 'another function': ['8012', '8112'] },
    operators: { rabbitmq: ['15672'] },
    stranger: {},
    world: {},
  };
  const inside = (Object.keys(EXPECTED) as Name[]).filter((name) => name !== 'any other pod here');
  const pairs = (expected: typeof EXPECTED, targets: Name[]) =>
    (Object.keys(expected) as Name[]).flatMap((from) =>
      targets.map((to) => ({ from, to, ways: expected[from]?.[to] ?? [] })),
    );
  const everyPair = [...pairs(EXPECTED, Object.keys(ends) as Name[]), ...pairs(FROM_OUTSIDE, inside)];
  const waysBetween = (from: Name, to: Name, among: KubeObject[]) =>
    WAYS.filter((port) => canConnect(among, ends[from], ends[to], `TCP ${port}`));

  test.each(everyPair)('$from reaches $to at $ways', ({ from, to, ways }) => {
    expect(waysBetween(from, to, policies).sort()).toEqual([...ways].sort());
  });

  test.each(inside)('prometheus reads the metrics of %s, and nothing else', (to) => {
    expect(waysBetween('prometheus', to, policies)).toEqual(['9090', '9464', '15692']);
  });

  test.each(Object.keys(EXPECTED) as Name[])('%s asks DNS', (from) => {
    expect(DNS.filter((way) => canConnect(policies, ends[from], ends.dns, way))).toEqual(DNS);
  });

  test.each(policies.map(({ metadata }) => `${metadata.namespace}/${metadata.name}`))(
    'policy %s is needed: something changes without it',
    (name) => {
      // An overlay may delete `metrics` or `dns`, which hold for every pod as well: then this one closes the rest.
      const optional = name.endsWith('/default-deny') ? ['metrics', 'dns'] : [];
      const all = policies.filter(({ metadata }) => !optional.includes(metadata.name));
      const others = all.filter(({ metadata }) => `${metadata.namespace}/${metadata.name}` !== name);
      const probes: [Name, Name][] = [
        ...everyPair.map(({ from, to }): [Name, Name] => [from, to]),
        ...inside.map((to): [Name, Name] => ['prometheus', to]),
        ['stranger', 'any other pod here'],
        ...(Object.keys(ends) as Name[]).map((to): [Name, Name] => ['build', to]),
        ...(Object.keys(ends) as Name[]).map((from): [Name, Name] => [from, 'build']),
      ];
      const changed = probes.filter(
        ([from, to]) => waysBetween(from, to, all).join() !== waysBetween(from, to, others).join(),
      );
      const losesDns = [ends.function, ends.build].some((from) => !canConnect(others, from, ends.dns, 'UDP 5353'));
      expect(changed.length > 0 || losesDns).toBe(true);
    },
  );
});
