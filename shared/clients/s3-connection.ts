/** The S3 client of a process: endpoint, identity, time-outs and limits. */
import { S3Client } from '@aws-sdk/client-s3';
import { SECOND } from '#shared/durations.ts';
import type { AwsIdentity } from '#shared/settings/aws-identity.ts';
import { awsCredentials } from './aws-identity.ts';
import { ONE_ATTEMPT, throughUpstream } from './aws-upstream.ts';
import { createUpstream } from './upstream.ts';

export interface S3Settings extends AwsIdentity {
  /** For stores other than AWS. Addressed by path, since their buckets have no host names. */
  S3_ENDPOINT?: string | undefined;
}

export interface S3Timeouts {
  /** Milliseconds until the connection is established. */
  connect: number;
  /** Milliseconds without a byte. Bounds a body that stalls, yet not a long upload. */
  idle: number;
}

const TIMEOUTS: S3Timeouts = { connect: 3 * SECOND, idle: 20 * SECOND };

/** So many that the small files of a source are read in parallel. */
const MAX_SOCKETS = 64;

/** A source of 10,000 small files is read at some thousand a second; AWS takes 5,500 reads a second of one prefix. */
const LIMITS = { atOnce: MAX_SOCKETS, perSecond: 2000, burst: 4000 };
const LOOK =
  'See whether S3 is well: for AWS at https://health.aws.amazon.com, else the log of the store at S3_ENDPOINT';

export function connectS3(settings: S3Settings, timeouts: S3Timeouts = TIMEOUTS): S3Client {
  const { AWS_REGION: region, S3_ENDPOINT: endpoint } = settings;
  const agent = { keepAlive: true, maxSockets: MAX_SOCKETS };
  const client = new S3Client({
    region,
    credentials: awsCredentials(settings),
    maxAttempts: ONE_ATTEMPT,
    requestHandler: {
      connectionTimeout: timeouts.connect,
      socketTimeout: timeouts.idle,
      httpAgent: agent,
      httpsAgent: agent,
    },
    // Not every store supports the trailing checksums that AWS introduced in 2024.
    ...(endpoint
      ? {
          endpoint,
          forcePathStyle: true,
          requestChecksumCalculation: 'WHEN_REQUIRED' as const,
          responseChecksumValidation: 'WHEN_REQUIRED' as const,
        }
      : {}),
  });
  client.middlewareStack.add(throughUpstream(createUpstream('S3', LIMITS, LOOK)), {
    step: 'initialize',
    priority: 'high',
    name: 'throughUpstream',
  });
  client.middlewareStack.add(
    (next) => async (args) => {
      const result = await next(args);
      const { headers } = result.response as { headers?: Record<string, string> };
      Object.assign((result.output as { $metadata: object }).$metadata, { date: headers?.['date'] });
      return result;
    },
    { step: 'deserialize', priority: 'high', name: 'keepDateHeader' },
  );
  return client;
}

/** S3's clock, from a Date header. Our own clock where a proxy has removed the header. */
export function s3Date(header: string | undefined): Date {
  const time = Date.parse(header ?? '');
  return Number.isNaN(time) ? new Date() : new Date(time);
}

/** The Date header that the connection keeps in each output's metadata. */
export function dateOf(metadata: object): Date {
  return s3Date((metadata as { date?: string }).date);
}
