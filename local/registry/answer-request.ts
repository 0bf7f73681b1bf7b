/**
 * Which operation of https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#endpoints a request asks
 * for, and its answer.
 */
import { createReadStream } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { foreignRequest } from '#shared/foreign-request.ts';
import { checkManifest } from './check-manifest.ts';
import { type ContentStore, digestOf, isDigest, isRepository, isTag } from './content-store.ts';
import { RegistryError } from './registry-error.ts';
import { OWN_HOST, standIn } from './stand-in.ts';
import type { Upload, Uploads } from './uploads.ts';

interface Exchange {
  contents: ContentStore;
  uploads: Uploads;
  /** `host/path`. */
  repository: string;
  /** As in the request: without the host that `ns` names. */
  name: string;
  /** Tag, digest, or id of an upload. */
  reference: string;
  query: URLSearchParams;
  request: IncomingMessage;
  response: ServerResponse;
}

const OPERATIONS: Record<string, (exchange: Exchange) => void | Promise<void>> = {
  'GET manifests': getManifest,
  'HEAD manifests': getManifest,
  'PUT manifests': putManifest,
  'GET blobs': getBlob,
  'HEAD blobs': getBlob,
  'POST uploads': beginUpload,
  'GET uploads': ({ uploads, repository, reference, ...exchange }) =>
    sayUpload(exchange, uploads.find(repository, reference), 204),
  'PATCH uploads': async ({ uploads, repository, reference, ...exchange }) => {
    const upload = uploads.find(repository, reference);
    await uploads.append(upload, exchange.request);
    sayUpload(exchange, upload, 202);
  },
  'PUT uploads': async (exchange) => {
    const { uploads, repository, reference } = exchange;
    await endUpload(exchange, uploads.find(repository, reference));
  },
  'DELETE uploads': ({ uploads, repository, reference, response }) => {
    uploads.drop(uploads.find(repository, reference));
    response.writeHead(204).end();
  },
  'GET tags': ({ contents, repository, name, response }) => {
    const tags = contents.tags(repository);
    if (tags.length === 0) {
      throw new RegistryError('NAME_UNKNOWN', `nobody has pushed to ${repository}`);
    }
    json(response, 200, { name, tags });
  },
};

const LARGEST_MANIFEST = 4 * 1024 ** 2;

export async function answerRequest(
  contents: ContentStore,
  uploads: Uploads,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  try {
    const foreign = foreignRequest(request.headers);
    if (foreign !== undefined) {
      throw new RegistryError('DENIED', foreign);
    }
    await answer(contents, uploads, request, response);
  } catch (cause) {
    const error = cause instanceof RegistryError ? cause : new RegistryError('UNKNOWN', (cause as Error).message);
    if (response.headersSent) {
      response.destroy();
      return;
    }
    // What is left of the body is not read.
    response.setHeader('connection', 'close');
    json(response, error.status, error);
  }
}

async function answer(
  contents: ContentStore,
  uploads: Uploads,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const [path = '', search] = (request.url ?? '').split('?');
  const query = new URLSearchParams(search);
  response.setHeader('docker-distribution-api-version', 'registry/2.0');
  if (/^\/v2\/?$/.test(path)) {
    json(response, 200, {});
    return;
  }
  if (path === '/v2/_catalog') {
    json(response, 200, { repositories: contents.repositories(query.get('ns') ?? OWN_HOST) });
    return;
  }
  const [, name = '', kind = '', reference = ''] =
    /^\/v2\/(.+)\/(blobs\/uploads|blobs|manifests|tags)\/([^/]*)$/.exec(path) ?? [];
  const repository = `${query.get('ns') ?? OWN_HOST}/${name}`;
  if (!isRepository(repository)) {
    throw new RegistryError('NAME_INVALID', `${JSON.stringify(repository.slice(0, 300))} is no name of a repository`);
  }
  const operation = OPERATIONS[`${request.method} ${kind.split('/').at(-1)}`];
  if (operation === undefined) {
    throw new RegistryError('UNSUPPORTED', `the embedded platform's registry has no ${request.method} of ${kind}`);
  }
  const decoded = decodeURIComponent(reference);
  await operation({ contents, uploads, repository, name, reference: decoded, query, request, response });
}

function getManifest({ contents, repository, reference, request, response }: Exchange): void {
  const found =
    contents.manifest(repository, reference) ?? (isTag(reference) ? standIn(contents, repository) : undefined);
  if (found === undefined) {
    throw new RegistryError('MANIFEST_UNKNOWN', `${repository} has no manifest ${reference}`);
  }
  const { digest, mediaType, content } = found;
  const { accept = '' } = request.headers;
  // As distribution does: an OCI image is not there for whoever does not name its type, and "*/*" does not name it.
  const takesAny = !mediaType.startsWith('application/vnd.oci.') && (accept === '' || accept.includes('*/*'));
  if (!takesAny && !accept.includes(mediaType)) {
    throw new RegistryError('MANIFEST_UNKNOWN', `the manifest is ${mediaType}, which the request does not accept`);
  }
  response.setHeader('docker-content-digest', digest);
  response.setHeader('content-length', content.length);
  response.writeHead(200, { 'content-type': mediaType });
  response.end(request.method === 'HEAD' ? undefined : content);
}

async function putManifest({
  contents,
  repository,
  name,
  reference,
  query,
  request,
  response,
}: Exchange): Promise<void> {
  if (!isDigest(reference) && !isTag(reference)) {
    throw new RegistryError('TAG_INVALID', `${JSON.stringify(reference)} is neither a tag nor a digest`);
  }
  const content = await body(request, LARGEST_MANIFEST);
  const digest = digestOf(content);
  if (isDigest(reference) && reference !== digest) {
    throw new RegistryError('DIGEST_INVALID', `the manifest is ${digest}, and not ${reference}`);
  }
  const mediaType = checkManifest(contents, repository, content, request.headers['content-type']?.split(';')[0]);
  contents.putManifest(repository, mediaType, content, isDigest(reference) ? undefined : reference);
  response.setHeader('docker-content-digest', digest);
  response.writeHead(201, { location: locationOf(`/v2/${name}/manifests/${digest}`, query) }).end();
}

async function getBlob({ contents, repository, reference, request, response }: Exchange): Promise<void> {
  const size = isDigest(reference) ? contents.blobSize(repository, reference) : undefined;
  if (size === undefined) {
    throw new RegistryError('BLOB_UNKNOWN', `${repository} has no blob ${reference}`);
  }
  response.setHeader('docker-content-digest', reference);
  response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': size });
  if (request.method === 'HEAD') {
    response.end();
    return;
  }
  await pipeline(createReadStream(contents.path(reference)), response);
}

/** A mount where the blob is there, else an upload: in one piece where the digest is given. */
async function beginUpload(exchange: Exchange): Promise<void> {
  const { contents, uploads, repository, query } = exchange;
  const mount = query.get('mount');
  const from = query.get('from');
  if (mount !== null && from !== null && isDigest(mount)) {
    const host = repository.slice(0, repository.indexOf('/'));
    // One server stands for all registries here: `from` may also be a whole name, of another one.
    const sources = [`${host}/${from}`, from].filter(isRepository);
    if (sources.some((source) => contents.hasBlob(source, mount))) {
      contents.link(repository, mount);
      sayBlob(exchange, mount);
      return;
    }
  }
  const upload = uploads.begin(repository);
  if (query.get('digest') === null) {
    sayUpload(exchange, upload, 202);
    return;
  }
  await endUpload(exchange, upload).catch((error) => {
    uploads.drop(upload);
    throw error;
  });
}

async function endUpload(exchange: Exchange, upload: Upload): Promise<void> {
  const { uploads, query, request } = exchange;
  const digest = query.get('digest') ?? '';
  await uploads.append(upload, request);
  uploads.end(upload, digest);
  sayBlob(exchange, digest);
}

function sayBlob({ name, query, response }: Exchange, digest: string): void {
  response.setHeader('docker-content-digest', digest);
  response.writeHead(201, { location: locationOf(`/v2/${name}/blobs/${digest}`, query) }).end();
}

function sayUpload(
  { name, query, response }: Pick<Exchange, 'name' | 'query' | 'response'>,
  { id, size }: Upload,
  status: number,
): void {
  response.setHeader('docker-upload-uuid', id);
  response.setHeader('range', `0-${Math.max(0, size - 1)}`);
  response.writeHead(status, { location: locationOf(`/v2/${name}/blobs/uploads/${id}`, query) }).end();
}

/** With the host that is meant, where the request named one. */
function locationOf(path: string, query: URLSearchParams): string {
  const host = query.get('ns');
  return host === null ? path : `${path}?ns=${encodeURIComponent(host)}`;
}

async function body(request: IncomingMessage, limit: number): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let size = 0;
  for await (const piece of request as AsyncIterable<Buffer>) {
    size += piece.length;
    if (size > limit) {
      throw new RegistryError('MANIFEST_INVALID', `a manifest may have ${limit} bytes`);
    }
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}

function json(response: ServerResponse, status: number, content: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(content));
}
