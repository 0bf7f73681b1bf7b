/** What S3 does with one object. */
import { createHash, randomUUID } from 'node:crypto';
import { createReadStream, openSync } from 'node:fs';
import { copyFile } from 'node:fs/promises';
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import type { Body, ObjectFiles, StoredObject } from './object-files.ts';
import { contentOf, storeBody } from './receive-body.ts';
import { s3Error, textsOf, xml } from './xml.ts';

/** A multipart upload under way; none outlives the platform. */
export interface Upload {
  headers: Record<string, string>;
  parts: Map<number, Body>;
}

export interface Exchange {
  files: ObjectFiles;
  uploads: Map<string, Upload>;
  bucket: string;
  key: string;
  query: URLSearchParams;
  request: IncomingMessage;
  response: ServerResponse;
}

/** Also HeadObject. */
export async function getObject({ files, bucket, key, request, response }: Exchange): Promise<undefined> {
  const { object, file } = found(files.objectsOf(bucket).get(key));
  checkConditions(object, request);
  const size = object.contentLength;
  const [, first = '', last = ''] = /^bytes=(\d*)-(\d*)$/.exec(request.headers.range ?? '') ?? [];
  const start = first ? Number(first) : last ? Math.max(0, size - Number(last)) : 0;
  const end = first && last ? Math.min(Number(last), size - 1) : size - 1;
  const isPart = first !== '' || last !== '';
  if (isPart && start > end) {
    throw s3Error(416, 'InvalidRange', 'The requested range is not satisfiable');
  }
  response.writeHead(isPart ? 206 : 200, {
    ...{ ...object.headers, etag: object.etag, 'last-modified': new Date(object.lastModified).toUTCString() },
    ...(isPart ? { 'content-range': `bytes ${start}-${end}/${size}` } : {}),
    ...{ 'accept-ranges': 'bytes', 'content-length': end - start + 1 },
  });
  if (request.method === 'HEAD' || size === 0) {
    response.end();
  } else {
    // Opened in the same turn: whoever replaces the object removes the file.
    await pipeline(createReadStream('', { fd: openSync(files.path(file), 'r'), start, end }), response);
  }
}

/** Also CopyObject. */
export async function putObject(exchange: Exchange): Promise<string | undefined> {
  const { files, bucket, request, response } = exchange;
  files.objectsOf(bucket);
  if ('x-amz-copy-source' in request.headers) {
    return await copyObject(exchange);
  }
  const sha256 = request.headers['x-amz-checksum-sha256'];
  checkPresigned(exchange);
  const body = await storeBody(files, contentOf(request), sha256 === undefined ? undefined : String(sha256));
  response.setHeader('etag', commit(exchange, body, keptHeaders(request.headers)).etag);
  return undefined;
}

/**
 * Nobody's signature is checked here, but what a presigned address binds is: every header that is signed must be sent,
 * and it is not taken after its time.
 */
function checkPresigned({ query, request }: Exchange): void {
  const names = query.get('X-Amz-SignedHeaders')?.split(';') ?? [];
  const missing = names.filter((name) => request.headers[name] === undefined);
  if (missing.length > 0) {
    throw s3Error(403, 'SignatureDoesNotMatch', `The address is signed for the headers ${missing.join(', ')} as well`);
  }
  const [, date, time] = /^(\d{8})T(\d{6})Z$/.exec(query.get('X-Amz-Date') ?? '') ?? [];
  const began = Date.parse(`${date}T${time}Z`.replace(/^(....)(..)(..T..)(..)/, '$1-$2-$3:$4:'));
  if (Date.now() > began + Number(query.get('X-Amz-Expires') ?? 0) * 1000) {
    throw s3Error(403, 'AccessDenied', 'Request has expired');
  }
}

async function copyObject(exchange: Exchange): Promise<string> {
  const { files, request } = exchange;
  const source = decodeURIComponent(String(request.headers['x-amz-copy-source'])).replace(/^\//, '');
  const slash = source.indexOf('/');
  const { object, file } = found(files.objectsOf(source.slice(0, slash)).get(source.slice(slash + 1)));
  const body = { file: randomUUID(), etag: object.etag, size: object.contentLength };
  await copyFile(files.path(file), files.path(body.file));
  const isReplaced = request.headers['x-amz-metadata-directive'] === 'REPLACE';
  const { etag, lastModified } = commit(exchange, body, isReplaced ? keptHeaders(request.headers) : object.headers);
  return xml('CopyObjectResult', { ETag: etag, LastModified: lastModified });
}

export function deleteObject({ files, bucket, key, request, response }: Exchange): undefined {
  checkConditions(files.objectsOf(bucket).get(key)?.object, request);
  files.remove(bucket, key);
  response.statusCode = 204;
}

export function createUpload({ files, uploads, bucket, key, request }: Exchange): string {
  files.objectsOf(bucket);
  const id = randomUUID();
  uploads.set(id, { headers: keptHeaders(request.headers), parts: new Map() });
  return xml('InitiateMultipartUploadResult', { Bucket: bucket, Key: key, UploadId: id });
}

export async function uploadPart(exchange: Exchange): Promise<undefined> {
  const { files, request, response, query } = exchange;
  if ('x-amz-copy-source' in request.headers) {
    throw s3Error(501, 'NotImplemented', "The embedded platform's S3 copies no object in parts: use CopyObject");
  }
  const { parts } = uploadOf(exchange);
  const body = await storeBody(files, contentOf(request));
  const number = Number(query.get('partNumber'));
  const former = parts.get(number);
  parts.set(number, body);
  if (former !== undefined) {
    files.discard(former.file);
  }
  response.setHeader('etag', body.etag);
}

export async function completeUpload(exchange: Exchange): Promise<string> {
  const { files, bucket, key, request } = exchange;
  const { headers, parts } = uploadOf(exchange);
  const asked = await text(contentOf(request));
  const etags = textsOf(asked, 'ETag');
  const chosen = textsOf(asked, 'PartNumber').map((number, index) => {
    const part = parts.get(Number(number));
    if (part === undefined || part.etag.replaceAll('"', '') !== etags[index]?.replaceAll('"', '')) {
      throw s3Error(400, 'InvalidPart', `Part ${number} was not uploaded, or is another than the one named`);
    }
    return part;
  });
  const whole = await storeBody(files, concatenated(chosen.map(({ file }) => files.path(file))));
  const hash = createHash('md5');
  for (const { etag } of chosen) {
    hash.update(etag.slice(1, -1), 'hex');
  }
  const etag = `"${hash.digest('hex')}-${chosen.length}"`;
  commit(exchange, { ...whole, etag }, headers);
  abortUpload(exchange);
  exchange.response.statusCode = 200;
  return xml('CompleteMultipartUploadResult', { Bucket: bucket, Key: key, ETag: etag });
}

export function abortUpload(exchange: Exchange): undefined {
  const { files, uploads, query, response } = exchange;
  for (const { file } of uploadOf(exchange).parts.values()) {
    files.discard(file);
  }
  uploads.delete(query.get('uploadId') ?? '');
  response.statusCode = 204;
}

function uploadOf({ uploads, query }: Exchange): Upload {
  const upload = uploads.get(query.get('uploadId') ?? '');
  if (upload === undefined) {
    throw s3Error(
      404,
      'NoSuchUpload',
      'The specified upload does not exist: it was aborted or completed, or has ended with the platform',
    );
  }
  return upload;
}

async function* concatenated(paths: string[]): AsyncIterable<Buffer> {
  for (const path of paths) {
    yield* createReadStream(path);
  }
}

/** What was received becomes the object. Conditions are checked in the same turn: nobody comes in between. */
function commit({ files, bucket, key, request }: Exchange, body: Body, headers: StoredObject['headers']): StoredObject {
  try {
    checkConditions(files.objectsOf(bucket).get(key)?.object, request);
    return files.put(bucket, key, body, headers);
  } catch (error) {
    files.discard(body.file);
    throw error;
  }
}

/** If-Match and If-None-Match. */
function checkConditions(object: StoredObject | undefined, { method, headers }: IncomingMessage): void {
  const names = (etag: string) =>
    object !== undefined && [object.etag, object.etag.slice(1, -1), '*'].includes(etag.trim());
  const isNamed = (header: string) => header.split(',').some(names);
  const { 'if-match': match, 'if-none-match': noneMatch } = headers;
  if (match !== undefined) {
    found(object);
  }
  if (noneMatch !== undefined && isNamed(noneMatch) && method !== 'PUT' && method !== 'POST') {
    throw s3Error(304, 'NotModified', 'Not modified');
  }
  if ((match !== undefined && !isNamed(match)) || (noneMatch !== undefined && isNamed(noneMatch))) {
    throw s3Error(412, 'PreconditionFailed', 'At least one of the pre-conditions you specified did not hold');
  }
}

function keptHeaders(headers: IncomingHttpHeaders): StoredObject['headers'] {
  const kept = /^(content-(type|encoding|language|disposition)|cache-control|expires|x-amz-meta-.*)$/;
  const given = Object.entries(headers).filter(([name]) => kept.test(name));
  return Object.fromEntries(given.map(([name, value]) => [name, String(value).replace(/^aws-chunked(, *|$)/, '')]));
}

function found<T>(kept: T | undefined): T {
  if (kept === undefined) {
    throw s3Error(404, 'NoSuchKey', 'The specified key does not exist.');
  }
  return kept;
}
