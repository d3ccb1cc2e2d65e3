import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { pageAssets } from '../../src/page/assets.ts';

const KB = 1024;

test('the document names one script, one style sheet and an icon by their content', async () => {
  const [document, ...rest] = await pageAssets();
  expect(document?.path).toBe('/');
  expect(rest.map(({ path }) => path.replace(/[0-9a-f]{12}/, 'HASH'))).toEqual([
    '/assets/page-HASH.js',
    '/assets/page-HASH.css',
    '/assets/icon-HASH.svg',
  ]);
  for (const { path } of rest) expect(document?.text).toContain(`"${path}"`);
});

test('the first view is under 100 KB as it is sent', async () => {
  const sizes = (await pageAssets()).map(({ text }) => gzipSync(text).length);
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(100 * KB);
});

test('nothing in the document is run or styled in place, and nothing comes from elsewhere', async () => {
  const [document] = await pageAssets();
  expect(document?.text).not.toMatch(/ style=|<style| on\w+=|https?:/);
  expect(document?.text).not.toMatch(/<script(?![^>]* src="\/assets\/)/);
});
