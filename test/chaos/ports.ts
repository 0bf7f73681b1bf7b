/**
 * The cluster and the store as one process reaches them: every call, and every page of a listing, is a step that may
 * fail.
 */
import { buffer } from 'node:stream/consumers';
import type { Cluster } from '#shared/clients/cluster.ts';
import type { ObjectStore } from '#shared/clients/object-store.ts';
import { type InMemoryCluster, JOBS, LEASES, PODS, SECRETS, SERVICES, TRIGGERS } from '#test/fakes/cluster.ts';
import type { InMemoryObjectStore } from '#test/fakes/object-store.ts';
import type { SimulatedProcess } from './process.ts';

interface Call {
  /** Verb and resource: in some runs all calls of one kind are slow. */
  kind: string;
  writes: boolean;
  /** Whether the call names a version, so that the API server may answer 409. */
  isConditional: (args: unknown[]) => boolean;
}

const never = () => false;
const always = () => true;
const withVersion = ([, version]: unknown[]) => version !== undefined;
const reads = (kind: string): Call => ({ kind, writes: false, isConditional: never });
const writes = (kind: string, isConditional: Call['isConditional']): Call => ({ kind, writes: true, isConditional });

const CALLS: Record<keyof Cluster, Call> = {
  getJob: reads(`get ${JOBS}`),
  listJobs: reads(`list ${JOBS}`),
  listJobMetadata: reads(`list ${JOBS}`),
  createJob: writes(`create ${JOBS}`, never),
  patchJob: writes(`patch ${JOBS}`, always),
  deleteJob: writes(`delete ${JOBS}`, never),
  listPods: reads(`list ${PODS}`),
  listFunctionPods: reads(`list ${PODS}`),
  getPod: reads(`get ${PODS}`),
  readLog: reads('log'),
  getLease: reads(`get ${LEASES}`),
  replaceLease: writes('replace lease', always),
  getSecretKeys: reads(`get ${SECRETS}`),
  listSecretMetadata: reads(`list ${SECRETS}`),
  getService: reads(`get ${SERVICES}`),
  listServices: reads(`list ${SERVICES}`),
  listRevisions: reads('list revisions'),
  applyService: writes(`apply ${SERVICES}`, always),
  patchService: writes(`patch ${SERVICES}`, always),
  deleteService: writes(`delete ${SERVICES}`, withVersion),
  getTrigger: reads(`get ${TRIGGERS}`),
  listTriggers: reads(`list ${TRIGGERS}`),
  applyTrigger: writes(`apply ${TRIGGERS}`, always),
  patchTrigger: writes(`patch ${TRIGGERS}`, always),
  deleteTrigger: writes(`delete ${TRIGGERS}`, withVersion),
};

export function clusterPort(cluster: InMemoryCluster, process: SimulatedProcess): Cluster {
  const remembering: Partial<Cluster> = {
    getJob: async (name) => process.remember(await cluster.getJob(name)),
    createJob: async (job) => {
      const isNew = await cluster.createJob(job);
      if (isNew) {
        process.remember(cluster.jobs.get(job.metadata?.name ?? ''));
      }
      return isNew;
    },
  };
  return new Proxy<Cluster>(cluster, {
    get: (_, method: keyof Cluster) => {
      const call = (remembering[method] ?? cluster[method].bind(cluster)) as (...args: unknown[]) => Promise<unknown>;
      const { kind, isConditional, ...about } = CALLS[method];
      return (...args: unknown[]) => {
        const name = `${kind} ${args.map(inWords).join(' ')}`;
        const step = { system: 'Kubernetes', name, ...about, conditional: isConditional(args) } as const;
        return process.step(step, () => call(...args));
      };
    },
  });
}

/** For the trace: a name, a selector, or the beginning of an object. */
function inWords(argument: unknown): string {
  if (typeof argument === 'string') {
    return argument.replace('app.kubernetes.io/', '');
  }
  const { metadata } = Object(argument) as { metadata?: { name?: string; annotations?: Record<string, string> } };
  return metadata?.name ?? JSON.stringify(argument)?.slice(0, 120) ?? '';
}

export function storePort(store: InMemoryObjectStore, process: SimulatedProcess): ObjectStore {
  const reading = <Result>(name: string, read: () => Promise<Result> | Result) =>
    process.step({ system: 'S3', name, writes: false }, read);
  const writing = <Result>(name: string, write: () => Promise<Result>) =>
    process.step({ system: 'S3', name, writes: true }, write);
  return {
    async *list(bucket, prefix) {
      for (let after: string | undefined = ''; after !== undefined; ) {
        const from: string = after;
        const { objects, date } = await reading(`list ${bucket}/${prefix}`, () => store.page(bucket, prefix, from));
        yield { objects, date };
        // A full page may be the last one. Then one more page is read, which is empty.
        after = objects.length < store.pageSize ? undefined : objects.at(-1)?.key;
      }
    },
    open: (bucket, key) => reading(`open ${key}`, () => store.open(bucket, key)),
    read: (bucket, key) => reading(`read ${key}`, () => store.read(bucket, key)),
    write: (bucket, key, body, type) => writing(`write ${key}`, () => store.write(bucket, key, body, type)),
    create: (bucket, key, body, type) => writing(`create ${key}`, () => store.create(bucket, key, body, type)),
    upload: async (bucket, key, body, type) => {
      const bytes = await buffer(body);
      await writing(`upload ${key}`, () => store.write(bucket, key, bytes, type));
    },
    copy: (bucket, from, to) => writing(`copy ${to}`, () => store.copy(bucket, from, to)),
    remove: async (bucket, keys) => {
      for (const key of keys) {
        await writing(`remove ${key}`, () => store.remove(bucket, [key]));
      }
    },
  };
}
