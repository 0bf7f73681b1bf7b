/** How our two containers reach S3. Kaniko's container must never get this: every RUN step can read its environment. */
import type { V1EnvFromSource, V1EnvVar } from '@kubernetes/client-node';
import { type BuildPodSettings, S3_SECRET } from './settings.ts';

export function s3Environment({ region, s3Endpoint }: BuildPodSettings): V1EnvVar[] {
  return [{ name: 'AWS_REGION', value: region }, ...(s3Endpoint ? [{ name: 'S3_ENDPOINT', value: s3Endpoint }] : [])];
}

export const s3Credentials: V1EnvFromSource[] = [{ secretRef: { name: S3_SECRET, optional: true } }];
