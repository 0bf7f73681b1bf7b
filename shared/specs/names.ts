/**
 * Names of the objects of one parser: readable, valid as DNS labels (RFC 1123), and different wherever the full ids
 * differ.
 */
import { deriveId } from '#shared/events/event.ts';
import type { Identity } from '#shared/events/identity.ts';

/**
 * Leaves room for `fn-`, the hash, and the suffixes `-00001` and of the pod that Knative appends. A Service's name has
 * at most 50 characters.
 */
const SLUG_LENGTH = 38;
const LABEL_VALUE = /^[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$/;

/** Of the Knative Service and its Trigger: at most 50 characters. */
export function functionName({ third_party_id, parser_id }: Identity): string {
  return join('fn', slug(parser_id, SLUG_LENGTH), deriveId(third_party_id, parser_id).slice(0, 8));
}

/** The same build gets the same name, so there is at most one Job. At most 55 characters, since pods append six. */
export function jobName({ third_party_id, parser_id }: Identity, buildKey: string): string {
  return join('build', slug(parser_id, SLUG_LENGTH), deriveId(third_party_id, parser_id, buildKey).slice(0, 10));
}

/** `registry` is host[:port][/path]. */
export function imageRepository(registry: string, identity: Identity): string {
  return `${registry}/${functionName(identity)}`;
}

/** For Kaniko's layers: one repository per tenant, since a tenant could poison a shared cache for the others. */
export function cacheRepository(registry: string, { third_party_id }: Pick<Identity, 'third_party_id'>): string {
  return `${registry}/${join('cache', slug(third_party_id, SLUG_LENGTH), deriveId(third_party_id).slice(0, 8))}`;
}

/** A tenant id that can stand in the name of an object as it is. */
const PLAIN_ID = /^[a-z0-9]([a-z0-9-]{0,48}[a-z0-9])?$/;

/**
 * Of the Secret with the tenant's registry credentials. An operator can write it without computing anything where the
 * id is a DNS label: `dependencies-acme`. Every other id gets its hash after a dot, which no such id contains.
 */
export function dependenciesSecret({ third_party_id }: Pick<Identity, 'third_party_id'>): string {
  return PLAIN_ID.test(third_party_id)
    ? `dependencies-${third_party_id}`
    : `dependencies.${join(slug(third_party_id, SLUG_LENGTH), deriveId(third_party_id).slice(0, 16))}`;
}

/** The beginning of the image's tag: each pod appends its own name. */
export function imageTag(buildKey: string): string {
  return buildKey.slice(0, 40);
}

/** `repository[:tag][@digest]` in two: the digest counts where both are given, and `latest` where neither is. */
export function splitImage(name: string): { repository: string; reference: string } {
  const [, repository = name, tag = 'latest', digest] =
    /^(.+?)(?::([^:/@]+))?(?:@(sha256:[0-9a-f]{64}))?$/.exec(name) ?? [];
  return { repository, reference: digest ?? tag };
}

/** The id itself where it is valid as a label's value, else a slug of it with its hash. */
export function labelValue(id: string): string {
  return LABEL_VALUE.test(id) ? id : join(slug(id, 50), deriveId(id).slice(0, 10));
}

/** Shortened before the hash is appended, so that ids that differ only at their end still get different names. */
function slug(id: string, length: number): string {
  const letters = id.toLowerCase().replace(/[^a-z0-9]+/g, '-');
  return letters.slice(0, length).replace(/^-+|-+$/g, '');
}

function join(...parts: string[]): string {
  return parts.filter((part) => part !== '').join('-');
}
