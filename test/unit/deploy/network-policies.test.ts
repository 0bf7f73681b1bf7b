/** What the settings make of the overlay's NetworkPolicies. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { writeComposition } from '#deploy/compose.ts';
import { planDeployment } from '#deploy/plan.ts';
import { canConnect, type End } from '#test/unit/eventing/connections.ts';
import { IMAGE, type Project, project, SETTINGS } from './world.ts';

let here: Project;
beforeEach(() => {
  here = project();
});
afterEach(() => here.remove());

const NAMESPACE = 'knative-lambda-dev';
const inside = (labels: Record<string, string>): End => ({ namespace: NAMESPACE, labels });
const elsewhere = (namespace: string): End => ({ namespace, labels: {} });
const BUILDER = inside({ 'app.kubernetes.io/component': 'builder' });
const FUNCTION = inside({
  'app.kubernetes.io/component': 'function',
  'app.kubernetes.io/managed-by': 'knative-lambda',
});
const BROKER = inside({ 'eventing.knative.dev/brokerRole': 'ingress' });
const QUEUES = inside({ 'app.kubernetes.io/component': 'queues' });

function planned(settings: string) {
  return planDeployment(here.root, {
    ENV: 'dev',
    IMAGE,
    SETTINGS: here.write('dev.env', `${SETTINGS.replaceAll(/^RABBITMQ_.*$/gm, '')}\n${settings}\n`),
  });
}

function policiesWith(settings: string) {
  const { plan, problems } = planned(settings);
  if (!plan) {
    throw new Error(problems.join('\n'));
  }
  const objects = writeComposition(plan.environment, plan.composition, { withFunctions: false });
  return objects.filter(({ kind }) => kind === 'NetworkPolicy');
}

const RABBITMQ = 'RABBITMQ_USERNAME=u\nRABBITMQ_PASSWORD=very-secret\n';

describe('a setting opens what it says, which is closed without it:', () => {
  test.each<{ setting: string; from: End; to: End; way: string }>([
    { setting: 'INGRESS_NAMESPACES=edge', from: elsewhere('edge'), to: FUNCTION, way: 'TCP 8012' },
    { setting: 'INGRESS_NAMESPACES=edge', from: BUILDER, to: elsewhere('edge'), way: 'TCP 8081' },
    { setting: 'METRICS_NAMESPACES=prometheus', from: elsewhere('prometheus'), to: BUILDER, way: 'TCP 9464' },
    { setting: 'BROKER_CLIENT_NAMESPACES=shop', from: elsewhere('shop'), to: BROKER, way: 'TCP 8080' },
    { setting: 'FUNCTION_EGRESS=payments:8080', from: FUNCTION, to: elsewhere('payments'), way: 'TCP 8080' },
    {
      setting: 'FUNCTION_EGRESS=10.1.2.0/24:5432,[fd00::/8]:5432',
      from: FUNCTION,
      to: { address: '10.1.2.3' },
      way: 'TCP 5432',
    },
    { setting: 'FUNCTION_EGRESS=[fd00::/8]:5432', from: FUNCTION, to: { address: 'fd00::7' }, way: 'TCP 5432' },
    {
      setting: 'OTEL_EXPORTER_OTLP_ENDPOINT=http://collector.traces.svc:4318',
      from: BUILDER,
      to: elsewhere('traces'),
      way: 'TCP 4318',
    },
    { setting: 'S3_ENDPOINT=http://10.9.9.9:7070', from: BUILDER, to: { address: '10.9.9.9' }, way: 'TCP 7070' },
    {
      setting: `RABBITMQ_URI=http://rabbit.queues.svc:15672\n${RABBITMQ}`,
      from: BROKER,
      to: elsewhere('queues'),
      way: 'TCP 5672',
    },
    {
      setting: `RABBITMQ_URI=https://rabbit.example.com:15671\nRABBITMQ_PORT=5671\n${RABBITMQ}`,
      from: BROKER,
      to: { address: '10.7.7.7' },
      way: 'TCP 5671',
    },
    {
      setting: `RABBITMQ_URI=http://10.8.8.8:15672\n${RABBITMQ}`,
      from: QUEUES,
      to: { address: '10.8.8.8' },
      way: 'TCP 15672',
    },
  ])('$setting', ({ setting, from, to, way }) => {
    expect(canConnect(policiesWith(''), from, to, way)).toBe(false);
    expect(canConnect(policiesWith(setting), from, to, way)).toBe(true);
  });
});

test('INGRESS_NAMESPACES closes the defaults', () => {
  const policies = policiesWith('INGRESS_NAMESPACES=edge');

  expect(canConnect(policies, elsewhere('kourier-system'), FUNCTION, 'TCP 8012')).toBe(false);
});

test('the services that every function is told of are open, at the port that is told', () => {
  const policies = policiesWith('');

  expect(canConnect(policies, FUNCTION, elsewhere('notifi'), 'TCP 80')).toBe(true);
  expect(canConnect(policies, FUNCTION, elsewhere('notifi'), 'TCP 8080')).toBe(false);
});

test('the policy of a RabbitMQ that is not here is not there either', () => {
  const names = (settings: string) => policiesWith(settings).map(({ metadata }) => metadata.name);

  expect(names('')).toContain('rabbitmq-server');
  expect(names(`RABBITMQ_URI=http://rabbit.queues.svc:15672\n${RABBITMQ}`)).not.toContain('rabbitmq-server');
});

test.each([
  { setting: 'INGRESS_NAMESPACES=Kourier_System', says: /INGRESS_NAMESPACES must be a list of namespaces/ },
  { setting: 'FUNCTION_EGRESS=payments', says: /FUNCTION_EGRESS must be a list of targets/ },
  { setting: 'FUNCTION_EGRESS=10.1.2.0/24:99999', says: /FUNCTION_EGRESS must be a list of targets/ },
  { setting: 'FUNCTION_EGRESS=fd00::/8:443', says: /FUNCTION_EGRESS must be a list of targets/ },
])('refuses $setting', ({ setting, says }) => {
  expect(planned(setting).problems).toEqual([expect.stringMatching(says)]);
});
