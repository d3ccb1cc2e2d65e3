import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BrowserContext, type BrowserContextOptions, chromium } from 'playwright-core';

const PATHS = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** It asks nobody for anything, and leaves nothing behind. */
const ARGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

export type Look = Pick<
  BrowserContextOptions,
  'viewport' | 'colorScheme' | 'reducedMotion' | 'deviceScaleFactor'
>;

const DESK: Look = { viewport: { width: 1280, height: 800 }, colorScheme: 'light' };

/** A browser of its own; `CHROMIUM` names another one than Debian's. */
export async function openBrowser(look: Look = DESK): Promise<BrowserContext> {
  const executablePath = process.env['CHROMIUM'] ?? PATHS.find((it) => existsSync(it));
  if (executablePath === undefined)
    throw new Error('Chromium is not installed: apt-get install chromium, or name one in CHROMIUM');
  const profile = mkdtempSync(join(tmpdir(), 'nodeop-browser-'));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath,
    args: ARGS,
    locale: 'en-GB',
    timezoneId: 'UTC',
    ...look,
  });
  // It writes to its profile until it has ended.
  const close = context.close.bind(context);
  context.close = async (options) => {
    await close(options);
    rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
  };
  return context;
}
