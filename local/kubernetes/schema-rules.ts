/** What Kubernetes and Knative refuse beyond what the schemas of their kinds say, as far as people run into it. */

/** What a pattern asks for, in words. */
export const WORDS = new Map<string, string>();

function text(pattern: string, words: string, limits: object = {}): object {
  WORDS.set(pattern, words);
  return { type: 'string', pattern, ...limits };
}

const KEY = text(
  '^([a-z0-9.-]{1,253}/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$',
  'must be a name of at most 63 letters, digits, "-", "_" and ".", with an optional "domain/" before it',
);
const LABEL_VALUE = text(
  '^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$',
  'must be at most 63 letters, digits, "-", "_" and ".", and begin and end with a letter or digit',
);
const LOWER = 'lower-case letters, digits and "-", and begin and end with a letter or digit';
const dnsLabel = (maxLength: number) => text('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$', `must be ${LOWER}`, { maxLength });

export const METADATA = {
  type: 'object',
  properties: {
    name: text('^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$', `must be ${LOWER}; "." may stand in between`, { maxLength: 253 }),
    generateName: text('^[a-z0-9][-a-z0-9.]*$', `must be ${LOWER}`),
    namespace: dnsLabel(63),
    labels: { type: 'object', propertyNames: KEY, additionalProperties: LABEL_VALUE },
    annotations: { type: 'object', propertyNames: KEY, additionalProperties: { type: 'string' } },
    finalizers: {
      type: 'array',
      items: text('^(orphan|foregroundDeletion|kubernetes|[^/]+/[^/]+)$', 'must have a domain: "example.com/name"'),
    },
    ownerReferences: {
      type: 'array',
      items: {
        type: 'object',
        required: ['apiVersion', 'kind', 'name', 'uid'],
        properties: { uid: { type: 'string', minLength: 1 } },
      },
    },
  },
  additionalProperties: false,
};

const object = (properties: object, required: string[] = []) => ({ properties, required });
const spec = (properties: object, required?: string[]) => object({ spec: object(properties, required) });
const named = (name: object) => object({ metadata: object({ name }) });
const whole = { minimum: 0 };
const present = { minLength: 1 };

const REFERENCE = object({ name: present, apiVersion: present, kind: present }, ['name', 'apiVersion', 'kind']);
/** What the only `anyOf` here, and in the schemas, asks for. */
export const ONE_OF = 'must have ref or uri';
/** A relative `uri` is a path at the `ref`. */
const DESTINATION = {
  ...object({ ref: REFERENCE }),
  anyOf: [{ required: ['ref'] }, { required: ['uri'] }],
  if: { not: { required: ['ref'] } },
  // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema.
  then: object({ uri: text('^[A-Za-z][A-Za-z0-9+.-]*://[^/]', 'must be a whole URI where there is no ref') }),
};
const ISO_DURATION = text(
  '^P(?!$)(\\d+Y)?(\\d+M)?(\\d+W)?(\\d+D)?(T(?=\\d)(\\d+(\\.\\d+)?H)?(\\d+(\\.\\d+)?M)?(\\d+(\\.\\d+)?S)?)?$',
  'must be an ISO 8601 duration such as PT0.5S',
);
const DELIVERY = object({
  retry: whole,
  backoffPolicy: { enum: ['linear', 'exponential'] },
  backoffDelay: ISO_DURATION,
  timeout: ISO_DURATION,
  deadLetterSink: DESTINATION,
});

const CONTAINERS = { minItems: 1, items: object({ image: present }, ['image']) };
const POD = object({ containers: CONTAINERS, terminationGracePeriodSeconds: whole });
const JOB_POD = {
  allOf: [POD, object({ restartPolicy: { enum: ['Never', 'OnFailure'] } }, ['restartPolicy'])],
};

const AUTOSCALING = 'autoscaling\\.knative\\.dev/';
const SCALING = {
  patternProperties: {
    [`^${AUTOSCALING}(min|max|initial)-scale$`]: text('^\\d+$', 'must be a whole number'),
    [`^${AUTOSCALING}target$`]: text('^(?=.*[1-9])\\d+(\\.\\d+)?$', 'must be a number above 0'),
    [`^${AUTOSCALING}(window|scale-down-delay)$`]: text(
      '^(0|(\\d+(\\.\\d+)?(ms|s|m|h))+)$',
      'must be a duration such as 1m30s',
    ),
  },
};
const REVISION = object({
  // A cluster takes several by default; this platform runs one process for each pod of a function.
  containers: { ...CONTAINERS, maxItems: 1 },
  timeoutSeconds: { minimum: 0, maximum: 600 },
  containerConcurrency: { minimum: 0, maximum: 1000 },
});

/** By apiVersion and kind. */
export const RULES: Record<string, object> = {
  'v1 Namespace': named(dnsLabel(63)),
  'v1 Pod': object({ spec: POD }),
  'v1 ConfigMap': object({
    data: { propertyNames: text('^[-._a-zA-Z0-9]{1,253}$', 'must be letters, digits, "-", "_" and "."') },
  }),
  'batch/v1 Job': {
    allOf: [
      // The name is a label of its pods.
      named({ maxLength: 63 }),
      spec({
        template: object({ spec: JOB_POD }),
        parallelism: whole,
        completions: whole,
        backoffLimit: whole,
        activeDeadlineSeconds: whole,
        ttlSecondsAfterFinished: whole,
      }),
    ],
  },
  'serving.knative.dev/v1 Service': {
    allOf: [
      object({
        metadata: object({
          name: text('^[a-z]([-a-z0-9]*[a-z0-9])?$', `must begin with a letter and be ${LOWER}`, { maxLength: 63 }),
          annotations: {
            propertyNames: text(`^(?!${AUTOSCALING})`, 'must stand under spec.template.metadata.annotations to work'),
          },
        }),
      }),
      spec({ template: object({ metadata: object({ annotations: SCALING }), spec: REVISION }, ['spec']) }, [
        'template',
      ]),
    ],
  },
  'serving.knative.dev/v1 Revision': object({ spec: REVISION }),
  'eventing.knative.dev/v1 Broker': spec({ config: REFERENCE, delivery: DELIVERY }),
  'eventing.knative.dev/v1 Trigger': {
    allOf: [
      object({
        metadata: object({
          annotations: object({
            'rabbitmq.eventing.knative.dev/parallelism': text('^([1-9]\\d{0,2}|1000)$', 'must be from 1 to 1000'),
          }),
        }),
      }),
      spec(
        {
          broker: present,
          subscriber: DESTINATION,
          delivery: DELIVERY,
          filter: object({
            attributes: {
              propertyNames: text('^[a-z][a-z0-9]*$', 'must be lower-case letters and digits'),
              additionalProperties: { type: 'string' },
            },
          }),
        },
        ['broker', 'subscriber'],
      ),
    ],
  },
  'sources.knative.dev/v1 ApiServerSource': spec(
    {
      sink: DESTINATION,
      mode: { enum: ['Reference', 'Resource'] },
      resources: { minItems: 1, items: object({ apiVersion: present, kind: present }, ['apiVersion', 'kind']) },
    },
    ['sink', 'mode'],
  ),
  'sources.knative.dev/v1 PingSource': spec({ sink: DESTINATION }, ['sink', 'schedule']),
};
