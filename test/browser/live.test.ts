import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { NOW, RUN_ID, runView } from './support/fleet.ts';
import { playOf } from './support/scenes.ts';
import { Visitor } from './support/visitor.ts';

let visitor: Visitor;

beforeAll(async () => {
  visitor = await Visitor.come(playOf('running', 20));
});
beforeEach(() => {
  visitor.stage.perform(playOf('running', 20));
});
afterAll(() => visitor.leave());

const status = () => visitor.page.locator('.connection-word').innerText();

/** The first node that has not begun fails. */
function failOne(): string {
  const { head, rows } = runView('running', 20);
  const node = rows.find(({ phase }) => phase === 'Pending')?.key ?? '';
  const failed = { phase: 'Failed' as const, message: 'exit code 9', startedAt: NOW, finishedAt: NOW };
  visitor.stage.show('run', {
    head,
    rows: rows.map((row) => (row.key === node ? { ...row, ...failed } : row)),
  });
  return node;
}

test('a change is seen where it happened, and nothing else moves', async () => {
  await visitor.see(`/runs/${RUN_ID}`);
  const top = () => visitor.page.locator('#map').boundingBox();
  const before = await top();
  const node = failOne();
  await visitor.page.getByRole('row', { name: new RegExp(`${node} Failed`) }).waitFor();
  expect(await top()).toEqual(before);
  const { head, rows } = runView('running', 20);
  visitor.stage.show('run', { head, rows: rows.filter(({ key }) => key !== node) });
  await visitor.page.getByRole('link', { name: node }).waitFor({ state: 'detached' });
  expect(visitor.complaints).toEqual([]);
});

function runs() {
  const { runs: view } = visitor.stage.play.views;
  if (!view) throw new Error('no runs');
  return view;
}

test('a run that is over is told to be, live', async () => {
  await visitor.see('/');
  await visitor.page.locator('.run .sign', { hasText: 'Running' }).waitFor();
  const { head, rows } = runs();
  const ended = rows.map((it) =>
    it.key === RUN_ID ? { ...it, state: 'Completed' as const, finishedAt: NOW } : it,
  );
  visitor.stage.show('runs', { head, rows: ended });
  const over = visitor.page.locator('.runs', { hasText: 'Over' });
  await expect.poll(() => over.getByText('2030-02-bmc.yaml').count()).toBe(1);
});

test('an agent that is away is told of, what is known stays, and it goes on by itself', async () => {
  await visitor.see(`/runs/${RUN_ID}`);
  await expect.poll(status).toBe('Live');
  visitor.stage.goAway();
  await expect.poll(status).toBe('Reconnecting');
  expect(await visitor.page.getByRole('table').getByRole('row').count()).toBeGreaterThan(1);
  visitor.stage.comeBack();
  await expect.poll(status).toBe('Live');
  const node = failOne();
  await visitor.page.getByRole('row', { name: new RegExp(`${node} Failed`) }).waitFor();
});

test('whoever pauses sees nothing new until it is resumed', async () => {
  await visitor.see(`/runs/${RUN_ID}`);
  await visitor.page.getByRole('button', { name: 'Pause' }).click();
  await expect.poll(status).toBe('Paused');
  await expect.poll(() => visitor.stage.readers('run')).toBe(0);
  const { head, rows } = runView('failed', 20);
  visitor.stage.show('run', { head, rows });
  await visitor.page.getByRole('button', { name: 'Resume' }).click();
  await visitor.page.locator('.run-heading .tone-failed').waitFor();
  expect(await status()).toBe('Live');
});

test('one view is followed at a time', async () => {
  await visitor.see('/');
  await visitor.page.getByRole('link', { name: 'Nodes' }).click();
  await visitor.page.getByRole('heading', { level: 1, name: 'Nodes' }).waitFor();
  await expect.poll(() => visitor.stage.readers('runs')).toBe(0);
  expect(visitor.stage.readers('nodes')).toBe(1);
});

test('what is not there is said to be, and not asked for again and again', async () => {
  visitor.stage.show('run', undefined);
  await visitor.see('/runs/nothing.yaml');
  await expect.poll(status).toBe('Ended');
  expect(await visitor.page.locator('h1').innerText()).toBe('Nothing here');
});

test('a cluster that is held says so above every view', async () => {
  await visitor.see('/');
  const { head, rows } = runs();
  visitor.stage.show('runs', { head: { ...head, held: 'Held: the switches are exchanged' }, rows });
  const banner = visitor.page.getByRole('status').getByText('Held: the switches are exchanged');
  await expect.poll(() => banner.count()).toBe(1);
});

test('a tab that nobody sees takes no connection, and is up to date when it is seen again', async () => {
  await visitor.see(`/runs/${RUN_ID}`);
  const hide = (isHidden: boolean) =>
    visitor.page.evaluate((it) => {
      Object.defineProperty(document, 'hidden', { get: () => it, configurable: true });
      document.dispatchEvent(new Event('visibilitychange'));
    }, isHidden);
  await hide(true);
  await expect.poll(() => visitor.stage.readers('run')).toBe(0);
  const node = failOne();
  await hide(false);
  await visitor.page.getByRole('row', { name: new RegExp(`${node} Failed`) }).waitFor();
  expect(visitor.stage.readers('run')).toBe(1);
});

test('a run that begins to fit a filter appears', async () => {
  await visitor.see('/?state=Failed&text=bmc');
  const names = () => visitor.page.locator('.run-name b').allInnerTexts();
  await expect.poll(names).toEqual([]);
  const { head, rows } = runs();
  const failed = rows.map((it) =>
    it.key === RUN_ID ? { ...it, state: 'Failed' as const, finishedAt: NOW } : it,
  );
  visitor.stage.show('runs', { head, rows: failed });
  await expect.poll(names).toEqual(['2030-02-bmc.yaml']);
});
