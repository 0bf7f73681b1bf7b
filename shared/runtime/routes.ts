/** What a function answers beside events: requests by method and path. */
import type { Logger } from 'pino';
import type { Answer, FunctionRequest } from './request.ts';

/** An answer that is sent piece by piece, while it is made. */
export interface Streamed {
  statusCode: number;
  headers: Record<string, string>;
  /** Is ended, by return(), when nobody reads any more, when it has run too long, and when the function drains. */
  stream: AsyncIterable<string | Buffer>;
}

export interface RoutedRequest extends FunctionRequest {
  /** Decoded. What `*` stands for is under its own name. */
  params: Record<string, string>;
  query: URLSearchParams;
}

export interface RouteContext {
  log: Logger;
  /** Adds fields to the one line that is logged of this request. */
  note: (fields: Record<string, unknown>) => void;
  /** Aborted when a stream has to end. */
  signal: AbortSignal;
}

export interface Route<Deps> {
  /** GET answers HEAD as well. */
  method: 'GET' | 'POST';
  /** `/functions/{id}`; a `*` at the end takes any rest. The first route that fits is taken. */
  path: string;
  handle: (request: RoutedRequest, deps: Deps, context: RouteContext) => Promise<Answer | Streamed>;
}

export interface Matched<Deps> {
  route: Route<Deps>;
  params: Record<string, string>;
}

/** Finds the route of a request; undefined where there is none. `path` is as it was sent, without the query. */
export type FindRoute<Deps> = (method: string, path: string) => Matched<Deps> | undefined;

export function routeFinder<Deps>(routes: readonly Route<Deps>[]): FindRoute<Deps> {
  const compiled = routes.map((route) => ({ route, pattern: patternOf(route.path) }));
  return (given, path) => {
    const method = given === 'HEAD' ? 'GET' : given;
    for (const { route, pattern } of compiled) {
      const found = route.method === method ? pattern.exec(path) : null;
      const params = found && decoded(found.groups ?? {});
      if (params) {
        return { route, params };
      }
    }
    return undefined;
  };
}

/** The label of its metrics and the name of its span. */
export function routeName({ method, path }: Pick<Route<never>, 'method' | 'path'>): string {
  return `${method} ${path}`;
}

function patternOf(path: string): RegExp {
  const source = path
    .replace(/[.$^+?()[\]|\\]/g, '\\$&')
    .replace(/\{(\w+)\}/g, '(?<$1>[^/]+)')
    .replace(/\*$/, '(?<rest>.*)');
  return new RegExp(`^${source}$`);
}

/** Undefined where a part is no percent-encoded UTF-8: then nothing of ours has that name. */
function decoded(groups: Record<string, string>): Record<string, string> | undefined {
  try {
    return Object.fromEntries(Object.entries(groups).map(([name, value]) => [name, decodeURIComponent(value)]));
  } catch {
    return undefined;
  }
}
