/** Addresses by which a client puts one object into S3 itself: this content, of this length, for a while. */
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { awsCredentials } from './aws-identity.ts';
import type { S3Settings } from './s3-connection.ts';

export interface PresignedUpload {
  url: string;
  /** To be sent with it, besides Content-Length, which every client sets by itself. */
  headers: Record<string, string>;
}

/** `sha256`: 64 hex digits. S3 refuses every other content and length. */
export type PresignUpload = (object: {
  bucket: string;
  key: string;
  size: number;
  sha256: string;
}) => Promise<PresignedUpload>;

const CHECKSUM = 'x-amz-checksum-sha256';

/** Where those addresses lead: a browser has to be allowed to send there. AWS has two, by the name of the bucket. */
export function uploadOrigins({ AWS_REGION, SOURCE_BUCKET, ...endpoints }: UploadSettings): string[] {
  const endpoint = endpoints.S3_PUBLIC_ENDPOINT ?? endpoints.S3_ENDPOINT;
  if (endpoint) {
    return [new URL(endpoint).origin];
  }
  const host = `s3.${AWS_REGION}.amazonaws.com${AWS_REGION.startsWith('cn-') ? '.cn' : ''}`;
  return [SOURCE_BUCKET.includes('.') ? `https://${host}` : `https://${SOURCE_BUCKET}.${host}`];
}

interface UploadSettings {
  AWS_REGION: string;
  SOURCE_BUCKET: string;
  S3_ENDPOINT?: string | undefined;
  S3_PUBLIC_ENDPOINT?: string | undefined;
}

/** `S3_PUBLIC_ENDPOINT` is S3's address for clients. The name is signed, so no proxy can change it later. */
export function createPresignUpload(
  settings: S3Settings & { S3_PUBLIC_ENDPOINT?: string | undefined },
  seconds: number,
): PresignUpload {
  const endpoint = settings.S3_PUBLIC_ENDPOINT ?? settings.S3_ENDPOINT;
  // Nothing is sent: no limits, no retries.
  const client = new S3Client({
    region: settings.AWS_REGION,
    credentials: awsCredentials(settings),
    requestChecksumCalculation: 'WHEN_REQUIRED',
    ...(endpoint ? { endpoint, forcePathStyle: true } : {}),
  });
  return async ({ bucket, key, size, sha256 }) => {
    const checksum = Buffer.from(sha256, 'hex').toString('base64');
    const command = new PutObjectCommand({ Bucket: bucket, Key: key, ContentLength: size, ChecksumSHA256: checksum });
    const url = await getSignedUrl(client, command, {
      expiresIn: seconds,
      // In the query a store may overlook it; as a signed header it has to be sent, and S3 compares.
      unhoistableHeaders: new Set([CHECKSUM]),
    });
    return { url, headers: { [CHECKSUM]: checksum } };
  };
}
