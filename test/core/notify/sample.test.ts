import { expect, test } from 'vitest';
import { NOTIFY_EVENTS } from '../../../src/api/notify.ts';
import { fieldsOf } from '../../../src/core/notify/fields.ts';
import { formatFailing, parseFailing } from '../../../src/core/notify/failing.ts';
import { sampleEvent } from '../../../src/core/notify/sample.ts';
import { HOUR, LAYOUT, MINUTE, T0 } from './support.ts';

test('what is sent to try a receiver is a run of three nodes that says that it is none', () => {
  const told = NOTIFY_EVENTS.map((name) => {
    const event = sampleEvent(name, 'runs', T0);
    expect(event).toMatchObject({ name, at: T0, standing: { run: 'runs/example.yaml' } });
    const { title, text, status, node, total, completed, failed, startsAt } = fieldsOf(event, {
      layout: LAYOUT,
      mask: [],
    });
    return [title, text, status, `${completed}/${total}, ${failed} failed`, node, startsAt].join(' | ');
  });
  const TEST = 'this is a test of nodeop-agent, no run of yours';
  const begun = '2029-12-31T23:00:00Z';
  const counts = '1 of 3 nodes completed';
  expect(told).toEqual([
    `Started: runs/example.yaml | ${counts}, 2 left | resolved | 1/3, 0 failed |  | ${begun}`,
    `First failure: runs/example.yaml | node-2: command failed: exit code 3: ${TEST}; ${counts}, 1 failed, 1 left | firing | 1/3, 1 failed | node-2 | 2029-12-31T23:59:00Z`,
    `Waiting for 1 h: runs/example.yaml | outside of the window; ${TEST} | firing | 1/3, 0 failed |  | ${begun}`,
    `Waits no longer: runs/example.yaml | ${TEST} | resolved | 1/3, 0 failed |  | ${begun}`,
    // A good end: no alert is left behind.
    `Completed: runs/example.yaml | 3 of 3 nodes completed; ${TEST}; it took 1h | resolved | 3/3, 0 failed |  | ${begun}`,
  ]);
});

test('that nothing arrives is on record, whatever the reason holds, for as long as it is tried', () => {
  const failing = { since: T0 - HOUR, last: T0, reason: 'HTTP 500\nand a line of its own' };
  const text = formatFailing(failing);
  expect(text.startsWith('2029-12-31T23:00:00.000Z 2030-01-01T00:00:00.000Z HTTP 500')).toBe(true);
  expect(parseFailing(text, T0)).toEqual(failing);
  expect(parseFailing(text, T0 + 30 * MINUTE)).toEqual(failing);
  expect(parseFailing(text, T0 + 30 * MINUTE + 1)).toBeUndefined();
  const stamp = '2030-01-01T00:00:00Z';
  for (const other of [undefined, '', 'nonsense', `${stamp} later x`, `soon ${stamp} x`])
    expect(parseFailing(other, T0)).toBeUndefined();
});
