/** Request bodies: bounded, JSON or YAML. */
import type { IncomingMessage } from 'node:http';
import { parse } from 'yaml';
import { ApiError } from './api-error.ts';
import { mediaType } from './media-type.ts';

const MAX_BODY = 3 * 1024 * 1024;
const YAML_TYPES = ['application/yaml', 'application/apply-patch+yaml', 'application/x-yaml'];

const PROTOBUF = 'application/vnd.kubernetes.protobuf';
/** `kubectl create job` and its like send protobuf, and take no refusal as a reason to send JSON. */
const NO_PROTOBUF =
  'this API reads JSON and YAML only: add --dry-run=client -o yaml to the command and pipe it into kubectl apply -f -';

export interface Body {
  /** Without parameters, in lower case; empty where there was no body. */
  contentType: string;
  value: unknown;
}

/**
 * `allowed` types only: browsers send others (text/plain) to any address on this machine without asking, and this API
 * knows no users.
 */
export async function readBody(request: IncomingMessage, allowed: readonly string[]): Promise<Body> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BODY) {
      throw new ApiError(413, 'RequestEntityTooLarge', `Request entity too large: limit is ${MAX_BODY}`);
    }
    chunks.push(chunk);
  }
  const contentType = mediaType(request.headers['content-type']);
  if (size === 0) {
    return { contentType: '', value: undefined };
  }
  if (!allowed.includes(contentType)) {
    const message = `the body of the request must be of type ${allowed.join(', ')}`;
    throw new ApiError(415, 'UnsupportedMediaType', contentType === PROTOBUF ? NO_PROTOBUF : message);
  }
  const text = Buffer.concat(chunks).toString('utf8');
  try {
    const yaml = YAML_TYPES.includes(contentType) && !text.trimStart().startsWith('{');
    return { contentType, value: yaml ? parse(text, { merge: true }) : JSON.parse(text) };
  } catch (error) {
    throw ApiError.badRequest(`couldn't parse the request body: ${(error as Error).message}`);
  }
}
