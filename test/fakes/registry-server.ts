/**
 * A registry by HTTP, as far as distribution's behaviour matters to a client: it refuses wrong digests, blobs that it
 * lacks, chunks out of order and manifests that are not what they say. It can be told to be ill, slow or particular.
 */
import { createHash, randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Rules {
  /** What tokens or passwords are asked for. */
  auth?: 'basic' | 'bearer';
  username?: string;
  password?: string;
  /** In place of username and password, at the token service. */
  identityToken?: string;
  /** Seconds. */
  tokenLifetime?: number;
  /** Mounts are answered with 202. */
  mountsNothing?: boolean;
  /** Blobs are read from there: an origin. */
  redirectsBlobsTo?: string;
  location?: 'absolute' | 'relative' | 'relative with query';
  hasImmutableTags?: boolean;
  leastChunk?: number;
  /** Called for each request. True where it has answered, or where it leaves the client without an answer. */
  disturb?: (request: IncomingMessage, response: ServerResponse) => boolean | Promise<boolean>;
  /** Called for each request that was done. True where the answer is lost. */
  loseAnswer?: (request: IncomingMessage) => boolean;
}

interface Repository {
  blobs: Map<string, Buffer>;
  manifests: Map<string, { bytes: Buffer; mediaType: string }>;
  tags: Map<string, string>;
}

export interface RegistryServer {
  /** `127.0.0.1:port`. */
  host: string;
  /** May be changed at any time. */
  rules: Rules;
  /** `HEAD /v2/a/blobs/sha256:…`, in order. */
  requests: { line: string; headers: IncomingMessage['headers']; bytes: number }[];
  /** Uploads that were begun and have not ended. */
  uploads: Map<string, Buffer[]>;
  repository(path: string): Repository;
  /** Puts a blob or a manifest there. Returns its digest. */
  addBlob(path: string, bytes: Buffer): string;
  addManifest(path: string, tag: string, manifest: object, mediaType: string): string;
  /** Tokens that were given are not accepted any more. */
  revoke(): void;
  close(): Promise<void>;
}

/** Media types of one family may not be mixed with those of the other. */
const FAMILY: Record<string, string> = {
  'application/vnd.oci.image.manifest.v1+json': 'application/vnd.oci.',
  'application/vnd.docker.distribution.manifest.v2+json': 'application/vnd.docker.',
};

export const digestOf = (bytes: Buffer): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

export async function registryServer(rules: Rules = {}): Promise<RegistryServer> {
  const repositories = new Map<string, Repository>();
  const uploads: RegistryServer['uploads'] = new Map();
  /** Their scopes, by token. */
  const tokens = new Map<string, { scopes: string[]; until: number }>();
  const requests: RegistryServer['requests'] = [];

  function repository(path: string): Repository {
    const found = repositories.get(path) ?? { blobs: new Map(), manifests: new Map(), tags: new Map() };
    repositories.set(path, found);
    return found;
  }

  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', async () => {
      const body = Buffer.concat(chunks);
      requests.push({ line: `${request.method} ${request.url}`, headers: request.headers, bytes: body.length });
      if (!(await state.rules.disturb?.(request, response))) {
        handle(request, response, body);
      }
    });
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;

  function handle(request: IncomingMessage, response: ServerResponse, body: Buffer): void {
    const url = new URL(request.url ?? '', `http://${host}`);
    const answer: Answering = (status, headers = {}, content = Buffer.alloc(0)) => {
      if (state.rules.loseAnswer?.(request)) {
        response.destroy();
        return;
      }
      response.writeHead(status, { 'content-length': content.length, ...headers });
      response.end(request.method === 'HEAD' ? undefined : content);
    };
    if (url.pathname === '/token') {
      giveToken(request, url, body, answer);
      return;
    }
    const [, path = '', kind = '', rest = ''] = /^\/v2\/(?:(.+)\/(manifests|blobs)\/(.*))?$/.exec(url.pathname) ?? [];
    if (!isAllowed(request, url, path)) {
      const asked =
        state.rules.auth === 'basic'
          ? 'Basic realm="fake"'
          : `Bearer realm="http://${host}/token",service="fake, with a comma",scope="repository:${path}:pull"`;
      refuse(answer, 401, 'UNAUTHORIZED', 'authentication required', { 'www-authenticate': asked });
    } else if (kind === 'manifests') {
      manifests(request, repository(path), decodeURIComponent(rest), body, answer);
    } else if (rest.startsWith('uploads/')) {
      const id = rest.slice('uploads/'.length);
      if (request.method === 'POST') {
        beginUpload(url, path, answer);
      } else {
        goOn(request, url, path, id, body, answer);
      }
    } else if (kind === 'blobs') {
      blob(request, url, repository(path), rest, answer);
    } else {
      answer(200);
    }
  }

  function isAllowed({ headers, method }: IncomingMessage, url: URL, path: string): boolean {
    const { auth, username, password } = state.rules;
    if (auth === undefined) {
      return true;
    }
    if (auth === 'basic') {
      return headers.authorization === `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
    }
    const token = tokens.get(headers.authorization?.replace('Bearer ', '') ?? '');
    const isWrite = method !== 'GET' && method !== 'HEAD';
    const from = url.searchParams.get('from');
    const due = [`repository:${path}:${isWrite ? 'pull,push' : 'pull'}`, ...(from ? [`repository:${from}:pull`] : [])];
    const has = (scope: string) => token?.scopes.some((given) => given.startsWith(scope));
    return token !== undefined && token.until > Date.now() && (path === '' || due.every(has));
  }

  function giveToken(request: IncomingMessage, url: URL, body: Buffer, answer: Answering): void {
    const { username, password, identityToken, tokenLifetime } = state.rules;
    const form = new URLSearchParams(body.toString());
    const basic = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
    const isKnown =
      identityToken === undefined
        ? username === undefined || request.headers.authorization === basic
        : form.get('refresh_token') === identityToken && form.get('grant_type') === 'refresh_token';
    const service = url.searchParams.get('service') ?? form.get('service');
    if (!isKnown || service !== 'fake, with a comma') {
      refuse(answer, 401, 'UNAUTHORIZED', 'incorrect username or password');
      return;
    }
    const scopes = [...url.searchParams.getAll('scope'), ...(form.get('scope')?.split(' ') ?? [])];
    const token = randomBytes(8).toString('hex');
    tokens.set(token, { scopes, until: Date.now() + (tokenLifetime ?? 300) * 1000 });
    answer(200, {}, Buffer.from(JSON.stringify({ token, expires_in: tokenLifetime })));
  }

  function manifests(
    { method, headers }: IncomingMessage,
    { blobs, manifests, tags }: Repository,
    reference: string,
    body: Buffer,
    answer: Answering,
  ): void {
    if (method === 'GET' || method === 'HEAD') {
      const digest = tags.get(reference) ?? reference;
      const found = manifests.get(digest);
      if (!found) {
        refuse(answer, 404, 'MANIFEST_UNKNOWN', 'manifest unknown');
      } else {
        answer(200, { 'content-type': found.mediaType, 'docker-content-digest': digest }, found.bytes);
      }
      return;
    }
    const digest = digestOf(body);
    const mediaType = headers['content-type'] ?? '';
    const problem = problemOf(body, mediaType, blobs);
    if (state.rules.hasImmutableTags && tags.has(reference)) {
      refuse(answer, 400, 'TAG_INVALID', `The image tag '${reference}' already exists and cannot be overwritten`);
    } else if (problem) {
      refuse(answer, problem.code === 'MANIFEST_BLOB_UNKNOWN' ? 404 : 400, problem.code, problem.message);
    } else {
      manifests.set(digest, { bytes: body, mediaType });
      tags.set(reference, digest);
      answer(201, { 'docker-content-digest': digest });
    }
  }

  function blob({ method }: IncomingMessage, url: URL, { blobs }: Repository, digest: string, answer: Answering): void {
    const found = blobs.get(digest);
    if (!found) {
      refuse(answer, 404, 'BLOB_UNKNOWN', 'blob unknown to registry');
    } else if (method === 'GET' && state.rules.redirectsBlobsTo) {
      answer(307, { location: `${state.rules.redirectsBlobsTo}${url.pathname}` });
    } else {
      answer(200, { 'docker-content-digest': digest }, found);
    }
  }

  function beginUpload(url: URL, path: string, answer: Answering): void {
    const { mountsNothing, leastChunk } = state.rules;
    const [from, mount] = ['from', 'mount'].map((name) => url.searchParams.get(name) ?? '') as [string, string];
    const mounted = mountsNothing ? undefined : repositories.get(from)?.blobs.get(mount);
    if (mounted) {
      repository(path).blobs.set(mount, mounted);
      answer(201, { location: `/v2/${path}/blobs/${mount}` });
      return;
    }
    const id = randomBytes(6).toString('hex');
    uploads.set(id, []);
    const least: Record<string, string> = leastChunk ? { 'oci-chunk-min-length': String(leastChunk) } : {};
    answer(202, { location: locationOf(path, id, 0), ...least });
  }

  function goOn(
    { method, headers }: IncomingMessage,
    url: URL,
    path: string,
    id: string,
    body: Buffer,
    answer: Answering,
  ): void {
    const received = uploads.get(id);
    const offset = Buffer.concat(received ?? []).length;
    const end = offset + body.length;
    if (!received || (url.searchParams.get('_state') ?? String(offset)) !== String(offset)) {
      refuse(answer, 404, 'BLOB_UPLOAD_UNKNOWN', 'blob upload unknown to registry');
    } else if (method === 'DELETE') {
      uploads.delete(id);
      answer(204);
    } else if (method === 'PUT') {
      uploads.delete(id);
      finish(path, url.searchParams.get('digest'), Buffer.concat([...received, body]), answer);
    } else if (headers['content-range'] !== `${offset}-${end - 1}`) {
      refuse(answer, 416, 'RANGE_INVALID', 'chunk out of order');
    } else {
      received.push(body);
      answer(202, { location: locationOf(path, id, end), range: `0-${end - 1}` });
    }
  }

  function finish(path: string, digest: string | null, content: Buffer, answer: Answering): void {
    if (digest !== digestOf(content)) {
      refuse(answer, 400, 'DIGEST_INVALID', 'provided digest did not match uploaded content');
      return;
    }
    repository(path).blobs.set(digest, content);
    answer(201, { location: `/v2/${path}/blobs/${digest}` });
  }

  function locationOf(path: string, id: string, offset: number): string {
    const to = `/v2/${path}/blobs/uploads/${id}`;
    const forms = {
      absolute: `http://${host}${to}?_state=${offset}`,
      relative: to,
      'relative with query': `${to}?_state=${offset}`,
    };
    return forms[state.rules.location ?? 'absolute'];
  }

  const state: RegistryServer = {
    host,
    rules,
    requests,
    uploads,
    repository,
    addBlob(path, bytes) {
      repository(path).blobs.set(digestOf(bytes), bytes);
      return digestOf(bytes);
    },
    addManifest(path, tag, manifest, mediaType) {
      const bytes = Buffer.from(JSON.stringify(manifest));
      repository(path).manifests.set(digestOf(bytes), { bytes, mediaType });
      repository(path).tags.set(tag, digestOf(bytes));
      return digestOf(bytes);
    },
    revoke() {
      tokens.clear();
    },
    close: () =>
      new Promise((closed) => {
        server.closeAllConnections();
        server.close(() => closed());
      }),
  };
  return state;
}

type Answering = (status: number, headers?: Record<string, string>, content?: Buffer) => void;

function refuse(
  answer: Answering,
  status: number,
  code: string,
  message: string,
  headers: Record<string, string> = {},
) {
  const body = Buffer.from(JSON.stringify({ errors: [{ code, message, detail: {} }] }));
  answer(status, { 'content-type': 'application/json', ...headers }, body);
}

interface Descriptors {
  mediaType?: string;
  config: { mediaType: string; digest: string; size: number };
  layers: { mediaType: string; digest: string; size: number }[];
}

function problemOf(
  body: Buffer,
  mediaType: string,
  blobs: Map<string, Buffer>,
): { code: string; message: string } | undefined {
  const family = FAMILY[mediaType];
  const manifest = JSON.parse(body.toString()) as Descriptors;
  if (family === undefined || manifest.mediaType !== mediaType) {
    return { code: 'MANIFEST_INVALID', message: `unexpected media type ${manifest.mediaType}` };
  }
  const all = [manifest.config, ...manifest.layers];
  const foreign = all.find((descriptor) => !descriptor.mediaType.startsWith(family));
  if (foreign) {
    return { code: 'MANIFEST_INVALID', message: `${foreign.mediaType} in ${mediaType}` };
  }
  const missing = all.find(({ digest, size }) => blobs.get(digest)?.length !== size);
  return missing && { code: 'MANIFEST_BLOB_UNKNOWN', message: `blob unknown to registry: ${missing.digest}` };
}
