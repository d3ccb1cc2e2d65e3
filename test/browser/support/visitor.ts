import type { BrowserContext, CDPSession, Page } from 'playwright-core';
import { NOW } from './fleet.ts';
import { type Look, openBrowser } from './chromium.ts';
import { type Play, Stage } from './stage.ts';

/** A stage with somebody who looks at it, and everything the browser complains of meanwhile. */
export class Visitor {
  readonly stage: Stage;
  readonly page: Page;
  readonly address: string;
  /** Errors in the console, exceptions, and what the policy of the page refused. */
  readonly complaints: string[];
  private readonly context: BrowserContext;

  private constructor(stage: Stage, page: Page, address: string, complaints: string[]) {
    this.stage = stage;
    this.page = page;
    this.address = address;
    this.complaints = complaints;
    this.context = page.context();
  }

  static async come(play: Play, look?: Look): Promise<Visitor> {
    const stage = new Stage(play);
    const address = await stage.open();
    const context = await openBrowser(look);
    const page = await context.newPage();
    await page.clock.setFixedTime(NOW);
    return new Visitor(stage, page, address, listen(page));
  }

  /** Goes to a view and waits until it is there. */
  async see(path: string): Promise<void> {
    await this.page.goto(`${this.address}${path}`);
    await this.page.locator('main h1').waitFor();
    await this.settle();
  }

  /** Until what a view shows has come. */
  async settle(): Promise<void> {
    await this.page.locator('[aria-busy=true]').waitFor({ state: 'detached' });
  }

  devtools(): Promise<CDPSession> {
    return this.context.newCDPSession(this.page);
  }

  async leave(): Promise<void> {
    await this.context.close();
    await this.stage.close();
  }
}

export function listen(page: Page): string[] {
  const complaints: string[] = [];
  page.on('console', (it) => {
    if (it.type() === 'error' || it.type() === 'warning') complaints.push(it.text());
  });
  page.on('pageerror', (it) => complaints.push(it.message));
  return complaints;
}
