/** The parts of a function: its configuration, the events it takes, the clients it needs, and a pure handler. */
import type { Logger } from 'pino';
import type * as z from 'zod';
import type { NewEvent, ReceivedEvent } from '#shared/events/event.ts';
import type { Claims } from '#shared/events/signature.ts';
import type { Answer, FunctionRequest } from './request.ts';
import type { Route } from './routes.ts';

/** The events that a function takes: type → schema of its data. The key `*` takes every type. */
export type EventSchemas = Record<string, z.ZodType>;

/** One of the declared events; narrow by `type`. */
export type AcceptedEvent<Schemas extends EventSchemas> = {
  [Type in keyof Schemas & string]: ReceivedEvent<z.infer<Schemas[Type]>> & { type: Type extends '*' ? string : Type };
}[keyof Schemas & string];

export type Handled = NewEvent | Answer | undefined;

export interface HandlerContext {
  log: Logger;
  /** Adds fields to the one line that is logged of this event. */
  note: (fields: Record<string, unknown>) => void;
  /** The request as it came, for functions that pass an event on byte for byte. In `event` everything is decoded. */
  request: FunctionRequest;
  /** For whom the event was signed; undefined where it was not, or nobody looked. */
  claims?: Claims | undefined;
}

export interface FunctionDefinition<Config extends z.ZodType, Schemas extends EventSchemas, Deps> {
  name: string;
  /** How long events in flight may still take when the process is told to end. Default 25. */
  drainSeconds?: number;
  /** Parsed from the environment. All problems are reported together, and end the process with code 1. */
  config: Config;
  events: Schemas;
  /**
   * Makes the real clients. Runs once, right after the function listens: they are loaded before the first event.
   * Heavy SDKs are imported in here, by `await import()`.
   */
  dependencies: (config: z.infer<Config>) => Deps | Promise<Deps>;
  /**
   * Types that only start a pod, so that its cold start is over when the next event of the chain comes. They are
   * acknowledged whatever they say: the function that they are meant for refuses them.
   */
  wakes?: readonly string[];
  /** Types that are taken without a signature: what such an event says is read again before anything is done. */
  unsigned?: readonly string[];
  /**
   * Whose requests it answers. The Broker takes a reply event, and destroys what it got a 4xx for. Clients get a
   * problem in the answer itself; their events have no signature yet.
   */
  answers?: 'the Broker' | 'clients';
  /** What it answers beside `POST /`, which stays the events'. */
  routes?: readonly Route<Deps>[];
  /** Runs at the end, when nothing is in flight any more: what was put off is done now. It has two seconds. */
  close?(deps: Deps): Promise<void>;
  /** Pure: all its effects go through `deps`. It returns the reply event; to clients an HTTP answer. */
  handle: (event: AcceptedEvent<Schemas>, deps: Deps, context: HandlerContext) => Handled | Promise<Handled>;
}
