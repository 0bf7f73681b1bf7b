/** What waits in RabbitMQ, what was given up, and how deliveries end. */
import type { Board } from './board.ts';
import { added, latest } from './queries.ts';

export const broker: Board = {
  name: 'broker',
  title: 'Knative Lambda / Broker and dead letters',
  description: 'What waits in RabbitMQ, what was given up, and how deliveries end.',
  rows: [
    {
      title: 'Queues',
      panels: [
        {
          title: 'Events that wait, the twenty longest queues',
          description: 'One that grows: its function is down or too slow, see kubectl get ksvc and its log.',
          unit: 'short',
          span: 12,
          queries: [{ expr: 'topk(20, max by (queue) (rabbitmq_queue_messages_ready))', legend: '{{queue}}' }],
        },
        {
          title: 'Alarms of RabbitMQ',
          description: 'At 1 no event is accepted: give RabbitMQ more memory or storage.',
          unit: 'short',
          span: 12,
          queries: [
            { expr: 'max(rabbitmq_alarms_memory_used_watermark)', legend: 'memory' },
            { expr: 'max(rabbitmq_alarms_free_disk_space_watermark)', legend: 'disk' },
          ],
        },
      ],
    },
    {
      title: 'Dead letters',
      panels: [
        {
          title: 'Age of the oldest open one',
          description: 'More than 0: npm run dead-letters -- list says of each what to do.',
          unit: 's',
          span: 12,
          queries: [{ expr: latest('oldest_dead_letter_seconds'), legend: '{{namespace}}' }],
        },
        {
          title: 'New ones, by category and reason',
          description: 'transient: mend the cause, then replay them; permanent: correct what was sent.',
          unit: 'short',
          span: 12,
          queries: [{ expr: added('dead_letters', 'category, reason', '', '15m'), legend: '{{category}} {{reason}}' }],
        },
      ],
    },
    {
      title: 'Deliveries',
      panels: [
        {
          title: 'By what became of them',
          description: 'Many that are retried: the next panel says by whom.',
          unit: 'short',
          queries: [{ expr: added('events', 'outcome'), legend: '{{outcome}}' }],
        },
        {
          title: 'Retried, by function',
          description: 'For long: read its log, which names what it could not reach.',
          unit: 'short',
          queries: [{ expr: added('events', 'function', 'outcome="retry"'), legend: '{{function}}' }],
        },
        {
          title: 'Calls that go through another queue',
          description:
            'no place: a function is flooded or hangs; not ready: it does not start; look-up: Kubernetes is slow.',
          unit: 'short',
          queries: [{ expr: added('calls_handed_on', 'why'), legend: '{{why}}' }],
        },
        {
          title: 'Calls to Kubernetes, S3 and registries',
          description: 'limited: lower the parallelism of the Trigger, or the limits of shared/clients are too small.',
          unit: 'short',
          queries: [{ expr: added('upstream_calls', 'system'), legend: '{{system}}' }],
        },
        {
          title: 'How long those took, p95',
          description: 'Higher than it was: look at that system before you look at us.',
          unit: 's',
          queries: [
            {
              expr: `histogram_quantile(0.95, ${added('upstream_call_duration_seconds_bucket', 'le, system')})`,
              legend: '{{system}}',
            },
          ],
        },
        {
          title: 'Events being handled',
          description: 'Many at one function for long: it hangs, or has too few pods.',
          unit: 'short',
          queries: [
            {
              expr: 'sum by (function) (knative_lambda_events_in_flight{namespace=~"$namespace"})',
              legend: '{{function}}',
            },
          ],
        },
      ],
    },
  ],
};
