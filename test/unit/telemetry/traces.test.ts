/** Spans as a collector receives them. */
import { trace } from '@opentelemetry/api';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { demo, type Running, run } from '#test/unit/runtime/run.ts';
import { send, sendBinary } from '#test/unit/runtime/send.ts';
import { type Collector, startCollector } from './collector.ts';

const HOP = { trace: '4bf92f3577b34da6a3ce929d0e0e4736', span: '00f067aa0ba902b7' };
const CREATION = { trace: '11111111111111111111111111111111', span: '2222222222222222' };

let collector: Collector;
let running: Running;
const answers: Record<string, string> = {};

// One run: the SDK's providers are global to a process.
beforeAll(async () => {
  collector = await startCollector();
  running = await run(
    demo(async ({ data }) => {
      await new Promise((resolve) => setImmediate(resolve));
      trace.getTracer('test').startSpan('within').end();
      if (data.count === 2) {
        throw new Error('unforeseen');
      }
      return { type: 'demo.done' };
    }),
    {
      OTEL_EXPORTER_OTLP_ENDPOINT: `${collector.endpoint}/`,
      K_SERVICE: 'the-service',
      K_REVISION: 'the-service-00001',
      HOSTNAME: 'the-pod',
    },
  );
  const traceparents = {
    traceparent: `00-${HOP.trace}-${HOP.span}-00`,
    'ce-traceparent': `00-${CREATION.trace}-${CREATION.span}-01`,
  };
  answers['hop'] = String(
    (await sendBinary(running.url, { 'ce-id': 'hop', 'ce-subject': 'acme/p1', ...traceparents })).headers[
      'ce-traceparent'
    ],
  );
  answers['alone'] = String((await sendBinary(running.url, { 'ce-id': 'alone' })).headers['ce-traceparent']);
  answers['created'] = String(
    (await sendBinary(running.url, { 'ce-id': 'created', 'ce-traceparent': traceparents['ce-traceparent'] })).headers[
      'ce-traceparent'
    ],
  );
  await sendBinary(running.url, { 'ce-id': 'failed' }, { third_party_id: 'acme', parser_id: 'p1', count: 2 });
  await send(running.url, {});
  // Without waiting for the batch: what is left goes at the end.
  await running.close();
});
afterAll(() => collector.close());

const spanOf = (id: string) => collector.spans.find(({ attributes }) => attributes['cloudevents.event_id'] === id);

test('an event is a CONSUMER span below the hop that brought it, linked to where it was made', () => {
  const found = spanOf('hop');
  expect(found?.span).toMatchObject({
    name: 'process demo.start',
    kind: 5,
    traceId: HOP.trace,
    parentSpanId: HOP.span,
  });
  expect(found?.span.links).toMatchObject([{ traceId: CREATION.trace, spanId: CREATION.span }]);
  expect(found?.attributes).toMatchObject({
    'cloudevents.event_id': 'hop',
    'cloudevents.event_source': 'test',
    'cloudevents.event_type': 'demo.start',
    'cloudevents.event_spec_version': '1.0',
    'cloudevents.event_subject': 'acme/p1',
    'faas.trigger': 'pubsub',
    'faas.coldstart': true,
    'faas.invocation_id': 'hop',
    'knative_lambda.third_party_id': 'acme',
    'knative_lambda.outcome': 'replied',
  });
  expect(found?.resource).toMatchObject({
    'service.name': 'the-service',
    'faas.name': 'demo',
    'faas.version': 'the-service-00001',
    'k8s.pod.name': 'the-pod',
  });
});

test('the reply carries the span, recorded', () => {
  expect(answers['hop']).toBe(`00-${HOP.trace}-${spanOf('hop')?.span.spanId}-01`);
});

test('without a hop the event is the parent, without either a trace begins', () => {
  expect(spanOf('created')?.span).toMatchObject({ traceId: CREATION.trace, parentSpanId: CREATION.span });
  expect(spanOf('alone')?.span.parentSpanId ?? '').toBe('');
  expect(answers['alone']).toContain(spanOf('alone')?.span.traceId);
  expect(spanOf('alone')?.attributes['faas.coldstart']).toBe(false);
});

test('what the handler starts hangs below it, also after an await', () => {
  const parent = spanOf('hop')?.span;
  expect(collector.spans.map(({ span }) => span)).toContainEqual(
    expect.objectContaining({ name: 'within', traceId: parent.traceId, parentSpanId: parent.spanId }),
  );
});

test('a failure is an error with its exception', () => {
  const found = spanOf('failed');
  expect(found?.span.status.code).toBe(2);
  expect(found?.span.events[0].name).toBe('exception');
});

test('a request that is no event is a span, too', () => {
  expect(
    collector.spans.some(
      ({ span, attributes }) => span.name === 'process demo' && attributes['knative_lambda.outcome'] === 'refused',
    ),
  ).toBe(true);
});
