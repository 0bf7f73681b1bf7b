/** Is the platform well? */
import type { Board } from './board.ts';
import { added, latest } from './queries.ts';

const slo = (name: string) =>
  `1 - sum_over_time(slo:knative_lambda_slo_errors:increase1m{slo="${name}"}[$__range])
  / sum_over_time(slo:knative_lambda_slo_events:increase1m{slo="${name}"}[$__range])`;

export const overview: Board = {
  name: 'overview',
  title: 'Knative Lambda / Overview',
  description: 'Is the platform well?',
  rows: [
    {
      title: 'Objectives, over the time that is shown',
      panels: [
        {
          title: 'Builds that did not fail by our fault (99 %)',
          description: 'Below 99 %: the board Builds says by which reason; docs/events.md says what to do about it.',
          unit: 'percentunit',
          kind: 'now',
          span: 6,
          queries: [{ expr: slo('builds'), legend: 'builds' }],
        },
        {
          title: 'First builds within 120 s (95 %)',
          description: 'Below 95 %: the phases on the board Builds say where the time goes.',
          unit: 'percentunit',
          kind: 'now',
          span: 6,
          queries: [{ expr: slo('first-build'), legend: 'first builds' }],
        },
        {
          title: 'Code changes within 10 s (95 %)',
          description: 'Below 95 %: look at packing on the board Builds, and at the registry.',
          unit: 'percentunit',
          kind: 'now',
          span: 6,
          queries: [{ expr: slo('code-change'), legend: 'code changes' }],
        },
        {
          title: 'Events and requests answered (99.9 %)',
          description: 'Below 99.9 %: look for `event failed` in the log of the function that the next row names.',
          unit: 'percentunit',
          kind: 'now',
          span: 6,
          queries: [{ expr: slo('availability'), legend: 'answered' }],
        },
        {
          title: 'Error budget that is left, of the last 30 days',
          description: 'At 0: change nothing that is not needed until the cause of the errors is mended.',
          unit: 'percentunit',
          span: 24,
          queries: [
            {
              expr: `1 - sum_over_time(slo:knative_lambda_slo_errors:increase1m[30d])
  / sum_over_time(slo:knative_lambda_slo_events:increase1m[30d]) / slo:knative_lambda_slo_budget`,
              legend: '{{slo}}',
            },
          ],
        },
      ],
    },
    {
      title: 'Now',
      panels: [
        {
          title: 'Alerts',
          description: 'Each has its section in docs/runbooks.md.',
          unit: 'short',
          queries: [
            {
              expr: 'count by (alertname) (ALERTS{alertname=~"KnativeLambda.*", alertstate="firing"})',
              legend: '{{alertname}}',
            },
          ],
        },
        {
          title: 'Deliveries that failed, by function',
          description: 'More than 0: read the log of that function; the fingerprint in it is that of the answer.',
          unit: 'short',
          queries: [{ expr: added('events', 'function', 'outcome="failed"'), legend: '{{function}}' }],
        },
        {
          title: 'Calls a minute, by end',
          description: 'Many that failed: the board Functions says whose.',
          unit: 'cpm',
          queries: [{ expr: added('calls', 'outcome', '', '1m', 'function'), legend: '{{outcome}}' }],
        },
        {
          title: 'Age of the oldest request that waits',
          description: 'Above two minutes: build-start or job-start is behind, look at their logs and queues.',
          unit: 's',
          queries: [{ expr: latest('oldest_request_seconds'), legend: '{{namespace}}' }],
        },
        {
          title: 'Repairs by sweep',
          description: 'Any but tidying up: an event was lost or a function has died, sweep has logged which.',
          unit: 'short',
          queries: [
            {
              expr: added(
                'swept',
                'what',
                'what!~"admitted|contexts_deleted|answers_deleted|downloads_deleted|history_deleted|secrets_rotated"',
              ),
              legend: '{{what}}',
            },
          ],
        },
        {
          title: 'Calls to Kubernetes, S3 and registries that failed',
          description: 'More than 0 for long: look at that system, then at the network and the credentials.',
          unit: 'short',
          queries: [
            {
              expr: added('upstream_calls', 'system, outcome', 'outcome!~"ok|retried"'),
              legend: '{{system}} {{outcome}}',
            },
          ],
        },
      ],
    },
  ],
};
