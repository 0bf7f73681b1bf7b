/** A function running in this process, with its log at hand. */
import * as z from 'zod';
import { identityFields } from '#shared/events/identity.ts';
import { type RunningFunction, startFunction } from '#shared/runtime/start-function.ts';
import type { EventSchemas, FunctionDefinition } from '#shared/runtime/types.ts';

export interface Running extends RunningFunction {
  url: string;
  /** Parsed log lines. */
  lines: Record<string, unknown>[];
}

export const demoEvents = {
  'demo.start': z.object({
    ...identityFields,
    correlation_id: z.string().max(200).optional(),
    count: z.int().default(1),
  }),
};

type Demo = FunctionDefinition<z.ZodType, typeof demoEvents, unknown>;

/** Replies demo.done, which is not in the catalogue, so that these tests hang on no event of the product. */
export function demo(
  handle: (...handled: Parameters<Demo['handle']>) => unknown = () => ({ type: 'demo.done' }),
): Demo {
  const definition = { name: 'demo', config: z.object({}), events: demoEvents, dependencies: () => ({}), handle };
  return definition as Demo;
}

export async function run<Schemas extends EventSchemas, Deps>(
  definition: FunctionDefinition<z.ZodType, Schemas, Deps>,
  environment: Record<string, string> = {},
): Promise<Running> {
  const lines: Record<string, unknown>[] = [];
  const destination = { write: (line: string) => void lines.push(JSON.parse(line)) };
  const running = await startFunction(definition, { PORT: '0', METRICS_PORT: '0', ...environment }, destination);
  return { ...running, url: `http://127.0.0.1:${running.port}/`, lines };
}
