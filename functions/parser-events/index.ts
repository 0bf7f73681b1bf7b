/** Starts parser-events, which needs nothing but its own metrics. */
import * as z from 'zod';
import { parserCompleteSchema, parserStartSchema } from '#shared/events/parser.ts';
import { defineFunction } from '#shared/runtime/define-function.ts';
import { handleParserEvent } from './handler.ts';
import { createParserMetrics } from './metrics.ts';

await defineFunction({
  name: 'parser-events',
  config: z.object({}),
  events: { 'parser.start': parserStartSchema, 'parser.complete': parserCompleteSchema },
  dependencies: () => ({ metrics: createParserMetrics() }),
  handle: handleParserEvent,
});
