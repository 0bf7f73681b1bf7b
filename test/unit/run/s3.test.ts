import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CopyObjectCommand,
  CreateBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  ListBucketsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type S3, startS3 } from '#local/s3.ts';

const MEBIBYTE = 1024 * 1024;
let directory: string;
let s3: S3;
let client: S3Client;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 's3-'));
  s3 = await startS3({ directory: join(directory, 's3'), buckets: ['source', 'other'] });
  client = new S3Client({
    endpoint: s3.url,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: { accessKeyId: 'any', secretAccessKey: 'any' },
  });
});
afterAll(async () => {
  client.destroy();
  await s3.close();
  await rm(directory, { recursive: true, force: true });
});

async function put(Key: string, Body: string | Buffer): Promise<void> {
  await client.send(new PutObjectCommand({ Bucket: 'source', Key, Body }));
}

async function read(Key: string, Bucket = 'source'): Promise<Buffer> {
  const { Body } = await client.send(new GetObjectCommand({ Bucket, Key }));
  return Buffer.from((await Body?.transformToByteArray()) ?? []);
}

describe('S3', () => {
  test('listens on the loopback interface', () => {
    expect(new URL(s3.url).hostname).toBe('127.0.0.1');
  });

  test.each([
    { case: 'a plain key', key: 'global/parser/p1/index.js' },
    { case: 'a key that climbs out', key: 'global/parser/p1/../../../../../../../../tmp/escaped' },
    { case: 'an absolute key', key: '/etc/escaped' },
    { case: 'a key of 900 characters', key: `long/${'x'.repeat(900)}` },
    { case: 'a key of other letters', key: 'ü/ключ 🙂 & <x>' },
    { case: 'a key under another key', key: 'global/parser/p1/index.js/under' },
  ])('keeps $case, in a file whose name no key decides', async ({ key }) => {
    await put(key, key);

    expect((await read(key)).toString()).toBe(key);
    const files = await readdir(join(directory, 's3'), { recursive: true });
    expect(files.every((file) => /^(objects\.jsonl|bodies|bodies\/[0-9a-f-]{36})$/.test(file))).toBe(true);
  });

  test('lists more than a page of keys in S3’s order, each once, whatever their case', async () => {
    const keys = Array.from({ length: 30 }, (_, index) => `case/${index % 2 ? 'B' : 'a'}${index}`);
    await Promise.all(keys.map((key) => put(key, 'x')));

    const listed: string[] = [];
    let ContinuationToken: string | undefined;
    do {
      const page = await client.send(
        new ListObjectsV2Command({ Bucket: 'source', Prefix: 'case/', MaxKeys: 7, ContinuationToken }),
      );
      listed.push(...(page.Contents ?? []).map(({ Key = '' }) => Key));
      ContinuationToken = page.NextContinuationToken;
    } while (ContinuationToken);

    expect(listed).toEqual([...keys].sort());
  });

  test('takes 20 MB in one request, and copies it', async () => {
    const body = Buffer.alloc(20 * MEBIBYTE, 'x');
    await put('large', body);
    await client.send(new CopyObjectCommand({ Bucket: 'other', Key: 'copy', CopySource: 'source/large' }));

    expect((await read('copy', 'other')).equals(body)).toBe(true);
  });

  test('has everything again after a restart: bodies, metadata, times, buckets; and nothing that was deleted', async () => {
    const again = join(directory, 'again');
    const first = await startS3({ directory: again, buckets: ['source'] });
    const clientOf = ({ url }: S3) =>
      new S3Client({
        endpoint: url,
        region: 'us-east-1',
        forcePathStyle: true,
        credentials: { accessKeyId: 'any', secretAccessKey: 'any' },
      });
    const before = clientOf(first);
    const Bucket = 'source';
    await before.send(new CreateBucketCommand({ Bucket: 'mine' }));
    for (const Body of ['old', 'new, and ü']) {
      await before.send(
        new PutObjectCommand({ Bucket, Key: 'a/../b', Body, ContentType: 'text/x', Metadata: { k: 'v' } }),
      );
    }
    await before.send(new PutObjectCommand({ Bucket, Key: 'empty', Body: '' }));
    await before.send(new PutObjectCommand({ Bucket, Key: 'gone', Body: 'gone' }));
    await before.send(new DeleteObjectCommand({ Bucket, Key: 'gone' }));
    const { Contents: listed } = await before.send(new ListObjectsV2Command({ Bucket }));
    const { Buckets: buckets } = await before.send(new ListBucketsCommand());
    // What a killed one leaves: a body that no line of the journal names.
    await writeFile(join(again, 'bodies', 'half'), 'half');
    before.destroy();
    await first.close();

    const second = await startS3({ directory: again, buckets: ['source'] });
    const after = clientOf(second);

    expect((await after.send(new ListObjectsV2Command({ Bucket }))).Contents).toEqual(listed);
    expect((await after.send(new ListBucketsCommand())).Buckets).toEqual(buckets);
    const { Body, ContentType, Metadata } = await after.send(new GetObjectCommand({ Bucket, Key: 'a/../b' }));
    expect([await Body?.transformToString(), ContentType, Metadata]).toEqual(['new, and ü', 'text/x', { k: 'v' }]);
    const empty = await after.send(new GetObjectCommand({ Bucket, Key: 'empty' }));
    expect(await empty.Body?.transformToString()).toBe('');
    expect(await readdir(join(again, 'bodies'))).toHaveLength(2);
    after.destroy();
    await second.close();
  });

  test('tells that its port is taken', async () => {
    const port = Number(new URL(s3.url).port);
    await expect(startS3({ directory: join(directory, 'second'), port, buckets: [] })).rejects.toMatchObject({
      code: 'EADDRINUSE',
    });
  });
});
