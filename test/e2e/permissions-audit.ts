/** Who asked the API server for what: from its audit log, JSON lines of audit.k8s.io/v1 at level Metadata or above. */
import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
import { createInterface } from 'node:readline';

/** One right, as a Role grants it or a request needs it. `resource` is `jobs.batch`, `pods/log`. */
export interface Right {
  /** namespace/name of the ServiceAccount. */
  account: string;
  verb: string;
  resource: string;
  namespace: string;
}

export interface Use extends Right {
  /** Refused for want of this very right. */
  missing: boolean;
}

interface AuditEvent {
  verb: string;
  user: { username: string };
  objectRef?: { resource: string; subresource?: string; apiGroup?: string; namespace?: string };
  responseStatus?: { code?: number; message?: string };
  requestReceivedTimestamp: string;
  annotations?: Record<string, string>;
}

const CREATED = 201;
const FORBIDDEN = 403;

export const told = ({ account, verb, resource, namespace }: Right) =>
  `${account}: ${verb} ${resource} in ${namespace}`;

export function resourceName(resource: string, group = '', subresource = ''): string {
  return [group ? `${resource}.${group}` : resource, ...(subresource ? [subresource] : [])].join('/');
}

/** Distinct uses since then by the ServiceAccounts of these namespaces. */
export async function usesSince(file: string, since: Date, namespaces: string[]): Promise<Use[]> {
  const uses = new Map<string, Use>();
  const prefixes = namespaces.map((namespace) => `system:serviceaccount:${namespace}:`);
  for (const part of await partsOf(file, since)) {
    for await (const line of createInterface({ input: createReadStream(part) })) {
      // Most lines are others', and parsing each of some hundred thousand takes longer than reading them.
      if (prefixes.some((prefix) => line.includes(prefix))) {
        for (const use of usesOf(line, since, prefixes)) {
          uses.set(`${told(use)} ${use.missing}`, use);
        }
      }
    }
  }
  return [...uses.values()];
}

/** The API server moves a full log aside as `audit-{time}.log`. */
async function partsOf(file: string, since: Date): Promise<string[]> {
  const extension = extname(file);
  const stem = basename(file, extension);
  const names = (await readdir(dirname(file))).filter(
    (name) => name === basename(file) || (name.startsWith(`${stem}-`) && name.endsWith(extension)),
  );
  const parts = names.map((name) => join(dirname(file), name));
  const times = await Promise.all(parts.map(async (part) => (await stat(part)).mtime));
  return parts.filter((_, index) => (times[index] ?? since) >= since);
}

export function usesOf(line: string, since: Date, prefixes: string[]): Use[] {
  let event: AuditEvent;
  try {
    event = JSON.parse(line) as AuditEvent;
  } catch {
    // The last line, still being written.
    return [];
  }
  const { verb, user, objectRef, responseStatus, annotations } = event;
  const prefix = prefixes.find((known) => user.username.startsWith(known));
  // Without an objectRef it is about no object: discovery, which every account may do.
  if (!prefix || !objectRef || new Date(event.requestReceivedTimestamp) < since) {
    return [];
  }
  const { resource, subresource, apiGroup, namespace = '(cluster)' } = objectRef;
  const account = user.username.replace('system:serviceaccount:', '').replace(':', '/');
  const right = { account, resource: resourceName(resource, apiGroup, subresource), namespace };
  const code = responseStatus?.code ?? 0;
  // An apply that finds nothing creates, and needs that right as well. The log shows one request by the verb `patch`:
  // that it created shows in its code; that it was not allowed to, only in the message. Quotas and Pod Security refuse
  // with 403, too: no right is missing then.
  const [, wanted] = /cannot (\w+) resource/.exec(code === FORBIDDEN ? (responseStatus?.message ?? '') : '') ?? [];
  const refused = annotations?.['authorization.k8s.io/decision'] === 'forbid' || wanted !== undefined;
  if (refused) {
    return [{ ...right, verb: wanted ?? verb, missing: true }];
  }
  const verbs = verb === 'patch' && code === CREATED ? ['patch', 'create'] : [verb];
  return verbs.map((each) => ({ ...right, verb: each, missing: false }));
}
