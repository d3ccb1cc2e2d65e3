import { execFileSync } from 'node:child_process';
import { expect, it } from 'vitest';
import type { Row } from '../../bench/row.ts';

it('the benchmarks run and tell one JSON object a line', { timeout: 240_000 }, () => {
  const out = execFileSync('npm', ['run', '-s', 'bench', '--', '--tiny', '--json'], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const rows = out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Row);
  const names = [
    'decide',
    'look',
    'validate',
    'poll-idle',
    'detect',
    'report',
    'first-clone',
    'rollout',
    'rollout-full',
  ];
  names.push('requests', 'status-bytes', 'memory', 'cpu', 'restart');
  expect([...new Set(rows.map(({ name }) => name))].toSorted()).toEqual(names.toSorted());
  for (const { value, floor, ratio, holds } of rows) {
    expect(value).toBeGreaterThan(0);
    expect(ratio).toBeCloseTo(value / floor);
    expect(holds).toBeTypeOf('boolean');
  }
});
