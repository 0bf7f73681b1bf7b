/** What a function is made of: its configuration, the events it takes, the clients it needs, and a pure handler. */
import type { Logger } from 'pino';
import type * as z from 'zod';
import type { NewEvent, ReceivedEvent } from '#shared/events/event.ts';
import type { FunctionRequest } from './request.ts';

/** The events a function takes: type → schema of its data. The key `*` takes every type. */
export type EventSchemas = Record<string, z.ZodType>;

/** One of the declared events; narrow by `type`. */
export type AcceptedEvent<Schemas extends EventSchemas> = {
  [Type in keyof Schemas & string]: ReceivedEvent<z.infer<Schemas[Type]>> & { type: Type extends '*' ? string : Type };
}[keyof Schemas & string];

export interface HandlerContext {
  log: Logger;
  /** For what has to go on byte for byte: in the event, attributes are decoded and JSON is parsed. */
  request: FunctionRequest;
}

export interface FunctionDefinition<Config extends z.ZodType, Schemas extends EventSchemas, Deps> {
  name: string;
  /** Parsed from the environment in init(); all problems are reported together and end the process with code 1. */
  config: Config;
  events: Schemas;
  /**
   * Builds the real clients. Runs once, right after the function listens, so that the first event finds them loaded:
   * import heavy SDKs in here with `await import()`.
   */
  dependencies: (config: z.infer<Config>) => Deps | Promise<Deps>;
  /** Pure: what it does to the world it does through `deps`. What it returns is the reply event. */
  handle: (
    event: AcceptedEvent<Schemas>,
    deps: Deps,
    context: HandlerContext,
  ) => NewEvent | undefined | Promise<NewEvent | undefined>;
}
