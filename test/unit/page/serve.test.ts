/** The files of the page, as the gateway serves them. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { servePage } from '#functions/gateway/page.ts';

let directory: string;
const SCRIPT = 'assets/index-abc.js';

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'page-test-'));
  mkdirSync(join(directory, 'assets'));
  writeFileSync(join(directory, 'index.html'), '<!doctype html>');
  writeFileSync(join(directory, SCRIPT), 'run()');
  writeFileSync(join(directory, `${SCRIPT}.gz`), gzipSync('run()'));
  writeFileSync(join(directory, 'secret.env'), 'no type of ours');
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const serve = (path: string, headers: Record<string, string> = {}) =>
  servePage({ uploadOrigins: ['https://s3.example'], directory })(path, headers);

describe('the file', () => {
  test.each(['/', '/index.html', '/functions/acme/a', '/builds/acme/a/b%2Fc', '/no-such-view', '//evil.example/'])(
    '%s is the page itself',
    (path) => {
      const { statusCode, headers, body } = serve(path);
      expect([statusCode, headers['content-type'], headers['cache-control'], String(body)]).toEqual([
        200,
        'text/html; charset=utf-8',
        'no-cache',
        '<!doctype html>',
      ]);
    },
  );

  test.each(['/secret.env', '/../../package.json', '/%2e%2e/package.json', '/assets/../index.html.gz'])(
    '%s gives nothing that is not the page',
    (path) => {
      expect(String(serve(path).body)).not.toMatch(/no type of ours|knative-lambda"/);
    },
  );

  test('with a hash in its name is kept for ever', () => {
    const { headers } = serve(`/${SCRIPT}`);
    expect(headers).toMatchObject({
      'content-type': 'text/javascript; charset=utf-8',
      'cache-control': 'public, max-age=31536000, immutable',
    });
  });

  test('of another version is not found, and is not kept', () => {
    const { statusCode, headers } = serve('/assets/index-former.js');
    expect([statusCode, headers['cache-control']]).toEqual([404, 'no-store']);
  });

  test('is sent compressed to whoever takes it, under another ETag', () => {
    const plain = serve(`/${SCRIPT}`);
    const compressed = serve(`/${SCRIPT}`, { 'accept-encoding': 'br, gzip' });
    expect(compressed.headers).toMatchObject({ 'content-encoding': 'gzip', vary: 'accept-encoding' });
    expect(gunzipSync(compressed.body as Buffer).toString()).toBe('run()');
    expect(compressed.headers['etag']).not.toBe(plain.headers['etag']);
  });
});

test('the policy allows scripts and styles of the page alone, and S3 to upload to', () => {
  const { headers } = serve('/');
  const policy = headers['content-security-policy'] ?? '';
  expect(policy).toContain("default-src 'none'");
  expect(policy).toContain("connect-src 'self' https://s3.example;");
  expect(policy).not.toContain('unsafe');
  expect(headers['x-content-type-options']).toBe('nosniff');
  expect(headers).not.toHaveProperty('set-cookie');
});

test('a page that was not built says how to build it', () => {
  const answer = servePage({ uploadOrigins: [], directory: join(directory, 'nothing') })('/', {});
  expect([answer.statusCode, JSON.parse(String(answer.body)).detail]).toEqual([
    404,
    expect.stringContaining('npm run build'),
  ]);
});
