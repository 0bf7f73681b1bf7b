import { createHash, randomUUID } from 'node:crypto';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListBucketsCommand,
  ListObjectsCommand,
  type ListObjectsCommandOutput,
  ListObjectsV2Command,
  type ListObjectsV2CommandOutput,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
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

  test('lists folders, in pages', async () => {
    for (const key of ['d/a', 'd/b/1', 'd/b/2', 'd/c/1', 'd/e']) {
      await put(key, 'x');
    }
    const request = { Bucket: 'source', Prefix: 'd/', Delimiter: '/', MaxKeys: 2 };
    const first = await client.send(new ListObjectsV2Command(request));
    const second = await client.send(
      new ListObjectsV2Command({ ...request, ContinuationToken: first.NextContinuationToken }),
    );
    const old = await client.send(new ListObjectsCommand({ ...request, Marker: 'd/b/' }));
    const names = (page: ListObjectsV2CommandOutput | ListObjectsCommandOutput) => [
      ...(page.Contents ?? []).map(({ Key }) => Key),
      ...(page.CommonPrefixes ?? []).map(({ Prefix }) => Prefix),
    ];

    expect([names(first), names(second), names(old)]).toEqual([
      ['d/a', 'd/b/'],
      ['d/e', 'd/c/'],
      ['d/e', 'd/c/'],
    ]);
    expect([first.IsTruncated, second.IsTruncated]).toEqual([true, false]);
  });

  test('writes on conditions', async () => {
    const write = (Key: string, condition: { IfMatch?: string; IfNoneMatch?: string }) =>
      client.send(new PutObjectCommand({ Bucket: 'source', Key, Body: randomUUID(), ...condition }));
    const refused = { name: 'PreconditionFailed', $metadata: { httpStatusCode: 412 } };
    const { ETag: first = '' } = await write('on/condition', { IfNoneMatch: '*' });
    await expect(write('on/condition', { IfNoneMatch: '*' })).rejects.toMatchObject(refused);
    const written = await Promise.allSettled([1, 2, 3].map(() => write('on/condition', { IfMatch: first })));

    expect(written.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    await expect(write('on/condition', { IfMatch: first })).rejects.toMatchObject(refused);
    await expect(write('on/nothing', { IfMatch: first })).rejects.toMatchObject({ name: 'NoSuchKey' });
  });

  test.each([
    { range: 'bytes=2-4', part: '234', contentRange: 'bytes 2-4/10' },
    { range: 'bytes=7-', part: '789', contentRange: 'bytes 7-9/10' },
    { range: 'bytes=-2', part: '89', contentRange: 'bytes 8-9/10' },
    { range: 'bytes=5-99', part: '56789', contentRange: 'bytes 5-9/10' },
  ])('gives a part of an object: $range', async ({ range, part, contentRange }) => {
    await put('range', '0123456789');
    const { Body, ContentRange } = await client.send(
      new GetObjectCommand({ Bucket: 'source', Key: 'range', Range: range }),
    );
    expect([await Body?.transformToString(), ContentRange]).toEqual([part, contentRange]);
  });

  test('a range behind the end is refused', async () => {
    await put('range', '0123456789');
    const request = new GetObjectCommand({ Bucket: 'source', Key: 'range', Range: 'bytes=10-' });
    await expect(client.send(request)).rejects.toMatchObject({ $metadata: { httpStatusCode: 416 } });
  });

  test('an upload in parts has the ETag of S3, keeps its metadata, and leaves nothing where it is aborted', async () => {
    const bodies = () => readdir(join(directory, 's3/bodies'));
    const before = await bodies();
    const stream = Readable.from([Buffer.alloc(6 * MEBIBYTE, 'a'), Buffer.alloc(MEBIBYTE, 'b')]);
    const params = { Bucket: 'source', Key: 'parts', Body: stream, ContentType: 'text/x', Metadata: { k: 'v' } };
    await new Upload({ client, params }).done();
    const head = await client.send(new HeadObjectCommand({ Bucket: 'source', Key: 'parts' }));
    const aborted = await client.send(new CreateMultipartUploadCommand({ Bucket: 'source', Key: 'aborted' }));
    const of = { Bucket: 'source', Key: 'aborted', UploadId: aborted.UploadId };
    const part = await client.send(new UploadPartCommand({ ...of, PartNumber: 1, Body: 'x' }));
    await client.send(new AbortMultipartUploadCommand(of));
    const completed = client.send(
      new CompleteMultipartUploadCommand({ ...of, MultipartUpload: { Parts: [{ PartNumber: 1, ETag: part.ETag }] } }),
    );

    await expect(completed).rejects.toMatchObject({ name: 'NoSuchUpload' });
    const md5 = (content: Buffer) => createHash('md5').update(content).digest();
    const all = Buffer.concat([Buffer.alloc(6 * MEBIBYTE, 'a'), Buffer.alloc(MEBIBYTE, 'b')]);
    const parts = [all.subarray(0, 5 * MEBIBYTE), all.subarray(5 * MEBIBYTE)];
    const etag = `"${md5(Buffer.concat(parts.map(md5))).toString('hex')}-2"`;
    expect(head).toMatchObject({ ETag: etag, ContentType: 'text/x', Metadata: { k: 'v' }, ContentLength: all.length });
    expect((await read('parts')).equals(all)).toBe(true);
    expect(await bodies()).toHaveLength(before.length + 1);
  });

  test('removes many at once, whatever their names', async () => {
    const keys = ['many/a', 'many/<b> & "c"', 'many/ü €'];
    for (const key of keys) {
      await put(key, 'x');
    }
    const Objects = keys.map((Key) => ({ Key }));
    const { Deleted } = await client.send(new DeleteObjectsCommand({ Bucket: 'source', Delete: { Objects } }));
    const { KeyCount } = await client.send(new ListObjectsV2Command({ Bucket: 'source', Prefix: 'many/' }));
    expect([Deleted, KeyCount]).toEqual([Objects, 0]);
  });

  test('what it does not have is refused by name, and taken for nothing else', async () => {
    const response = await fetch(`${s3.url}/source/policy-of?tagging`, { method: 'PUT', body: '<Tagging/>' });
    expect(response.status).toBe(501);
    expect(await response.text()).toContain('PUT object?tagging');
  });

  test('a body that ends too early is no object', async () => {
    const bodies = (await readdir(join(directory, 's3/bodies'))).length;
    const headers = { 'x-amz-content-sha256': 'STREAMING-UNSIGNED-PAYLOAD-TRAILER' };
    const url = `${s3.url}/source/early`;
    const response = await fetch(url, { method: 'PUT', headers, body: '5\r\nhello\r\n3\r\nhe' });
    const hungUp = request(url, { method: 'PUT', headers: { 'content-length': '100' } });
    hungUp.on('error', () => {});
    await new Promise((resolve) => hungUp.write('half', resolve));
    hungUp.destroy();

    expect(response.status).toBeGreaterThanOrEqual(400);
    const gone = async () => expect(await readdir(join(directory, 's3/bodies'))).toHaveLength(bodies);
    await vi.waitFor(gone, { timeout: 10_000 });
    expect((await fetch(url)).status).toBe(404);
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
