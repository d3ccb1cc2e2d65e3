import { expect, test } from 'vitest';
import { boundOf, chart } from '../../bench/chart.ts';
import { atLeast, atMost, told, within } from '../../bench/row.ts';

const row = { name: 'poll', size: '10 files', value: 3, unit: 'ms', floor: 2 };

test('the bound of a row is where it stops to hold', () => {
  expect(boundOf(atMost(1.5, row))).toBe(3);
  expect(boundOf(atMost(1.3, row, 100))).toBe(102.6);
  expect(boundOf(atLeast(0.7, row))).toBe(1.4);
  expect(boundOf(within(row))).toBe(2);
});

test('each row that was measured at several sizes is a panel, by kind', () => {
  const sizes = ['10 files', '1000 files', '10 nodes, plain', '50 nodes, plain', '10 nodes, full'];
  const svg = chart(sizes.map((size) => told({ ...row, size })));
  expect([...svg.matchAll(/font-weight="bold">([^<]+)</g)].map(([, title]) => title)).toEqual([
    'poll (ms)',
    'poll, plain (ms)',
  ]);
  expect(svg.match(/<circle/g)).toHaveLength(4);
  expect(svg).not.toContain('NaN');
});
