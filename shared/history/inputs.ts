/**
 * What kept calls were called with, of functions that consent: `history-inputs/{third_party_id}/{parser_id}/{id}.json`.
 * The door writes them beside the calls, which never wait for it: what is lost is a help less.
 */

import type { ObjectStore } from '#shared/clients/object-store.ts';
import { deriveId } from '#shared/events/event.ts';
import type { Identity } from '#shared/events/identity.ts';
import { readJson } from '#shared/read-json.ts';
import { redactCredentials } from '#shared/redact-credentials.ts';
import { inputHistoryPrefix } from '#shared/specs/s3-keys.ts';
import { boundedData } from './recorded-event.ts';

/** Writes at once. What comes beyond them is not kept. */
const AT_ONCE = 32;
const SECRET = /pass(word|wd|phrase)|secret|token|authorization|api[-_]?key|private[-_]?key|credential|cookie/i;
const DEEPEST = 50;

export interface Inputs {
  /** Gives the id under which it is kept; undefined where it is not. */
  keep(identity: Identity, call: { source: string; id: string }, data: unknown): string | undefined;
  /** Resolves when nothing is being written. */
  idle(): Promise<void>;
}

export function createInputs(store: Pick<ObjectStore, 'write'>, bucket: string): Inputs {
  const writing = new Set<Promise<void>>();
  return {
    keep(identity, { source, id }, data) {
      if (writing.size >= AT_ONCE) {
        return undefined;
      }
      const name = deriveId('input', source, id);
      const body = JSON.stringify({ data: boundedData(withoutSecrets(data)) });
      const written = store
        .write(bucket, inputKey(identity, name), body, 'application/json')
        // The call is what counts.
        .catch(() => undefined)
        .finally(() => writing.delete(written));
      writing.add(written);
      return name;
    },
    async idle() {
      await Promise.all(writing);
    },
  };
}

/** Undefined where there is none: it was never kept, or is too old. */
export async function readInput(
  store: Pick<ObjectStore, 'read'>,
  bucket: string,
  identity: Identity,
  name: string,
): Promise<{ data?: unknown } | undefined> {
  const kept = readJson((await store.read(bucket, inputKey(identity, name))).text);
  return typeof kept === 'object' && kept !== null ? kept : undefined;
}

export function inputKey(identity: Identity, name: string): string {
  return `${inputHistoryPrefix(identity)}${name}.json`;
}

/** By the names of fields, and by the form of values. A help against carelessness: consent is what counts. */
function withoutSecrets(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') {
    return redactCredentials(value);
  }
  if (typeof value !== 'object' || value === null || Buffer.isBuffer(value)) {
    return value;
  }
  if (depth > DEEPEST) {
    return '…';
  }
  if (Array.isArray(value)) {
    return value.map((item) => withoutSecrets(item, depth + 1));
  }
  return Object.fromEntries(
    Object.entries(value).map(([name, field]) => [
      name,
      SECRET.test(name) && field !== null ? '***' : withoutSecrets(field, depth + 1),
    ]),
  );
}
