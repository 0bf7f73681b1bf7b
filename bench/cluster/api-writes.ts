/**
 * How often the API server is written to for a build, for a new function and for a pod that wakes, by everybody:
 * Kubernetes, Knative and us. Counted in the audit log of a cluster on which all of this has happened, such as one
 * after `make e2e`: `AUDIT_LOG=file node bench/cluster/api-writes.ts` (ENV=dev). The log has JSON lines of
 * audit.k8s.io/v1.
 */
import { createReadStream, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { table } from './table.ts';

const WRITES = new Set(['create', 'update', 'patch']);
/** Fewer pods than that are not enough for a mean. */
const LEAST_WAKES = 10;
const REVISION = /^(.+)-\d{5}(?:[-.]|$)/;

interface Write {
  namespace: string;
  resource: string;
  subresource: string;
  name: string;
}

interface Counts {
  builds: number;
  ofBuilds: number;
  /** By Service. */
  writes: Map<string, number>;
  revisions: Map<string, Set<string>>;
  pods: Map<string, number>;
}

const { AUDIT_LOG, ENV = 'dev' } = process.env;
if (!AUDIT_LOG) {
  throw new Error('set AUDIT_LOG to the audit log of the API server');
}
const NAMESPACE = `knative-lambda-${ENV}`;
const BUILDERS = new Set(readdirSync(join(import.meta.dirname, '../../functions')));
const counts = await count(AUDIT_LOG);
print(counts);

async function count(file: string): Promise<Counts> {
  const found: Counts = { builds: 0, ofBuilds: 0, writes: new Map(), revisions: new Map(), pods: new Map() };
  for await (const line of createInterface({ input: createReadStream(file) })) {
    const write = line.includes(NAMESPACE) ? writeOf(line) : undefined;
    if (write?.namespace === `${NAMESPACE}-builds`) {
      found.ofBuilds += 1;
      found.builds += write.resource === 'pods' && write.subresource === 'binding' ? 1 : 0;
    } else if (write?.namespace === NAMESPACE) {
      countFunction(found, write);
    }
  }
  return found;
}

/** Deletions are not counted: most of these functions are a test's, which deletes them. */
function writeOf(line: string): Write | undefined {
  const { verb, objectRef = {}, responseStatus } = JSON.parse(line);
  const { namespace, resource, subresource = '', name = '' } = objectRef;
  return WRITES.has(verb) && responseStatus?.code < 300 ? { namespace, resource, subresource, name } : undefined;
}

/** Objects of a function have its name, or begin with that of its revision. */
function countFunction({ writes, revisions, pods }: Counts, { resource, subresource, name }: Write): void {
  const revision = REVISION.exec(name);
  const service = revision?.[1] ?? name.split('.')[0] ?? '';
  if (resource === 'triggers') {
    return;
  }
  writes.set(service, (writes.get(service) ?? 0) + 1);
  if (revision) {
    revisions.set(service, (revisions.get(service) ?? new Set()).add(revision[0].replace(/[-.]$/, '')));
  }
  if (resource === 'pods' && subresource === 'binding') {
    pods.set(service, (pods.get(service) ?? 0) + 1);
  }
}

function print({ builds, ofBuilds, writes, revisions, pods }: Counts): void {
  const users = [...revisions.keys()].filter((name) => !BUILDERS.has(name) && pods.get(name) === 1);
  const waking = [...BUILDERS].filter((name) => (pods.get(name) ?? 0) >= LEAST_WAKES);
  const sum = (names: string[], of: (name: string) => number) => names.reduce((total, name) => total + of(name), 0);
  const ofNames = (names: string[]) => sum(names, (name) => writes.get(name) ?? 0);
  const revisionsOf = sum(users, (name) => revisions.get(name)?.size ?? 0);
  const podsOf = sum(waking, (name) => pods.get(name) ?? 0);
  const each = (total: number, number: number) => (total / number).toFixed(1);
  console.log(
    table(
      'Writes to the API server',
      ['for', 'number', 'writes each'],
      [
        ['the Job and pod of a build', String(builds), each(ofBuilds, builds)],
        ["a function's new revision, with its first pod", String(revisionsOf), each(ofNames(users), revisionsOf)],
        ['a pod of ours that woke from zero', String(podsOf), each(ofNames(waking), podsOf)],
      ],
    ),
  );
}
