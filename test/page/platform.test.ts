/** The page on the laptop platform: real builds, calls and failures, from an empty platform on, in one browser. */
import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Platform, startPlatform } from '#local/platform.ts';
import {
  accessibilityProblems,
  CHROMIUM,
  openBrowser,
  PHONE,
  sidewaysScroll,
  type Visit,
  visit,
  WIDE,
} from './browser.ts';

/** A cold build takes seconds, and a busy machine some more. */
const PATIENCE = 60_000;

/** A 404 that a view asks for on purpose, and a machine whose network changes. */
const isFault = (problem: string) => !/404 \(Not Found\)|ERR_NETWORK_CHANGED/.test(problem);

describe.skipIf(CHROMIUM === undefined)('the page on a laptop', () => {
  let folder: string;
  let platform: Platform;
  let browser: Browser;
  let visited: Visit;
  let page: Page;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'knative-lambda-page-'));
    platform = await startPlatform({ directory: join(folder, '.local') });
    browser = await openBrowser();
    visited = await visit(browser, platform.brokerUrl);
    page = visited.page;
    page.setDefaultTimeout(PATIENCE);
  });
  afterAll(async () => {
    await browser?.close();
    await platform?.close();
    await rm(await realpath(join(folder, '.local')), { recursive: true, force: true });
    await rm(folder, { recursive: true, force: true });
  });

  const go = (path: string) => page.goto(new URL(path, platform.brokerUrl).href);

  const source = async (name: string, files: Record<string, string>): Promise<string> => {
    const directory = join(folder, name);
    await mkdir(directory, { recursive: true });
    for (const [path, text] of Object.entries(files)) {
      await writeFile(join(directory, path), text);
    }
    return directory;
  };

  /** By the button, as a person does who does not drag. Ends at the view of the build. */
  const deploy = async (directory: string, name: string): Promise<void> => {
    await page.locator('input[type=file]').first().setInputFiles(directory);
    await page.getByLabel('Tenant', { exact: true }).last().fill('acme');
    await page.getByLabel('Name of the function').fill(name);
    await page.getByRole('button', { name: 'Deploy', exact: true }).click();
    await page.waitForURL(new RegExp(`/builds/acme/${name}/`));
  };

  const call = async (name: string, data: string): Promise<void> => {
    await go(`/functions/acme/${name}/try`);
    await page.getByLabel('Data of the event, as JSON').fill(data);
    await page.getByRole('button', { name: 'Send' }).click();
  };

  /** Whatever the view shows now. */
  const looksRight = async (): Promise<void> => {
    expect(await accessibilityProblems(page)).toEqual([]);
    await page.setViewportSize(PHONE);
    expect(await sidewaysScroll(page)).toBeLessThanOrEqual(0);
    await page.setViewportSize(WIDE);
    expect(visited.problems.splice(0).filter(isFault)).toEqual([]);
  };

  test('an empty platform says how to begin', async () => {
    await page.getByText('Deploy your first function').waitFor();
    await looksRight();
  });

  test('a folder becomes a function, live', async () => {
    await deploy(join(import.meta.dirname, 'folder'), 'hello');
    await page.locator('.facts [data-state=success]').waitFor();
    await page.locator('.phases li').first().waitFor();
    await page.locator('.timeline li').first().waitFor();
    await page.locator('.line').first().waitFor();
    await looksRight();
    await go('/functions/acme/hello');
    await page.locator('.title [data-state=ready]').waitFor();
    await page.getByText('100 %').waitFor();
    await looksRight();
    await go('/');
    await page.locator('.table.functions [data-state=success]').waitFor();
    await looksRight();
  });

  test('it is called, and answers', async () => {
    await call('hello', '{"name": "page"}');
    await page.getByText('Hello, page').waitFor();
    await looksRight();
    await go('/functions/acme/hello/logs');
    await page.getByText('greeting page').waitFor();
    await looksRight();
  });

  test('a call that fails says why, and is kept', async () => {
    await call('hello', '{}');
    await page.getByText('the event names nobody').waitFor();
    await go('/functions/acme/hello/calls');
    await page.locator('.calls [data-state=failed]').waitFor();
    await page.locator('.calls summary', { hasText: 'the event names nobody' }).click();
    await page.locator('.calls .explained').waitFor();
    await page.getByRole('region', { name: 'Where the time went' }).getByText('in the function').waitFor();
    await looksRight();
  });

  test('calls are counted, and the last hour is shown', async () => {
    await go('/functions/acme/hello');
    await page.getByText('1 HandlerFailed').waitFor();
    await page.locator('.chart canvas').nth(3).waitFor();
    await looksRight();
    await go('/');
    const row = page.locator('.table.functions .windowed .row', { hasText: 'hello' });
    await expect.poll(() => row.locator('.calls').innerText(), { timeout: PATIENCE }).toBe('2');
    expect(await row.locator('.errors').innerText()).toBe('1');
  });

  test('a build that fails is explained', async () => {
    await go('/builds');
    await deploy(
      await source('invalid', { 'index.js': 'export const handler = () => 1;', 'package.json': '{ "name":' }),
      'invalid',
    );
    await page.locator('.facts [data-state=failed]').waitFor();
    await page.locator('.explained').getByText('InvalidManifest').waitFor();
    await looksRight();
    await go('/builds');
    await page.locator('.table.builds .windowed .row', { hasText: 'invalid' }).getByText('InvalidManifest').waitFor();
    await looksRight();
  });

  test('a version that does not start is explained where its build is', async () => {
    await deploy(
      await source('broken', { 'index.js': "import { a } from './nowhere.js';\nexport const handler = () => a;\n" }),
      'broken',
    );
    await page.locator('.explained').getByText('nowhere.js').first().waitFor();
    await looksRight();
    await go('/functions/acme/broken');
    await page.locator('.title [data-state=failed]').waitFor();
    await looksRight();
  });

  test('a new version stands beside the former one, and is compared with it', async () => {
    await go('/');
    await deploy(await source('again', { 'index.js': 'export const handler = () => ({ version: 2 });' }), 'hello');
    await page.locator('.facts [data-state=success]').waitFor();
    await page.locator('table.plain').getByText('Image').waitFor();
    await go('/functions/acme/hello');
    await expect.poll(() => page.locator('.version').count(), { timeout: PATIENCE }).toBe(2);
    await page.locator('.version', { hasText: '00002' }).getByText('100 %').waitFor();
    await looksRight();
  });

  test('events show as they pass, and a letter nobody could take is kept, tried and purged', async () => {
    await go('/events');
    await page.getByRole('button', { name: 'build.complete' }).first().waitFor();
    const id = `page-${Date.now()}`;
    await fetch(platform.brokerUrl, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'ce-specversion': '1.0',
        'ce-id': id,
        'ce-type': 'parser.start',
        'ce-source': 'test',
        'ce-subject': 'acme/nothing',
      },
      body: '{}',
    });
    await page.getByRole('button', { name: 'event.rejected' }).first().waitFor();
    await page.getByRole('button', { name: 'event.rejected' }).first().click();
    await page.getByRole('button', { name: 'Copy as curl' }).waitFor();
    await looksRight();
    await go('/dead-letters');
    await page.locator('.cause-of-letters').getByText('NoSuchFunction', { exact: true }).waitFor();
    await looksRight();
    await page.getByRole('button', { name: 'Dry run' }).click();
    await page.getByText('0 letters would be sent, 1 refused').waitFor();
    await page.getByRole('button', { name: 'Purge…' }).click();
    await page.getByRole('button', { name: 'Delete them' }).click();
    await page.getByText('No event was lost').waitFor();
  });

  test('health is told', async () => {
    await go('/health');
    await page.locator('.checks li').first().waitFor();
    await looksRight();
  });

  test('a function is deleted', async () => {
    await go('/functions/acme/broken');
    await page.getByRole('button', { name: 'Delete…' }).click();
    await page.getByLabel('Type its name').fill('broken');
    await page.getByRole('button', { name: 'Delete', exact: true }).click();
    await page.locator('.table.functions').waitFor();
    await expect
      .poll(() => page.locator('.table.functions').getByText('broken').count(), { timeout: PATIENCE })
      .toBe(0);
  });
});
