/** Builds, S3, what is kept there, and what keeps tenants apart. */
import { HOUR, MINUTE, SECOND } from '#shared/durations.ts';
import { PROCESSED_ANNOTATION } from '#shared/specs/annotations.ts';
import { ADMISSION_LABEL } from '#shared/specs/labels.ts';
import { type Finding, failed, noneOf, ok, type Question, some, warning } from './check.ts';
import { troubled } from './cluster-questions.ts';
import type { StorageFact } from './facts.ts';

const LONGEST_BUILD = HOUR;
const LONGEST_WAIT = 30 * MINUTE;
const MANY_LETTERS = 100;
const MOST_SKEW = 30 * SECOND;

export const BUILDS_QUESTIONS: Question[] = [
  {
    name: 'admission',
    needs: 'the Lease of the builds namespace',
    look: ({ hasLease }) =>
      hasLease === undefined
        ? undefined
        : hasLease
          ? ok('the Lease admission is there')
          : failed('there is no Lease admission, so no build begins', 'Deploy again', 'make deploy'),
  },
  {
    name: 'stuck-builds',
    needs: 'Jobs of the builds namespace',
    look: ({ jobs, now }) =>
      noneOf(
        jobs?.filter(
          ({ metadata }) =>
            metadata?.annotations?.[PROCESSED_ANNOTATION] === undefined &&
            metadata?.labels?.[ADMISSION_LABEL] !== 'waiting' &&
            now.getTime() - Date.parse(String(metadata?.creationTimestamp)) > LONGEST_BUILD,
        ),
        'no build takes longer than an hour',
        (old) =>
          warning(
            `under way for more than an hour: ${some(old.map(({ metadata }) => metadata?.name ?? ''))}`,
            'sweep ends what nobody answers for: see the Jobs, and its log',
            'kubectl get jobs -A -l app.kubernetes.io/component=build',
          ),
      ),
  },
  {
    name: 'waiting-builds',
    needs: 'Jobs of the builds namespace',
    look: ({ jobs, now }) => {
      const waiting = jobs?.filter(({ metadata }) => metadata?.labels?.[ADMISSION_LABEL] === 'waiting');
      const long = waiting?.filter(
        ({ metadata }) => now.getTime() - Date.parse(String(metadata?.creationTimestamp)) > LONGEST_WAIT,
      );
      return (
        waiting &&
        long &&
        (long.length === 0
          ? ok(`${waiting.length} builds wait, none for long`)
          : warning(
              `${long.length} builds wait for more than half an hour`,
              'Raise MAX_CONCURRENT_BUILDS, or let explain say why those that run do not end',
              'kn-lambda explain',
            ))
      );
    },
  },
  {
    name: 'build-pods',
    needs: 'pods of the builds namespace',
    look: ({ buildPods }) =>
      noneOf(buildPods && troubled(buildPods), 'every build pod starts', (bad) =>
        failed(
          `does not start: ${some(bad)}`,
          'See what Kubernetes says of them, and mend that: image, quota, room on the nodes',
          'kubectl get pods -A -l app.kubernetes.io/component=build',
        ),
      ),
  },
];

function bucket(fact: StorageFact | undefined, what: string): Finding | undefined {
  return (
    fact &&
    (fact.problem === undefined
      ? ok(`${what} can be used`)
      : failed(
          `${what} cannot be used: ${fact.problem}`,
          'See what the settings say, and mend the bucket, its rights or the address of S3',
          'kubectl get configmap knative-lambda-config -o yaml',
        ))
  );
}

export const STORAGE: Question[] = [
  {
    name: 'temporary-bucket',
    needs: 'TEMPORARY_BUCKET',
    look: ({ temporaryBucket }) => bucket(temporaryBucket, 'TEMPORARY_BUCKET'),
  },
  { name: 'source-bucket', needs: 'SOURCE_BUCKET', look: ({ sourceBucket }) => bucket(sourceBucket, 'SOURCE_BUCKET') },
  {
    name: 'conditional-writes',
    needs: 'S3',
    look: ({ isCreateExclusive }) =>
      isCreateExclusive === undefined
        ? undefined
        : isCreateExclusive
          ? ok('S3 honours If-None-Match')
          : failed(
              'S3 overwrites what it was told to create',
              'Requests could end twice: use a store that honours If-None-Match',
              'aws s3api put-object --if-none-match "*"',
            ),
  },
  {
    name: 'clock',
    needs: "S3's clock",
    look: ({ clockSkew }) =>
      clockSkew === undefined
        ? undefined
        : Math.abs(clockSkew) <= MOST_SKEW
          ? ok("S3's clock and this one agree")
          : failed(
              `S3's clock is ${Math.round(clockSkew / SECOND)} s from this one`,
              'Signatures and the order of builds depend on it: synchronise both',
              'timedatectl',
            ),
  },
  {
    name: 'waiting-requests',
    needs: 'requests in S3',
    look: ({ oldestRequest, now }) => {
      const age = oldestRequest instanceof Date ? now.getTime() - oldestRequest.getTime() : 0;
      return oldestRequest === undefined
        ? undefined
        : age <= HOUR
          ? ok('every request is answered for')
          : failed(
              `a request waits for ${Math.round(age / HOUR)} h, and nobody answers for it`,
              'sweep sends it again every minute: let explain say why that fails',
              'kn-lambda explain',
            );
    },
  },
  {
    name: 'dead-letters',
    needs: 'dead letters in S3',
    look: ({ letters }) => {
      const open = letters?.filter(({ state }) => state === 'open').length;
      return open === undefined
        ? undefined
        : open < MANY_LETTERS
          ? ok(`${open} are open`)
          : warning(
              `${open} or more are open`,
              'The list shows what they have in common: mend that, then replay',
              'kn-lambda dead-letters list',
            );
    },
  },
  {
    name: 'growing-dead-letters',
    needs: 'dead letters in S3',
    look: ({ letters, now }) =>
      noneOf(
        letters?.filter(({ state, time }) => state === 'open' && now.getTime() - Date.parse(time) < HOUR),
        'none came in the last hour',
        (fresh) =>
          warning(
            `${fresh.length} came in the last hour: ${some([...new Set(fresh.map(({ reason }) => reason))])}`,
            'The list of the dead letters has their reasons: mend what they name, then replay',
            'kn-lambda dead-letters list',
          ),
      ),
  },
  {
    name: 'recording',
    needs: 'the feed in S3',
    look: ({ lastRecorded, jobs, now }) => {
      const built = jobs?.some(
        ({ metadata }) => now.getTime() - Date.parse(String(metadata?.creationTimestamp)) < HOUR,
      );
      const isSilent =
        lastRecorded === 'none' || (lastRecorded !== undefined && now.getTime() - lastRecorded.getTime() > HOUR);
      return lastRecorded === undefined
        ? undefined
        : built && isSilent
          ? failed(
              'builds have run in the last hour, and nothing was recorded',
              'See the log of recorder, and its Triggers',
              'kubectl get ksvc recorder && kubectl get triggers',
            )
          : ok(lastRecorded === 'none' ? 'nothing has happened yet' : 'what happens is recorded');
    },
  },
];

export const SECURITY: Question[] = [
  {
    name: 'authentication',
    needs: 'AUTHENTICATION',
    look: ({ settings: { authentication }, platform }) =>
      authentication === 'required' || platform === 'laptop'
        ? ok(`AUTHENTICATION is ${authentication}${platform === 'laptop' ? ', which a laptop may have' : ''}`)
        : warning(
            `AUTHENTICATION is ${authentication}: whoever reaches the Broker may send anything`,
            'Set AUTHENTICATION=required, write principals (docs/tenants.md), then deploy',
            'make deploy',
          ),
  },
  {
    name: 'source-prefix',
    needs: 'SOURCE_PREFIX',
    look: ({ settings: { sourcePrefix }, platform }) =>
      sourcePrefix.includes('{third_party_id}') || platform === 'laptop'
        ? ok(`sources lie under ${sourcePrefix}`)
        : warning(
            `SOURCE_PREFIX is ${sourcePrefix}: tenants with one parser_id share a folder`,
            'Set it with {third_party_id} in it, then deploy',
            'make deploy',
          ),
  },
  {
    name: 'network-policies',
    needs: 'NetworkPolicies of both namespaces',
    look: ({ policies, platform }) => {
      const isIsolated = policies?.some(({ metadata }) => metadata.namespace?.endsWith('-builds'));
      return (
        policies &&
        (isIsolated || platform === 'laptop'
          ? ok(`${policies.length} are there; whether the network enforces them, only make e2e can tell`)
          : failed(
              'no NetworkPolicy holds for build pods',
              "Users' commands may reach anything: deploy again",
              'make deploy',
            ))
      );
    },
  },
];
