import type { BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { nodeOpRun } from '../runs/support.ts';
import { type Operations, startOperations } from '../support/agent.ts';
import { servePageOf, type ServedPage } from '../support/page.ts';
import { openBrowser } from './support/chromium.ts';
import { listen } from './support/visitor.ts';

/** An agent at work on an embedded cluster, and somebody who looks on: nothing here is made up. */

const DEFINITION = `apiVersion: operator.kairos.io/v1alpha1
kind: NodeOp
metadata: {name: flash}
spec:
  image: tools:1
  command: [flash]
  cordon: true
  backoffLimit: 0
  concurrency: 1
  steps:
    - {name: canary, upTo: 1}
`;

let operations: Operations;
let served: ServedPage;
let browser: BrowserContext;
let page: Page;
let url: string;
let complaints: string[];

beforeAll(async () => {
  const script = (_: unknown, node: string) =>
    node === 'node-2'
      ? { exitCode: 3, log: 'begins\n<b>write protected</b>\n', durationMs: 50 }
      : { exitCode: 0, durationMs: 50 };
  operations = await startOperations(
    { nodes: 4, script, jobBackoffMs: 10 },
    { 'nodeops/flash.yaml': DEFINITION },
  );
  served = await servePageOf(operations);
  ({ url } = served);
  browser = await openBrowser();
  page = await browser.newPage();
  complaints = listen(page);
});

afterAll(async () => {
  await browser.close();
  await served.close();
  await operations.stop();
});

const heading = (name: RegExp | string) => page.getByRole('heading', { level: 1, name });

test('before the first run it is said how one comes about', async () => {
  await page.goto(url);
  await page.getByRole('heading', { name: 'No runs yet' }).waitFor();
  expect(await page.locator('main').innerText()).toContain('Merge a file under runs/');
});

test('a run that is merged appears, works on its nodes, and fails before the eyes of whoever looks', async () => {
  operations.repository.push({ 'runs/2030/flash.yaml': nodeOpRun('  nodeOp: flash\n') });
  await operations.agent.repository.pollNow();
  const row = page.locator('.run', { hasText: 'flash.yaml' });
  await row.waitFor();
  await row.getByRole('link').click();
  await heading(/flash\.yaml/).waitFor();
  await page.locator('.run-heading .sign', { hasText: 'Failed' }).waitFor();
  await page.getByRole('row', { name: /node-2 Failed/ }).waitFor();
  await page.getByText('exit code 3', { exact: false }).first().waitFor();
  expect(await page.getByRole('listbox').getAttribute('aria-label')).toContain('4 nodes');
});

test('its node tells why it is cordoned, and the log of its command as text', async () => {
  await page
    .getByRole('row', { name: /node-2 Failed/ })
    .getByRole('link')
    .click();
  await heading('node-2').waitFor();
  await page.locator('.run-heading .sign', { hasText: 'cordoned' }).waitFor();
  await page.getByRole('button', { name: 'Read all of the log' }).click();
  await expect
    .poll(() => page.getByLabel('Log', { exact: true }).innerText())
    .toContain('<b>write protected</b>');
});

test('all runs have it on top, since it needs somebody', async () => {
  await page.getByRole('link', { name: 'Runs', exact: true }).click();
  await page.locator('.needs').getByText('Failed', { exact: true }).waitFor();
  await page.goto(`${url}/?text=write+protected`);
  await expect.poll(() => page.locator('.run-name b').allInnerTexts()).toEqual(['flash.yaml']);
});

test('of all nodes the one left cordoned comes first', async () => {
  await page.getByRole('link', { name: 'Nodes', exact: true }).click();
  const first = page.getByRole('table').getByRole('row').nth(1);
  await expect.poll(() => first.innerText()).toContain('left cordoned');
  expect(await first.innerText()).toContain('node-2');
});

test('the agent tells where it stands', async () => {
  await page.getByRole('link', { name: 'Agent', exact: true }).click();
  await page.getByText('by the agent that leads').waitFor();
  expect(await page.locator('main').innerText()).toContain('Nothing waits.');
});

test('nothing went wrong, neither here nor there', () => {
  expect(served.errors).toEqual([]);
  expect(complaints).toEqual([]);
});
