/** One HTTP request, read completely and not yet interpreted; and the answer to it. */
import type { IncomingHttpHeaders } from 'node:http';

export interface FunctionRequest {
  method: string;
  /** Without the query, which is ignored. */
  path: string;
  headers: IncomingHttpHeaders;
  /** Names of headers that came more than once. Node joins their values. */
  repeated: string[];
  /** Undefined if it was longer than the limit. */
  body: Buffer | undefined;
  /** Bytes of the body, kept or not. */
  size: number;
  /** Whether nobody waits for the answer any more. */
  isGone?: () => boolean;
}

export interface Answer {
  statusCode: number;
  headers: Record<string, string>;
  body: string | Buffer;
}
