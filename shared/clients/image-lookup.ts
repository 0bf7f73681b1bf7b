/** Whether registries still have images, as anybody may ask who has no credentials. */
import pLimit from 'p-limit';
import { SECOND } from '#shared/durations.ts';
import { PermanentError } from '#shared/events/errors.ts';
import { registryAddress } from './registry-address.ts';
import { ACCEPTED_MANIFESTS } from './registry-manifests.ts';
import { registryRequests } from './registry-requests.ts';

export interface ImageLookup {
  /** Of those that could be asked for. */
  there: string[];
  missing: string[];
  /** Registries that let nobody look without credentials. */
  closed: string[];
  /** Registries that did not answer, and why. */
  silent: { host: string; problem: string }[];
}

const AT_ONCE = 16;
/** For all of them: what was not seen by then is left out. */
const WITHIN = 3 * SECOND;

/** `endpoint`: REGISTRY_ENDPOINT. */
export async function lookUpImages(images: readonly string[], endpoint?: string): Promise<ImageLookup> {
  const requests = registryRequests({ timeouts: { connect: SECOND, idle: SECOND } });
  const found: ImageLookup = { there: [], missing: [], closed: [], silent: [] };
  const limit = pLimit(AT_ONCE);
  const given = new Set<string>();
  const look = async (image: string) => {
    const [, repository = '', digest = ''] = /^(.*)@(sha256:[0-9a-f]{64})$/.exec(image) ?? [];
    const host = repository.split('/')[0] ?? '';
    if (digest === '' || given.has(host)) {
      return;
    }
    try {
      const address = registryAddress(repository, endpoint);
      const doing = `looking for ${image}`;
      const request = {
        address,
        to: `manifests/${digest}`,
        doing,
        access: 'pull',
        headers: { accept: ACCEPTED_MANIFESTS },
      } as const;
      const { status } = await requests.ask({ ...request, method: 'HEAD', expects: [200, 404] });
      found[status === 200 ? 'there' : 'missing'].push(image);
    } catch (error) {
      // Once is enough: the others of this registry would say the same.
      if (given.has(host)) {
        return;
      }
      given.add(host);
      if (error instanceof PermanentError) {
        found.closed.push(host);
      } else {
        found.silent.push({ host, problem: error instanceof Error ? error.message : String(error) });
      }
    }
  };
  const all = Promise.all(images.map((image) => limit(() => look(image))));
  const { promise: late, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, WITHIN);
  await Promise.race([all, late]);
  clearTimeout(timer);
  limit.clearQueue();
  const seen = structuredClone(found);
  requests.close();
  return seen;
}
