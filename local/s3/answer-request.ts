/** S3 over HTTP: which operation a request asks for, and its answer. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { foreignRequest } from '#shared/foreign-request.ts';
import { listObjects } from './list-objects.ts';
import type { ObjectFiles } from './object-files.ts';
import type { Exchange, Upload } from './operations.ts';
import * as operations from './operations.ts';
import { contentOf } from './receive-body.ts';
import { s3Error, textsOf, xml } from './xml.ts';

/** Gives the XML of the answer, or nothing where it has none. */
type Operation = (exchange: Exchange) => string | undefined | Promise<string | undefined>;

const OPERATIONS: Record<string, Operation> = {
  'GET /': listBuckets,
  'PUT bucket': ({ files, bucket }) => void files.createBucket(bucket),
  'HEAD bucket': ({ files, bucket }) => void files.objectsOf(bucket),
  'GET bucket': ({ files, bucket, query }) => {
    const objects = [...files.objectsOf(bucket).values()].map(({ object }) => object);
    return listObjects(bucket, objects, query);
  },
  'POST bucket?delete': deleteObjects,
  'GET object': operations.getObject,
  'HEAD object': operations.getObject,
  'PUT object': operations.putObject,
  'DELETE object': operations.deleteObject,
  'POST object?uploads': operations.createUpload,
  'PUT object?uploadId': operations.uploadPart,
  'POST object?uploadId': operations.completeUpload,
  'DELETE object?uploadId': operations.abortUpload,
};

/** Every other parameter chooses an operation: those that are not emulated must not be taken for these. */
const PARAMETER =
  /^(list-type|prefix|delimiter|max-keys|start-after|marker|continuation-token|encoding-type|fetch-owner|partNumber|x-id|x-amz-.*)$/i;

/** `uploads`: the multipart uploads under way. */
export async function answerRequest(
  files: ObjectFiles,
  uploads: Map<string, Upload>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  try {
    const foreign = foreignRequest(request.headers);
    if (foreign !== undefined) {
      throw s3Error(403, 'AccessDenied', foreign);
    }
    if (allowOrigin(request, response)) {
      return;
    }
    // Not by URL, which would resolve the `..` of a key.
    const [, bucket = '', key = '', search] = /^\/*([^/?]*)\/?([^?]*)\??(.*)$/.exec(request.url ?? '') ?? [];
    const query = new URLSearchParams(search);
    const target = key !== '' ? 'object' : bucket !== '' ? 'bucket' : '/';
    const name = [`${request.method} ${target}`, ...[...query.keys()].filter((one) => !PARAMETER.test(one))].join('?');
    const operation = OPERATIONS[name];
    if (operation === undefined) {
      throw s3Error(501, 'NotImplemented', `The embedded platform's S3 has no ${name}`);
    }
    const answer = await operation({ files, uploads, bucket, key: decodeURIComponent(key), query, request, response });
    send(response, answer);
  } catch (error) {
    const { status = 500, code = 'InternalError', message } = error as ReturnType<typeof s3Error>;
    if (response.headersSent) {
      response.destroy();
      return;
    }
    response.statusCode = status;
    const hasBody = request.method !== 'HEAD' && status !== 304;
    send(response, hasBody ? xml('Error', { Code: code, Message: message, Resource: request.url }) : undefined);
  }
}

/** A page of this machine may upload. True where the browser only asks whether it may. */
function allowOrigin({ method, headers }: IncomingMessage, response: ServerResponse): boolean {
  if (headers.origin === undefined) {
    return false;
  }
  response.setHeader('access-control-allow-origin', headers.origin);
  response.setHeader('vary', 'origin');
  if (method !== 'OPTIONS') {
    return false;
  }
  response
    .writeHead(204, {
      'access-control-allow-methods': 'GET, HEAD, PUT',
      'access-control-allow-headers': headers['access-control-request-headers'] ?? '',
      'access-control-max-age': '600',
    })
    .end();
  return true;
}

function send(response: ServerResponse, answer: string | undefined): void {
  if (answer !== undefined) {
    response.setHeader('content-type', 'application/xml');
  }
  response.end(answer && `<?xml version="1.0" encoding="UTF-8"?>\n${answer}`);
}

function listBuckets({ files }: Exchange): string {
  const all = [...files.buckets.values()];
  const Bucket = all.map(({ bucket, createdAt }) => ({ Name: bucket, CreationDate: createdAt }));
  return xml('ListAllMyBucketsResult', { Buckets: { Bucket } });
}

async function deleteObjects({ files, bucket, request }: Exchange): Promise<string> {
  const asked = await text(contentOf(request));
  const keys = textsOf(asked, 'Key');
  for (const key of keys) {
    files.remove(bucket, key);
  }
  const isQuiet = textsOf(asked, 'Quiet').includes('true');
  return xml('DeleteResult', { Deleted: isQuiet ? [] : keys.map((Key) => ({ Key })) });
}
