/** What a function needs of tracing, and how it does without an SDK. otlp-traces.ts is the one with an SDK. */
import { newTraceparent, type Traceparent } from './traceparent.ts';

/** Primitive values only: they become span attributes. */
export type SpanAttributes = Record<string, string | number | boolean>;

export interface EventSpan {
  /** Of this span: what logs, answers and caused events carry. */
  readonly traceparent: Traceparent;
  /** Runs `work` so that spans started in it are this one's children. */
  run<T>(work: () => T): T;
  annotate(attributes: SpanAttributes): void;
  /** `error` marks the span as failed. */
  end(error?: unknown): void;
}

export interface SpanStart {
  name: string;
  /** The hop that brought the request: the HTTP header. */
  parent: Traceparent | undefined;
  /** Where the event was made: its extension, which stays the same over all hops. */
  creation: Traceparent | undefined;
}

export interface Tracing {
  startSpan(start: SpanStart): EventSpan;
  /** Sends what is left, for at most `milliseconds`; never rejects. */
  shutdown(milliseconds: number): Promise<void>;
}

/** The parent's context handed on, or a new one: traces stay whole although this process records nothing. */
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
