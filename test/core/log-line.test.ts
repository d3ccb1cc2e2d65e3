import { expect, test } from 'vitest';
import { logLine } from '../../src/core/text/log-line.ts';

test.each([
  [
    { level: 'info', time: '2026-11-28T06:35:12.345Z', run: 'runs/a.yaml', msg: 'run waits' },
    '06:35:12 INFO  run waits  run=runs/a.yaml',
  ],
  [
    { level: 'warn', time: '2026-11-28T06:35:12.345Z', reason: 'no "x"\nthere', n: 3, of: ['a'], msg: 'm' },
    '06:35:12 WARN  m  reason="no \\"x\\"\\nthere" n=3 of=["a"]',
  ],
  [{ level: 'error', msg: 'm' }, ' ERROR m'],
  [
    { level: 'info', time: '2026-11-28T06:35:12Z', a: '', msg: '\u001b[2Jm' },
    '06:35:12 INFO  \\u{1b}[2Jm  a=""',
  ],
])('a record is one line for people: %j', (record, line) => {
  expect(logLine(JSON.stringify(record))).toBe(line);
});
