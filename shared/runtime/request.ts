/** One HTTP request, read to its end, before anybody has made sense of it. */
import type { IncomingHttpHeaders } from 'node:http';

export interface FunctionRequest {
  method: string;
  /** Without the query, which has no say in anything. */
  path: string;
  headers: IncomingHttpHeaders;
  /** Names of headers that came more than once although they may not; Node joins their values. */
  repeated: string[];
  /** Undefined where it was longer than what is kept. */
  body: Buffer | undefined;
  /** Bytes of the body, kept or not. */
  size: number;
}

export interface Answer {
  statusCode: number;
  headers: Record<string, string>;
  body: string | Buffer;
}
