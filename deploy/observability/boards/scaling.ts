/** Knative Serving's scaling, on the names that its metrics have since 1.19. Its own board died with the old names. */
import type { Board } from './board.ts';

const OURS = 'k8s_namespace_name=~"$namespace"';
const pods = (what: string) => `sum by (kn_revision_name) (kn_revision_pods_${what}{${OURS}})`;
const busiest = (what: string) => `topk(20, sum by (kn_revision_name) (kn_revision_${what}{${OURS}}))`;

export const scaling: Board = {
  name: 'scaling',
  title: 'Knative Lambda / Serving: scaling',
  description:
    'Why a revision has as many pods as it has. Needs metrics-protocol and request-metrics-protocol: prometheus.',
  rows: [
    {
      title: 'Pods',
      panels: [
        {
          title: 'Asked for, and there',
          description: 'Fewer than asked for: nodes are full, or the image cannot be pulled, see kubectl get pods.',
          unit: 'short',
          queries: [
            { expr: pods('requested'), legend: '{{kn_revision_name}} asked for' },
            { expr: pods('count'), legend: '{{kn_revision_name}} there' },
          ],
        },
        {
          title: 'Not ready',
          description: 'For long: the function does not start, its log says why.',
          unit: 'short',
          queries: [
            { expr: pods('not_ready_count'), legend: '{{kn_revision_name}} not ready' },
            { expr: pods('pending_count'), legend: '{{kn_revision_name}} pending' },
          ],
        },
        {
          title: 'Wanted by the autoscaler',
          description: 'Above what is asked for: parameters.scaling.max holds it back.',
          unit: 'short',
          queries: [{ expr: pods('desired'), legend: '{{kn_revision_name}}' }],
        },
      ],
    },
    {
      title: 'Load',
      panels: [
        {
          title: 'Concurrency, and its target',
          description: 'Above the target for long: see whether more pods were asked for.',
          unit: 'short',
          queries: [
            { expr: busiest('concurrency_stable'), legend: '{{kn_revision_name}}' },
            { expr: busiest('concurrency_target'), legend: '{{kn_revision_name}} target' },
          ],
        },
        {
          title: 'Panic',
          description: 'At 1: load has doubled within seconds, so pods are only added for a minute.',
          unit: 'short',
          queries: [{ expr: busiest('panic_mode'), legend: '{{kn_revision_name}}' }],
        },
        {
          title: 'Capacity to spare',
          description: 'Below 0 the activator stays in the way to hold requests back.',
          unit: 'short',
          queries: [{ expr: busiest('capacity_excess'), legend: '{{kn_revision_name}}' }],
        },
        {
          title: 'Requests that wait in pods',
          description: 'More than 0 for long: more pods, or a higher parameters.concurrency.',
          unit: 'short',
          queries: [
            {
              expr: 'topk(20, sum by (revision) (kn_serving_queue_depth{namespace=~"$namespace"}))',
              legend: '{{revision}}',
            },
          ],
        },
        {
          title: 'Requests a second, by answer',
          description: '5xx: the function crashes or is too slow, its log says which.',
          unit: 'reqps',
          queries: [
            {
              expr: 'sum by (http_response_status_code) (rate(kn_serving_invocation_duration_seconds_count{namespace=~"$namespace"}[5m]))',
              legend: '{{http_response_status_code}}',
            },
          ],
        },
        {
          title: 'Through the activator, p95: what may have waited for a pod',
          description: 'Seconds: cold starts, so keep a pod by parameters.scaling.min where somebody waits for it.',
          unit: 's',
          queries: [
            {
              expr: 'histogram_quantile(0.95, sum by (le) (rate(http_server_request_duration_seconds_bucket{kn_revision_name!=""}[5m])))',
              legend: 'activator',
            },
          ],
        },
      ],
    },
  ],
};
