/**
 * A registry that needs a repository to exist before an image is pushed. The adapter is ecr.ts; other registries need
 * none.
 */

export interface ImageRegistry {
  /**
   * Creates the repository where there is none. `name` includes the registry's path, not its host.
   * Throws RetryableError('Unavailable' | 'Throttled') or PermanentError('Forbidden' | 'Refused').
   */
  ensureRepository(name: string, use: RepositoryUse): Promise<void>;
}

/** `images`: what functions run. `cache`: Kaniko's layers. */
export type RepositoryUse = 'images' | 'cache';

const ECR_HOST = /^(\d{12})\.dkr\.ecr(?:-fips)?\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?(?:\/|$)/;

/** The account and region of an ECR registry; undefined for any other. */
export function ecrRegistryOf(registry: string): { account: string; region: string } | undefined {
  const [, account, region] = ECR_HOST.exec(registry) ?? [];
  return account && region ? { account, region } : undefined;
}

/** `host/path/name` → `path/name`: what ECR calls the repository. */
export function repositoryPath(repository: string): string {
  return repository.slice(repository.indexOf('/') + 1);
}
