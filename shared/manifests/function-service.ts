/**
 * The Knative Service that `func deploy --image …@sha256:… --build=false --push=false` makes of a func.yaml (func
 * v0.50.1: pkg/knative/deployer.go, pkg/deployer/common.go, pkg/k8s/deployer.go), with eventing/function-patch.yaml
 * applied to it.
 */

import { jsonPatch } from '#shared/kubernetes/json-patch.ts';
import type { KubeObject } from '#shared/kubernetes/object.ts';
import type { FuncYaml } from './func-yaml.ts';
import { functionEnv } from './function-env.ts';

export interface FunctionDeployment {
  namespace: string;
  image: string;
  /** What func.yaml cannot say: a JSON patch. */
  patch?: unknown;
  /** Default now. */
  built?: Date;
}

export function functionService(func: FuncYaml, { namespace, image, patch, built }: FunctionDeployment): KubeObject {
  const { deploy } = func;
  const labels = {
    'function.knative.dev/name': func.name,
    'function.knative.dev/runtime': func.runtime,
    ...Object.fromEntries(deploy.labels.map(({ key, value }) => [key, value])),
    'boson.dev/function': 'true',
  };
  const annotations = { 'function.knative.dev/deployer': 'knative', ...deploy.annotations };
  const { resources } = deploy.options;
  const { concurrency, ...limits } = resources?.limits ?? {};
  const container = {
    // Serving's webhook gives it that name.
    name: 'user-container',
    image,
    ...functionEnv(func.run.envs, built ?? new Date()),
    resources: {
      ...(resources?.requests ? { requests: resources.requests } : {}),
      ...(resources?.limits ? { limits } : {}),
    },
    livenessProbe: probe(deploy.healthEndpoints.liveness ?? '/health/liveness'),
    readinessProbe: probe(deploy.healthEndpoints.readiness ?? '/health/readiness'),
    securityContext: {
      runAsNonRoot: true,
      allowPrivilegeEscalation: false,
      capabilities: { drop: ['ALL'] },
      seccompProfile: { type: 'RuntimeDefault' },
    },
  };
  const service: KubeObject = {
    apiVersion: 'serving.knative.dev/v1',
    kind: 'Service',
    metadata: { name: func.name, namespace, labels, annotations },
    spec: {
      template: {
        metadata: { labels: { ...labels }, annotations: { ...annotations, ...scaleAnnotations(deploy.options.scale) } },
        spec: {
          containers: [container],
          ...(deploy.serviceAccountName ? { serviceAccountName: deploy.serviceAccountName } : {}),
          ...(concurrency === undefined ? {} : { containerConcurrency: concurrency }),
        },
      },
    },
  };
  return (patch === undefined ? service : jsonPatch(service, patch)) as KubeObject;
}

/** func sets no timing, so Kubernetes' defaults hold. */
function probe(path: string) {
  return { httpGet: { path, port: 8080 } };
}

/** On the revision alone: Serving refuses them on the Service. func prints numbers with six decimals. */
function scaleAnnotations(scale: FuncYaml['deploy']['options']['scale']): Record<string, string> {
  const stated = {
    'min-scale': scale?.min?.toString(),
    'max-scale': scale?.max?.toString(),
    metric: scale?.metric,
    target: scale?.target?.toFixed(6),
    'target-utilization-percentage': scale?.utilization?.toFixed(6),
  };
  return Object.fromEntries(
    Object.entries(stated).flatMap(([key, value]) =>
      value === undefined ? [] : [[`autoscaling.knative.dev/${key}`, value]],
    ),
  );
}
