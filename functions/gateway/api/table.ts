/** Every operation of the API. Routes, checks and the description are made of this table alone. */
import * as z from 'zod';
import type { ApiDependencies } from '#functions/gateway/dependencies.ts';
import type { Route } from '#shared/runtime/routes.ts';
import { getBuild } from './build-detail.ts';
import { listBuilds } from './builds.ts';
import { getTimeline, listCalls } from './chains.ts';
import { examine } from './doctor.ts';
import { listEvents } from './events.ts';
import { explainIt } from './explain.ts';
import { getFunction, listFunctions, listVersions } from './functions.ts';
import { getLetter, listLetters } from './letters.ts';
import { buildLogLines, functionLogLines } from './logs.ts';
import { getMe } from './me.ts';
import { getMetrics } from './metrics.ts';
import { openApi } from './openapi.ts';
import { type Operation, operation } from './operation.ts';
import { routesOf } from './serve.ts';
import { finishUpload, planUpload } from './uploads.ts';

const describe = operation({
  method: 'GET',
  path: '/openapi.json',
  says: 'This description.',
  answers: { one: z.looseObject({}) },
  handle: async (_, { version }) => openApi(OPERATIONS, version),
});

export const OPERATIONS: readonly Operation[] = [
  describe,
  getMe,
  listFunctions,
  getFunction,
  listVersions,
  getMetrics,
  functionLogLines,
  listCalls,
  listBuilds,
  getBuild,
  buildLogLines,
  getTimeline,
  listEvents,
  explainIt,
  examine,
  listLetters,
  getLetter,
  planUpload,
  finishUpload,
];

export const API_ROUTES: readonly Route<ApiDependencies>[] = routesOf(OPERATIONS);
