/**
 * Uploads of a function's source: the client puts the files into S3 itself, at addresses that are signed for this very
 * content below its tenant's own prefix. What is there already is not sent again.
 */
import pLimit from 'p-limit';
import type { ApiDependencies } from '#functions/gateway/dependencies.ts';
import {
  type UploadPlan,
  type UploadRequest,
  uploadDoneSchema,
  uploadPlanSchema,
  uploadRequestSchema,
} from '#shared/api/schemas.ts';
import type { StoredObject } from '#shared/clients/object-store.ts';
import type { Principal } from '#shared/clients/principals.ts';
import type { Identity } from '#shared/events/identity.ts';
import type { Problem } from '#shared/events/problem.ts';
import { boundedProblems } from '#shared/events/problem.ts';
import { pathProblems } from '#shared/packing/safe-paths.ts';
import { RequestProblem } from '#shared/runtime/failure-answer.ts';
import { sourcePrefixOf } from '#shared/specs/source-prefix.ts';
import { identityOf } from './functions.ts';
import { type Manifest, readManifest, writeManifest } from './manifest.ts';
import { operation } from './operation.ts';
import { invalidRequest } from './problems.ts';

type AnnouncedFile = UploadRequest['files'][number];

const SIGNING_AT_ONCE = 16;
const MOST_NAMED = 20;

export const planUpload = operation({
  method: 'POST',
  path: '/uploads/{third_party_id}/{parser_id}',
  says: 'Says which files of a folder S3 lacks, and where to put each of them. Send Content-Length and the headers.',
  body: uploadRequestSchema,
  answers: { one: uploadPlanSchema },
  handle: async ({ principal, params, body }, deps): Promise<UploadPlan> => {
    const identity = identityOf(params);
    const { files } = body;
    checkFiles(files, deps);
    const prefix = prefixFor(identity, principal, deps);
    const [{ stored, date }, manifest] = await Promise.all([list(deps, prefix), readManifest(deps, identity)]);
    await writeManifest(deps, identity, { ...manifest, planned_at: date.toISOString() });
    const isThere = (file: AnnouncedFile) => isUnchanged(file, stored.get(file.path), manifest);
    const limit = pLimit(SIGNING_AT_ONCE);
    const uploads = files
      .filter((file) => !isThere(file))
      .map((file) =>
        limit(async () => {
          const { path, size, sha256 } = file;
          const signed = await deps.presign({ bucket: deps.sourceBucket, key: prefix + path, size, sha256 });
          return { path, method: 'PUT' as const, ...signed };
        }),
      );
    return {
      prefix,
      unchanged: files.filter(isThere).map(({ path }) => path),
      uploads: await Promise.all(uploads),
      remove: leftOver(stored, files),
    };
  },
});

export const finishUpload = operation({
  method: 'POST',
  path: '/uploads/{third_party_id}/{parser_id}/finish',
  says: 'Checks that all files are there, and removes what is no longer in the folder. Send build.start after it.',
  body: uploadRequestSchema,
  answers: { one: uploadDoneSchema },
  handle: async ({ principal, params, body }, deps) => {
    const identity = identityOf(params);
    const { files } = body;
    checkFiles(files, deps);
    const prefix = prefixFor(identity, principal, deps);
    const [{ stored }, manifest] = await Promise.all([list(deps, prefix), readManifest(deps, identity)]);
    const missing = files.filter((file) => {
      const object = stored.get(file.path);
      return !(isUnchanged(file, object, manifest) || isUploaded(file, object, manifest));
    });
    if (missing.length > 0) {
      throw incomplete(missing);
    }
    const removed = leftOver(stored, files);
    await deps.store.remove(
      deps.sourceBucket,
      removed.map((path) => prefix + path),
    );
    const known = files.map(({ path, sha256 }) => [path, { sha256, etag: stored.get(path)?.etag ?? '' }] as const);
    await writeManifest(deps, identity, { ...manifest, files: Object.fromEntries(known) });
    return { prefix, removed };
  },
});

/** The manifest says which content it was, and the listing that it still is. */
function isUnchanged(
  { path, size, sha256 }: AnnouncedFile,
  object: StoredObject | undefined,
  { files }: Manifest,
): boolean {
  const known = Object.hasOwn(files, path) ? files[path] : undefined;
  return object?.size === size && known?.sha256 === sha256 && known.etag === object.etag;
}

/** It was written since it was planned: by the signed address, which takes no other content. Whole seconds. */
function isUploaded({ size }: AnnouncedFile, object: StoredObject | undefined, { planned_at }: Manifest): boolean {
  const planned = Math.floor(Date.parse(planned_at ?? '') / 1000) * 1000;
  return object?.size === size && object.modified.getTime() >= planned;
}

/** Paths in S3 that are not in the folder. An object `folder/` stands for a folder, and is left alone. */
function leftOver(stored: Map<string, StoredObject>, files: AnnouncedFile[]): string[] {
  const wanted = new Set(files.map(({ path }) => path));
  return [...stored.keys()].filter((path) => !wanted.has(path) && !path.endsWith('/') && path !== '');
}

async function list(
  { store, sourceBucket }: ApiDependencies,
  prefix: string,
): Promise<{ stored: Map<string, StoredObject>; date: Date }> {
  const stored = new Map<string, StoredObject>();
  let date: Date | undefined;
  for await (const page of store.list(sourceBucket, prefix)) {
    date ??= page.date;
    for (const object of page.objects) {
      stored.set(object.key.slice(prefix.length), object);
    }
  }
  return { stored, date: date ?? new Date() };
}

function checkFiles(files: AnnouncedFile[], { sourceLimits: { maxBytes, maxFiles } }: ApiDependencies): void {
  const problems: Problem[] = pathProblems(files.map(({ path }) => path)).map(({ path, message }) => ({
    path: `body.files ${JSON.stringify(path)}`,
    message,
  }));
  const seen = new Set<string>();
  for (const { path } of files) {
    if (seen.has(path)) {
      problems.push({ path: `body.files ${JSON.stringify(path)}`, message: 'is there twice' });
    }
    seen.add(path);
  }
  const bytes = files.reduce((sum, { size }) => sum + size, 0);
  if (bytes > maxBytes) {
    const message = `have ${bytes} bytes, and at most ${maxBytes} are built (MAX_SOURCE_BYTES): leave out what the build can fetch itself`;
    problems.push({ path: 'body.files', message });
  }
  if (files.length > maxFiles) {
    const message = `are ${files.length}, and at most ${maxFiles} are built (MAX_SOURCE_FILES): leave out what the build can fetch itself`;
    problems.push({ path: 'body.files', message });
  }
  if (problems.length > 0) {
    throw invalidRequest(boundedProblems(problems));
  }
}

/**
 * Where SOURCE_PREFIX does not hold the tenant, two tenants with one parser_id have one folder. Then operators alone
 * may write into it.
 */
function prefixFor(identity: Identity, principal: Principal, { sourcePrefix }: ApiDependencies): string {
  const source = sourcePrefixOf(sourcePrefix, identity, undefined);
  const refuse = (detail: string) => new RequestProblem({ status: 403, reason: 'Forbidden', detail });
  if ('problem' in source) {
    throw refuse(source.problem);
  }
  if (!principal.operator && !sourcePrefix.includes('{third_party_id}')) {
    throw refuse(
      `tenants share the folder ${source.prefix} here: let the operator set SOURCE_PREFIX with {third_party_id} in it, or put your files into S3 yourself`,
    );
  }
  const { source_prefixes: allowed, name } = principal;
  if (allowed && !allowed.some((prefix) => source.prefix.startsWith(prefix))) {
    throw refuse(`is "${source.prefix}", but sources of ${name} must lie under ${allowed.join(' or ')}`);
  }
  return source.prefix;
}

function incomplete(missing: AnnouncedFile[]): RequestProblem {
  const problems = missing.slice(0, MOST_NAMED).map(({ path }) => ({
    path: `body.files ${JSON.stringify(path)}`,
    message: 'is not in S3, or is not what was announced',
  }));
  const detail = `of the files that were announced, ${missing.length} ${missing.length === 1 ? 'is' : 'are'} not there: ask for addresses again, put the files there, then finish`;
  return new RequestProblem({ status: 409, reason: 'UploadIncomplete', detail, problems });
}
