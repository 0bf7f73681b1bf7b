/** Addresses for uploads, against the platform's own S3: this content, of this length, with its headers, in time. */
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type S3, startS3 } from '#local/s3.ts';
import { createPresignUpload } from '#shared/clients/presigned-uploads.ts';

const KEYS = { AWS_REGION: 'us-east-1', AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b' };
const object = {
  bucket: 'b',
  key: 'src/acme/ä b.js',
  size: 5,
  sha256: createHash('sha256').update('hello').digest('hex'),
};

let directory: string;
let s3: S3;
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'presigned-'));
  s3 = await startS3({ directory, buckets: ['b'] });
});
afterAll(async () => {
  await s3.close();
  rmSync(directory, { recursive: true });
});

test('an address takes the content that it was signed for, and nothing else', async () => {
  const { url, headers } = await createPresignUpload({ ...KEYS, S3_ENDPOINT: s3.url }, 900)(object);
  const put = async (body: string, sent = headers) => (await fetch(url, { method: 'PUT', body, headers: sent })).status;
  expect(await put('jello')).toBe(400);
  expect(await put('hello, world')).toBe(400);
  expect(await put('hello', {})).toBe(403);
  expect((await fetch(`${s3.url}/b/${encodeURI(object.key)}`)).status).toBe(404);
  expect(await put('hello')).toBe(200);
  expect(await (await fetch(`${s3.url}/b/${encodeURI(object.key)}`)).text()).toBe('hello');
});

test('is signed for the length, and takes nothing after its time', async () => {
  const { url, headers } = await createPresignUpload({ ...KEYS, S3_ENDPOINT: s3.url }, 900)(object);
  expect(new URL(url).searchParams.get('X-Amz-SignedHeaders')).toBe('content-length;host;x-amz-checksum-sha256');
  const late = url.replace(/X-Amz-Date=\d{8}T/, 'X-Amz-Date=20200101T');
  expect((await fetch(late, { method: 'PUT', body: 'hello', headers })).status).toBe(403);
});

test('names S3 as clients reach it', async () => {
  const settings = { ...KEYS, S3_ENDPOINT: s3.url, S3_PUBLIC_ENDPOINT: 'https://s3.example.com' };
  expect((await createPresignUpload(settings, 900)(object)).url).toMatch(/^https:\/\/s3\.example\.com\/b\/src\/acme\//);
});
