import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { AxeResults } from 'axe-core';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { RUN_ID } from './support/fleet.ts';
import { playOf } from './support/scenes.ts';
import { Visitor } from './support/visitor.ts';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** What hinders people, by how much: findings of serious or worse. */
async function findings(page: Page): Promise<string[]> {
  await page.evaluate(AXE);
  const { violations } = (await page.evaluate('axe.run()')) as AxeResults;
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes.map((it) => it.html.slice(0, 160)).join(' | ')}`);
}

const VIEWS = ['/', `/runs/${RUN_ID}`, '/nodes/node-01?run=x', '/nodes', '/agent', '/nodes/'];

let visitor: Visitor;

beforeAll(async () => {
  visitor = await Visitor.come(playOf('running', 60));
});
afterAll(() => visitor.leave());

describe.each(['light', 'dark'] as const)('in %s colours', (colorScheme) => {
  beforeAll(() => visitor.page.emulateMedia({ colorScheme }));

  test.each(['running', 'failed', 'heldUp'] as const)('nobody is hindered: %s', async (scene) => {
    visitor.stage.perform(playOf(scene, 60));
    for (const path of VIEWS) {
      // oxlint-disable-next-line no-await-in-loop -- one page, one view after the other
      await visitor.see(path);
      // oxlint-disable-next-line no-await-in-loop
      expect(await findings(visitor.page), path).toEqual([]);
    }
  });

  test('nor by the form to sign in', async () => {
    visitor.stage.perform({ ...playOf('running', 5), isLocked: true });
    await visitor.see('/');
    expect(await findings(visitor.page)).toEqual([]);
  });
});
