/** The Knative Service that runs a user's function. */
import type { V1EnvVar } from '@kubernetes/client-node';
import type { KnativeObject } from '#shared/clients/cluster.ts';
import type { Delivery } from '#shared/events/parameters.ts';
import { type Build, buildAnnotations } from './annotations.ts';
import { autoscalingAnnotations } from './autoscaling.ts';
import { DELIVERY_ANNOTATION } from './delivery.ts';
import { functionResources } from './function-resources.ts';
import { buildKeyLabel, identityLabels } from './labels.ts';
import { functionName } from './names.ts';
import { recordAnnotation } from './record-inputs.ts';
import { directoryVariable, SECRETS_VERSION, secretsVolume, secretVariables, USES_SECRETS } from './secrets.ts';

export interface FunctionSettings {
  /** The namespace of the functions. */
  namespace: string;
  /** A Go duration: how long a revision may take to become ready. */
  progressDeadline: string;
  /** FUNCTION_DELIVERY: of functions whose request does not say it. */
  delivery: Delivery;
}

/** Has no permissions and no token: user code must not use the API. */
const FUNCTION_SERVICE_ACCOUNT = 'knative-lambda-function';
/** Addresses of the platform, for every function. */
const FUNCTION_ENV_CONFIG_MAP = 'knative-lambda-function-env';
const TIMEOUT_SECONDS = 300;
export const PORT = 8080;

/** `image` is by digest; `delivery` is how calls reach it from now on; `secretsVersion` is that of secrets.ts. */
export function knativeService(
  build: Build,
  image: string,
  settings: Pick<FunctionSettings, 'namespace' | 'progressDeadline'>,
  delivery: Delivery = 'shared',
  secretsVersion?: string,
): KnativeObject {
  const name = functionName(build);
  const { parameters } = build;
  const { timeout_seconds = TIMEOUT_SECONDS } = parameters;
  const labels = identityLabels(build, 'function', name);
  const usesSecrets = parameters.secrets && parameters.secrets.length > 0 ? { [USES_SECRETS]: 'true' } : {};
  const secrets = secretsVolume(parameters.secrets);
  return {
    apiVersion: 'serving.knative.dev/v1',
    kind: 'Service',
    metadata: {
      name,
      namespace: settings.namespace,
      labels: {
        ...labels,
        ...buildKeyLabel(build.build_key),
        ...usesSecrets,
        'networking.knative.dev/visibility': 'cluster-local',
      },
      annotations: { ...buildAnnotations(build), [DELIVERY_ANNOTATION]: delivery, ...recordAnnotation(parameters) },
    },
    spec: {
      template: {
        metadata: {
          // Nothing here may change with each request: every change of the template creates a revision.
          labels,
          annotations: {
            ...autoscalingAnnotations(parameters.scaling),
            'serving.knative.dev/progress-deadline': settings.progressDeadline,
            ...(secretsVersion === undefined ? {} : { [SECRETS_VERSION]: secretsVersion }),
          },
        },
        spec: {
          serviceAccountName: FUNCTION_SERVICE_ACCOUNT,
          automountServiceAccountToken: false,
          enableServiceLinks: false,
          containerConcurrency: parameters.concurrency ?? 0,
          timeoutSeconds: timeout_seconds,
          // Knative's default is 300 for the first byte, also where the whole answer may take longer.
          ...(timeout_seconds > TIMEOUT_SECONDS ? { responseStartTimeoutSeconds: timeout_seconds } : {}),
          containers: [
            {
              name: 'user-container',
              image,
              ports: [{ name: 'http1', containerPort: PORT }],
              // Knative sets PORT, and rejects a Service that does.
              env: environment(build, name, timeout_seconds),
              envFrom: [{ configMapRef: { name: FUNCTION_ENV_CONFIG_MAP, optional: true } }],
              ...(secrets ? { volumeMounts: [secrets.mount] } : {}),
              resources: functionResources(parameters.resources),
              readinessProbe: readinessProbe(build),
              securityContext: {
                runAsNonRoot: true,
                allowPrivilegeEscalation: false,
                capabilities: { drop: ['ALL'] },
                seccompProfile: { type: 'RuntimeDefault' },
              },
            },
          ],
          ...(secrets ? { volumes: [secrets.volume] } : {}),
        },
      },
    },
  };
}

/** The address for other pods. */
export function functionUrl(name: string, namespace: string): string {
  return `http://${name}.${namespace}.svc.cluster.local`;
}

/** Each name occurs once, since server-side apply uses it as the list's key. The request's own value replaces ours. */
function environment(build: Build, serviceName: string, timeoutSeconds: number): V1EnvVar[] {
  const { env, secrets } = build.parameters;
  const values = {
    // An adapter replaces the process in which a call does not end by then.
    FUNCTION_TIMEOUT_SECONDS: String(timeoutSeconds),
    SERVICE_NAME: serviceName,
    THIRD_PARTY_ID: build.third_party_id,
    PARSER_ID: build.parser_id,
    ...directoryVariable(secrets),
    ...env,
  };
  const variables: V1EnvVar[] = [
    ...Object.entries(values).map(([name, value]) => ({ name, value: literal(value) })),
    ...secretVariables(secrets),
  ];
  return [...new Map(variables.map((variable) => [variable.name, variable])).values()];
}

/**
 * Escapes `$`: Kubernetes would replace `$(NAME)` by another variable, and `$$` by `$`, but the user's values are
 * literal.
 */
function literal(value: string): string {
  return /\$[$(]/.test(value) ? value.replaceAll('$', '$$$$') : value;
}

/**
 * Our adapters are ready only after they have loaded the user's code. Of a container with its own Dockerfile only the
 * port is known. There is no liveness probe: it would end functions that are slow to start on a busy node, or that
 * compute for long. A startup probe would make every cold start longer (see eventing/function-patch.yaml).
 */
function readinessProbe({ language }: Build): object {
  return language === 'docker'
    ? { tcpSocket: { port: PORT }, successThreshold: 1 }
    : { httpGet: { path: '/health/readiness', port: PORT }, successThreshold: 1 };
}
