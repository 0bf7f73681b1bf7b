/** Every row of docs/failures.md, planted as facts: explain names the cause, what it rests on, and what to do. */

import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { Build, Explanation, Letter } from '#shared/api/schemas.ts';
import type { Facts } from '#shared/explain/facts.ts';
import { knownAdvice } from '#shared/explain/known-errors.ts';
import { ago, build, call, event, fn, letter, of } from './facts.ts';

const text = readFileSync(new URL('../../../docs/failures.md', import.meta.url), 'utf8');
const ROWS = text
  .slice(text.indexOf('## Step by step'))
  .split('\n')
  .filter((line) => line.startsWith('| ') && !line.startsWith('| what goes wrong') && !line.startsWith('|---'))
  .map((line) => line.split('|')[1]?.trim() ?? '');

const running = (changes: Partial<Build> = {}) =>
  ({ ...build({ status: 'running', ...changes }), completed_at: undefined, duration_ms: undefined }) as Build;
const ended = (reason: string, error_message: string, changes: Partial<Build> = {}) =>
  of('build', {
    build: build({ reason, error_message, ...changes }),
    chain: [event('lifecycle.build.failed', 9, { reason })],
  });
const late = (waited: number, last = 'build.start', more: Partial<Facts> = {}) =>
  of('build', { build: running(), chain: [event(last, waited)], ...more });
const dead = (reason: string, advice: string, changes: Partial<Letter> = {}) =>
  of('letter', { letters: [letter(reason, { advice, ...changes })] });
const answered = (type: string, message: string) => of('call', { call: call(type, message), fn: fn() });
const waits = (more: Partial<Facts> = {}) =>
  of('call', { fn: fn({ state: 'starting', message: 'is waiting for a pod' }), ...more });
const broken = (object: string, message: string, about: Facts['about'] = 'now') =>
  of(about, { platform: [{ object, message }] });
const deployed = of('build', { build: build({ status: 'success', image_uri: 'i' }), fn: fn({ image_uri: 'i' }) });

/** What explain says, and a part of it that names this cause and no other. */
const PLANTED: Record<string, [Explanation, RegExp]> = {
  'the Broker or RabbitMQ is down': [
    broken('Broker default', 'connection refused', 'build'),
    /Broker default .*connection refused/,
  ],
  'the same event is sent twice': [deployed, /succeeded/],
  'it is no CloudEvent': [dead('NotACloudEvent', 'it has no ce-type. Send it as kn event does'), /no ce-type/],
  'its data is wrong': [
    dead('InvalidEvent', 'data.parser_id is missing. Correct it', { category: 'permanent' }),
    /parser_id is missing/,
  ],
  'no source, unsafe keys, unknown language, unreadable manifest, too large': [
    ended('NoSource', 'there is no file under s3://b/p. Upload it'),
    /no file under/,
  ],
  'the source changes while it is read': [
    dead('SourceChanging', 'the source changed while it was packed. Send it again', { type: 'build.start' }),
    /changed while/,
  ],
  'S3 is slow, throttles, is down': [
    late(90, 'build.start', {
      letters: [
        letter('Unavailable', { type: 'build.start', advice: 'S3 failed at listing s3://b: 503. Bring it back' }),
      ],
    }),
    /S3 failed at listing/,
  ],
  'S3 denies access': [
    late(90, 'build.start', {
      letters: [
        letter('Forbidden', {
          type: 'build.start',
          advice: 'S3 refused listing s3://b: AccessDenied. Check the key pair',
        }),
      ],
    }),
    /AccessDenied/,
  ],
  'killed while packing': [late(70), /build-start has not answered build.start for 70 s/],
  'the reply is lost': [late(100), /build-start has not answered build.start for 100 s/],
  'all slots are taken': [
    of('build', {
      build: running({ status: 'queued', queue_position: 2 }),
      slots: { running: 10, waiting: 4 },
      chain: [event('lifecycle.build.started', 5)],
    }),
    /free slot, at place 2/,
  ],
  'the client is over its limit': [
    ended('TooManyBuilds', 'acme has 1000 builds that wait, and may have no more. Send it again in 60 s'),
    /1000 builds that wait/,
  ],
  'the client has begun as many builds as it may in a minute': [
    ended('TooManyBuilds', 'acme has begun 600 builds in this minute, and may begin no more. Send it again in 20 s'),
    /begun 600 builds in this minute/,
  ],
  'the API server is down, slow, answers 409, 429, 5xx, or its answer is lost after it did the work': [
    late(60, 'job.start'),
    /job-start has not answered job.start for 60 s/,
  ],
  'the quota is used up': [
    late(60, 'job.start', {
      letters: [
        letter('Throttled', {
          type: 'job.start',
          advice: 'exceeded quota: builds, requested: pods=1. Raise the quota',
        }),
      ],
    }),
    /exceeded quota/,
  ],
  'a newer source was requested': [
    ended('Superseded', 'a newer source of acme/p1 was requested. Wait for its end', { status: 'superseded' }),
    /newer source/,
  ],
  'service.delete arrives meanwhile': [
    ended('Cancelled', 'acme/p1 was deleted. Send build.start again', { status: 'cancelled' }),
    /was deleted/,
  ],
  'the Lease does not exist': [
    late(60, 'job.start', { platform: [{ object: 'Service job-start', message: 'there is no Lease admission' }] }),
    /no Lease admission/,
  ],
  'killed after it created the Job and before it admitted it': [
    of('build', { build: running({ status: 'queued', job_name: 'j' }), chain: [event('lifecycle.build.started', 50)] }),
    /waits for a free slot/,
  ],
  'the registry is slow, throttles, is down': [
    late(60, 'build.start', {
      letters: [
        letter('Unavailable', {
          type: 'build.start',
          advice: 'the registry failed at reading a manifest: 503. Bring it back',
        }),
      ],
    }),
    /registry failed/,
  ],
  'the registry refuses our credentials': [
    ended('ImagePushFailed', 'the image could not be pushed to r/x: 401. Check the registry'),
    /could not be pushed to r\/x/,
  ],
  'the registry has lost the base image, the dependency image or a layer of it': [
    of('build', { build: running({ job_name: 'j' }), chain: [event('lifecycle.build.started', 30)] }),
    /the build runs, since 30 s/,
  ],
  'build-start dies between two requests': [late(40), /build-start has not answered/],
  'the code fails when it is loaded': [
    of('build', {
      build: build({ status: 'success', image_uri: 'i' }),
      chain: [
        event('lifecycle.function.failed', 3, {
          error_message: 'revision r does not become ready: Container failed with: index.js:2: no such module "x".',
        }),
      ],
    }),
    /no such module/,
  ],
  'dependencies, compiler, Dockerfile': [
    ended(
      'DependencyInstallFailed',
      'the dependencies could not be installed: npm error 404 left-pda. Mend package.json',
    ),
    /left-pda/,
  ],
  'a private registry refuses': [
    ended('PrivateDependencyDenied', 'npm.acme.dev refused the dependency @acme/x with 401. Let the operator check'),
    /npm\.acme\.dev refused/,
  ],
  'out of memory': [
    ended('OutOfMemory', 'the build used more memory than it may (4Gi). Install fewer'),
    /more memory than it may \(4Gi\)/,
  ],
  'the node is drained or lost, or the pod is evicted (also for `BUILD_EPHEMERAL_STORAGE_LIMIT`)': [
    ended('Evicted', "the build's pod b-1 was evicted: its node was drained. Send build.start again"),
    /b-1 was evicted/,
  ],
  'too slow': [
    ended('BuildTimeout', 'the build did not end within its deadline of 1800 s. Make it smaller', {
      status: 'timeout',
    }),
    /deadline of 1800 s/,
  ],
  'the registry does not take the image': [
    ended('ImagePushFailed', 'the image could not be pushed to r/y: denied. Check the registry'),
    /pushed to r\/y: denied/,
  ],
  'the sidecar is lost, or cannot reach the Broker': [
    of('build', { build: running({ job_name: 'j' }), chain: [event('lifecycle.build.started', 700)] }),
    /run for 12 min already/,
  ],
  'somebody deletes the Job': [
    ended('Cancelled', 'the Job build-p1 was deleted. Send build.start again', { status: 'cancelled' }),
    /Job build-p1 was deleted/,
  ],
  'all its pods are gone before its end was sent': [
    ended('BuildFailed', 'the image was pushed, but its digest is lost. Send build.start with force'),
    /digest is lost/,
  ],
  'a forged or mistaken build.complete': [
    dead('InvalidEvent', 'no Job and no record confirms this build.complete', {
      category: 'permanent',
      type: 'build.complete',
    }),
    /no Job and no record confirms/,
  ],
  'a newer build was deployed meanwhile': [
    ended('Superseded', 'a newer build is deployed already. Nothing is to be done', { status: 'superseded' }),
    /newer build is deployed/,
  ],
  'there is a tombstone': [
    ended('Cancelled', 'acme/p1 was deleted at 2026-11-01. Send build.start again', { status: 'cancelled' }),
    /deleted at 2026/,
  ],
  'a Secret of `parameters.secrets` is missing, lacks the key, or is not labelled for the tenant': [
    ended('SecretNotFound', 'there is no Secret db in namespace n. kubectl create secret'),
    /no Secret db/,
  ],
  'Kubernetes refuses the Service': [
    ended('Refused', 'Kubernetes refused applying the Service: invalid value: scaling. Correct it'),
    /invalid value: scaling/,
  ],
  'killed between Service and Trigger, of a function with `delivery: own`': [deployed, /function is deployed/],
  'the function does not start': [
    of('function', {
      fn: fn({ state: 'failed', message: 'Revision "r" failed with message: parser.py:4: NameError: x.' }),
    }),
    /NameError/,
  ],
  'nothing in a container listens on `$PORT`': [
    of('function', {
      fn: fn({ state: 'starting', language: 'docker' }),
      pods: [{ name: 'p', unreadySince: ago(12), log: 'listening on 3000' }],
    }),
    /nothing in it listens on the port in \$PORT/,
  ],
  'the same parser.start is sent or delivered twice': [
    of('call', { call: { ...call('', ''), succeeded: true }, fn: fn() }),
    /was answered/,
  ],
  'no such function, or deleted': [
    dead('NoSuchFunction', 'there is no function acme/p2: is acme/p1 meant?', { category: 'permanent' }),
    /is acme\/p1 meant/,
  ],
  'a function with a queue of its own (`delivery: own`) is deleted': [
    of('function', { deletedAt: ago(60) }),
    /was deleted 60 s ago/,
  ],
  'the Trigger of such a function is deleted by hand': [
    of('call', { fn: fn({ delivery: 'own' }) }),
    /no failure of c1 is recorded/,
  ],
  'the function is being built or deployed': [waits(), /waits for the function, which is starting/],
  'Knative calls a function, or its new version, ready, and the ingress gateway has not heard of it yet': [
    of('call', { fn: fn() }),
    /under way/,
  ],
  'the function answers nonsense, 4xx or 5xx': [
    answered('BadReply', 'the function answered with status 500: oops. Answer 200 with the result'),
    /status 500: oops/,
  ],
  'the function hangs, or sends for ever': [
    answered('Timeout', 'the function did not answer within 20 s. Make it faster'),
    /did not answer within 20 s, after/,
  ],
  'a Secret that it refers to was deleted': [
    of('function', {
      fn: fn(),
      pods: [
        { name: 'p', trouble: 'container user-container waits: CreateContainerConfigError: secret "db" not found' },
      ],
    }),
    /secret "db" not found/,
  ],
  "the function's process ends, is killed, or resets the connection": [
    dead('Unavailable', 'the function "acme/p1" could not be called: the connection broke. Read its log'),
    /connection broke/,
  ],
  'the function is flooded': [
    dead('Throttled', 'the function "acme/p1" has no place for another call yet'),
    /no place for another call/,
  ],
  'the door is killed in the middle of a call': [of('call', { fn: fn() }), /under way/],
  "the door's reply is lost": [
    dead('ReplyNotDelivered', 'the event was handled, but the reply could not be sent'),
    /reply could not be sent/,
  ],
  'the API server is down': [broken('Kubernetes', 'no answer in time', 'call'), /Kubernetes does not work/],
  '`delivery` changes from shared to own, or back': [of('function', { fn: fn({ delivery: 'own' }) }), /is ready/],
  'killed after it wrote the tombstone': [of('function', { fn: fn({ state: 'deleting' }) }), /being deleted/],
  'a build.start at the same moment': [of('function', { deletedAt: ago(5) }), /was deleted 5 s ago/],
  'dead-letter fails, or S3 is down': [
    broken('Service dead-letter', 'Container failed'),
    /Service dead-letter does not work/,
  ],
  'the same letter comes again': [dead('Unavailable', 'it came 3 times'), /it came 3 times/],
  'a replayed event fails again': [
    dead('Poison', 'Replayed 2 times, and each time it came back', { category: 'permanent' }),
    /Replayed 2 times/,
  ],
  'RabbitMQ restarts': [broken('Broker default', 'RabbitMQ restarts'), /RabbitMQ restarts/],
  'a dispatcher is stopped (drain, upgrade, an edited Trigger)': [
    dead('DispatcherStopped', 'there was no answer, although somebody listens'),
    /somebody listens/,
  ],
  'an ApiServerSource restarts': [
    of('build', { build: running({ job_name: 'j' }), chain: [event('lifecycle.build.started', 61)] }),
    /the build runs, since 61 s/,
  ],
  'sweep itself is down': [
    broken('Service sweep', 'it crashes at the start'),
    /Service sweep does not work: it crashes/,
  ],
};

test('the rows of the page are those that are planted here', () => {
  expect(Object.keys(PLANTED).sort()).toEqual([...ROWS].sort());
});

describe.each(Object.entries(PLANTED))('%s', (_, [answer, names]) => {
  test('is named, with evidence and a next step where something is wrong', () => {
    expect(answer.cause).toMatch(names);
    expect(answer.cause).not.toMatch(/^(timeout|failed|error)$/i);
    if (!answer.healthy) {
      expect(answer.evidence.length).toBeGreaterThan(0);
      expect(answer.next?.say).toMatch(/\w+ \w+/);
    }
  });
});

describe('an error that names a symptom', () => {
  test.for([
    ['parser.js:1: ReferenceError: require is not defined in ES module scope', /"type": "module"/],
    ["parser.py:3: SyntaxError: (unicode error) 'utf-8' codec can't decode byte 0xf6 in position 1", /UTF-8/],
    [
      "FileNotFoundError: [Errno 2] No such file or directory: '/x/rootfs/app/data/rates.json'",
      /uploaded.*\.gitignore/,
    ],
    ['TypeError: byte indices must be integers or slices, not str', /content-type: application\/json/],
    ['TypeError: fetch failed: getaddrinfo ENOTFOUND rates.locl', /cannot resolve that host/],
    ['ProgrammingError: SQLite objects created in a thread can only be used in that same thread', /concurrency/],
  ] as const)('%s', ([text, advice]) => {
    expect(knownAdvice(text)).toMatch(advice);
  });

  test('that says itself what is wrong has no other advice', () => {
    expect(knownAdvice('ENOENT: no such file or directory, open /etc/x')).toBeUndefined();
  });
});
