/** Our functions with their real schemas, over an S3 and a Kubernetes in memory. */
import * as z from 'zod';
import { buildComplete } from '#functions/build-complete/handler.ts';
import { buildStart } from '#functions/build-start/handler.ts';
import { changedObject } from '#functions/cluster-events/changed-object.ts';
import { handleClusterEvent } from '#functions/cluster-events/handler.ts';
import { handleDeadLetter } from '#functions/dead-letter/handler.ts';
import { jobStart } from '#functions/job-start/handler.ts';
import { createKnownFunctions } from '#functions/parser-events/find-function.ts';
import { handleParserEvent } from '#functions/parser-events/handler.ts';
import { createPatience } from '#functions/parser-events/patience.ts';
import { createPlaces } from '#functions/parser-events/places.ts';
import { recorder } from '#functions/recorder/handler.ts';
import { serviceDelete } from '#functions/service-delete/handler.ts';
import { buildCompleteSchema } from '#shared/events/build-complete.ts';
import { buildStartSchema } from '#shared/events/build-start.ts';
import type { NewEvent, ReceivedEvent } from '#shared/events/event.ts';
import { jobStartSchema } from '#shared/events/job-start.ts';
import { parserCompleteSchema, parserStartSchema } from '#shared/events/parser.ts';
import { serviceDeleteSchema } from '#shared/events/service-delete.ts';
import type { EventSchemas, HandlerContext } from '#shared/runtime/types.ts';
import { uncountedBuilds } from '#test/fakes/build-metrics.ts';
import { buildStartDependencies, functionSettings, jobSettings, type World } from '#test/unit/handlers/world.ts';

export interface Fuzzed {
  name: string;
  events: EventSchemas;
  /** Handles an event that its schema has let through. */
  handle(event: ReceivedEvent<unknown>, world: World, context: HandlerContext): Promise<NewEvent | undefined>;
}

// biome-ignore lint/suspicious/noExplicitAny: what a function's own schema has let through is what its handler takes.
type Checked = any;

export const functions: Fuzzed[] = [
  {
    name: 'build-start',
    events: { 'build.start': buildStartSchema },
    handle: async (event, world) => await buildStart(event as Checked, buildStartDependencies(world)),
  },
  {
    name: 'job-start',
    events: { 'job.start': jobStartSchema },
    handle: async (event, world) =>
      await jobStart(event as Checked, { ...world.deps(), imageRegistry: undefined, settings: jobSettings }),
  },
  {
    name: 'build-complete',
    events: { 'build.complete': buildCompleteSchema },
    handle: async (event, world) =>
      await buildComplete(event as Checked, { ...world.deps(), settings: functionSettings }),
  },
  {
    name: 'service-delete',
    events: { 'service.delete': serviceDeleteSchema },
    handle: async (event, world) => await serviceDelete(event as Checked, world.deps()),
  },
  {
    name: 'cluster-events',
    events: { 'dev.knative.apiserver.resource.update': changedObject },
    handle: async (event, world, context) => await handleClusterEvent(event as Checked, world.deps(), context),
  },
  {
    name: 'dead-letter',
    events: { '*': z.unknown() },
    handle: async (event, world, context) => {
      const deps = { ...world.deps(), broker: { publish: async () => undefined }, listens: async () => false };
      return await handleDeadLetter(event, deps, context);
    },
  },
  {
    name: 'recorder',
    events: { '*': z.unknown() },
    handle: async (event, world, context) => {
      const deps = {
        ...world.deps(),
        feed: async () => undefined,
        authentication: 'off' as const,
        metrics: uncountedBuilds,
      };
      return await recorder(event, deps, context);
    },
  },
  {
    name: 'parser-events',
    events: { 'parser.start': parserStartSchema, 'parser.complete': parserCompleteSchema },
    handle: async (event, world, context) => {
      const deps = {
        ...world.deps(),
        known: createKnownFunctions(),
        call: async () => ({ kind: 'broken' as const, began: false, detail: 'refused' }),
        callSample: 0,
        places: createPlaces({ perTenant: 25 }),
        patience: createPatience(
          () => new Date(),
          async () => undefined,
        ),
        metrics: { called: () => undefined, handedOn: () => undefined },
        inputs: { keep: () => undefined },
        crashes: { keep: async () => undefined },
      };
      return await handleParserEvent(event as Checked, deps, context);
    },
  },
];
