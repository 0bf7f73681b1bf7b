/** `make screenshots`: the pictures of the README, of a laptop platform with real functions, a failure and calls. */
import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { startPlatform } from '#local/platform.ts';
import { CHROMIUM, openBrowser, PHONE, visit } from './browser.ts';

const IMAGES = join(import.meta.dirname, '../../docs/images');
const EXAMPLE = join(import.meta.dirname, '../../examples/node');
const SIZE = { width: 1200, height: 760 };

if (CHROMIUM === undefined) {
  process.exit(1);
}

const folder = await mkdtemp(join(tmpdir(), 'knative-lambda-page-'));
const platform = await startPlatform({ directory: join(folder, '.local') });
const browser = await openBrowser();
try {
  await mkdir(IMAGES, { recursive: true });
  const { page } = await visit(browser, platform.brokerUrl, { viewport: SIZE, colorScheme: 'light' });
  page.setDefaultTimeout(60_000);
  await makeThings(page);
  await takeAll(page);
} finally {
  await browser.close();
  await platform.close();
  await rm(await realpath(join(folder, '.local')), { recursive: true, force: true });
  await rm(folder, { recursive: true, force: true });
}

async function makeThings(page: Page): Promise<void> {
  const broken = join(folder, 'invoices');
  await mkdir(broken);
  await writeFile(join(broken, 'index.js'), "import { total } from './totals.js';\n\nexport const handler = total;\n");
  for (const [directory, name, tenant] of [
    [EXAMPLE, 'transfers', 'acme'],
    [join(import.meta.dirname, 'folder'), 'hello', 'acme'],
    [join(import.meta.dirname, 'folder'), 'greetings', 'globex'],
    [broken, 'invoices', 'acme'],
  ] as const) {
    await go(page, '/');
    await page.locator('input[type=file]').first().setInputFiles(directory);
    await page.getByLabel('Tenant', { exact: true }).last().fill(tenant);
    await page.getByLabel('Name of the function').fill(name);
    await page.getByRole('button', { name: 'Deploy', exact: true }).click();
    await page.locator('.facts [data-state=success]').waitFor();
  }
  await go(page, '/functions/acme/invoices');
  await page.locator('.title [data-state=failed]').waitFor();
  await go(page, '/functions/acme/hello/try');
  await page.getByLabel('Data of the event, as JSON').fill('{\n  "name": "reader"\n}');
  await page.getByRole('button', { name: 'Send' }).click();
  await page.getByText('Hello, reader').waitFor();
}

async function takeAll(page: Page): Promise<void> {
  await take(page, 'page-try');
  await go(page, '/');
  await page.locator('.table.functions [data-state=success]').nth(3).waitFor();
  await take(page, 'page-functions');
  await go(page, '/builds');
  await page.locator('.table.builds a', { hasText: 'invoices' }).click();
  await page.locator('.explained').waitFor();
  await take(page, 'page-build');
  await go(page, '/health');
  await page.locator('.checks li').nth(8).waitFor();
  await take(page, 'page-health');
  await page.emulateMedia({ colorScheme: 'dark' });
  await go(page, '/events');
  await page.locator('.table.events .windowed .row').nth(5).waitFor();
  await take(page, 'page-events-dark');
  await page.setViewportSize(PHONE);
  await go(page, '/');
  await page.locator('.table.functions [data-state=success]').nth(3).waitFor();
  await take(page, 'page-phone');
}

async function go(page: Page, path: string): Promise<void> {
  await page.goto(new URL(path, platform.brokerUrl).href);
}

async function take(page: Page, name: string): Promise<void> {
  await page.locator('.live-state.live').waitFor();
  await page.screenshot({ path: join(IMAGES, `${name}.png`), animations: 'disabled', caret: 'hide' });
}
