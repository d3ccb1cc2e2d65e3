import { afterAll, beforeAll, expect, test } from 'vitest';
import { NOW, RUN_ID, runView } from './support/fleet.ts';
import { playOf } from './support/scenes.ts';
import { Visitor } from './support/visitor.ts';

let visitor: Visitor;

beforeAll(async () => {
  visitor = await Visitor.come(playOf('failed', 200));
});
afterAll(() => visitor.leave());

const text = () => visitor.page.locator('main').innerText();

test('runs: what needs somebody first, then what is under way, then what is over', async () => {
  await visitor.see('/');
  expect(await visitor.page.locator('h2').allInnerTexts()).toEqual(['Needs you 3', 'Open', 'Over']);
  expect(await visitor.page.title()).toBe('Runs · nodeop-agent');
  const failed = visitor.page.locator('.run', { hasText: '2030-02-bmc.yaml' });
  expect(await failed.innerText()).toContain('Failed');
  expect(await failed.innerText()).toContain('Ada Engineer');
  expect(await failed.getByRole('img').getAttribute('aria-label')).toMatch(
    /^38 of 200 nodes completed, 8 failed/,
  );
});

test('a run: its header, steps, causes, every node, and what is on record', async () => {
  await visitor.see(`/runs/${RUN_ID}`);
  const seen = await text();
  for (const part of [
    'runs/firmware/2030-02-bmc.yaml',
    'Failed',
    'Pull request #214',
    'saw 0.0012',
    'Why nodes failed',
    'flash chip is write protected',
    'the window was closed',
    'a81c0d9e',
    'kubectl --namespace nodeop-system get nodeop',
  ])
    expect(seen).toContain(part);
  const rows = visitor.page.getByRole('table').getByRole('row');
  expect(await rows.nth(1).innerText()).toContain('Failed');
  expect(await visitor.page.getByRole('table').getAttribute('aria-rowcount')).toBe('201');
});

test('its timeline tells of each node when it was worked on, to whoever points at it or goes there by arrow keys', async () => {
  await visitor.see(`/runs/${RUN_ID}`);
  const { page } = visitor;
  const slider = page.getByRole('slider', { name: /^When each node was worked on/ });
  const tip = page.locator('.bars .tip');
  await slider.focus();
  await page.keyboard.press('Home');
  const told = () => slider.getAttribute('aria-valuetext');
  await expect.poll(told).toMatch(/^node-\d+, \w+, from .* until .*, \d+ \w+/);
  const first = await told();
  await page.keyboard.press('ArrowDown');
  await expect.poll(told).not.toBe(first);
  await page.keyboard.press('f');
  await expect.poll(told).toMatch(/^node-\d+, Failed, /);
  expect(await tip.innerText()).toMatch(/^node-\d+\s+Failed\s+from .* until /);
  await page.keyboard.press('Escape');
  await expect.poll(() => tip.count()).toBe(0);
  await page.keyboard.press('Tab');
  const box = await page.locator('.bars canvas').boundingBox();
  if (!box) throw new Error('there is no timeline');
  await page.mouse.move(box.x + 3, box.y + 2);
  await expect.poll(() => tip.count()).toBe(1);
  expect(await tip.innerText()).toContain(first?.split(',')[0]);
  await page.mouse.click(box.x + 3, box.y + 2);
  await page.getByRole('heading', { level: 1, name: /^node-/ }).waitFor();
});

test('what can be changed is a change in Git, with the text to take along', async () => {
  await visitor.see(`/runs/${RUN_ID}`);
  await visitor.page.getByText('Retry where it failed').click();
  const link = visitor.page.getByRole('link', { name: /^Propose runs\/firmware/ });
  expect(await link.getAttribute('href')).toBe('https://git.example.org/ops/nodes/_new/main/runs');
  expect(await visitor.page.getByLabel('What is filled in').innerText()).toContain('kind: NodeOpRun');
});

test('a node: why it is cordoned, what happened, the end of its log and all of it', async () => {
  await visitor.see(`/runs/${RUN_ID}`);
  await visitor.page.getByRole('table').getByRole('link').first().click();
  await visitor.page.getByRole('heading', { level: 1, name: /^node-/ }).waitFor();
  await visitor.settle();
  const seen = await text();
  for (const part of ['Left cordoned by', 'Exit code', 'erasing block 1 of 64', 'What else ran on it'])
    expect(seen).toContain(part);
  const phases = visitor.page.getByRole('list', { name: 'Phase by phase' }).getByRole('listitem');
  expect(await phases.allInnerTexts()).toEqual([
    expect.stringMatching(/^Draining\s.*from /s),
    expect.stringMatching(/^Running\s.*from /s),
  ]);
  await visitor.page.getByRole('button', { name: 'Read all of the log' }).click();
  await visitor.page.getByText('of the pod, as it is now').waitFor();
});

test('nodes: those left cordoned first', async () => {
  await visitor.see('/nodes');
  const rows = visitor.page.getByRole('table').getByRole('row');
  expect(await rows.nth(1).innerText()).toContain('left cordoned');
  await visitor.page.getByPlaceholder('Search in names').fill('node-150');
  await expect.poll(() => rows.count()).toBe(2);
  expect(visitor.page.url()).toContain('/nodes?text=node-150');
});

test('agent: who leads, what is wrong, what waits', async () => {
  await visitor.see('/agent');
  const seen = await text();
  for (const part of ['x2lqp', 'did you mean timeoutSeconds?', 'OutsideWindow', '9f2c4be81d77'])
    expect(seen).toContain(part);
});

test('an address of nothing says so', async () => {
  await visitor.see('/runs/');
  expect(await text()).toContain('There is nothing at this address.');
});

test('the filter is in the address, and an address brings its filter along', async () => {
  await visitor.see('/');
  await visitor.page.getByLabel('State').selectOption('Cancelled');
  await visitor.page.getByText(/^3 runs of/).waitFor();
  expect(new URL(visitor.page.url()).search).toBe('?state=Cancelled');
  await visitor.see('/?text=clean-up&person=Clara+Diaz');
  await visitor.page.getByText(/runs? of/).waitFor();
  const names = await visitor.page.locator('.run-name b').allInnerTexts();
  expect(names.length).toBeGreaterThan(0);
  for (const name of names) expect(name).toMatch(/^clean-up/);
  expect(await visitor.page.getByPlaceholder('Search in paths').inputValue()).toBe('clean-up');
});

test('views are gone back to, without loading the page anew', async () => {
  await visitor.see('/');
  await visitor.page.evaluate(() => Object.assign(globalThis, { isSame: true }));
  await visitor.page.locator('.run-name a', { hasText: '2030-02-bmc' }).click();
  await visitor.page.getByRole('heading', { level: 1, name: /bmc/ }).waitFor();
  await visitor.page.goBack();
  await visitor.page.getByRole('heading', { level: 1, name: 'Runs' }).waitFor();
  expect(await visitor.page.evaluate(() => 'isSame' in globalThis)).toBe(true);
});

test('a step that is watched has a clock, and a check says what it saw', async () => {
  const { stage, page } = visitor;
  const { head, rows } = runView('running', 200);
  const [canary, ...others] = head.steps;
  if (!canary) throw new Error('no step');
  const check = {
    name: 'error-rate',
    phase: 'Failing',
    message: 'above 0.01',
    saw: '0.25',
    since: NOW - 90_000,
  };
  const watched = {
    ...canary,
    phase: 'Soaking' as const,
    text: 'is watched',
    since: NOW - 120_000,
    soakEnds: NOW + 480_000,
  };
  stage.show('run', { head: { ...head, steps: [{ ...watched, checks: [check] }, ...others] }, rows });
  await visitor.see(`/runs/${RUN_ID}`);
  await expect.poll(() => page.getByRole('timer').innerText()).toBe('watched for 8 min more');
  expect(await page.locator('.check').innerText()).toBe('error-rate failing for 90 s: above 0.01, saw 0.25');
});

test('older runs come as they are asked for', async () => {
  const { stage, page } = visitor;
  const { runs } = stage.play.views;
  if (!runs) throw new Error('no runs');
  const older = Array.from({ length: 60 }, (_, i) => ({
    key: `older-${i}.yaml`,
    name: `runs/older-${i}.yaml`,
    state: 'Completed' as const,
    finishedAt: NOW - (1_000 + i) * 3_600_000,
  }));
  const all = [...runs.rows, ...older];
  stage.perform({
    ...stage.play,
    views: { ...stage.play.views, runs: { ...runs, head: { ...runs.head, total: all.length } } },
    search: (query) => {
      const from = Number(query.get('cursor') ?? 0);
      const more = from + 20 < all.length ? { next: String(from + 20) } : {};
      return {
        rows: all.slice(from, from + 20),
        found: all.length,
        total: all.length,
        reading: false,
        ...more,
      };
    },
  });
  await visitor.see('/');
  const names = () => page.locator('.run-name b').allInnerTexts();
  const button = page.getByRole('button', { name: 'Show older runs' });
  for (let last = 0; (await button.count()) > 0; last = (await names()).length) {
    await button.click();
    await expect.poll(async () => (await names()).length > last || (await button.count()) === 0).toBe(true);
  }
  const shown = await names();
  expect(shown).toHaveLength(all.length);
  expect(new Set(shown).size).toBe(all.length);
  expect(shown.at(-1)).toBe('older-59.yaml');
});

test('the browser has nothing to complain of, its policy above all', () => {
  expect(visitor.complaints).toEqual([]);
});
