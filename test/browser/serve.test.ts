/** `serve` as people use it: a list, a report, two runs side by side; and what it refuses. */
import { mkdir, mkdtempDisposable, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ResultBrowser } from '../../src/browse.ts';
import { UsageError } from '../../src/errors.ts';
import { encodeResult } from '../../src/result-file.ts';
import type { RunResult } from '../../src/result.ts';
import { judge } from '../../src/verdict.ts';
import { buildResult } from '../unit/result-fixture.ts';
import { seriousFaults } from './axe.ts';
import { browserPath, openBrowser } from './chromium.ts';

let folder: Awaited<ReturnType<typeof mkdtempDisposable>>;
let served: ResultBrowser;

async function stored(id: string, startedAt: string): Promise<void> {
  const result: RunResult = { ...buildResult(), id, startedAt };
  result.verdict = judge(result);
  await mkdir(join(folder.path, id));
  await writeFile(join(folder.path, id, 'result.json'), encodeResult(result));
}

beforeAll(async () => {
  folder = await mkdtempDisposable(join(tmpdir(), 'pgrehearse-serve-'));
  await stored('monday', '2026-11-16T08:00:00.000Z');
  await stored('friday', '2026-11-20T08:00:00.000Z');
  await mkdir(join(folder.path, 'broken'));
  await writeFile(join(folder.path, 'broken', 'result.json'), '{');
  served = await ResultBrowser.open(folder.path, 0);
});
afterAll(async () => {
  await served?.[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

/** Status of an answer to a request that no browser would send. */
function statusOf(path: string, options: { method?: string; headers?: Record<string, string> } = {}): Promise<number> {
  return new Promise((resolve, reject) => {
    request(new URL(path, served.url), options, (response) => resolve(response.resume().statusCode!))
      .on('error', reject)
      .end();
  });
}

describe('serve', () => {
  it('answers who asks for this machine, and reads only', async () => {
    expect(new URL(served.url).hostname).toBe('127.0.0.1');
    expect(await statusOf('/')).toBe(200);
    expect(await statusOf('/', { headers: { host: 'evil.example' } })).toBe(403);
    expect(await statusOf('/', { method: 'POST' })).toBe(405);
    expect(await statusOf('/runs/..%2F..%2Fetc%2Fpasswd')).toBe(404);
    expect(await statusOf('/compare?a=monday&b=nobody')).toBe(404);
  });

  it('refuses a folder without results', async () => {
    await expect(ResultBrowser.open(join(folder.path, 'broken'), 0)).rejects.toThrow(UsageError);
  });
});

describe.skipIf(browserPath === undefined)('serve in a browser', () => {
  let browser: Browser;

  beforeAll(async () => {
    browser = await openBrowser();
  });
  afterAll(() => browser?.close());

  it('lists the runs, opens a report, and compares the two that are chosen', async () => {
    const page = await browser.newPage();
    await page.goto(served.url);
    expect(await page.locator('tbody tr').count()).toBe(2);
    expect(await page.locator('main').textContent()).toContain('not complete JSON');
    await page.getByRole('button', { name: 'Compare a with b' }).click();
    expect(await page.locator('h1').textContent()).toBe('Two runs side by side');
    expect(await page.locator('main').textContent()).toMatch(/a: monday.*b: friday/s);
    await page.goBack();
    await page.locator('tbody a').first().click();
    expect(await page.locator('.chart svg').count()).toBeGreaterThan(0);
    await page.close();
  });

  it.each(['/', '/compare?a=monday&b=friday'])('has nothing serious that axe would find: %s', async (path) => {
    const context = await browser.newContext({ bypassCSP: true });
    const page = await context.newPage();
    await page.goto(new URL(path, served.url).href);
    expect(await seriousFaults(page)).toEqual([]);
    await context.close();
  });
});
