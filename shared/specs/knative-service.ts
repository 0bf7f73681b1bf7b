/** The Knative Service that runs a user's function. */
import type { KnativeObject } from '#shared/clients/cluster.ts';
import { type Build, buildAnnotations } from './annotations.ts';
import { autoscalingAnnotations } from './autoscaling.ts';
import { functionResources } from './function-resources.ts';
import { buildKeyLabel, identityLabels } from './labels.ts';
import { functionName } from './names.ts';

export interface FunctionSettings {
  /** Of functions. */
  namespace: string;
  /** A Go duration: how long a revision may take to become ready. */
  progressDeadline: string;
}

/** Without permissions and without a token: user code has nothing to say to the API. */
const FUNCTION_SERVICE_ACCOUNT = 'knative-lambda-function';
/** Platform addresses that every function is given. */
const FUNCTION_ENV_CONFIG_MAP = 'knative-lambda-function-env';
const TIMEOUT_SECONDS = 300;
const PORT = 8080;

/** `image` is by digest. */
export function knativeService(build: Build, image: string, settings: FunctionSettings): KnativeObject {
  const name = functionName(build);
  const { parameters } = build;
  const labels = identityLabels(build, 'function', name);
  return {
    apiVersion: 'serving.knative.dev/v1',
    kind: 'Service',
    metadata: {
      name,
      namespace: settings.namespace,
      labels: { ...labels, ...buildKeyLabel(build.build_key), 'networking.knative.dev/visibility': 'cluster-local' },
      annotations: buildAnnotations(build),
    },
    spec: {
      template: {
        metadata: {
          // Nothing here that changes with each request: the template's change is what makes a new revision.
          labels,
          annotations: {
            ...autoscalingAnnotations(parameters.scaling),
            'serving.knative.dev/progress-deadline': settings.progressDeadline,
          },
        },
        spec: {
          serviceAccountName: FUNCTION_SERVICE_ACCOUNT,
          automountServiceAccountToken: false,
          enableServiceLinks: false,
          containerConcurrency: parameters.concurrency ?? 0,
          timeoutSeconds: parameters.timeout_seconds ?? TIMEOUT_SECONDS,
          containers: [
            {
              name: 'user-container',
              image,
              ports: [{ name: 'http1', containerPort: PORT }],
              // Knative sets PORT, and refuses one of ours.
              env: environment(build, name),
              envFrom: [{ configMapRef: { name: FUNCTION_ENV_CONFIG_MAP, optional: true } }],
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
        },
      },
    },
  };
}

/** Where other pods call it. */
export function functionUrl(name: string, namespace: string): string {
  return `http://${name}.${namespace}.svc.cluster.local`;
}

/** A name occurs once: server-side apply keys the list by it. The request's own value wins, as the last in the order of the contract. */
function environment(build: Build, serviceName: string): { name: string; value: string }[] {
  const values = {
    SERVICE_NAME: serviceName,
    THIRD_PARTY_ID: build.third_party_id,
    PARSER_ID: build.parser_id,
    ...build.parameters.env,
  };
  return Object.entries(values).map(([name, value]) => ({ name, value: literal(value) }));
}

/** Kubernetes puts other variables in for `$(NAME)` and takes `$$` for one `$`; what a user wrote is meant as it stands. */
function literal(value: string): string {
  return /\$[$(]/.test(value) ? value.replaceAll('$', '$$$$') : value;
}

/** Our adapters answer readiness only once the user's code is loaded; of a container with a Dockerfile of its own we know the port alone. */
function readinessProbe({ language }: Build): object {
  return language === 'docker'
    ? { tcpSocket: { port: PORT }, successThreshold: 1 }
    : { httpGet: { path: '/health/readiness', port: PORT }, successThreshold: 1 };
}
