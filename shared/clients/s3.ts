/** The ObjectStore by AWS's SDK. */
import { Readable } from 'node:stream';
import {
  CopyObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  type ListObjectsV2CommandOutput,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { awsError, awsHeader, awsStatus } from './aws-failure.ts';
import { objectsOf, unquoted } from './listed-objects.ts';
import type { ObjectStore } from './object-store.ts';
import { connectS3, dateOf, type S3Settings, type S3Timeouts, s3Date } from './s3-connection.ts';

const MIB = 1024 * 1024;
/** Two parts at once: an upload keeps at most 16 MiB in memory. */
const PART_SIZE = 8 * MIB;
const PARTS_AT_ONCE = 2;
/** The limit of S3 for keys in one DeleteObjects. */
const DELETE_LIMIT = 1000;

export function createObjectStore(settings: S3Settings, timeouts?: S3Timeouts): ObjectStore & { close(): void } {
  const client = connectS3(settings, timeouts);

  async function attempt<Result>(doing: string, bucket: string, send: () => Promise<Result>): Promise<Result> {
    try {
      return await send();
    } catch (error) {
      throw awsError(error, doing, { advice: adviceOn(error, bucket) });
    }
  }

  /** Calls `missing` where the object does not exist. A missing bucket is an error, as in every method. */
  async function unlessMissing<Result>(
    send: () => Promise<Result>,
    missing: (error: unknown) => Result,
  ): Promise<Result> {
    try {
      return await send();
    } catch (error) {
      if (awsStatus(error) === 404 && (error as Error).name !== 'NoSuchBucket') {
        return missing(error);
      }
      throw error;
    }
  }

  return {
    async *list(bucket, prefix, { after, limit } = {}) {
      let token: string | undefined;
      do {
        const page: ListObjectsV2CommandOutput = await attempt(`listing s3://${bucket}/${prefix}`, bucket, () =>
          client.send(
            // Encoded, since XML can't represent the control characters that a key may contain.
            new ListObjectsV2Command({
              Bucket: bucket,
              Prefix: prefix,
              EncodingType: 'url',
              ...(token === undefined ? { StartAfter: after } : { ContinuationToken: token }),
              MaxKeys: limit,
            }),
          ),
        );
        yield { objects: objectsOf(page), date: dateOf(page.$metadata) };
        token = page.IsTruncated ? page.NextContinuationToken : undefined;
      } while (token !== undefined);
    },

    async open(bucket, key) {
      const doing = `reading s3://${bucket}/${key}`;
      const found = await attempt(doing, bucket, () =>
        unlessMissing(
          () => client.send(new GetObjectCommand({ Bucket: bucket, Key: key })),
          () => undefined,
        ),
      );
      if (!found) {
        return undefined;
      }
      return {
        body: classified(found.Body as Readable, doing),
        etag: unquoted(found.ETag),
        size: found.ContentLength ?? 0,
      };
    },

    async read(bucket, key) {
      return await attempt(`reading s3://${bucket}/${key}`, bucket, () =>
        unlessMissing<{ text: string | undefined; date: Date }>(
          async () => {
            const found = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
            return { text: await found.Body?.transformToString(), date: dateOf(found.$metadata) };
          },
          (error) => ({ text: undefined, date: s3Date(awsHeader(error, 'date')) }),
        ),
      );
    },

    async write(bucket, key, body, contentType) {
      await attempt(`writing s3://${bucket}/${key}`, bucket, () =>
        client.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: body, ContentType: contentType })),
      );
    },

    async create(bucket, key, body, contentType) {
      const request = { Bucket: bucket, Key: key, Body: body, ContentType: contentType, IfNoneMatch: '*' };
      return await attempt(`creating s3://${bucket}/${key}`, bucket, async () => {
        try {
          await client.send(new PutObjectCommand(request));
          return true;
        } catch (error) {
          if (awsStatus(error) === 412) {
            return false;
          }
          throw error;
        }
      });
    },

    async upload(bucket, key, body, contentType) {
      await attempt(`uploading s3://${bucket}/${key}`, bucket, async () => {
        const upload = new Upload({
          client,
          params: { Bucket: bucket, Key: key, Body: body, ContentType: contentType },
          partSize: PART_SIZE,
          queueSize: PARTS_AT_ONCE,
          leavePartsOnError: false,
        });
        try {
          await upload.done();
        } catch (error) {
          body.destroy();
          throw error;
        }
      });
    },

    async copy(bucket, from, to) {
      const source = `${bucket}/${from}`.split('/').map(encodeURIComponent).join('/');
      await attempt(`copying s3://${bucket}/${from} to ${to}`, bucket, () =>
        client.send(new CopyObjectCommand({ Bucket: bucket, CopySource: source, Key: to })),
      );
    },

    async remove(bucket, keys) {
      for (let start = 0; start < keys.length; start += DELETE_LIMIT) {
        const Objects = keys.slice(start, start + DELETE_LIMIT).map((Key) => ({ Key }));
        const answer = await attempt(`removing ${Objects.length} objects of s3://${bucket}`, bucket, () =>
          client.send(new DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects, Quiet: true } })),
        );
        const failed = answer.Errors?.[0];
        if (failed) {
          const name = failed.Code ?? 'InternalError';
          const status = name === 'AccessDenied' ? 403 : 500;
          throw awsError(
            Object.assign(new Error(name), { name, $metadata: { httpStatusCode: status } }),
            `removing s3://${bucket}/${failed.Key}`,
          );
        }
      }
    },

    close() {
      client.destroy();
    },
  };
}

/** The body, with errors while it is read turned into ours. */
function classified(body: Readable, doing: string): Readable {
  async function* chunks(): AsyncIterable<Buffer> {
    try {
      yield* body;
    } catch (error) {
      throw awsError(error, doing);
    }
  }
  const readable = Readable.from(chunks(), { objectMode: false });
  // A reader that stops before the first chunk never starts the generator. Without this the connection would stay open.
  readable.once('close', () => body.destroy());
  return readable;
}

function adviceOn(error: unknown, bucket: string): string | undefined {
  switch (error instanceof Error ? error.name : '') {
    case 'NoSuchBucket':
      return `There is no bucket ${bucket}: create it with \`aws s3 mb s3://${bucket}\`, or mend the bucket's name in ConfigMap knative-lambda-config`;
    case 'PermanentRedirect':
    case 'AuthorizationHeaderMalformed':
      return `Bucket ${bucket} is in another region: set AWS_REGION in ConfigMap knative-lambda-config to what \`aws s3api get-bucket-location --bucket ${bucket}\` prints`;
    default:
      return undefined;
  }
}
