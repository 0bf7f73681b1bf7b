/** The ImageRegistry by Amazon ECR: images are scanned on push, tags are immutable, old images are removed. */
import {
  CreateRepositoryCommand,
  GetLifecyclePolicyCommand,
  LifecyclePolicyNotFoundException,
  PutLifecyclePolicyCommand,
  RepositoryAlreadyExistsException,
} from '@aws-sdk/client-ecr';
import type { AwsIdentity } from '#shared/settings/aws-identity.ts';
import { awsError } from './aws-failure.ts';
import { createEcrClient } from './ecr-client.ts';
import type { ImageRegistry, RepositoryUse } from './image-registry.ts';

/** Four calls a build. ECR has quotas for each action, and answers so when one is reached. */
const LIMITS = { atOnce: 8, perSecond: 50, burst: 100 };

/**
 * Enough to go back to an earlier one. The image that runs is among the newest, since only the newest build is
 * deployed.
 */
const IMAGES_KEPT = 50;
/** Kaniko itself uses a cached layer for two weeks. */
const CACHE_DAYS = 14;

export function createEcrRegistry(
  identity: AwsIdentity,
  { account, region, endpoint }: { account: string; region: string; endpoint?: string },
): ImageRegistry {
  const client = createEcrClient(identity, { region, endpoint, limits: LIMITS });

  return {
    async ensureRepository(repositoryName, use) {
      const repository = { registryId: account, repositoryName };
      try {
        await client.send(
          new CreateRepositoryCommand({
            ...repository,
            imageTagMutability: 'IMMUTABLE',
            imageScanningConfiguration: { scanOnPush: true },
            tags: [{ Key: 'app.kubernetes.io/managed-by', Value: 'knative-lambda' }],
          }),
        );
      } catch (error) {
        if (!(error instanceof RepositoryAlreadyExistsException)) {
          throw awsError(error, `creating repository ${repositoryName}`, { system: 'ECR' });
        }
      }
      // Not only after creating it: whoever created it may have crashed before this step. A policy that exists is kept:
      // it may be the operator's.
      try {
        await client.send(new GetLifecyclePolicyCommand(repository));
      } catch (error) {
        if (!(error instanceof LifecyclePolicyNotFoundException)) {
          throw awsError(error, `reading the lifecycle policy of ${repositoryName}`, { system: 'ECR' });
        }
        await putPolicy(repository, use);
      }
    },
  };

  async function putPolicy(
    repository: { registryId: string; repositoryName: string },
    use: RepositoryUse,
  ): Promise<void> {
    try {
      await client.send(
        new PutLifecyclePolicyCommand({
          ...repository,
          lifecyclePolicyText: JSON.stringify({ rules: lifecycleRules(use) }),
        }),
      );
    } catch (error) {
      throw awsError(error, `writing the lifecycle policy of ${repository.repositoryName}`, { system: 'ECR' });
    }
  }
}

function lifecycleRules(use: RepositoryUse): object[] {
  const expire = { action: { type: 'expire' } };
  return use === 'cache'
    ? [
        {
          rulePriority: 1,
          description: `layers older than ${CACHE_DAYS} days`,
          selection: { tagStatus: 'any', countType: 'sinceImagePushed', countUnit: 'days', countNumber: CACHE_DAYS },
          ...expire,
        },
      ]
    : [
        {
          rulePriority: 1,
          description: `all but the newest ${IMAGES_KEPT} images`,
          selection: { tagStatus: 'any', countType: 'imageCountMoreThan', countNumber: IMAGES_KEPT },
          ...expire,
        },
      ];
}
