/**
 * Tracing by the OpenTelemetry SDK, sent by OTLP over HTTP. The SDK is heavy, so this module is imported only if an
 * endpoint is configured, and after the function listens.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import {
  type Context,
  type ContextManager,
  context,
  ROOT_CONTEXT,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { detectResources, envDetector, resourceFromAttributes } from '@opentelemetry/resources';
import { AlwaysOnSampler, BatchSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { SECOND } from '#shared/durations.ts';
import { networkCode } from '#shared/network-code.ts';
import type { Traceparent } from './traceparent.ts';
import type { SpanAttributes, Tracing } from './traces.ts';

/** A pod may end seconds after its last event. The SDK's own 5 s would lose spans if the last flush is cut short. */
const BATCH_DELAY_MS = 1000;

/** Seconds: the collector may be away for long, and spans are made all the time. */
const TELL_AGAIN = 60;

/** `warn` is told, once a minute, that spans are lost and why: the SDK itself is silent. */
export function otlpTracing(endpoint: string, resource: SpanAttributes, warn: (message: string) => void): Tracing {
  const exporter = new OTLPTraceExporter({ url: `${endpoint.replace(/\/+$/, '')}/v1/traces` });
  tellFailures(exporter, (cause) => warn(`traces cannot be sent to ${endpoint}, and are lost: ${cause}`));
  const provider = new TracerProvider({
    resource: resourceFromAttributes(resource).merge(detectResources({ detectors: [envDetector] })),
    // While Knative's own tracing is off, its components put an unsampled traceparent on every event, and a
    // parent-based sampler would record nothing. Sampling is left to the collector.
    sampler: new AlwaysOnSampler(),
    spanProcessors: [new BatchSpanProcessor({ exporter, scheduledDelayMillis: BATCH_DELAY_MS })],
  });
  context.setGlobalContextManager(new AsyncContextManager());
  trace.setGlobalTracerProvider(provider);
  const tracer = provider.getTracer('knative-lambda');

  return {
    startSpan({ name, parent, creation }) {
      const from = parent ?? creation;
      const parentContext = from ? trace.setSpanContext(ROOT_CONTEXT, spanContextOf(from)) : ROOT_CONTEXT;
      const links =
        parent && creation && parent.spanId !== creation.spanId ? [{ context: spanContextOf(creation) }] : [];
      const span = tracer.startSpan(name, { kind: SpanKind.CONSUMER, links }, parentContext);
      const { traceId, spanId, traceFlags } = span.spanContext();
      return {
        traceparent: { traceId, spanId, flags: traceFlags & 1 },
        run: (work) => context.with(trace.setSpan(parentContext, span), work),
        annotate: (attributes) => {
          span.setAttributes(attributes);
        },
        end: (error) => {
          if (error !== undefined) {
            span.setStatus({ code: SpanStatusCode.ERROR });
            span.recordException(error instanceof Error ? error : String(error));
          }
          span.end();
        },
      };
    },
    async shutdown(milliseconds) {
      const flushed = provider.shutdown().catch(() => undefined);
      await Promise.race([flushed, new Promise((resolve) => setTimeout(resolve, milliseconds).unref())]);
    },
  };
}

function tellFailures(exporter: OTLPTraceExporter, tell: (cause: string) => void): void {
  const send = exporter.export.bind(exporter);
  let toldAt = Number.NEGATIVE_INFINITY;
  exporter.export = (spans, done) =>
    send(spans, (result) => {
      const now = performance.now();
      if (result.error && now - toldAt > TELL_AGAIN * SECOND) {
        toldAt = now;
        const cause = networkCode(result.error);
        tell(cause === 'no answer' ? result.error.message : cause);
      }
      done(result);
    });
}

function spanContextOf({ traceId, spanId, flags }: Traceparent): SpanContext {
  return { traceId, spanId, traceFlags: flags, isRemote: true };
}

/** The SDK brings a context manager for synchronous code only. */
class AsyncContextManager implements ContextManager {
  readonly #storage = new AsyncLocalStorage<Context>();

  active(): Context {
    return this.#storage.getStore() ?? ROOT_CONTEXT;
  }

  with<A extends unknown[], F extends (...args: A) => ReturnType<F>>(
    active: Context,
    work: F,
    thisArg?: ThisParameterType<F>,
    ...args: A
  ): ReturnType<F> {
    return this.#storage.run(active, () => work.call(thisArg as never, ...args));
  }

  bind<T>(active: Context, target: T): T {
    if (typeof target !== 'function') {
      return target;
    }
    return ((...args: unknown[]) => this.#storage.run(active, () => target(...args))) as T;
  }

  enable(): this {
    return this;
  }

  disable(): this {
    this.#storage.disable();
    return this;
  }
}
