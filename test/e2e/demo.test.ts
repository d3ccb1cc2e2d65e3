import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { load } from 'js-yaml';
import { expect, test } from 'vitest';
import packageJson from '../../package.json' with { type: 'json' };
import type { NodeOpReport } from '../../src/api/report.ts';
import { hasKubectl } from '../support/kubectl.ts';
import { Stage } from '../support/agent-process.ts';

test('the firmware demonstration: skipped, blocked by a budget, rebooted, failed, cancelled, reported', async () => {
  const stage = new Stage();
  try {
    const demo = stage.run('demo', '--scenario', 'firmware');
    expect(await demo.ended, demo.output()).toBe(0);
    const said = demo.output();
    expect(said).toMatch(/^Look at it in a browser as it goes: http:\/\/127\.0\.0\.1:\d+\/\n/);
    expect(said).toMatch(
      /^ {4}2 +2 +node-2 +1 +by name +BLOCKED: budget default\/shop allows no disruption/m,
    );
    expect(said).toMatch(
      /node-2 {2}Draining +eviction blocked: default\/shop-\w+ \(The disruption budget shop/,
    );
    expect(said).toMatch(/node-2 {2}Rebooting/);
    const text = /has committed results\/firmware.yaml:\n\n((?: {4}.*\n|\n)+)/.exec(said)?.[1] ?? '';
    const report = load(text.replaceAll(/^ {4}/gm, '')) as NodeOpReport;
    expect(report.status.summary).toMatchObject({ completed: 3, failed: 1, cancelled: 1 });
    expect(report.status.nodes?.map(({ name, phase, rebootStatus }) => [name, phase, rebootStatus])).toEqual([
      ['node-1', 'Completed', 'not-requested'],
      ['node-2', 'Completed', 'completed'],
      ['node-3', 'Completed', 'completed'],
      ['node-4', 'Failed', 'cancelled'],
      ['node-5', 'Cancelled', 'cancelled'],
    ]);
    expect(report.status.nodes?.[3]).toMatchObject({
      exitCode: 3,
      attempts: 2,
      message: 'command failed: exit code 3: flash is write-protected; the node stays cordoned',
      cause: 'flash is write-protected',
      cordoned: true,
      log: 'Flashing firmware to v2.4.0...\nflash is write-protected',
    });
    expect(report.status.message).toBe(
      '3 of 5 nodes completed (1 skipped), 1 failed, 1 cancelled: node-4: command failed: exit code 3: flash is write-protected; the node stays cordoned',
    );
    expect(report.status.nodes?.[3]?.message).toContain('the node stays cordoned');
    expect(said).toContain(
      'To go on by hand, and look at everything: npm run demo -- --keep --scenario firmware',
    );
  } finally {
    await stage.close();
  }
});

test('the canary demonstration: one node, a soak, a check that fails once and passes, the rest by half, reported', async () => {
  const stage = new Stage();
  try {
    const demo = stage.run('demo', '--scenario', 'canary');
    expect(await demo.ended, demo.output()).toBe(0);
    const said = demo.output();
    expect(said).toContain('- step canary: 1 node (node-1); none may fail; soaks 5 s');
    expect(said).toContain('- step rest: 4 nodes (node-2, node-3, node-4, node-5); 2 at a time');
    // In this order, with nothing of the rest before the canary is passed. A phase as short as the postflight need not be seen.
    const [first = '', rest = ''] = said.split(/step canary {2}Passed/);
    expect(first).toMatch(
      /node-1 {2}Completed[^]*step canary {2}Soaking[^]*answers 503[^]*Checking +check shop: try 1, the one before: status 503, expected 200[^]*answers 200/,
    );
    expect(first).not.toMatch(/node-[2-5] {2}Running/);
    expect(rest).toMatch(/node-[2-5] {2}Completed/);
    const text = /has committed results\/quiet-kernel.yaml:\n\n((?: {4}.*\n|\n)+)/.exec(said)?.[1] ?? '';
    const { status } = load(text.replaceAll(/^ {4}/gm, '')) as NodeOpReport;
    expect(status).toMatchObject({ phase: 'Completed', amounts: { concurrency: 2 } });
    expect(status.steps).toMatchObject([
      { name: 'canary', phase: 'Passed', nodes: 1, checks: [{ name: 'shop', phase: 'Passed', tries: 2 }] },
      { name: 'rest', phase: 'Passed', nodes: 4, finished: 4, failed: 0 },
    ]);
    expect(said).toContain('npm run demo -- --keep --scenario canary');
  } finally {
    await stage.close();
  }
});

test('the next steps of a demonstration that is kept: each works as it is printed, and its outcome is shown', async () => {
  const stage = new Stage();
  try {
    const first = stage.run('demo');
    expect(await first.ended, first.output()).toBe(0);
    const [, named = '', options = ''] = /: npm run (\S+) -- (--keep.*)$/m.exec(first.output()) ?? [];
    expect(packageJson.scripts).toHaveProperty(named, 'node src/main.ts demo');
    const demo = stage.run(named, ...options.split(' '));
    await stage.until('the next steps', () => demo.output().includes('Ctrl-C ends the demonstration'));
    const said = demo.output();
    const steps = [...said.slice(said.indexOf('your turn')).matchAll(/^ {2}(\S.*)$/gm)].map(
      ([, step]) => step,
    );
    expect(steps).toHaveLength(4);
    // Without kubectl the rest works as well.
    const typed = steps.filter((it) => hasKubectl || !it?.startsWith('kubectl'));
    const bash = (script: string) =>
      execFileSync('bash', ['-ec', script], { encoding: 'utf8', stdio: 'pipe' });
    const answers = bash(typed.join('\n'));
    if (hasKubectl) expect(answers).toMatch(/^node\/node-5 .*\n[^]*nodeop\.operator\.kairos\.io\/set-ntp-/m);
    await stage.until('its report', () => demo.output().includes('commit  runs/second.yaml: Completed'));
    expect(demo.output().slice(said.length)).toMatch(/\d s +5\/5 +node-5 +Completed/);
    const [cd = ''] = typed;
    expect(bash(`${cd} >/dev/null\ncat results/second.yaml`)).toContain('phase: Completed');

    // Who writes a name into it is told whose that is, and what to do.
    bash(`${cd}
      sed 's/generateName: .*/name: set-ntp/' runs/second.yaml > runs/third.yaml
      git add runs && git commit -m Third && git push`);
    await stage.until('the third', () => demo.output().includes('commit  runs/third.yaml: Completed'));
    bash(`${cd}\ncp runs/third.yaml runs/fourth.yaml\ngit add runs && git commit -m Fourth && git push`);
    await stage.until('the fourth', () => demo.output().includes('commit  runs/fourth.yaml: Invalid'));
    const clash =
      'metadata.name: NodeOp nodeop-system/set-ntp is there already: it is that of the run runs/third.yaml; give this run another name, or write "generateName: set-ntp-"';
    await stage.until('the reason', () => demo.output().includes(clash));
    const dir = /Everything lies in (.*)\. Now/.exec(said)?.[1] ?? '';
    expect(existsSync(dir)).toBe(true);
    demo.child.kill('SIGINT');
    expect(await demo.ended).toBe(0);
    expect(existsSync(dir)).toBe(false);
  } finally {
    await stage.close();
  }
});
