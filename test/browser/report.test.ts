/** report.html in a real browser: it asks for nothing, complains of nothing, and people who see little can use it. */
import { mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { renderHtml } from '../../src/report/html.ts';
import type { RunResult } from '../../src/result.ts';
import { comparedResult } from '../unit/comparison-fixture.ts';
import { buildResult } from '../unit/result-fixture.ts';
import { seriousFaults } from './axe.ts';
import { browserPath, openBrowser, reasonToSkip } from './chromium.ts';

if (browserPath === undefined) process.stderr.write(`Skipped: ${reasonToSkip}.\n`);

describe.skipIf(browserPath === undefined)('report.html', () => {
  let browser: Browser;

  beforeAll(async () => {
    browser = await openBrowser();
  });
  afterAll(() => browser?.close());

  /** Opens the page of a result; what the page asked for and complained of is kept. */
  async function opened<T>(
    result: RunResult,
    colorScheme: 'light' | 'dark',
    look: (page: Page, seen: { requests: string[]; complaints: string[] }) => Promise<T>,
  ): Promise<T> {
    await using folder = await mkdtempDisposable(join(tmpdir(), 'pgrehearse-page-'));
    const file = join(folder.path, 'report.html');
    await writeFile(file, await renderHtml(result));
    // The page forbids scripts; axe has to run all the same.
    const context = await browser.newContext({ colorScheme, bypassCSP: true, viewport: { width: 1280, height: 900 } });
    const page = await context.newPage();
    const seen = { requests: [] as string[], complaints: [] as string[] };
    page.on('request', (request) => seen.requests.push(request.url()));
    page.on('console', (message) => {
      if (message.type() === 'error') seen.complaints.push(message.text());
    });
    page.on('pageerror', (error) => seen.complaints.push(error.message));
    try {
      await page.goto(pathToFileURL(file).href);
      return await look(page, seen);
    } finally {
      await context.close();
    }
  }

  it('asks for nothing beside itself and complains of nothing', async () => {
    await opened(comparedResult(), 'light', async (_page, { requests, complaints }) => {
      expect(requests).toHaveLength(1);
      expect(complaints).toEqual([]);
    });
  });

  it('draws its charts', async () => {
    await opened(comparedResult(), 'light', async (page) => {
      const boxes = await Promise.all((await page.locator('.chart svg').all()).map((chart) => chart.boundingBox()));
      expect(boxes).toHaveLength(5);
      for (const box of boxes) expect(box!.width * box!.height).toBeGreaterThan(100_000);
    });
  });

  it.each(['light', 'dark'] as const)('has nothing serious that axe would find, %s', async (colorScheme) => {
    await opened(comparedResult({ change: 1.5 }), colorScheme, async (page) => {
      expect(await seriousFaults(page)).toEqual([]);
    });
  });

  it('is read by keyboard: to the report, and from section to section', async () => {
    await opened(buildResult(), 'light', async (page) => {
      await page.keyboard.press('Tab');
      expect(await page.locator(':focus').textContent()).toBe('To the report');
      await page.keyboard.press('Tab');
      const section = await page.locator(':focus').getAttribute('href');
      await page.keyboard.press('Enter');
      expect(await page.locator(section!).isVisible()).toBe(true);
    });
  });

  it('opens a result of a thousand blocks in less than two seconds', async () => {
    const result = comparedResult({ pairs: 400 });
    const blocks = result.comparison!.pairs.flatMap((pair) => pair.blocks).length;
    expect(blocks).toBeGreaterThanOrEqual(1000);
    await opened(result, 'light', async (page) => {
      const loadedMs = await page.evaluate<number>("performance.getEntriesByType('navigation')[0].loadEventEnd");
      expect(loadedMs).toBeGreaterThan(0);
      expect(loadedMs).toBeLessThan(2000);
    });
  });

  it('never scrolls sideways as a whole, on a telephone either', async () => {
    await opened(comparedResult(), 'light', async (page) => {
      await page.setViewportSize({ width: 380, height: 800 });
      expect(await page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth')).toBe(
        0,
      );
    });
  });

  it('prints in dark ink, with nothing folded away or cut off', async () => {
    await opened(comparedResult(), 'dark', async (page) => {
      const folded = page.locator('details:not([open]) td').first();
      expect(await folded.isVisible()).toBe(false);
      await page.emulateMedia({ media: 'print' });
      expect(await folded.isVisible()).toBe(true);
      expect(await page.locator('nav').isVisible()).toBe(false);
      expect(await page.evaluate('getComputedStyle(document.body).color')).toBe('rgb(31, 35, 40)');
      expect(await page.evaluate("getComputedStyle(document.querySelector('.table')).overflowX")).toBe('visible');
    });
  });

  it('shows hostile names as they are', async () => {
    const result = buildResult();
    result.scenario.title = '<img src=x onerror="window.hit = 1">';
    await opened(result, 'light', async (page, { complaints }) => {
      expect(await page.evaluate('window.hit')).toBeUndefined();
      expect(await page.locator('h1').textContent()).toContain('<img src=x');
      expect(complaints).toEqual([]);
    });
  });
});
