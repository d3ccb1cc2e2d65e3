import { expect, test } from 'vitest';
import { InvalidError } from '../../src/api/errors.ts';
import { atOnce, type Steps } from '../../src/api/pieces.ts';
import { readReport } from '../../src/api/report.ts';
import { formatBaseline, readBaseline } from '../../src/core/runs/baseline.ts';
import { formatReport } from '../../src/core/runs/report.ts';
import { contentOf } from '../../src/agent/repository/stored.ts';
import { REPORT } from '../fuzz/reports.ts';

const bytes = (text: string) => new TextEncoder().encode(text);
const ODD = ["it's", 'a: b', '- x', '# y', 'a\n    - name: z\n  nodes:\n', '\u202e', '', '  - ', '日本'];

function report(count: number) {
  const nodes = Array.from({ length: count }, (_, i) => {
    const odd = ODD[i % ODD.length] ?? '';
    return {
      name: `node-${i}${odd}`,
      phase: 'Failed' as const,
      message: odd,
      log: `${odd}\n${odd}\n`,
      exitCode: i,
    };
  });
  return { ...REPORT, status: { ...REPORT.status, phase: 'Running' as const, nodes } };
}

function counted<T>(steps: Steps<T>): { steps: number; result: T } {
  for (let count = 1; ; count += 1) {
    const { done, value } = steps.next();
    if (done === true) return { steps: count, result: value };
  }
}

test.each([1, 2000])('what a later version may write of %i nodes is passed over', (count) => {
  const { nodes, ...status } = report(count).status;
  const more = { later: { list: [1] } };
  const check = { name: 'http-1', phase: 'Failed', tries: 1, attempt: 1, changedAt: '2030-01-01T00:00:00Z' };
  const step = { name: 'rest', phase: 'Running', nodes: 1, finished: 0, failed: 0 };
  const run = { ...REPORT.run, ...more };
  const { status: _, ...head } = REPORT;
  // The nodes stay the end of it.
  const written = {
    ...head,
    ...more,
    run,
    status: {
      ...status,
      ...more,
      steps: [{ ...step, ...more, checks: [{ ...check, ...more }] }],
      nodes: nodes.map((it) => ({ ...it, ...more })),
    },
  };
  const known = { ...REPORT, status: { ...status, steps: [{ ...step, checks: [check] }], nodes } };
  expect(atOnce(readReport(bytes(formatReport(written as never))))).toEqual(known);
});

test.each([1, 300, 2000])(
  'a report of %i nodes is read back as it was, in steps where it is long',
  (count) => {
    const written = bytes(formatReport(report(count)));
    const { steps, result } = counted(readReport(written));
    expect(result).toEqual(report(count));
    if (count > 1) expect(steps).toBeGreaterThan(written.length / 100_000);
  },
);

test.each([2, 30_000])('a baseline of %i paths is read back as it was', (count) => {
  const runs = new Set(Array.from({ length: count }, (_, i) => `runs/${i}${ODD[i % ODD.length]}.yaml`));
  const { result } = counted(readBaseline('x', bytes(formatBaseline(runs, 'uid'))));
  expect(result).toEqual({ runs, owner: 'uid' });
});

const long = formatReport(report(2000));
test.each([
  ['goes on behind its list', `${long}  message: again\n`],
  ['has an entry that is none', long.replace('    - name: node-1800', '    - [node-1800')],
  ['has a list twice', long.replace('\n  nodes:\n', '\n  nodes: []\n  nodes:\n')],
  ['refers to what is not there', `${long}    - *a\n`],
  [
    'has more nodes than any cluster',
    formatReport(report(1)) + '    - {name: a, phase: Failed}\n'.repeat(30_000),
  ],
])('a long report that %s says nothing', (_, text) => {
  expect(atOnce(readReport(bytes(text)))).toBeUndefined();
});

test('a long baseline that people damaged is told, and what is damaged about it', () => {
  const text = formatBaseline(
    Array.from({ length: 20_000 }, (_, i) => `runs/${i}.yaml`),
    'uid',
  );
  const damaged = text.replace('  - runs/5000.yaml', '  - [runs/5000.yaml');
  expect(() => atOnce(readBaseline('results/.baseline.yaml', bytes(damaged)))).toThrow(InvalidError);
  expect(() => atOnce(readBaseline('x', bytes(`${text}  - 5\n`)))).toThrow(
    'x cannot be read (expected text, found the number 5',
  );
});

test('a report whose message people made megabytes long ends no pass', async () => {
  const text = formatReport({ ...REPORT, status: { phase: 'Completed' } });
  const lines = `${text.trimEnd()}\n  message: x\n${'    a\n'.repeat(1_500_000)}`;
  expect((await contentOf('b', bytes(lines))).file.standing).toBe('other');
  const shorter = `${text.trimEnd()}\n  message: x\n${'    a\n'.repeat(40_000)}`;
  expect((await contentOf('b', bytes(shorter))).file.standing).toBe('over');
});
