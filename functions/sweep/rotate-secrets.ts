/** Gives functions whose Secrets have changed a new revision, which reads the new values: without a build. */
import type { Cluster, KnativeObject, SecretMetadata } from '#shared/clients/cluster.ts';
import { readBuild } from '#shared/specs/annotations.ts';
import { functionName } from '#shared/specs/names.ts';
import { FUNCTION_SECRETS, FUNCTIONS_WITH_SECRETS, SECRETS_VERSION, secretsVersion } from '#shared/specs/secrets.ts';
import { forEachInBatch, nameOf, takeBatch } from './batch.ts';
import type { Step } from './dependencies.ts';

/**
 * A function one of whose Secrets is gone, or no longer its tenant's, keeps its revision; build-complete refuses its
 * next deployment. Services are listed before Secrets, and each change names the version of the Service that was
 * listed: what build-complete deploys meanwhile has read newer Secrets, and is not set back.
 */
export async function rotateSecrets({
  cluster,
  report,
  now,
}: Step & { cluster: Pick<Cluster, 'listServices' | 'listSecretMetadata' | 'patchService'> }): Promise<void> {
  const services = await cluster.listServices(FUNCTIONS_WITH_SECRETS);
  if (services.length === 0) {
    return;
  }
  const listed = await cluster.listSecretMetadata(FUNCTION_SECRETS);
  const secrets = new Map(listed.map((secret) => [secret.metadata.name, secret]));
  const outdated = services.flatMap((service) => {
    const version = newVersion(service, secrets);
    return version === undefined ? [] : [{ service, version }];
  });
  await forEachInBatch(
    takeBatch(outdated, now()),
    { report, nameOf: ({ service }) => nameOf(service) },
    async ({ service: { metadata }, version }) => {
      const { name, resourceVersion } = metadata;
      const template = { metadata: { annotations: { [SECRETS_VERSION]: version } } };
      if (await cluster.patchService(name, { metadata: { resourceVersion }, spec: { template } })) {
        report.did('secrets_rotated', name);
      }
    },
  );
}

/** Undefined where the function's pods read these versions already, or must not. */
function newVersion(service: KnativeObject, secrets: ReadonlyMap<string, SecretMetadata>): string | undefined {
  const build = readBuild(service);
  if (!build || functionName(build) !== nameOf(service) || service.metadata.deletionTimestamp !== undefined) {
    return undefined;
  }
  const version = secretsVersion(build, secrets);
  return version === service.spec?.template?.metadata?.annotations?.[SECRETS_VERSION] ? undefined : version;
}
