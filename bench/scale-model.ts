/**
 * What a load needs, and which limit it meets first: `make scale`. Pure: unit costs of scale-costs.ts, times the load.
 * docs/scale.md has its tables.
 */
import { COSTS } from './scale-costs.ts';

export interface Load {
  functions: number;
  tenants: number;
  buildsPerHour: number;
  /** From the start of a build's pod to its end, in the mean. */
  buildSeconds: number;
  callsPerSecond: number;
  /** In the function, in the mean. */
  callSeconds: number;
  /** Of the functions: they are called so often that they always have a pod. The calls are theirs. */
  awakeShare: number;
  /** How often each of the others is called from zero. */
  wakesPerHour: number;
  /** Of the functions: they have `delivery: own`. */
  ownShare: number;
  /** Of the calls: those of functions with `delivery: own`. */
  ownCallShare: number;
}

/** That of docs/scale.md. What the first four lines do not say is assumed. */
export const LOAD: Load = {
  functions: 10_000,
  tenants: 1000,
  buildsPerHour: 1000,
  callsPerSecond: 5000,
  buildSeconds: 60,
  callSeconds: 0.1,
  awakeShare: 0.1,
  wakesPerHour: 0.1,
  ownShare: 0,
  ownCallShare: 0,
};

export interface Needs {
  awakeFunctions: number;
  callsInFlight: number;
  lanes: number;
  doorPods: number;
  doorGetsPerSecond: number;
  eventsPerSecond: number;
  deliveriesPerSecond: number;
  queues: number;
  rabbitNodes: number;
  buildSlots: number;
  apiWritesPerSecond: number;
  apiReadsPerSecond: number;
  s3PerSecond: number;
  kubernetesServices: number;
  pods: number;
  nodes: number;
}

type Values = { [name in keyof typeof COSTS]: number };
const cost = Object.fromEntries(Object.entries(COSTS).map(([name, { value }]) => [name, value])) as Values;
const HOUR = 3600;
const MINUTE = 60;
const PAGE = 1000;

/** Seconds of a place in the shared queue that one call takes, of whichever delivery. */
function placeSeconds({ callSeconds, ownCallShare }: Load): number {
  return (1 - ownCallShare) * callSeconds + cost.hopSeconds;
}

/** The door takes a call with a queue of its own twice. */
function doorCpus({ callsPerSecond, ownCallShare }: Load): number {
  return callsPerSecond * (1 + ownCallShare) * cost.doorCpuSeconds;
}

function doorPodsOf(load: Load): number {
  const inFlight = load.callsPerSecond * (load.callSeconds + cost.hopSeconds);
  return Math.max(1, Math.ceil(inFlight / cost.doorPodCalls), Math.ceil(doorCpus(load) / cost.busy));
}

/** A function is asked for at its first call after 5 s: once in 5 s and the mean time between two of its calls. */
export function doorGets({ functions, awakeShare, callsPerSecond }: Load, pods: number): number {
  const awake = functions * awakeShare;
  return callsPerSecond === 0 ? 0 : (pods * awake) / (cost.knownSeconds + (pods * awake) / callsPerSecond);
}

export function needsOf(load: Load): Needs {
  const { functions, callsPerSecond, ownShare, ownCallShare } = load;
  const builds = load.buildsPerHour / HOUR;
  const awake = Math.round(functions * load.awakeShare);
  const own = Math.round(functions * ownShare);
  const wakes = ((functions - awake) * load.wakesPerHour) / HOUR;
  const doorPods = doorPodsOf(load);
  const buildSlots = Math.ceil((builds * load.buildSeconds) / cost.busy);
  const doorGetsPerSecond = doorGets(load, doorPods);
  const needs = {
    awakeFunctions: awake,
    callsInFlight: callsPerSecond * (load.callSeconds + cost.hopSeconds),
    lanes: Math.max(1, Math.ceil((callsPerSecond * placeSeconds(load)) / cost.laneCalls / cost.busy)),
    doorPods,
    doorGetsPerSecond,
    eventsPerSecond: callsPerSecond * (2 + ownCallShare) + builds * cost.buildEvents,
    deliveriesPerSecond: callsPerSecond * (1 + ownCallShare) + builds * cost.buildDeliveries,
    queues: cost.ourQueues + own,
    rabbitNodes: cost.rabbitNodes,
    buildSlots,
    apiWritesPerSecond: builds * (cost.buildWrites + cost.revisionWrites) + wakes * cost.wakeWrites,
    apiReadsPerSecond: doorGetsPerSecond + builds * cost.buildReads + cost.sweepReads / MINUTE,
    s3PerSecond: builds * cost.buildS3 + sweepS3(load) / MINUTE,
    kubernetesServices: functions * cost.servicesPerFunction,
    pods: awake + own + cost.ourQueues + cost.ourPods + doorPods + buildSlots + cost.rabbitNodes,
  };
  return { ...needs, nodes: nodesOf(load, needs) };
}

function sweepS3({ buildsPerHour }: Load): number {
  // Archives are listed in each run, outcomes once an hour; both are kept for a day.
  const pages = (buildsPerHour * 24) / PAGE;
  return cost.sweepS3 + pages + pages / MINUTE;
}

function nodesOf(load: Load, needs: Omit<Needs, 'nodes'>): number {
  const own = needs.queues - cost.ourQueues;
  const ours = cost.ourPods + cost.ourQueues;
  const cpus =
    needs.awakeFunctions * cost.functionCpus +
    needs.buildSlots * cost.buildCpus +
    own * cost.dispatcherCpus +
    ours * cost.ourPodCpus +
    load.callsPerSecond * cost.callCpuSeconds +
    cost.rabbitNodes * cost.rabbitCpus +
    cost.knativeCpus;
  const megabytes =
    needs.awakeFunctions * cost.functionMegabytes +
    needs.buildSlots * cost.buildMegabytes +
    own * cost.dispatcherMegabytes +
    ours * cost.ourPodMegabytes +
    needs.doorPods * cost.doorMegabytes +
    cost.rabbitNodes * cost.rabbitMegabytes +
    cost.knativeMegabytes;
  return Math.ceil(Math.max(cpus / cost.nodeCpus, megabytes / cost.nodeMegabytes, needs.pods / cost.podsPerNode));
}

export interface Limit {
  what: string;
  /** In `unit`: what one cluster with one environment carries, as it is delivered. */
  carries: number;
  wanted: number;
  unit: string;
  moves: string;
}

/** The first to be met is the first. */
export function limitsOf(load: Load): Limit[] {
  const { functions, callsPerSecond, buildsPerHour, ownShare, ownCallShare } = load;
  const needs = needsOf(load);
  const callsPerCpu = 1 / ((1 + ownCallShare) * cost.doorCpuSeconds);
  // Knative makes pods of the door by the calls in flight, and the queues let only so many through.
  const mostInFlight = 2 * cost.laneCalls + functions * ownShare * cost.ownCalls;
  const pods = Math.min(cost.doorPods, Math.ceil(mostInFlight / cost.doorPodCalls));
  const elsewhere = 'another environment, in this cluster or another';
  const limits: Limit[] = [
    {
      what: 'the shared queue of calls',
      carries: (cost.laneCalls * cost.busy) / placeSeconds(load),
      wanted: callsPerSecond,
      unit: 'calls a second',
      moves: '`delivery: own` for the busiest; another environment; several shared queues, which we have not built',
    },
    {
      what: 'Services of Kubernetes in one namespace',
      carries: cost.servicesPerNamespace / cost.servicesPerFunction,
      wanted: functions,
      unit: 'functions',
      moves: elsewhere,
    },
    {
      what: 'Deployments in one namespace',
      carries: cost.deploymentsPerNamespace,
      wanted: functions,
      unit: 'functions',
      moves: elsewhere,
    },
    {
      what: 'Services of Kubernetes in one cluster',
      carries: cost.servicesPerCluster / cost.servicesPerFunction,
      wanted: functions,
      unit: 'functions',
      moves: 'another cluster',
    },
    {
      what: 'the Broker’s ingress, one pod of one CPU',
      carries: cost.busy / cost.ingressCpuSeconds / (2 + ownCallShare),
      wanted: callsPerSecond,
      unit: 'calls a second',
      moves: 'its CPU limit, in eventing/base/functions/broker.yaml; another environment',
    },
    {
      what: 'builds at once',
      carries: (cost.buildSlots * cost.busy * HOUR) / load.buildSeconds,
      wanted: buildsPerHour,
      unit: 'builds an hour',
      moves: 'MAX_CONCURRENT_BUILDS, and the quota of the builds namespace (20 pods)',
    },
    {
      what: `pods of the door: ${pods}, by the calls that the queues let through at once`,
      carries: pods * Math.min(callsPerCpu * cost.busy, cost.doorPodCalls / (load.callSeconds + cost.hopSeconds)),
      wanted: callsPerSecond,
      unit: 'calls a second',
      moves: '`scale.max` and `scale.target` in functions/parser-events/func.yaml',
    },
    {
      what: 'the memory of sweep',
      carries: (cost.sweepLimitMegabytes - cost.sweepMegabytes) / cost.sweepMegabytesPerFunction,
      wanted: functions,
      unit: 'functions',
      moves: 'its memory limit, in functions/sweep/func.yaml',
    },
    {
      what: 'look-ups of the door',
      carries: awakeAtMost(callsPerSecond, needs.doorPods),
      wanted: needs.awakeFunctions,
      unit: 'awake functions',
      moves: 'more pods of the door; beyond it calls go by what was known up to 10 minutes ago',
    },
    {
      what: 'one quorum queue',
      carries: cost.queueEvents,
      wanted: callsPerSecond,
      unit: 'calls a second',
      moves: 'CPUs of RabbitMQ; another environment',
    },
    {
      what: 'pods in one namespace',
      carries: cost.podsPerNamespace,
      wanted: needs.pods - needs.buildSlots,
      unit: 'pods',
      moves: elsewhere,
    },
    {
      what: 'Jobs in the quota',
      carries: cost.jobs,
      wanted: buildsPerHour,
      unit: 'builds an hour',
      moves: 'the quota of the builds namespace',
    },
    {
      what: 'Triggers',
      carries: cost.triggers - cost.ourQueues,
      wanted: functions * ownShare,
      unit: 'functions with `delivery: own`',
      moves: 'another cluster, with a RabbitMQ of its own',
    },
  ];
  return limits.sort((a, b) => a.carries / a.wanted - b.carries / b.wanted);
}

/** As many as each pod of the door can ask for within its own limit of requests. */
function awakeAtMost(callsPerSecond: number, pods: number): number {
  const share = 1 - (cost.requestsPerSecond * pods) / callsPerSecond;
  return share > 0 ? (cost.requestsPerSecond * cost.knownSeconds) / share : Number.POSITIVE_INFINITY;
}

/** The load of each, where so many clusters share it. */
export function sharedBy(clusters: number, load: Load): Load {
  return {
    ...load,
    functions: load.functions / clusters,
    tenants: load.tenants / clusters,
    buildsPerHour: load.buildsPerHour / clusters,
    callsPerSecond: load.callsPerSecond / clusters,
  };
}

/** The fewest clusters that share this load so that none meets a limit. */
export function clustersFor(load: Load): number {
  for (let clusters = 1; ; clusters += 1) {
    const [first] = limitsOf(sharedBy(clusters, load));
    if (!first || first.carries >= first.wanted) {
      return clusters;
    }
  }
}
