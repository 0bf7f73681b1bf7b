/** All functions, the worst first; and one function. */
import type { Board, Panel } from './board.ts';
import { added, quantile } from './queries.ts';

const OF = 'third_party_id, parser_id';
const NAME = '{{third_party_id}}/{{parser_id}}';
const ONE = 'third_party_id=~"$third_party_id", parser_id=~"$parser_id"';
const FUNCTION = {
  title: 'This function',
  url: `/d/knative-lambda-function?${['third_party_id', 'parser_id'].map((label) => `var-${label}=\${__field.labels.${label}}`).join('&')}`,
};
const DURATION = 'call_duration_seconds';
/** Knative's series say the revision; the door's say whose it is. */
const WHOSE = `on (namespace, revision) group_left (${OF})
  max by (namespace, revision, ${OF}) (knative_lambda_call_revision{${ONE}})`;

const worst = (title: string, description: string, unit: string, expr: string): Panel => ({
  title,
  description,
  unit,
  span: 12,
  queries: [{ expr: `topk(20, ${expr})`, legend: NAME }],
  opens: FUNCTION,
});
const calls = (by: string, where: string, range = '5m') => added('calls', by, where, range, 'function');
const took = (q: number, by: string, where: string) => quantile(q, DURATION, by, where, '15m', 'function');

export const functions: Board = {
  name: 'functions',
  title: 'Knative Lambda / Functions',
  description: 'All functions, the twenty worst of each kind. `other` is all beyond CALL_METRICS_FUNCTIONS.',
  rows: [
    {
      title: 'Worst first',
      panels: [
        worst(
          'Calls that failed, in five minutes',
          'Open the board Function of the first one: it says by which reason.',
          'short',
          calls(OF, 'outcome="failed"'),
        ),
        worst(
          'Share of calls that failed, in an hour',
          'Near 1: the function is broken for everybody, so tell its owner, or roll it back.',
          'percentunit',
          `${calls(OF, 'outcome="failed"', '1h')} / (${calls(OF, 'outcome=~"failed|succeeded"', '1h')} > 0)`,
        ),
        worst(
          'Slowest, p95',
          'Near the time-out of the function: give it more time or CPU (parameters), or have it do less.',
          's',
          took(0.95, OF, ''),
        ),
        worst(
          'Most cold starts, in fifteen minutes',
          'Where callers wait for it: set parameters.scaling.min, or a longer scale_down_delay.',
          'short',
          quantileFree('start="cold"'),
        ),
        worst(
          'Most called, in five minutes',
          'One that floods: its excess waits in the queue overflow, see the board Broker.',
          'short',
          calls(OF, ''),
        ),
        worst(
          'Calls of revisions that have never worked',
          'More than one: the last deployment broke the function, roll it back.',
          'short',
          `sum by (${OF}) (knative_lambda_revision_calls_total{namespace=~"$namespace", outcome="failed"}) unless sum by (${OF}) (knative_lambda_revision_calls_total{namespace=~"$namespace", outcome="succeeded"}) > 0`,
        ),
      ],
    },
  ],
};

function quantileFree(where: string): string {
  return added(`${DURATION}_bucket`, OF, `${where}, le="+Inf"`, '15m', 'function');
}

export const oneFunction: Board = {
  name: 'function',
  title: 'Knative Lambda / Function',
  description: 'One function: rate, errors, durations, revisions. Its builds, logs and traces: kn-lambda describe.',
  variables: {
    third_party_id: 'label_values(knative_lambda_call_revision{namespace=~"$namespace"}, third_party_id)',
    parser_id: 'label_values(knative_lambda_call_revision{third_party_id=~"$third_party_id"}, parser_id)',
  },
  marks: {
    title: 'New revisions',
    expr: `max by (${OF}, revision) (knative_lambda_call_revision{${ONE}} unless knative_lambda_call_revision{${ONE}} offset 2m)`,
    legend: '{{revision}} is called',
  },
  rows: [
    {
      title: 'Rate, errors, durations',
      panels: [
        {
          title: 'Calls in five minutes, by end',
          description: 'passed are tried again; many of them: its pods die or are too few.',
          unit: 'short',
          queries: [{ expr: calls('outcome', ONE), legend: '{{outcome}}' }],
        },
        {
          title: 'Failures by reason',
          description:
            'HandlerFailed: its log has the error; Timeout, OutOfMemory: raise parameters; BadReply: docs/functions.md.',
          unit: 'short',
          queries: [{ expr: calls('reason', `${ONE}, outcome="failed"`), legend: '{{reason}}' }],
        },
        {
          title: 'Durations of warm calls',
          description: 'Higher than before a mark: compare the revisions below, then roll back.',
          unit: 's',
          queries: [
            { expr: took(0.5, '', `${ONE}, start="warm"`), legend: 'p50' },
            { expr: took(0.99, '', `${ONE}, start="warm"`), legend: 'p99' },
          ],
        },
        {
          title: 'Durations of calls that may have waited for a pod',
          description: 'Seconds: make what is imported smaller, or keep a pod by parameters.scaling.min.',
          unit: 's',
          queries: [{ expr: took(0.95, '', `${ONE}, start="cold"`), legend: 'cold p95' }],
        },
      ],
    },
    {
      title: 'Revisions side by side',
      panels: [
        {
          title: 'Calls of each revision since it was first called',
          description: 'A revision with failures alone has never worked: roll it back.',
          unit: 'short',
          queries: [
            {
              expr: `sum by (revision, outcome) (knative_lambda_revision_calls_total{${ONE}})`,
              legend: '{{revision}} {{outcome}}',
            },
          ],
        },
        {
          title: 'Durations by revision, as queue-proxy sees them, p95',
          description: 'The newer one is slower: look at what it does before you roll back.',
          unit: 's',
          queries: [
            {
              expr: `histogram_quantile(0.95, sum by (le, revision) (rate(kn_serving_invocation_duration_seconds_bucket[5m]) * ${WHOSE}))`,
              legend: '{{revision}}',
            },
          ],
        },
        {
          title: 'Requests that wait in its pods',
          description: 'More than 0 for long: more pods, or a higher parameters.concurrency.',
          unit: 'short',
          queries: [{ expr: `sum by (revision) (kn_serving_queue_depth * ${WHOSE})`, legend: '{{revision}}' }],
        },
      ],
    },
  ],
};
