import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { contentOf } from '../../src/agent/repository/stored.ts';
import type { NodeOp } from '../../src/api/nodeop.ts';
import { type NodeOpReport, parseReport } from '../../src/api/report.ts';
import { formatYaml } from '../../src/api/yaml.ts';
import { formatReport, reportNodeOp, writeReport } from '../../src/core/runs/report.ts';
import { REPORT } from '../fuzz/reports.ts';

/** A run of 5,000 nodes whose names are as long as a label may be. */
function large(phase: 'Running' | 'Completed'): string {
  const names = Array.from({ length: 5000 }, (_, i) => `node-${i}-`.padEnd(63, 'x'));
  const node = {
    phase: 'Failed' as const,
    message: 'exit 3: flash is write-protected, and "quotes" are here as well: see the manual',
    attempts: 3,
    exitCode: 3,
    rebootStatus: 'not-requested' as const,
    startedAt: '2030-01-01T00:00:00Z',
    finishedAt: '2030-01-01T01:00:00Z',
    lastUpdated: '2030-01-01T01:00:00Z',
  };
  const nodeOp = {
    metadata: { namespace: 'ops', name: 'flash', uid: 'u1' },
    spec: {},
    status: { phase, nodeStatuses: Object.fromEntries(names.map((name) => [name, node])) },
  } as unknown as NodeOp;
  return formatReport(reportNodeOp({ path: 'runs/flash.yaml' }, nodeOp, new Map(), undefined, []));
}

test.each([
  ['Running', 'unfinished'],
  ['Completed', 'over'],
] as const)('a report of 5,000 nodes with long names is read back: %s', async (phase, standing) => {
  const bytes = new TextEncoder().encode(large(phase));
  expect(bytes.length).toBeGreaterThan(1024 * 1024);
  expect(await contentOf('b', bytes)).toMatchObject({ file: { standing }, brief: { phase } });
  expect(parseReport(bytes)?.status.nodes).toHaveLength(5000);
});

test('a report of thousands of nodes is written field by field, and a few nodes at a time, and not a byte of it is another one', () => {
  const text = fc.oneof(
    fc.constantFrom('', 'plain', '# no comment', 'a: b', 'x\ny\n', ' padded '),
    fc.string(),
  );
  const node = fc.record(
    { name: text, phase: fc.constant('Failed' as const), message: text, log: text },
    { requiredKeys: ['name', 'phase'] },
  );
  fc.assert(
    fc.property(
      fc.array(node, { minLength: 1, maxLength: 5 }),
      fc.constantFrom(1, 199, 200, 201, 400, 1001),
      (some, count) => {
        const nodes = Array.from({ length: count }, (_, i) => some[i % some.length] as (typeof some)[0]);
        const report: NodeOpReport = { ...REPORT, status: { ...REPORT.status, nodes } };
        const steps = writeReport(report);
        let turns = 0;
        let step = steps.next();
        for (; step.done !== true; step = steps.next()) turns += 1;
        expect(turns).toBe(Object.keys(report).length + Math.ceil(count / 200) - 1);
        expect(step.value).toBe(formatYaml(report, { lineWidth: 120, noRefs: true }));
      },
    ),
    { numRuns: 40 },
  );
});

test('what acts or is not seen is written as an escape in whatever part it stands', () => {
  const odd = ['\u0085', '\\x01abcd', '\u202e', 'plain'];
  const nodes = Array.from({ length: 450 }, (_, i) => ({
    name: `n${i}`,
    phase: 'Failed' as const,
    message: odd[i % 4] ?? '',
  }));
  const text = formatReport({ ...REPORT, status: { ...REPORT.status, nodes } });
  expect(text).not.toMatch(/[\u0085\u202e]/);
  expect(parseReport(Buffer.from(text))?.status.nodes).toEqual(nodes);
});
