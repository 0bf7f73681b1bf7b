/** Makes routes of the API's operations: who asks, may they, is it right, and the answer as JSON. */
import * as z from 'zod';
import { admit, refusal } from '#functions/gateway/admit.ts';
import type { ApiDependencies } from '#functions/gateway/dependencies.ts';
import type { Principal } from '#shared/clients/principals.ts';
import { idSchema } from '#shared/events/identity.ts';
import { boundedProblems, problemsOf } from '#shared/events/problem.ts';
import type { Answer } from '#shared/runtime/request.ts';
import type { Route, RouteContext, RoutedRequest, Streamed } from '#shared/runtime/routes.ts';
import { isAnswer, type Operation } from './operation.ts';
import { invalidRequest, noSuchResource } from './problems.ts';

export const ROOT = '/api/v1';

/** What the answer is depends on who asks: nobody in between may keep it for others. */
export const HEADERS = {
  'content-type': 'application/json',
  'cache-control': 'private, no-cache',
  vary: 'authorization',
  'x-content-type-options': 'nosniff',
};

export function routesOf(operations: readonly Operation[]): Route<ApiDependencies>[] {
  const routes = operations.map((one): Route<ApiDependencies> => {
    const { method, path } = one;
    return { method, path: ROOT + path, handle: (request, deps, context) => answer(one, request, deps, context) };
  });
  const nothing = (method: Route<never>['method']): Route<ApiDependencies> => ({
    method,
    path: '/api/*',
    handle: async () => {
      throw noSuchResource();
    },
  });
  return [...routes, nothing('GET'), nothing('POST')];
}

export function maySee({ operator, third_party_ids }: Principal, tenant: string | undefined): boolean {
  return operator || (tenant !== undefined && third_party_ids.includes(tenant));
}

async function answer(
  operation: Operation,
  request: RoutedRequest,
  deps: ApiDependencies,
  context: RouteContext,
): Promise<Answer | Streamed> {
  const admitted = await admit(request.headers.authorization, deps);
  if ('answer' in admitted) {
    return admitted.answer;
  }
  const { principal } = admitted;
  context.note({ principal: principal.name });
  const seconds = (operation.method === 'GET' ? deps.reads : deps.rates).exceeded(principal);
  if (seconds !== undefined) {
    const detail = `${principal.name} asks more often than it may: ask again in ${seconds} s`;
    return refusal(429, 'Throttled', detail, { 'retry-after': String(seconds) });
  }
  const { params } = request;
  const ids = [params['third_party_id'], params['parser_id']].filter((id) => id !== undefined);
  const isVisible = params['third_party_id'] === undefined || maySee(principal, params['third_party_id']);
  if (!isVisible || ids.some((id) => !idSchema.safeParse(id).success)) {
    throw noSuchResource();
  }
  const query = parsed(operation.query ?? z.object({}), Object.fromEntries(request.query), 'query');
  const body = operation.body && parsed(operation.body, jsonOf(request), 'body');
  const result = await operation.handle({ principal, params, query, body, request, context }, deps);
  return isAnswer(result) ? result : { statusCode: 200, headers: HEADERS, body: JSON.stringify(result) };
}

function parsed(schema: z.ZodType, value: unknown, root: string): unknown {
  const result = schema.safeParse(value);
  if (!result.success) {
    throw invalidRequest(boundedProblems(problemsOf(result.error, root)));
  }
  return result.data;
}

function jsonOf({ body, size }: RoutedRequest): unknown {
  if (body === undefined) {
    throw invalidRequest([{ path: 'body', message: `has ${size} bytes, which is more than is taken` }]);
  }
  try {
    return JSON.parse(body.toString());
  } catch {
    throw invalidRequest([{ path: 'body', message: 'is no JSON' }]);
  }
}
