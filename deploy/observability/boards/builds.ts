/** What becomes of builds, and where their time goes. */
import type { Board } from './board.ts';
import { added, latest, quantile } from './queries.ts';

const PHASES = 'build_phase_duration_seconds';

export const builds: Board = {
  name: 'builds',
  title: 'Knative Lambda / Builds',
  description:
    'What becomes of builds, and where their time goes. Fairness by client is not shown: clients are no labels.',
  rows: [
    {
      title: 'Ends',
      panels: [
        {
          title: 'Builds in five minutes, by status',
          description: 'Many that failed: the next panel says why.',
          unit: 'short',
          queries: [{ expr: added('builds', 'status'), legend: '{{status}}' }],
        },
        {
          title: 'Builds that did not succeed, by reason',
          description: 'docs/events.md says of each reason what to do about it.',
          unit: 'short',
          queries: [{ expr: added('builds', 'reason', 'status!="success"', '15m'), legend: '{{reason}}' }],
        },
        {
          title: 'Builds by path',
          description: 'More jobs than layers: sources change their dependencies, or the registry has lost images.',
          unit: 'short',
          queries: [{ expr: added('builds', 'path', '', '15m'), legend: '{{path}}' }],
        },
        {
          title: 'Share that failed, by language',
          description: 'One language alone: look at its base image and at its package registry.',
          unit: 'percentunit',
          queries: [
            {
              expr: `${added('builds', 'language', 'status=~"failed|timeout"', '1h')} / ${added('builds', 'language', '', '1h')}`,
              legend: '{{language}}',
            },
          ],
        },
        {
          title: 'Rejected events, by reason',
          description: 'Unauthenticated: somebody sends past the gateway; else correct what is sent.',
          unit: 'short',
          queries: [
            { expr: added('events_rejected', 'function, reason', '', '15m'), legend: '{{function}} {{reason}}' },
          ],
        },
      ],
    },
    {
      title: 'Queue',
      panels: [
        {
          title: 'Running and waiting',
          description: 'Many that wait for long: raise MAX_CONCURRENT_BUILDS, if the nodes have room.',
          unit: 'short',
          queries: [
            { expr: latest('builds_running'), legend: 'running' },
            { expr: latest('builds_waiting'), legend: 'waiting' },
          ],
        },
        {
          title: 'Waiting for a slot, and for a node',
          description: 'queued: too few slots; placed: too few nodes, or images that have to be pulled.',
          unit: 's',
          queries: [{ expr: quantile(0.95, PHASES, 'phase', 'phase=~"queued|placed"'), legend: '{{phase}} p95' }],
        },
      ],
    },
    {
      title: 'Time',
      panels: [
        {
          title: 'From the request to its end',
          description: 'Higher than it was: the phases beside say which part of it.',
          unit: 's',
          queries: [
            { expr: quantile(0.5, 'build_duration_seconds', 'path'), legend: '{{path}} p50' },
            { expr: quantile(0.95, 'build_duration_seconds', 'path'), legend: '{{path}} p95' },
          ],
        },
        {
          title: 'Phases of builds by a Job, median',
          description: 'context: look at S3; build: at package registries and the cache; deploy and ready: at Knative.',
          unit: 's',
          queries: [{ expr: quantile(0.5, PHASES, 'phase', 'path="job"'), legend: '{{phase}}' }],
        },
        {
          title: 'Phases of code changes, p95',
          description: 'build: look at the registry and at S3; ready: at how long a pod takes to start.',
          unit: 's',
          queries: [{ expr: quantile(0.95, PHASES, 'phase', 'path="layer"'), legend: '{{phase}}' }],
        },
        {
          title: 'Packing',
          description: 'Higher than it was with sources of the same size: build-start lacks CPU, or S3 is slow.',
          unit: 's',
          queries: [{ expr: quantile(0.95, 'packing_duration_seconds', 'kind'), legend: '{{kind}} p95' }],
        },
        {
          title: 'Size of contexts and layers',
          description: 'Near MAX_SOURCE_BYTES: have the client leave out what the function does not need.',
          unit: 'bytes',
          queries: [{ expr: quantile(0.95, 'packed_bytes', 'kind'), legend: '{{kind}} p95' }],
        },
      ],
    },
  ],
};
