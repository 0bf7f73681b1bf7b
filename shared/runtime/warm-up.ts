/**
 * Runs a function's whole path once, without its clients and its configuration. This fills Node's compile cache with
 * the code that a cold start runs.
 */
import * as z from 'zod';
import { startFunction } from './start-function.ts';
import type { EventSchemas, FunctionDefinition } from './types.ts';

export async function warmUp<Config extends z.ZodType, Schemas extends EventSchemas, Deps>(
  definition: FunctionDefinition<Config, Schemas, Deps>,
): Promise<void> {
  const withoutClients = {
    ...definition,
    config: z.object({}),
    routes: [],
    dependencies: () => undefined,
    handle: () => undefined,
    close: async () => undefined,
  };
  const running = await startFunction(withoutClients, { PORT: '0', METRICS_PORT: '0', LOG_LEVEL: 'fatal' });
  const url = `http://127.0.0.1:${running.port}/`;
  const [type = ''] = Object.keys(definition.events);
  const event = {
    'ce-specversion': '1.0',
    'ce-id': '1',
    'ce-source': 'rehearsal',
    'ce-type': type,
    'content-type': 'application/json',
  };
  await fetch(`${url}health/readiness`);
  for (const headers of [event, {}]) {
    await (await fetch(url, { method: 'POST', headers, body: '{}' })).arrayBuffer();
  }
  await fetch(`http://127.0.0.1:${running.metricsPort}/metrics`);
  await running.close();
}
