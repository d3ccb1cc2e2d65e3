import { rmSync } from 'node:fs';
import { load } from 'js-yaml';
import { expect, test } from 'vitest';
import type { NodeOpReport } from '../../src/api/report.ts';
import { Stage } from '../support/agent-process.ts';

test('the firmware demonstration: skipped, blocked by a budget, rebooted, failed, cancelled, reported', async () => {
  const stage = new Stage();
  try {
    const demo = stage.run('demo', '--scenario', 'firmware');
    expect(await demo.ended, demo.output()).toBe(0);
    const said = demo.output();
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
    expect(report.status.nodes?.[3]).toMatchObject({ exitCode: 3, attempts: 2 });
    expect(report.status.nodes?.[3]?.message).toContain('the node stays cordoned');
    const dir = /The repository is (.*)\/operations, its remote/.exec(said)?.[1];
    if (dir !== undefined) rmSync(dir, { recursive: true });
  } finally {
    await stage.close();
  }
});
