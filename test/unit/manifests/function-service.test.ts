/** func.yaml becomes the Knative Service that `func deploy` makes of it. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { builderServices } from '#shared/manifests/builder-services.ts';
import { type FuncYaml, readFuncYaml } from '#shared/manifests/func-yaml.ts';
import { functionEnv } from '#shared/manifests/function-env.ts';
import { functionService } from '#shared/manifests/function-service.ts';

const folder = new URL('../../fixtures/func-deploy/', import.meta.url).pathname;
const recorded = JSON.parse(readFileSync(`${folder}service.json`, 'utf8'));
const func: FuncYaml = readFuncYaml(`${folder}func.yaml`);
const deployment = {
  namespace: 'functions',
  image: `registry.example/image@sha256:${'0'.repeat(64)}`,
  built: new Date('2026-11-22T20:37:09Z'),
};

describe('functionService', () => {
  test('makes what func 0.50.1 made on a cluster, less the defaults that Serving adds', () => {
    const service = functionService(func, deployment);

    // Serving's webhook: spec.traffic, timeoutSeconds, enableServiceLinks, and successThreshold of the readiness probe.
    const { template } = service['spec'];
    const { readinessProbe, ...container } = template.spec.containers[0];
    const withDefaults = {
      ...service,
      spec: {
        traffic: [{ latestRevision: true, percent: 100 }],
        template: {
          ...template,
          spec: {
            enableServiceLinks: false,
            timeoutSeconds: 300,
            ...template.spec,
            containers: [{ ...container, readinessProbe: { ...readinessProbe, successThreshold: 1 } }],
          },
        },
      },
    };
    expect(withDefaults).toEqual(recorded);
  });

  test('lays the patch over it, and keeps autoscaling off the Service', () => {
    const patch: unknown = parse(
      readFileSync(new URL('../../../eventing/function-patch.yaml', import.meta.url), 'utf8'),
    );

    const service = functionService(func, { ...deployment, patch });

    expect(service['spec'].template.metadata.annotations).toMatchObject({
      'autoscaling.knative.dev/scale-down-delay': '30s',
      'autoscaling.knative.dev/max-scale': '5',
    });
    expect(service['spec'].template.spec.containers[0].securityContext.readOnlyRootFilesystem).toBe(true);
    expect(service['spec'].template.spec.containers).toHaveLength(1);
    expect(Object.keys(service.metadata.annotations ?? {}).filter((key) => key.startsWith('autoscaling'))).toEqual([]);
  });

  test('no function of ours is ended because it is slow to start, and its cold start waits for no probe', () => {
    const root = new URL('../../../', import.meta.url).pathname;

    for (const service of builderServices(root, { namespace: 'functions', image: deployment.image })) {
      const { livenessProbe, ...container } = service['spec'].template.spec.containers[0];
      expect(livenessProbe).toEqual({
        httpGet: { path: '/health/liveness', port: 8080 },
        initialDelaySeconds: 120,
        timeoutSeconds: 10,
      });
      expect(container).not.toHaveProperty('startupProbe');
    }
  });

  test('prints numbers as func does', () => {
    const scale = { min: 1, max: 3, metric: 'rps', target: 12.5, utilization: 70 };

    const service = functionService({ ...func, deploy: { ...func.deploy, options: { scale } } }, deployment);

    expect(service['spec'].template.metadata.annotations).toMatchObject({
      'autoscaling.knative.dev/min-scale': '1',
      'autoscaling.knative.dev/max-scale': '3',
      'autoscaling.knative.dev/metric': 'rps',
      'autoscaling.knative.dev/target': '12.500000',
      'autoscaling.knative.dev/target-utilization-percentage': '70.000000',
    });
  });
});

describe('functionEnv', () => {
  const built = new Date('2026-01-02T03:04:05.678Z');
  const BUILT = { name: 'BUILT', value: '20260102T030405' };
  const ADDRESS = { name: 'ADDRESS', value: '0.0.0.0' };

  test.each([
    { case: 'nothing', envs: [], env: [BUILT, ADDRESS], envFrom: [] },
    {
      case: 'a value',
      envs: [{ name: 'A', value: 'b' }],
      env: [BUILT, { name: 'A', value: 'b' }, ADDRESS],
      envFrom: [],
    },
    {
      case: 'an ADDRESS of its own',
      envs: [{ name: 'ADDRESS', value: '::' }],
      env: [BUILT, { name: 'ADDRESS', value: '::' }],
      envFrom: [],
    },
    {
      case: 'a whole ConfigMap',
      envs: [{ value: '{{ configMap:c }}' }],
      env: [BUILT, ADDRESS],
      envFrom: [{ configMapRef: { name: 'c' } }],
    },
    {
      case: 'a whole Secret, without spaces',
      envs: [{ value: '{{secret:s}}' }],
      env: [BUILT, ADDRESS],
      envFrom: [{ secretRef: { name: 's' } }],
    },
    {
      case: 'one key',
      envs: [{ name: 'K', value: '{{ secret:s:k }}' }],
      env: [BUILT, { name: 'K', valueFrom: { secretKeyRef: { name: 's', key: 'k' } } }, ADDRESS],
      envFrom: [],
    },
  ])('maps $case', ({ envs, env, envFrom }) => {
    expect(functionEnv(envs, built)).toEqual({ env, envFrom });
  });

  test.each(['{{ env:HOME }}', '{{ configMap:c:k }}', '{{ secret: }}', '{{ volume:x }}', 'plain'])(
    'refuses %s without a name',
    (value) => {
      expect(() => functionEnv([{ value }], built)).toThrow(/support/);
    },
  );
});

test('a func.yaml with what we do not map is an error that names it', () => {
  const file = new URL('../../../eventing/base/functions/broker.yaml', import.meta.url).pathname;

  expect(() => readFuncYaml(file)).toThrow(/broker\.yaml.*does not know how to deploy[\s\S]*apiVersion/);
});
