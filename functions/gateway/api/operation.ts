/** One operation of the API: what it takes, what it answers, and how. The table of them is the API's single truth. */
import type * as z from 'zod';
import type { ApiDependencies } from '#functions/gateway/dependencies.ts';
import type { Principal } from '#shared/clients/principals.ts';
import type { Answer } from '#shared/runtime/request.ts';
import type { RouteContext, RoutedRequest, Streamed } from '#shared/runtime/routes.ts';

export interface Asked<Query = unknown, Body = unknown> {
  principal: Principal;
  /** Those of the path; ids are checked, and the tenant is one that the principal may see. */
  params: Record<string, string>;
  query: Query;
  body: Body;
  request: RoutedRequest;
  context: RouteContext;
}

export interface Operation<Query extends z.ZodType = z.ZodType, Body extends z.ZodType = z.ZodType> {
  method: 'GET' | 'POST';
  /** Below /api/v1. */
  path: string;
  /** A sentence for the description. */
  says: string;
  query?: Query;
  body?: Body;
  /** One document, a page of items, or a stream with an item a line (or an event, for who accepts those). */
  answers: { one: z.ZodType } | { page: z.ZodType } | { lines: z.ZodType };
  handle: (asked: Asked<z.infer<Query>, z.infer<Body>>, deps: ApiDependencies) => Promise<object>;
}

/** Infers the types of one operation, and forgets them for the table. */
export function operation<Query extends z.ZodType, Body extends z.ZodType>(one: Operation<Query, Body>): Operation {
  return one as unknown as Operation;
}

export function isAnswer(value: object): value is Answer | Streamed {
  return 'statusCode' in value;
}
