import { afterAll, beforeAll, expect, test } from 'vitest';
import { RUN_ID } from './support/fleet.ts';
import { playOf } from './support/scenes.ts';
import { Visitor } from './support/visitor.ts';

/** With a keyboard, on a phone, on a wall, on paper, and without motion. */

const VIEWS = ['/', `/runs/${RUN_ID}`, '/nodes/node-01?run=x', '/nodes', '/agent', '/nodes/'];

let visitor: Visitor;

beforeAll(async () => {
  visitor = await Visitor.come(playOf('failed', 60));
});
afterAll(() => visitor.leave());

test.each([360, 768, 1280, 3840])('at %i pixels nothing sticks out', async (width) => {
  await visitor.page.setViewportSize({ width, height: 800 });
  for (const path of VIEWS) {
    // oxlint-disable-next-line no-await-in-loop -- one page, one view after the other
    await visitor.see(path);
    // oxlint-disable-next-line no-await-in-loop
    const beyond = await visitor.page.evaluate(() => {
      const isInside = (it: Element) => it.closest('pre, .table-body, .hidden') !== null;
      return [...document.querySelectorAll('body *')]
        .filter((it) => it.getBoundingClientRect().right > innerWidth + 1 && !isInside(it))
        .map((it) => `${it.tagName} ${it.className}`);
    });
    expect(beyond, path).toEqual([]);
  }
  await visitor.page.setViewportSize({ width: 1280, height: 800 });
});

test('every link, field and button is reached by the Tab key, and it is seen which one', async () => {
  for (const path of VIEWS) {
    // oxlint-disable-next-line no-await-in-loop
    await visitor.see(path);
    // oxlint-disable-next-line no-await-in-loop
    expect(await tabThrough(), path).toEqual({ missed: [], unseen: [] });
  }
});

/** More than any view has; the end is where the focus leaves the page. */
const MOST_STEPS = 300;

async function tabThrough() {
  const { page } = visitor;
  const unseen: string[] = [];
  for (let i = 0; i < MOST_STEPS; i++) {
    // oxlint-disable-next-line no-await-in-loop
    await page.keyboard.press('Tab');
    // oxlint-disable-next-line no-await-in-loop
    const at = await page.evaluate(() => {
      const it = document.activeElement;
      if (!(it instanceof HTMLElement) || it === document.body) return undefined;
      it.dataset['reached'] = '';
      const { outlineStyle, outlineWidth } = getComputedStyle(it);
      const isSeen = outlineStyle !== 'none' && Number.parseFloat(outlineWidth) >= 2;
      return isSeen ? '' : it.outerHTML.slice(0, 80);
    });
    if (at === undefined) break;
    if (at !== '') unseen.push(at);
  }
  const missed = await page.evaluate(() => {
    const marked = 'a[href], button, input, select, summary, [tabindex="0"]';
    return [...document.querySelectorAll<HTMLElement>(marked)]
      .filter((it) => it.checkVisibility() && it.tabIndex >= 0 && it.dataset['reached'] === undefined)
      .map((it) => it.outerHTML.slice(0, 80));
  });
  return { missed, unseen };
}

test('arrow keys go through the table, row by row, and the Tab key passes it by', async () => {
  await visitor.see(`/runs/${RUN_ID}`);
  const { page } = visitor;
  const focused = () => page.evaluate(() => document.activeElement?.textContent);
  await page.locator('.table-body').focus();
  await page.keyboard.press('ArrowDown');
  await expect.poll(focused).toMatch(/^node-/);
  const first = await focused();
  await page.keyboard.press('ArrowDown');
  await expect.poll(focused).not.toBe(first);
  const row = () => page.locator('.table-row:focus-within').getAttribute('aria-rowindex');
  // Keys that come faster than rows are drawn lead no further.
  const down = async () => {
    await page.keyboard.press('ArrowDown');
    return row();
  };
  await expect.poll(down).toBe('61');
  await page.keyboard.press('ArrowUp');
  await expect.poll(row).toBe('60');
  await page.keyboard.press('Tab');
  await expect.poll(() => page.locator('.table-body:focus-within').count()).toBe(0);
});

test('whoever opens a view by keyboard goes on at its heading', async () => {
  await visitor.see('/');
  await visitor.page.getByRole('link', { name: 'Agent', exact: true }).press('Enter');
  await expect.poll(() => visitor.page.evaluate(() => document.activeElement?.textContent)).toBe('Agent');
  await visitor.see('/');
  await visitor.page.keyboard.press('Tab');
  expect(await visitor.page.evaluate(() => document.activeElement?.textContent)).toContain(
    'Skip to the content',
  );
});

test('on paper there is every node, and nothing to press', async () => {
  await visitor.see(`/runs/${RUN_ID}`);
  await visitor.page.emulateMedia({ media: 'print' });
  await expect.poll(() => visitor.page.locator('.table-row').count()).toBe(60);
  expect(await visitor.page.locator('.header').isVisible()).toBe(false);
  expect(await visitor.page.getByRole('button', { name: 'Copy' }).first().isVisible()).toBe(false);
  const pdf = await visitor.page.pdf();
  expect(pdf.subarray(0, 5).toString()).toBe('%PDF-');
  await visitor.page.emulateMedia({ media: 'screen' });
});

test('without a wish for motion nothing moves', async () => {
  const moving = () =>
    visitor.page.evaluate(
      () =>
        [...document.querySelectorAll('*')].filter((it) => {
          const { transitionDuration, animationName } = getComputedStyle(it);
          return Number.parseFloat(transitionDuration) > 0 || animationName !== 'none';
        }).length,
    );
  await visitor.page.emulateMedia({ reducedMotion: 'reduce' });
  await visitor.see('/');
  expect(await moving()).toBe(0);
  await visitor.page.emulateMedia({ reducedMotion: 'no-preference' });
  expect(await moving()).toBeGreaterThan(0);
});

test('dark is dark, light is light', async () => {
  const ground = async (colorScheme: 'light' | 'dark') => {
    await visitor.page.emulateMedia({ colorScheme });
    await visitor.see('/');
    const colour = await visitor.page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    return Number(/\d+/.exec(colour)?.[0]);
  };
  expect(await ground('light')).toBeGreaterThan(200);
  expect(await ground('dark')).toBeLessThan(50);
});
