import { execFileSync } from 'node:child_process';
import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { rolldown } from 'rolldown';
import { expect, onTestFinished, test } from 'vitest';
import bundling from '../../rolldown.config.ts';
import { pageAssets } from '../../src/page/assets.ts';

const KB = 1024;
const bytes = (base64: string) => Buffer.from(base64, 'base64');

test('the document names one script, one style sheet and an icon by their content', async () => {
  const [document, ...rest] = await pageAssets();
  expect(document?.path).toBe('index.html');
  expect(rest.map(({ path }) => path.replace(/[0-9a-f]{12}/, 'HASH'))).toEqual([
    'assets/page-HASH.js',
    'assets/page-HASH.css',
    'assets/icon-HASH.svg',
  ]);
  const html = gunzipSync(bytes(document?.gzip ?? '')).toString();
  for (const { path } of rest) expect(html).toContain(`"/page/${path}"`);
});

test('both ways of compressing hold the same', async () => {
  for (const { gzip, brotli } of await pageAssets())
    expect(gunzipSync(bytes(gzip)).equals(brotliDecompressSync(bytes(brotli)))).toBe(true);
});

test('the first view is under 100 KB as it is sent', async () => {
  const sizes = (await pageAssets()).map(({ gzip }) => bytes(gzip).length);
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(100 * KB);
});

test('nothing in the document is run or styled in place, and nothing comes from elsewhere', async () => {
  const [document] = await pageAssets();
  const html = gunzipSync(bytes(document?.gzip ?? '')).toString();
  expect(html).not.toMatch(/ style=|<style| on\w+=|https?:/);
  expect(html).not.toMatch(/<script(?![^>]* src="\/page\/assets\/)/);
});

test('no text becomes markup or code: the framework alone puts it on the page', () => {
  const sources = globSync('src/page/browser/**/*.{ts,tsx}', { cwd: new URL('../..', import.meta.url) });
  expect(sources.length).toBeGreaterThan(30);
  const ways =
    /dangerouslySetInnerHTML|(?:inner|outer)HTML|insertAdjacentHTML|document\.write|createContextualFragment|\beval\b|new Function/;
  const found = sources.filter((it) =>
    ways.test(readFileSync(new URL(`../../${it}`, import.meta.url), 'utf8')),
  );
  expect(found).toEqual([]);
});

test('the one file of the bundle holds them all, and makes none', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'page-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const entry = join(import.meta.dirname, 'bundled.ts');
  const bundle = await rolldown({ ...bundling, input: entry, treeshake: true });
  await bundle.write({ file: join(folder, 'agent.mjs'), format: 'esm', codeSplitting: false });
  await bundle.close();
  // Nothing is installed there.
  const stdout = execFileSync(process.execPath, ['agent.mjs'], { cwd: folder, encoding: 'utf8' });
  expect(JSON.parse(stdout)).toEqual(await pageAssets());
});
