/** The Chromium of this machine, for tests of pages as people see them. */
import { existsSync } from 'node:fs';
import { chromium, type Browser } from 'playwright-core';

const places = [
  process.env['CHROMIUM'],
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];

/** Path of a browser; undefined where there is none. */
export const browserPath = places.find((place) => place !== undefined && existsSync(place));

/** Why tests are skipped, for people who read the output. */
export const reasonToSkip = 'no Chromium here: install the package chromium, or name one with the variable CHROMIUM';

export function openBrowser(): Promise<Browser> {
  // A sandbox needs a user namespace, which root in a container does not have; the pages are our own.
  return chromium.launch({ executablePath: browserPath!, args: process.getuid?.() === 0 ? ['--no-sandbox'] : [] });
}
