import { describe, expect, test } from 'vitest';
import type { BrokerEvent } from '#local/broker/broker-event.ts';
import type { TapEntry } from '#local/broker/tap.ts';
import { eventLine } from '#local/run/event-line.ts';

function event(type: string, data: unknown = {}, subject = 'acme/p1'): BrokerEvent {
  return { attributes: { type, subject }, data: Buffer.from(JSON.stringify(data)) };
}

function delivered(sent: BrokerEvent, more: Partial<Extract<TapEntry, { kind: 'delivered' }>> = {}): TapEntry {
  return {
    kind: 'delivered',
    trigger: 'ns/build-start',
    event: sent,
    subscriber: '',
    status: 202,
    attempt: 1,
    ms: 84.6,
    deadLetter: false,
    ...more,
  };
}

function handedOn(deliverylane: string): BrokerEvent {
  return { attributes: { type: 'parser.deliver', subject: 'acme/p1', deliverylane }, data: Buffer.from('{}') };
}

const change = event('dev.knative.apiserver.resource.update', {}, '/apis/batch/v1/namespaces/ns/jobs/build-x');

describe('the line of an event', () => {
  test.each([
    {
      case: 'a reply',
      entry: delivered(event('build.start'), { reply: event('job.start') }),
      line: '     12 ms  build.start                acme/p1               build-start → job.start  85 ms',
    },
    {
      case: 'a dead letter',
      entry: delivered(event('x'), { deadLetter: true, status: 200 }),
      line: '     12 ms  x                          acme/p1               build-start (dead letter)  85 ms',
    },
    {
      case: 'a refusal',
      entry: delivered(event('x'), { status: 503, attempt: 2 }),
      line: '     12 ms  x                          acme/p1               build-start: HTTP 503, attempt 2',
    },
    {
      case: 'silence',
      entry: delivered(event('x'), { status: -1 }),
      line: '     12 ms  x                          acme/p1               build-start: no answer, attempt 1',
    },
    {
      case: 'an end with its reason',
      entry: delivered(event('build.complete', { status: 'failed', reason: 'CompileFailed', error_message: 'a\nb' })),
      line: '     12 ms  build.complete             acme/p1               build-start  85 ms  (failed, CompileFailed, a)',
    },
    {
      case: 'a call that failed, with why',
      entry: {
        kind: 'published' as const,
        broker: 'ns/default',
        triggers: 0,
        event: event('parser.complete', { succeeded: false, error: { type: 'Timeout', message: 'too slow\nb' } }),
      },
      line: '     12 ms  parser.complete            acme/p1               nobody subscribes to it  (succeeded: false, Timeout: too slow)',
    },
    ...[
      { lane: 'own', where: "the function's own queue" },
      { lane: 'overflow', where: 'the queue of calls that wait' },
    ].map(({ lane, where }) => ({
      case: `a call that is handed on to ${where}`,
      entry: delivered(event('parser.start'), { trigger: 'ns/parser-events-start', reply: handedOn(lane) }),
      line: `     12 ms  parser.start               acme/p1               parser-events-start → parser.deliver: to ${where}  85 ms`,
    })),
    {
      case: 'what nobody takes',
      entry: {
        kind: 'published' as const,
        broker: 'ns/default',
        triggers: 0,
        event: event('lifecycle.build.started', { state: 'started' }),
      },
      line: '     12 ms  lifecycle.build.started    acme/p1               nobody subscribes to it  (started)',
    },
    {
      case: 'a change that means something',
      entry: delivered(change, { trigger: 'ns/cluster-events-update', reply: event('build.complete') }),
      line: '     12 ms  kubernetes change          jobs/build-x          cluster-events-update → build.complete  85 ms',
    },
    { case: 'a change that means nothing', entry: delivered(change), line: undefined },
    { case: 'a minute', entry: delivered(event('dev.knative.sources.ping')), line: undefined },
    {
      case: 'what is shown at its delivery',
      entry: { kind: 'published' as const, broker: 'ns/default', triggers: 2, event: event('x') },
      line: undefined,
    },
    {
      case: 'a loss',
      entry: { kind: 'dropped' as const, trigger: 'ns/t', event: event('x'), status: 500 },
      line: '     12 ms  x                          acme/p1               t failed every time (HTTP 500): dropped',
    },
  ])('tells $case', ({ entry, line }) => {
    expect(eventLine(entry, 12.4, (_, text) => text)).toBe(line);
  });

  test('copes with data that is no JSON', () => {
    const odd: BrokerEvent = { attributes: { type: 'build.complete' }, data: Buffer.from('<xml>') };
    expect(eventLine(delivered(odd), 0, (_, text) => text)).toContain('build.complete');
  });
});
