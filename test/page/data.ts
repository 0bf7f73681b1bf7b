/** A platform with one of everything that the page can show, made up. */

import type {
  Build,
  BuildDetail,
  EventLine,
  FunctionDetail,
  FunctionMetrics,
  FunctionSummary,
  LogLine,
} from '#shared/api/schemas.ts';
import type { FakeData } from '#test/fakes/api-server.ts';

const NOW = Date.now();
const before = (milliseconds: number) => new Date(NOW - milliseconds).toISOString();

/** Text as somebody sends who would like it to be taken for more than text. */
export const HOSTILE =
  '<img src=x onerror="document.title=`taken`"><script>document.title="taken"</script>\u202egnp.exe';

const IMAGE = `127.0.0.1:5000/acme/transfers@sha256:${'3f7a9c1e'.repeat(8)}`;
const FORMER_IMAGE = `127.0.0.1:5000/acme/transfers@sha256:${'b81d04fe'.repeat(8)}`;

function build(parser_id: string, correlation_id: string, fields: Partial<Build> = {}): Build {
  return {
    third_party_id: 'acme',
    parser_id,
    correlation_id,
    status: 'success',
    language: 'node',
    path: 'layer',
    image_uri: IMAGE,
    started_at: before(95_000),
    completed_at: before(93_800),
    duration_ms: 1200,
    ...fields,
  };
}

const builds: Build[] = [
  build('prices', 'c-running', {
    status: 'running',
    language: 'python',
    path: 'job',
    job_name: 'build-acme-prices-1',
    started_at: before(9000),
    completed_at: undefined,
    duration_ms: undefined,
    image_uri: undefined,
  } as Partial<Build>),
  build('ledger', 'c-queued', {
    status: 'queued',
    queue_position: 2,
    started_at: before(4000),
    language: 'rust',
  } as Partial<Build>),
  build('transfers', 'c-2'),
  build('invoices', 'c-failed', {
    status: 'failed',
    reason: 'DependencyInstallFailed',
    error_message: 'requirements.txt line 2: there is no version 99 of requests; the newest is 2.33.1',
    language: 'python',
    path: 'job',
    started_at: before(700_000),
    completed_at: before(688_000),
    duration_ms: 12_400,
  }),
  build('transfers', 'c-1', {
    image_uri: FORMER_IMAGE,
    path: 'job',
    duration_ms: 8300,
    started_at: before(4_000_000),
    completed_at: before(3_991_700),
  }),
  build('hooks', 'c-timeout', {
    status: 'timeout',
    reason: 'BuildTimeout',
    path: 'job',
    duration_ms: 600_000,
    started_at: before(9_000_000),
    completed_at: before(8_400_000),
    language: 'go',
  }),
  build('hooks', 'c-superseded', {
    status: 'superseded',
    reason: 'Superseded',
    started_at: before(9_500_000),
    completed_at: before(9_490_000),
  }),
  build('hooks', 'c-cancelled', {
    status: 'cancelled',
    reason: 'Cancelled',
    started_at: before(9_900_000),
    completed_at: before(9_890_000),
  }),
];

function summary(parser_id: string, fields: Partial<FunctionSummary> = {}): FunctionSummary {
  const last_build = builds.find((each) => each.parser_id === parser_id);
  return {
    third_party_id: 'acme',
    parser_id,
    state: 'ready',
    service_name: `fn-acme-${parser_id}`,
    url: `http://fn-acme-${parser_id}.functions.example`,
    revision: `fn-acme-${parser_id}-00002`,
    image_uri: IMAGE,
    language: 'node',
    delivery: 'shared',
    pods: 1,
    calls: 1234,
    errors: 17,
    p95_ms: 210,
    created_at: before(9_999_000),
    ...(last_build ? { last_build } : {}),
    ...fields,
  };
}

const functions: FunctionSummary[] = [
  summary('hooks', {
    language: 'go',
    state: 'failed',
    message: 'the newest version does not start: panic: no configuration',
    pods: 0,
  }),
  summary('invoices', { language: 'python', pods: 0 }),
  summary('ledger', { state: 'building', language: 'rust', pods: 0 }),
  summary('prices', { state: 'starting', language: 'python' }),
  summary('transfers', { pods: 2 }),
  summary('mail', { third_party_id: 'globex', language: 'python', pods: 0 }),
];

const transfers: FunctionDetail = {
  ...summary('transfers', { pods: 2 }),
  settings: {
    env: [
      { name: 'CURRENCY', value: 'EUR' },
      { name: 'NOTE', value: HOSTILE },
    ],
    secrets: [{ name: 'acme-database', key: 'password', env: 'DATABASE_PASSWORD' }],
    scaling: { min: 0, max: 20 },
    resources: { requests: { cpu: '100m', memory: '128Mi' }, limits: { cpu: '500m', memory: '512Mi' } },
    timeout_seconds: 30,
    concurrency: 0,
  },
  conditions: [
    { type: 'Ready', status: 'True' },
    { type: 'ConfigurationsReady', status: 'True' },
    { type: 'RoutesReady', status: 'False', reason: 'RevisionMissing', message: 'the version 00003 is not ready yet' },
  ],
  versions: [
    {
      revision: 'fn-acme-transfers-00002',
      image_uri: IMAGE,
      created_at: before(93_000),
      observed_at: before(95_000),
      ready: true,
      traffic_percent: 90,
    },
    {
      revision: 'fn-acme-transfers-00001',
      image_uri: FORMER_IMAGE,
      created_at: before(3_990_000),
      observed_at: before(4_000_000),
      ready: true,
      traffic_percent: 10,
    },
  ],
  builds: builds.filter(({ parser_id }) => parser_id === 'transfers'),
};

const numbers = (calls: number, errors: number) => ({
  calls,
  errors,
  retried: 0,
  cold_starts: calls === 0 ? 0 : 1,
  ...(calls === 0 ? {} : { p50_ms: 12.5, p95_ms: 210, p99_ms: 480 }),
});

export const METRICS: FunctionMetrics = {
  third_party_id: 'acme',
  parser_id: 'transfers',
  from: before(59 * 60_000),
  to: before(0),
  pods: 2,
  total: { ...numbers(1234, 17), cold_starts: 4, errors_by_reason: { HandlerFailed: 15, Timeout: 2 } },
  points: Array.from({ length: 60 }, (_, index) => ({
    time: before((59 - index) * 60_000),
    ...numbers(index < 30 ? 0 : index, index === 45 ? 17 : 0),
  })),
  versions: [
    { revision: 'fn-acme-transfers-00002', ...numbers(1100, 17) },
    { revision: 'fn-acme-transfers-00001', ...numbers(134, 0) },
  ],
};

const line = (after: number, text: string): LogLine => ({
  time: before(690_000 - after),
  pod: 'build-acme-invoices-1',
  container: 'kaniko',
  text,
});

export const LONG_LOG: LogLine[] = [
  ...Array.from({ length: 3000 }, (_, index) => line(index, `step ${index}: unpacking a layer of the base image`)),
  line(4000, 'ERROR: Could not find a version that satisfies the requirement requests==99'),
  line(4001, HOSTILE),
];

const failed: BuildDetail = {
  ...(builds.find(({ correlation_id }) => correlation_id === 'c-failed') as Build),
  phases: [
    { name: 'packed', started_at: before(700_000), duration_ms: 400 },
    { name: 'queued', started_at: before(699_600), duration_ms: 300 },
    { name: 'pod_started', started_at: before(699_300), duration_ms: 3100 },
    { name: 'built', started_at: before(696_200), duration_ms: 8600 },
  ],
  timeline: [
    { time: before(700_000), after_ms: 0, kind: 'event', title: 'build.start was accepted' },
    { time: before(699_600), after_ms: 400, kind: 'event', title: 'The source was packed: 3 files, 1.4 kB' },
    { time: before(699_300), after_ms: 700, kind: 'job', title: 'The Job was made', detail: 'build-acme-invoices-1' },
    { time: before(696_200), after_ms: 3800, kind: 'pod', title: 'The pod runs' },
    { time: before(688_000), after_ms: 12_000, kind: 'log', title: HOSTILE },
    { time: before(687_600), after_ms: 12_400, kind: 'event', title: 'build.complete: failed' },
  ],
  explanation: {
    about: 'build',
    healthy: false,
    reason: 'DependencyInstallFailed',
    cause: 'pip could not install requests==99, which requirements.txt asks for in line 2: there is no such version.',
    evidence: [
      {
        kind: 'log',
        text: 'ERROR: Could not find a version that satisfies the requirement requests==99',
        where: 'log of the build, line 3001',
      },
      { kind: 'file', text: 'requests==99', where: 'requirements.txt, line 2' },
    ],
    next: { say: 'Ask for a version that is there, then deploy again.', command: 'kn-lambda deploy invoices' },
  },
  log_tail: LONG_LOG.slice(-5).map(({ text }) => text),
};

const running: BuildDetail = {
  ...(builds[0] as Build),
  phases: [
    { name: 'packed', started_at: before(9000), duration_ms: 300 },
    { name: 'pod_started', started_at: before(8700), duration_ms: 2400 },
    { name: 'built', started_at: before(6300) },
  ],
  timeline: [{ time: before(9000), after_ms: 0, kind: 'event', title: 'build.start was accepted' }],
  log_tail: ['Collecting requests==2.33.1'],
};

const plain = (each: Build): BuildDetail => ({
  ...each,
  phases: [],
  timeline: [{ time: each.started_at ?? before(0), after_ms: 0, kind: 'event', title: 'build.start was accepted' }],
});

export function event(number: number, fields: Partial<EventLine> = {}): EventLine {
  return {
    cursor: String(number),
    time: before(200_000 - number * 1000),
    type: 'lifecycle.build.started',
    source: 'knative-lambda',
    id: `event-${number}`,
    third_party_id: 'acme',
    parser_id: 'transfers',
    correlation_id: 'c-2',
    causation_id: `event-${number - 1}`,
    data: { state: 'started', job_name: 'build-acme-transfers-2' },
    ...fields,
  };
}

export function everything(): FakeData {
  return structuredClone({
    me: {
      principal: 'anybody',
      operator: true,
      third_party_ids: [],
      authentication: 'off' as const,
      version: '0.1.0',
      platform: 'laptop' as const,
      namespace: 'knative-lambda-local',
    },
    functions,
    details: { 'acme/transfers': transfers },
    builds,
    buildDetails: Object.fromEntries(
      builds.map((each) => [
        `acme/${each.parser_id}/${each.correlation_id}`,
        each.correlation_id === 'c-failed' ? failed : each.correlation_id === 'c-running' ? running : plain(each),
      ]),
    ),
    logs: {
      'acme/invoices/c-failed': LONG_LOG,
      'acme/transfers': [
        { time: before(60_000), pod: 'fn-acme-transfers-00002-x', text: 'listening on port 8080' },
        { time: before(50_000), pod: 'fn-acme-transfers-00002-x', call: 'call-1', text: 'found 3 transfers' },
      ],
    },
    metrics: { 'acme/transfers': METRICS },
    calls: {
      'acme/transfers': [
        {
          third_party_id: 'acme',
          parser_id: 'transfers',
          id: 'call-2',
          correlation_id: 'k-2',
          time: before(30_000),
          succeeded: false,
          error: { type: 'TypeError', message: "Cannot read properties of undefined (reading 'logs')" },
          duration_ms: 3.2,
          revision: 'fn-acme-transfers-00002',
          cold: true,
          phases: [
            { name: 'wait', started_at: before(32_000), duration_ms: 400 },
            { name: 'start', started_at: before(31_600), duration_ms: 1500 },
            { name: 'function', started_at: before(30_100), duration_ms: 3.2 },
            { name: 'answer', started_at: before(30_097), duration_ms: 2 },
          ],
          input: { block: 7, note: HOSTILE },
        },
        {
          third_party_id: 'acme',
          parser_id: 'transfers',
          id: 'call-1',
          time: before(50_000),
          succeeded: true,
          result: { transfers: 3, note: HOSTILE },
          duration_ms: 12.4,
          revision: 'fn-acme-transfers-00002',
        },
      ],
    },
    letters: [
      ...Array.from({ length: 14 }, (_, index) => ({
        id: index.toString(16).padStart(32, '0'),
        time: before(100_000 + index * 1000),
        type: 'parser.start',
        category: 'permanent',
        reason: 'NoSuchFunction',
        third_party_id: 'acme',
        parser_id: 'gone',
        state: index === 3 ? 'replayed' : 'open',
        advice: 'There is no function of that name: correct the subject, or deploy it by build.start.',
      })),
      {
        id: 'f'.repeat(32),
        time: before(400_000),
        type: 'build.complete',
        category: 'transient',
        reason: 'Unavailable',
        state: 'open',
      },
    ],
    checks: [
      {
        name: 'S3 can be reached',
        group: 'Storage',
        status: 'ok' as const,
        message: 'http://127.0.0.1:9000 answers in 3 ms',
      },
      {
        name: 'Letters do not grow',
        group: 'Events',
        status: 'warning' as const,
        message: '14 open letters, 9 more than an hour ago',
        next: { say: 'Look at them by cause.', command: 'kn-lambda dead-letters' },
      },
      {
        name: 'Every Trigger has a subscriber',
        group: 'Events',
        status: 'failed' as const,
        message: 'the Trigger job-start names a Service that is not there',
        next: { say: 'Deploy it again.', command: 'make deploy ENV=dev' },
      },
      {
        name: 'Clocks agree',
        group: 'Storage',
        status: 'unknown' as const,
        message: 'the registry does not say what time it has',
      },
    ],
    now: { about: 'now', healthy: true, cause: 'Nothing is wrong now.', evidence: [] },
    events: [
      event(1, { type: 'build.start', source: 'kn-lambda', data: { third_party_id: 'acme', parser_id: 'transfers' } }),
      event(2),
      event(3, { type: 'build.complete', data: { status: 'success', image_uri: IMAGE, duration_ms: 1200 } }),
      event(4, { type: 'lifecycle.function.ready', data: { revision: 'fn-acme-transfers-00002', url: HOSTILE } }),
    ],
  });
}
