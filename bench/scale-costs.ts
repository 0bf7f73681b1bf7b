/** What one of each thing costs or carries, and how we know. The model in scale-model.ts multiplies these. */

export interface Cost {
  value: number;
  unit: string;
  what: string;
  /** `set`: by our code or manifests. */
  known: 'measured' | 'set' | 'published' | 'assumed';
  /** The program that measures it, the file that sets it, or who says so. */
  by: string;
}

const KUBERNETES =
  '[SIG Scalability](https://github.com/kubernetes/community/blob/master/sig-scalability/configs-and-limits/thresholds.md)';
const BROKER = '[eventing-rabbitmq#518](https://github.com/knative-extensions/eventing-rabbitmq/issues/518)';
const REQUESTS = 'bench/build-requests.ts';
const WRITES = 'bench/cluster/api-writes.ts';
const DOOR = 'bench/door.ts';

export const COSTS = {
  laneCalls: {
    value: 100,
    unit: 'calls',
    what: 'that one queue has in flight: the prefetch of its dispatcher',
    known: 'published',
    by: '[eventing-rabbitmq#856](https://github.com/knative-extensions/eventing-rabbitmq/pull/856)',
  },
  hopSeconds: {
    value: 0.005,
    unit: 's',
    what: 'that a call holds its place longer than the function takes: the door 1.1 ms, and the way of the answer to RabbitMQ, for a whole hop of the Broker took 3.3 ms on a calm cluster',
    known: 'measured',
    by: DOOR,
  },
  doorCpuSeconds: { value: 0.001, unit: 'CPU s', what: 'of the door for a call', known: 'measured', by: DOOR },
  doorMegabytes: {
    value: 181,
    unit: 'MB',
    what: 'of a door pod, after 100 calls at once',
    known: 'measured',
    by: DOOR,
  },
  callCpuSeconds: {
    value: 0.0134,
    unit: 'CPU s',
    what: 'of everything for a call: ingress, RabbitMQ, dispatcher, door, Knative, function. 149 calls a second on two busy cores: an upper bound',
    known: 'measured',
    by: 'bench/cluster/awake-calls.ts',
  },
  doorPodCalls: {
    value: 210,
    unit: 'calls',
    what: 'in flight for which Knative runs one pod of the door: 70 % of its target',
    known: 'set',
    by: 'functions/parser-events/func.yaml',
  },
  doorPods: {
    value: 5,
    unit: 'pods',
    what: 'of the door at most',
    known: 'set',
    by: 'functions/parser-events/func.yaml',
  },
  knownSeconds: {
    value: 5,
    unit: 's',
    what: 'that a door pod knows a function before it asks the API server again',
    known: 'set',
    by: 'functions/parser-events/find-function.ts',
  },
  requestsPerSecond: {
    value: 200,
    unit: 'a second',
    what: 'that one of our pods asks the API server at most',
    known: 'set',
    by: 'shared/clients/kubernetes-upstream.ts',
  },
  ingressCpuSeconds: {
    value: 0.00015,
    unit: 'CPU s',
    what: 'of the Broker’s ingress for an event; it is one pod with one CPU',
    known: 'assumed',
    by: '',
  },
  queueEvents: {
    value: 10_000,
    unit: 'a second',
    what: 'that one quorum queue on three nodes of 8 CPUs takes and gives',
    known: 'published',
    by: '[RabbitMQ 3.10](https://www.rabbitmq.com/blog/2022/05/16/rabbitmq-3.10-performance-improvements)',
  },
  triggers: {
    value: 1000,
    unit: 'Triggers',
    what: 'that the makers of the Broker recommend at most',
    known: 'published',
    by: BROKER,
  },
  rabbitNodes: { value: 3, unit: 'nodes', what: 'of RabbitMQ, so that one may fail', known: 'assumed', by: '' },
  rabbitCpus: { value: 4, unit: 'CPUs', what: 'of one of them', known: 'published', by: BROKER },
  rabbitMegabytes: {
    value: 10_240,
    unit: 'MB',
    what: 'of one of them; 2 GB are for the log of quorum queues alone',
    known: 'published',
    by: BROKER,
  },

  buildS3: {
    value: 32.8,
    unit: 'requests',
    what: 'to S3 for a build of two source files',
    known: 'measured',
    by: REQUESTS,
  },
  buildReads: {
    value: 31.7,
    unit: 'reads',
    what: 'of ours from the API server for a build',
    known: 'measured',
    by: REQUESTS,
  },
  buildEvents: { value: 18.6, unit: 'events', what: 'to the Broker for a build', known: 'measured', by: REQUESTS },
  buildDeliveries: {
    value: 17,
    unit: 'deliveries',
    what: 'by the Broker for a build',
    known: 'measured',
    by: REQUESTS,
  },
  buildWrites: {
    value: 43.6,
    unit: 'writes',
    what: 'to the API server for the Job and pod of a build, 17 of them Events; 5.9 are ours',
    known: 'measured',
    by: WRITES,
  },
  revisionWrites: {
    value: 105,
    unit: 'writes',
    what: 'for a new revision of a function and its first pod',
    known: 'measured',
    by: WRITES,
  },
  wakeWrites: {
    value: 73,
    unit: 'writes',
    what: 'for a pod that wakes from zero, and ends again',
    known: 'measured',
    by: WRITES,
  },
  sweepReads: {
    value: 8.4,
    unit: 'reads',
    what: 'of sweep from the API server in a run',
    known: 'measured',
    by: 'bench/scale-load.ts',
  },
  sweepS3: {
    value: 3.2,
    unit: 'requests',
    what: 'of sweep to S3 in a run, and one for each 1,000 archives of a day',
    known: 'measured',
    by: 'bench/scale-load.ts',
  },
  sweepMegabytes: {
    value: 159,
    unit: 'MB',
    what: 'of sweep without a function',
    known: 'measured',
    by: 'bench/list-functions.ts',
  },
  sweepMegabytesPerFunction: {
    value: 0.034,
    unit: 'MB',
    what: 'of sweep for each function',
    known: 'measured',
    by: 'bench/list-functions.ts',
  },
  sweepLimitMegabytes: {
    value: 537,
    unit: 'MB',
    what: 'of sweep at most: 512 Mi',
    known: 'set',
    by: 'functions/sweep/func.yaml',
  },
  buildSlots: {
    value: 10,
    unit: 'builds',
    what: 'at once: MAX_CONCURRENT_BUILDS',
    known: 'set',
    by: 'shared/settings/table.ts',
  },
  jobs: {
    value: 5000,
    unit: 'Jobs',
    what: 'in the quota; a finished one stays for an hour',
    known: 'set',
    by: 'eventing/base/builds/quota.yaml',
  },

  servicesPerFunction: {
    value: 3,
    unit: 'Services',
    what: 'of Kubernetes for a Knative Service with one revision; each older one that is kept adds two',
    known: 'published',
    by: '[serving#13201](https://github.com/knative/serving/issues/13201)',
  },
  servicesPerNamespace: { value: 5000, unit: 'Services', what: 'in a namespace', known: 'published', by: KUBERNETES },
  servicesPerCluster: { value: 10_000, unit: 'Services', what: 'in a cluster', known: 'published', by: KUBERNETES },
  deploymentsPerNamespace: {
    value: 2000,
    unit: 'Deployments',
    what: 'in a namespace; a function has one for each revision, also at zero',
    known: 'published',
    by: KUBERNETES,
  },
  podsPerNamespace: { value: 3000, unit: 'pods', what: 'in a namespace', known: 'published', by: KUBERNETES },
  podsPerNode: { value: 110, unit: 'pods', what: 'on a node', known: 'published', by: KUBERNETES },
  functionCpus: {
    value: 0.125,
    unit: 'CPUs',
    what: 'that an awake function is promised: 100m, and 25m for queue-proxy',
    known: 'set',
    by: 'shared/specs/function-resources.ts',
  },
  functionMegabytes: {
    value: 134,
    unit: 'MB',
    what: 'that it is promised',
    known: 'set',
    by: 'shared/specs/function-resources.ts',
  },
  buildCpus: {
    value: 0.5,
    unit: 'CPUs',
    what: 'that a build is promised',
    known: 'set',
    by: 'shared/settings/table.ts',
  },
  buildMegabytes: {
    value: 1074,
    unit: 'MB',
    what: 'that a build is promised',
    known: 'set',
    by: 'shared/settings/table.ts',
  },
  dispatcherCpus: {
    value: 0.01,
    unit: 'CPUs',
    what: 'for a queue of a function’s own',
    known: 'set',
    by: 'shared/specs/trigger.ts',
  },
  dispatcherMegabytes: { value: 25, unit: 'MB', what: 'for it', known: 'set', by: 'shared/specs/trigger.ts' },
  ownCalls: { value: 50, unit: 'calls', what: 'in flight from it', known: 'set', by: 'shared/specs/trigger.ts' },
  ourQueues: {
    value: 22,
    unit: 'queues',
    what: 'of our Triggers and of dead letters, each with a dispatcher',
    known: 'set',
    by: 'eventing/base/functions/triggers/',
  },
  ourPods: {
    value: 12,
    unit: 'pods',
    what: 'of ours beside the door and the dispatchers: eight functions, two ingresses, two sources',
    known: 'set',
    by: 'eventing/base/functions/',
  },
  ourPodCpus: {
    value: 0.05,
    unit: 'CPUs',
    what: 'that such a pod or dispatcher is promised',
    known: 'set',
    by: 'functions/',
  },
  ourPodMegabytes: { value: 134, unit: 'MB', what: 'that it is promised', known: 'set', by: 'functions/' },
  knativeCpus: { value: 4, unit: 'CPUs', what: 'for Knative’s own pods', known: 'assumed', by: '' },
  knativeMegabytes: { value: 8192, unit: 'MB', what: 'for them', known: 'assumed', by: '' },
  nodeCpus: { value: 7.2, unit: 'CPUs', what: 'that pods get of a node of 8', known: 'assumed', by: '' },
  nodeMegabytes: { value: 30_000, unit: 'MB', what: 'that pods get of a node of 32 GiB', known: 'assumed', by: '' },
  busy: {
    value: 0.7,
    unit: '',
    what: 'of a queue, a pod’s CPU or the build slots that is used in the mean, so that waiting stays short',
    known: 'assumed',
    by: '',
  },
} as const satisfies Record<string, Cost>;
