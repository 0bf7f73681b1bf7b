/** The model's tables, for `make scale` and docs/scale.md. */
import { COSTS, type Cost } from './scale-costs.ts';
import { clustersFor, LOAD, type Load, limitsOf, type Needs, needsOf, sharedBy } from './scale-model.ts';

export interface Rows {
  head: string[];
  rows: string[][];
}

/** The same load, with queues of their own for those that are called most. */
export const BUSIEST: Pick<Load, 'ownShare' | 'ownCallShare'> = { ownShare: 0.01, ownCallShare: 0.8 };

const NEEDS: Record<keyof Needs, string> = {
  awakeFunctions: 'functions with a pod',
  callsInFlight: 'calls in flight',
  lanes: 'shared queues of calls (there is one)',
  doorPods: 'pods of the door',
  queues: 'queues, each with a dispatcher pod',
  rabbitNodes: 'RabbitMQ nodes',
  eventsPerSecond: 'events to RabbitMQ a second',
  deliveriesPerSecond: 'deliveries by RabbitMQ a second',
  buildSlots: 'builds at once',
  apiWritesPerSecond: 'writes to the API server a second, by everybody',
  apiReadsPerSecond: 'reads of ours from the API server a second',
  doorGetsPerSecond: 'of them the door’s',
  s3PerSecond: 'requests to S3 a second',
  kubernetesServices: 'Services of Kubernetes',
  pods: 'pods',
  nodes: 'nodes of 8 CPUs and 32 GiB',
};

export function scaleNeeds(load = LOAD): Rows {
  const clusters = clustersFor(load);
  const needs = [load, { ...load, ...BUSIEST }, sharedBy(clusters, load)].map(needsOf);
  const { ownShare, ownCallShare } = BUSIEST;
  return {
    head: [
      'needed',
      'in one cluster',
      `the same, ${percent(ownShare)} of the functions with ${percent(ownCallShare)} of the calls have \`delivery: own\``,
      `in each of ${clusters} clusters that share it`,
    ],
    rows: Object.entries(NEEDS).map(([name, what]) => [
      what,
      ...needs.map((each) => rounded(each[name as keyof Needs])),
    ]),
  };
}

export function scaleLimits(load = LOAD): Rows {
  const limits = limitsOf(load).filter(({ wanted }) => wanted > 0);
  return {
    head: ['limit', 'carries', 'of what is wanted', 'what moves it'],
    rows: limits.map(({ what, carries, wanted, unit, moves }) => [
      what,
      `${rounded(carries)} ${unit}`,
      percent(carries / wanted),
      moves,
    ]),
  };
}

export function scaleCosts(): Rows {
  return {
    head: ['each', 'what', 'known', 'by'],
    rows: Object.values<Cost>(COSTS).map(({ value, unit, what, known, by }) => [
      `${value.toLocaleString('en-US', { maximumSignificantDigits: 6 })} ${unit}`.trim(),
      what,
      known,
      by,
    ]),
  };
}

const percent = (share: number) => `${rounded(share * 100)} %`;

/** To two digits below a hundred: no figure of the model is better than that. */
function rounded(value: number): string {
  const digits = value >= 100 ? 3 : 2;
  return Number(value.toPrecision(digits)).toLocaleString('en-US');
}
