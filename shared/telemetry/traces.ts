/** The tracing that functions need, and an implementation without an SDK. otlp-traces.ts has the one with an SDK. */
import { newTraceparent, type Traceparent } from './traceparent.ts';

/** Primitive values only: they become span attributes. */
export type SpanAttributes = Record<string, string | number | boolean>;

export interface EventSpan {
  /** Of this span. Logs, answers and caused events carry it. */
  readonly traceparent: Traceparent;
  /** Runs `work` so that spans started in it are this one's children. */
  run<T>(work: () => T): T;
  annotate(attributes: SpanAttributes): void;
  /** `error` marks the span as failed. */
  end(error?: unknown): void;
}

export interface SpanStart {
  name: string;
  /** The previous hop, from the HTTP header. */
  parent: Traceparent | undefined;
  /** The origin of the event, from its extension, which stays the same over all hops. */
  creation: Traceparent | undefined;
}

export interface Tracing {
  startSpan(start: SpanStart): EventSpan;
  /** Sends the remaining spans, for at most `milliseconds`. Never rejects. */
  shutdown(milliseconds: number): Promise<void>;
}

/** Passes the parent's context on, or a new one: traces stay connected although this process records no spans. */
export const untraced: Tracing = {
  startSpan({ parent, creation }) {
    return {
      traceparent: parent ?? creation ?? newTraceparent(),
      run: (work) => work(),
      annotate: () => undefined,
      end: () => undefined,
    };
  },
  shutdown: async () => undefined,
};
