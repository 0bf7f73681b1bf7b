/** Every view in a real browser, against data that no platform would give all at once. */
import { readdirSync, readFileSync } from 'node:fs';
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type FakeApi, startFakeApi } from '#test/fakes/api-server.ts';
import { accessibilityProblems, CHROMIUM, openBrowser, PHONE, sidewaysScroll, type Visit, visit } from './browser.ts';
import { event, everything } from './data.ts';

const VIEWS = [
  ['/', 'Functions', 'transfers'],
  ['/functions/acme/transfers', 'acme/transfers', 'fn-acme-transfers-00001'],
  ['/functions/acme/transfers/calls', 'acme/transfers', 'TypeError'],
  ['/functions/acme/transfers/logs', 'acme/transfers', 'listening on port 8080'],
  ['/functions/acme/transfers/try', 'acme/transfers', 'Send'],
  ['/functions/acme/nothing', 'acme/nothing', 'There is no such function'],
  ['/builds', 'Builds', 'DependencyInstallFailed'],
  ['/builds/acme/invoices/c-failed', 'acme/invoices', 'requirements.txt, line 2'],
  ['/builds/acme/prices/c-running', 'acme/prices', 'built'],
  ['/builds/acme/nothing/c-0', 'acme/nothing', 'There is no such build yet'],
  ['/events', 'Events', 'lifecycle.function.ready'],
  ['/dead-letters', 'Dead letters', 'NoSuchFunction'],
  ['/health', 'Health', 'make deploy ENV=dev'],
  ['/no-such-view', 'There is no such page', 'All functions'],
] as const;

/** Scrolls 60 frames far, 33 pixels each: at 60 frames a second that is fast. */
const SCROLLING = `new Promise((resolve) => {
  let frames = 0;
  scrollTo(0, 0);
  const step = () => {
    frames += 1;
    scrollBy(0, 33);
    requestAnimationFrame(frames < 60 ? step : resolve);
  };
  requestAnimationFrame(step);
})`;

/** Not the page's fault: a 404 that a view asks for on purpose, and a machine whose network changes. */
const isFault = (problem: string) => !/404 \(Not Found\)|ERR_NETWORK_CHANGED/.test(problem);

describe.skipIf(CHROMIUM === undefined)('the page', () => {
  let browser: Browser;
  let api: FakeApi;
  let visited: Visit | undefined;

  beforeAll(async () => {
    browser = await openBrowser();
  });
  afterAll(() => browser.close());
  beforeEach(async () => {
    api = await startFakeApi(everything());
  });
  afterEach(async () => {
    await visited?.close();
    visited = undefined;
    await api.close();
  });

  const open = async (path: string, options: Parameters<typeof visit>[2] = {}) => {
    visited = await visit(browser, `${api.url}${path}`, options);
    return visited;
  };

  test.each(VIEWS)('%s is there, can be read by all, and fits', async (path, heading, text) => {
    const { page, problems } = await open(path, { colorScheme: 'light' });
    await page.getByText(text).filter({ visible: true }).first().waitFor();
    expect((await page.locator('main').innerText()).replaceAll('\n', '')).toContain(heading);
    expect(await accessibilityProblems(page)).toEqual([]);
    await page.emulateMedia({ colorScheme: 'dark' });
    expect(await accessibilityProblems(page, ['color-contrast'])).toEqual([]);
    await page.setViewportSize(PHONE);
    expect(await sidewaysScroll(page)).toBeLessThanOrEqual(0);
    expect(await accessibilityProblems(page)).toEqual([]);
    expect(problems.filter(isFault)).toEqual([]);
    expect(await page.title()).toMatch(/Knative Lambda$/);
  });

  test('numbers of the last hour: in the list, as charts, and in words', async () => {
    const { page } = await open('/');
    const row = page.locator('.table.functions .windowed .row', { hasText: 'transfers' });
    await row.getByText('1,234').waitFor();
    expect(await row.innerText()).toMatch(/17[\s\S]*210 ms[\s\S]*Success/);
    await page.getByRole('link', { name: 'acme/transfers' }).click();
    await page.locator('.chart canvas').nth(3).waitFor();
    await page.getByText('15 HandlerFailed, 2 Timeout').waitFor();
    expect(await page.locator('.version').first().innerText()).toMatch(/1,100[\s\S]*17 \(1\.5 %\)/);
    await page.getByText('As a table').click();
    expect(await page.getByRole('region', { name: 'Numbers by the minute' }).locator('tbody tr').count()).toBe(30);
    expect(await accessibilityProblems(page)).toEqual([]);
    await page.setViewportSize(PHONE);
    expect(await sidewaysScroll(page)).toBeLessThanOrEqual(0);
    // A line is drawn in the colour of the theme that is chosen.
    const ink = () => page.evaluate("document.querySelector('.chart canvas').toDataURL()");
    const light = await ink();
    await page.emulateMedia({ colorScheme: 'dark' });
    await expect.poll(ink).not.toBe(light);
    // New numbers are drawn without the view being opened anew.
    const [point] = api.data.metrics['acme/transfers']?.points.slice(-1) ?? [];
    Object.assign(point ?? {}, { calls: 5000 });
    const before = await ink();
    api.emit(event(60, { type: 'parser.complete', data: {} }));
    await expect.poll(ink).not.toBe(before);
  });

  test('a function that nobody has called says how to call it', async () => {
    const metrics = api.data.metrics['acme/transfers'];
    Object.assign(metrics?.total ?? {}, { calls: 0, errors: 0 });
    const { page } = await open('/functions/acme/transfers');
    await page.getByText('Nobody has called it in the last hour').waitFor();
    await page.getByRole('link', { name: 'Call it here' }).click();
    await page.getByRole('button', { name: 'Send' }).waitFor();
  });

  test('a call shows where its time went, and what it was called with', async () => {
    const { page } = await open('/functions/acme/transfers/calls');
    await page.locator('summary').first().click();
    const way = page.getByRole('region', { name: 'Where the time went' });
    await way.waitFor();
    expect((await way.innerText()).replaceAll('\n', ' ')).toMatch(
      /in the queue.*400 ms.*start of a pod.*1\.5 s.*in the function.*3\.2 ms.*answer.*2 ms/,
    );
    await page.getByRole('heading', { name: 'Called with' }).waitFor();
    expect(await accessibilityProblems(page)).toEqual([]);
    await page.setViewportSize(PHONE);
    expect(await sidewaysScroll(page)).toBeLessThanOrEqual(0);
  });

  test('text of users is text: nothing of it is run or made an element', async () => {
    for (const path of [
      '/functions/acme/transfers',
      '/functions/acme/transfers/calls',
      '/builds/acme/invoices/c-failed',
      '/events',
    ]) {
      const { page, problems, close } = await visit(browser, `${api.url}${path}`);
      await page.locator('main h1').waitFor();
      await page.waitForTimeout(300);
      for (const summary of await page.locator('summary').all()) {
        await summary.click();
      }
      expect(await page.title()).not.toBe('taken');
      expect(await page.locator('main img, main script').count()).toBe(0);
      expect(problems.filter(isFault)).toEqual([]);
      await close();
    }
  });

  test('a new event shows within half a second, also after the stream broke', async () => {
    const { page } = await open('/events');
    await page.getByRole('button', { name: 'lifecycle.function.ready' }).first().waitFor();
    await page.locator('.live-state.live').waitFor();
    const took: number[] = [];
    for (let number = 10; number < 20; number += 1) {
      const began = performance.now();
      api.emit(event(number, { type: `test.number.${number}` }));
      await page.getByRole('button', { name: `test.number.${number}` }).waitFor();
      took.push(performance.now() - began);
    }
    expect(took.toSorted((one, other) => one - other)[8]).toBeLessThan(500);
    api.breakStreams();
    api.emit(event(20, { type: 'test.after.break' }));
    await page.getByRole('button', { name: 'test.after.break' }).waitFor();
    // Neither lost nor twice.
    expect(await page.locator('.table.events .windowed .row').count()).toBe(api.data.events.length);
  });

  test('the list of functions follows what happens', async () => {
    const { page } = await open('/');
    await page.getByText('transfers').first().waitFor();
    await page.locator('.live-state.live').waitFor();
    const [first] = api.data.functions;
    api.data.functions = [
      { ...(first as typeof first & object), parser_id: 'brand-new', state: 'ready' },
      ...api.data.functions,
    ];
    api.emit(event(30, { type: 'lifecycle.function.ready', parser_id: 'brand-new' }));
    await page.getByText('brand-new').first().waitFor({ timeout: 2000 });
  });

  test('a function is called, and its answer shown', async () => {
    const { page } = await open('/functions/acme/transfers/try');
    await page.getByLabel('Data of the event, as JSON').fill('{"block": 1}');
    await page.getByRole('button', { name: 'Send' }).click();
    await expect.poll(() => api.posted.length).toBe(1);
    const [posted] = api.posted;
    expect(posted?.data).toEqual({ block: 1 });
    expect(posted?.headers).toMatchObject({ 'ce-type': 'parser.start', 'ce-subject': 'acme/transfers' });
    const data = { succeeded: true, result: { transfers: 7 }, duration_ms: 4 };
    const [kept] = api.data.calls['acme/transfers'] ?? [];
    Object.assign(kept ?? {}, { correlation_id: posted?.headers['ce-correlationid'] });
    api.emit(event(40, { type: 'parser.complete', correlation_id: String(posted?.headers['ce-correlationid']), data }));
    await page.getByText('"transfers": 7').waitFor();
    await page.getByText('start of a pod').waitFor();
    expect(await page.getByText(String(posted?.headers['ce-traceparent']).split('-')[1] ?? '').count()).toBe(1);
  });

  test('what is no JSON is not sent', async () => {
    const { page } = await open('/functions/acme/transfers/try');
    await page.getByLabel('Data of the event, as JSON').fill('{"block": ');
    await page.getByText('That is no JSON').waitFor();
    expect(await page.getByRole('button', { name: 'Send' }).isDisabled()).toBe(true);
  });

  test('a folder is deployed: uploaded, built, and its build shown', async () => {
    const { page } = await open('/');
    await page.getByRole('button', { name: 'Deploy a folder' }).first().waitFor();
    await page
      .locator('input[type=file]')
      .first()
      .setInputFiles(join(import.meta.dirname, 'folder'));
    await page.getByRole('dialog').waitFor();
    expect(await accessibilityProblems(page)).toEqual([]);
    await page.getByLabel('Tenant', { exact: true }).last().fill('acme');
    await page.getByLabel('Name of the function').fill('hello');
    await page.getByRole('button', { name: 'Deploy', exact: true }).click();
    await page.waitForURL(/\/builds\/acme\/hello\//);
    expect([...api.uploaded.keys()].sort()).toEqual(['acme/hello/index.js', 'acme/hello/lib/greet.js']);
    expect(api.uploaded.get('acme/hello/index.js')).toBe(
      readFileSync(join(import.meta.dirname, 'folder/index.js'), 'utf8'),
    );
    expect(api.posted[0]?.data).toEqual({ third_party_id: 'acme', parser_id: 'hello', s3_prefix: 'acme/hello/' });
  });

  describe('a folder with function.yaml and .gitignore', () => {
    let folder: string;
    beforeEach(async () => {
      folder = await mkdtemp(join(tmpdir(), 'stated-'));
      await cp(join(import.meta.dirname, 'folder'), folder, { recursive: true });
      await writeFile(join(folder, '.gitignore'), 'notes/\n*.log\n');
      await mkdir(join(folder, 'notes'));
      await writeFile(join(folder, 'notes/secret.txt'), 'x');
      await writeFile(join(folder, 'debug.log'), 'x');
    });
    afterEach(() => rm(folder, { recursive: true, force: true }));

    const choose = async (page: Page, functionFile: string) => {
      await writeFile(join(folder, 'function.yaml'), functionFile);
      await page.locator('input[type=file]').first().setInputFiles(folder);
      await page.getByRole('dialog').waitFor();
    };

    test('is deployed as the command does it', async () => {
      const { page, problems } = await open('/');
      await choose(page, 'name: stated\ntenant: acme\nparameters: { timeout_seconds: 7, record: true }\n');
      await page.getByText('what function.yaml says: timeout_seconds, record').waitFor();
      await page.getByRole('button', { name: 'Deploy', exact: true }).click();
      await page.waitForURL(/\/builds\/acme\/stated\//);
      expect([...api.uploaded.keys()].sort()).toEqual(['acme/stated/index.js', 'acme/stated/lib/greet.js']);
      expect(api.posted[0]?.data).toMatchObject({ parameters: { timeout_seconds: 7, record: true } });
      expect(problems.filter(isFault)).toEqual([]);
    });

    test('is not deployed while function.yaml is wrong: what is meant is said', async () => {
      const { page } = await open('/');
      await choose(page, 'paramters: {}\n');
      await page.getByText('Did you mean parameters?').waitFor();
      expect(await page.getByRole('button', { name: 'Deploy', exact: true }).isDisabled()).toBe(true);
      expect(await accessibilityProblems(page)).toEqual([]);
    });
  });

  test('a function that is deployed again keeps its settings', async () => {
    const { page } = await open('/');
    await page
      .locator('input[type=file]')
      .first()
      .setInputFiles(join(import.meta.dirname, 'folder'));
    await page.getByLabel('Tenant', { exact: true }).last().fill('acme');
    await page.getByLabel('Name of the function').fill('transfers');
    await page.getByRole('button', { name: 'Deploy', exact: true }).click();
    await page.waitForURL(/\/builds\/acme\/transfers\//);
    expect(api.posted[0]?.data).toMatchObject({
      parameters: { env: { CURRENCY: 'EUR' }, scaling: { max: 20 }, timeout_seconds: 30 },
    });
  });

  test('a function is deleted only when its name was typed', async () => {
    const { page } = await open('/functions/acme/transfers');
    await page.getByRole('button', { name: 'Delete…' }).click();
    const remove = page.getByRole('button', { name: 'Delete', exact: true });
    expect(await remove.isDisabled()).toBe(true);
    await page.getByLabel('Type its name').fill('transfers');
    await remove.click();
    await expect.poll(() => api.posted[0]?.headers['ce-type']).toBe('service.delete');
    await page.waitForURL(`${api.url}/`);
  });

  test('letters of one cause are tried, and the outcome told', async () => {
    const { page } = await open('/dead-letters');
    await page.getByRole('button', { name: 'Dry run' }).first().click();
    await expect
      .poll(() => api.posted[0]?.data)
      .toEqual({ reason: 'NoSuchFunction', type: 'parser.start', max: 1000, force: false, dry_run: true });
    const data = {
      replayed: 0,
      refused: [{ id: '1', why: 'it would fail again' }],
      skipped: 1,
      remaining: 0,
      dry_run: true,
      ids: [],
    };
    api.emit(
      event(50, {
        type: 'dead-letter.replayed',
        correlation_id: String(api.posted[0]?.headers['ce-correlationid']),
        data,
      }),
    );
    await page.getByText('0 letters would be sent, 1 refused, 1 had been replayed before').waitFor();
  });

  test('who may only look is offered nothing else', async () => {
    api.data.me = { ...api.data.me, operator: false, third_party_ids: ['globex'] };
    const { page } = await open('/functions/acme/transfers');
    await page.getByText('Versions and builds').waitFor();
    expect(await page.getByText('Try it').count()).toBe(0);
    expect(await page.getByRole('button', { name: 'Delete…' }).count()).toBe(0);
    await page.goto(`${api.url}/dead-letters`);
    await page.getByText('NoSuchFunction').first().waitFor();
    expect(await page.getByRole('button', { name: /Replay|Purge|Dry run/ }).count()).toBe(0);
  });

  test('a token is asked for, kept for the tab alone, and forgotten', async () => {
    api.token = 'right';
    const { page } = await open('/');
    await page.getByLabel('Token').fill('wrong');
    expect(await accessibilityProblems(page)).toEqual([]);
    await page.getByRole('button', { name: 'Go on' }).click();
    await page.getByRole('alert').waitFor();
    await page.getByLabel('Token').fill('right');
    await page.getByRole('button', { name: 'Go on' }).click();
    await page.getByText('transfers').first().waitFor();
    await page.locator('.live-state.live').waitFor();
    expect(await page.evaluate('JSON.stringify(localStorage) + document.cookie')).not.toContain('right');
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByLabel('Token').waitFor();
    expect(await page.evaluate('JSON.stringify(sessionStorage)')).not.toContain('right');
  });

  test('whoever has nothing yet is told how to begin', async () => {
    Object.assign(api.data, { functions: [], builds: [], letters: [], events: [] });
    const { page } = await open('/');
    await page.getByText('npx kn-lambda init hello && kn-lambda deploy hello && kn-lambda invoke hello').waitFor();
    expect(await accessibilityProblems(page)).toEqual([]);
    for (const [path, text] of [
      ['/builds', 'Nothing has been built yet'],
      ['/events', 'Nothing has happened yet'],
      ['/dead-letters', 'No event was lost'],
    ]) {
      await page.goto(`${api.url}${path}`);
      await page.getByText(text ?? '').waitFor();
    }
  });

  test('a platform that is gone is told, and found again', async () => {
    const { page } = await open('/');
    await page.getByText('transfers').first().waitFor();
    await page.route('**/api/**', (route) => route.abort());
    await page.reload();
    await page.getByText('The platform does not answer').waitFor();
    await page.unroute('**/api/**');
    await page.getByText('transfers').first().waitFor({ timeout: 10_000 });
  });

  test('it is gone through by the keyboard alone', async () => {
    const { page } = await open('/');
    await page.getByText('transfers').first().waitFor();
    await page.keyboard.press('Tab');
    expect(await page.evaluate('document.activeElement.textContent')).toBe('Skip to the content');
    await page.getByRole('link', { name: 'acme/transfers' }).focus();
    await page.keyboard.press('Enter');
    await page.waitForURL(/\/functions\/acme\/transfers$/);
    expect(await page.evaluate('document.activeElement.id')).toBe('main');
    await page.goBack();
    await page.getByRole('heading', { name: 'Functions' }).waitFor();
  });

  test('1,000 functions and 10,000 builds are gone through without a gap', async () => {
    const [first] = api.data.functions;
    const [build] = api.data.builds.slice(2);
    const numbered = (index: number) => String(index).padStart(5, '0');
    api.data.functions = Array.from({ length: 1000 }, (_, index) => ({
      ...(first as typeof first & object),
      parser_id: `f-${numbered(index)}`,
    }));
    api.data.builds = Array.from({ length: 10_000 }, (_, index) => ({
      ...(build as typeof build & object),
      parser_id: `f-${numbered(index)}`,
      correlation_id: `c-${index}`,
    }));
    for (const [path, amount] of [
      ['/', 1000],
      ['/builds', 10_000],
    ] as const) {
      const { page, close } = await visit(browser, `${api.url}${path}`);
      await page.getByText('f-00000').first().waitFor();
      // Down to the very end, loading page after page.
      await expect
        .poll(
          async () => {
            await page.evaluate('scrollTo(0, document.documentElement.scrollHeight)');
            return await page.getByText(`f-${numbered(amount - 1)}`).count();
          },
          { timeout: 60_000, interval: 50 },
        )
        .toBe(1);
      expect(await page.locator('.windowed .row').count()).toBeLessThan(60);
      // Processor time, so that what else the machine does makes no difference. A frame has 16.7 ms.
      const session = await page.context().newCDPSession(page);
      await session.send('Performance.enable', { timeDomain: 'threadTicks' });
      const worked = async () =>
        (await session.send('Performance.getMetrics')).metrics.find(({ name }) => name === 'TaskDuration')?.value ?? 0;
      const before = await worked();
      await page.evaluate(SCROLLING);
      const each = (1000 * ((await worked()) - before)) / 60;
      expect(each).toBeLessThan(12);
      await close();
    }
  });

  test('the colours are the system’s until somebody chooses', async () => {
    const { page } = await open('/', { colorScheme: 'dark' });
    const ground = () => page.evaluate('getComputedStyle(document.documentElement).backgroundColor');
    const dark = await ground();
    await page.getByRole('button', { name: /^Colours/ }).click();
    expect(await ground()).not.toBe(dark);
    await page.reload();
    await page.getByRole('button', { name: /^Colours: Light/ }).waitFor();
    expect(await ground()).not.toBe(dark);
  });
});

test('all that a browser loads is at most 150 kB compressed', () => {
  const folder = join(import.meta.dirname, '../../dist/public');
  const sizes = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.gz'))
    .map((name) => readFileSync(join(folder, name)).length);
  expect(sizes.length).toBeGreaterThan(2);
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(150_000);
});
