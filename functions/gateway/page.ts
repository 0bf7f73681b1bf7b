/** The page: static files that the build has made, each read once. */

import { readdirSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { contentName } from '#shared/runtime/etag.ts';
import { problemAnswer } from '#shared/runtime/problem-answer.ts';
import type { Route } from '#shared/runtime/routes.ts';
import type { ApiDependencies, ServePage } from './dependencies.ts';

/** Beside what is bundled; started from the sources, in dist/. */
const DIRECTORY = fileURLToPath(
  new URL(import.meta.url.endsWith('.ts') ? '../../dist/public/' : '../public/', import.meta.url),
);
const INDEX = 'index.html';
const HASHED = 'assets/';

const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};

export const PAGE_ROUTE: Route<ApiDependencies> = {
  method: 'GET',
  path: '/*',
  handle: async ({ path, headers }, { page }) => page(path, headers),
};

interface PageFile {
  headers: Record<string, string>;
  etag: string;
  plain: Buffer;
  gzip: Buffer | undefined;
}

export interface PageOptions {
  /** Origins of S3, where the page may upload to: `http://127.0.0.1:9000`. */
  uploadOrigins: readonly string[];
  directory?: string;
}

export function servePage({ uploadOrigins, directory = DIRECTORY }: PageOptions): ServePage {
  let files: Map<string, PageFile> | undefined;
  return (path, headers) => {
    files ??= readFiles(directory, securityHeaders(uploadOrigins));
    const name = path.replace(/^\/+/, '');
    // Every view has an address of its own. What is no file is one of them, unless it was one once.
    const file = files.get(name) ?? (name.startsWith(HASHED) ? undefined : files.get(INDEX));
    if (file === undefined) {
      const detail =
        files.size === 0
          ? 'the page was not built: npm run build makes it'
          : 'this file is of another version of the page: load the page anew';
      return problemAnswer({ status: 404, reason: 'NotFound', detail }, { 'cache-control': 'no-store' });
    }
    const { etag, plain } = file;
    const gzip = /\bgzip\b/.test(String(headers['accept-encoding'] ?? '')) ? file.gzip : undefined;
    return gzip
      ? {
          statusCode: 200,
          headers: { ...file.headers, etag: `"${etag}-gzip"`, 'content-encoding': 'gzip' },
          body: gzip,
        }
      : { statusCode: 200, headers: { ...file.headers, etag: `"${etag}"` }, body: plain };
  };
}

function readFiles(directory: string, security: Record<string, string>): Map<string, PageFile> {
  const names = namesUnder(directory);
  const files = names
    .filter((name) => extname(name) in TYPES)
    .map((name): [string, PageFile] => {
      const headers = {
        'content-type': TYPES[extname(name)] ?? '',
        // The name of a hashed file changes with what is in it.
        'cache-control': name.startsWith(HASHED) ? 'public, max-age=31536000, immutable' : 'no-cache',
        vary: 'accept-encoding',
        ...security,
      };
      const plain = readFileSync(join(directory, name));
      const etag = contentName(plain);
      const gzip = names.includes(`${name}.gz`) ? readFileSync(join(directory, `${name}.gz`)) : undefined;
      return [name, { headers, etag, plain, gzip }];
    });
  return new Map(files);
}

function namesUnder(directory: string): string[] {
  try {
    return readdirSync(directory, { recursive: true, encoding: 'utf8' });
  } catch {
    return [];
  }
}

/**
 * Nothing is loaded, sent or framed but what the page itself is, its API, and S3 for uploads. Text of users is never
 * taken for HTML; if it were, no script in it would run.
 */
function securityHeaders(uploadOrigins: readonly string[]): Record<string, string> {
  const policy = [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    ["connect-src 'self'", ...uploadOrigins].join(' '),
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
  ];
  return {
    'content-security-policy': policy.join('; '),
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'permissions-policy': 'camera=(), geolocation=(), microphone=()',
  };
}
