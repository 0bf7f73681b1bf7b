/** Asks the API. The token, where one is needed, lives as long as the browser's tab. */
import type { problemDocumentSchema } from '#shared/api/schemas.ts';

type ProblemDocument = (typeof problemDocumentSchema)['_output'];

export const API = '/api/v1';

/** `status` 0: nobody answered. */
export class ApiError extends Error {
  readonly status: number;
  readonly reason: string;
  readonly problems: readonly { path: string; message: string }[];

  constructor(
    status: number,
    { reason, detail, problems = [] }: Pick<ProblemDocument, 'reason' | 'detail' | 'problems'>,
  ) {
    super(detail);
    this.status = status;
    this.reason = reason;
    this.problems = problems;
  }
}

const TOKEN = 'knative-lambda-token';
const listeners = new Set<() => void>();

export function token(): string | undefined {
  return sessionStorage.getItem(TOKEN) ?? undefined;
}

export function setToken(value: string | undefined): void {
  if (value === undefined) {
    sessionStorage.removeItem(TOKEN);
  } else {
    sessionStorage.setItem(TOKEN, value);
  }
}

/** Called whenever an answer says that a token is missing or counts no more. */
export function onUnauthenticated(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export interface Call {
  method?: string;
  headers?: Record<string, string>;
  body?: string;
  signal?: AbortSignal | undefined;
}

/** The answer, whose status is below 400. Throws ApiError, or AbortError where the signal said so. */
export async function call(path: string, { headers = {}, signal, ...rest }: Call = {}): Promise<Response> {
  const bearer = token();
  const authorization: Record<string, string> = bearer === undefined ? {} : { authorization: `Bearer ${bearer}` };
  let response: Response;
  try {
    response = await fetch(path, {
      ...rest,
      headers: { ...authorization, ...headers },
      credentials: 'omit',
      ...(signal ? { signal } : {}),
    });
  } catch (error) {
    if (signal?.aborted) {
      throw error;
    }
    const detail =
      'The platform does not answer: see whether it runs and can be reached. This page tries again by itself.';
    throw new ApiError(0, { reason: 'Unavailable', detail });
  }
  if (response.ok) {
    return response;
  }
  if (response.status === 401) {
    for (const listener of listeners) {
      listener();
    }
  }
  throw await errorOf(response);
}

export async function read<Item>(path: string, signal?: AbortSignal): Promise<Item> {
  const response = await call(`${API}${path}`, { headers: { accept: 'application/json' }, signal });
  return (await response.json()) as Item;
}

export async function write<Item>(path: string, body: unknown): Promise<Item> {
  const headers = { 'content-type': 'application/json', accept: 'application/json' };
  const response = await call(`${API}${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
  return (await response.json()) as Item;
}

async function errorOf(response: Response): Promise<ApiError> {
  const text = await response.text().catch(() => '');
  try {
    const problem = JSON.parse(text) as ProblemDocument;
    if (typeof problem.detail === 'string') {
      return new ApiError(response.status, problem);
    }
  } catch {
    // A proxy's own page: its status says enough.
  }
  const detail = `The platform answered ${response.status}${response.statusText ? ` ${response.statusText}` : ''}.`;
  return new ApiError(response.status, { reason: 'Unavailable', detail });
}

/** Only what has a value. */
export function query(fields: Record<string, string | number | undefined>): string {
  const given = Object.entries(fields).filter(([, value]) => value !== undefined && value !== '');
  const text = new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString();
  return text === '' ? '' : `?${text}`;
}

export function functionPath({ third_party_id, parser_id }: { third_party_id: string; parser_id: string }): string {
  return `${encodeURIComponent(third_party_id)}/${encodeURIComponent(parser_id)}`;
}
