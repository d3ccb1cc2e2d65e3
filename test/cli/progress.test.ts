import { describe, expect, test } from 'vitest';
import { progressBar, progressText } from '../../src/cli/watch/progress.ts';

const NOW = Date.parse('2030-01-31T12:00:00Z');
const summary = (completed: number, failed: number, total = 200) => ({
  total,
  completed,
  failed,
  cancelled: 0,
  inFlight: 5,
  pending: total - completed - failed - 5,
  done: '',
});
const BEGAN = NOW - 30 * 60_000;
const at = (width: number, completed: number, failed: number) =>
  progressBar({ summary: summary(completed, failed) }, BEGAN, { now: NOW, width });

describe('the line of progress', () => {
  test.each<[number, string]>([
    [
      120,
      '[#####!---------------------] 40 of 200 nodes completed, 10 failed, 150 left; 1.7 nodes a minute, about 1 h 30 min to go',
    ],
    [80, '[######!-----------------------] 40/200, 10 failed; 1.7/min, 1 h 30 min to go'],
    [60, '[##!----------] 40/200, 10 failed; 1.7/min, 1 h 30 min to go'],
    [40, '40 of 200 nodes completed, 10 failed, 1…'],
  ])('on %d columns', (width, text) => {
    const line = at(width, 40, 10);
    expect(line.length).toBeLessThanOrEqual(width);
    expect(line).toBe(text);
  });

  test('one that failed is seen, whatever its share', () => {
    expect(at(120, 10, 1)).toMatch(/^\[!-+\]/);
    expect(at(120, 100, 0)).toMatch(/^\[#+-+\]/);
    expect(progressBar({ summary: summary(195, 0) }, BEGAN, { now: NOW, width: 80 })).toMatch(/^\[#+-\]/);
  });

  test('without a pace nothing is said of the time', () => {
    expect(progressBar({ summary: summary(0, 0) }, BEGAN, { now: NOW, width: 80 })).toBe(
      '[------------------------------] 0 of 200 nodes completed, 200 left',
    );
    expect(progressText({}, undefined, NOW)).toBe('0 of 0 nodes completed');
    expect(progressBar({}, undefined, { now: NOW, width: 60 })).toContain('0 of 0 nodes completed');
  });
});
