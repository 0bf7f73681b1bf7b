/** `make page`: the page as it is written, fresh after every change, with the API and the Broker of a platform. */
import { fileURLToPath } from 'node:url';
import { createServer } from 'vite';
import { pageConfig } from './page.ts';

const platform = process.env['PLATFORM'] ?? 'http://127.0.0.1:8080';

const server = await createServer({
  ...pageConfig(fileURLToPath(new URL('..', import.meta.url))),
  server: {
    host: '127.0.0.1',
    proxy: {
      '/api': platform,
      // Events are posted to the same address at which the page is.
      '^/$': { target: platform, bypass: ({ method, url }) => (method === 'POST' ? undefined : url) },
    },
  },
});
await server.listen();
console.log(`${server.resolvedUrls?.local[0]} with the API of ${platform}`);
