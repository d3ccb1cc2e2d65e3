import { expect, test } from 'vitest';
import { RUN_ID } from './support/fleet.ts';
import { playOf } from './support/scenes.ts';
import { Visitor } from './support/visitor.ts';

const MARKUP = '<img src=x onerror="document.title=1"><script>document.title=2</script>';

test('names, messages and addresses of others are text, whatever stands in them', async () => {
  const play = playOf('failed', 20);
  const { runs, run, node } = play.views;
  if (!runs || !run || !node) throw new Error('no views');
  for (const row of runs.rows)
    Object.assign(row, { name: `runs/${MARKUP}`, why: MARKUP, by: MARKUP, step: MARKUP });
  runs.head.needsYou.push({ key: MARKUP, kind: 'failed', text: MARKUP });
  for (const row of run.rows) row.message = MARKUP;
  Object.assign(run.head, {
    problems: [MARKUP],
    warnings: [MARKUP, 'turned \u202E around'],
    commands: [MARKUP],
  });
  Object.assign(run.head.run, { name: MARKUP });
  run.head.failures = [{ text: MARKUP, count: 1, nodes: [MARKUP] }];
  run.head.links = [{ label: 'Report', url: 'javascript:document.title=3' }];
  Object.assign(node.head, { log: MARKUP, cordon: MARKUP, commands: [MARKUP] });
  const visitor = await Visitor.come(play);
  try {
    for (const path of ['/', `/runs/${RUN_ID}`, '/nodes/node-01?run=x']) {
      // oxlint-disable-next-line no-await-in-loop -- one page, one view after the other
      await visitor.see(path);
      // oxlint-disable-next-line no-await-in-loop
      expect(await visitor.page.locator('main').innerText()).toContain(MARKUP);
      // oxlint-disable-next-line no-await-in-loop
      expect(await visitor.page.locator('img, main script, [href^=javascript]').count()).toBe(0);
    }
    await visitor.see(`/runs/${RUN_ID}`);
    expect(await visitor.page.locator('.note.tone-held li').last().innerText()).toBe(
      String.raw`turned \u{202e} around`,
    );
    expect(visitor.complaints).toEqual([]);
  } finally {
    await visitor.leave();
  }
});
