import { describe, expect, test } from 'vitest';
import type { ReportBrief } from '../../src/core/runs/brief.ts';
import { type Entry, NewestReports } from '../../src/core/runs/newest.ts';
import { formatOverview } from '../../src/core/runs/overview.ts';
import { type Keep, pruneReports } from '../../src/core/runs/retention.ts';

const LAYOUT = { nodeops: 'nodeops', runs: 'runs', results: 'results', cluster: 'east' };
const HOUR = 3_600_000;

function brief(name: string, more: Partial<ReportBrief> = {}): ReportBrief {
  const counts = { total: 2, completed: 2, failed: 0 };
  return {
    run: `runs/${name}.yaml`,
    phase: 'Completed',
    began: 0,
    ended: 0,
    ...counts,
    ...more,
  };
}

const entry = (name: string, began: number): Entry => [`results/east/${name}.yaml`, brief(name, { began })];
const names = (entries: readonly Entry[] | undefined) => entries?.map(([, { run }]) => run.slice(5, -5));

describe('the newest reports', () => {
  test('come newest first, of one time by their names', () => {
    const newest = new NewestReports([entry('a', 1), entry('c', 2), entry('b', 2)]);
    expect(names(newest.first(2))).toEqual(['b', 'c']);
    expect(names(newest.first(5))).toEqual(['b', 'c', 'a']);
    expect(newest.hasOlder).toBe(false);
  });

  test('change and go', () => {
    const newest = new NewestReports([entry('a', 1), entry('b', 2)]);
    newest.set(...entry('a', 3));
    expect(names(newest.first(2))).toEqual(['a', 'b']);
    newest.delete('results/east/a.yaml');
    expect(names(newest.first(2))).toEqual(['b']);
  });

  test('are a hundred at least of however many, and say when others would have to be read', () => {
    const newest = new NewestReports(Array.from({ length: 200 }, (_, i) => entry(`op-${i}`, i)));
    expect(newest.hasOlder).toBe(true);
    expect(names(newest.first(100))?.[0]).toBe('op-199');
    expect(newest.first(101)).toBeUndefined();
    newest.set(...entry('older', 5));
    newest.set(...entry('newer', 150.5));
    expect(names(newest.all())).toContain('newer');
    expect(names(newest.first(100))).not.toContain('older');
    newest.delete('results/east/op-199.yaml');
    newest.delete('results/east/op-198.yaml');
    expect(newest.first(100)).toBeUndefined();
    expect(newest.first(99)).toHaveLength(99);
  });

  test('of which only some are known have older ones', () => {
    const some = new NewestReports([entry('a', 3), entry('b', 2)], true);
    expect(some.first(3)).toBeUndefined();
    some.set(...entry('c', 1));
    expect(names(some.first(2))).toEqual(['a', 'b']);
    const copy = some.copy();
    copy.delete('results/east/a.yaml');
    expect(names(some.all())).toEqual(['a', 'b']);
    expect(copy.hasOlder).toBe(true);
  });
});

describe('reports that may go', () => {
  const now = 10 * HOUR;
  const of = (
    reports: Record<string, Partial<ReportBrief>>,
    keep: Keep,
    { has = (): boolean => true, recorded = 0, more = new Array<string>() } = {},
  ) => {
    const files = new Map<string, ReportBrief | undefined>(
      Object.entries(reports).map(([name, it]) => [`results/east/${name}.yaml`, brief(name, it)]),
    );
    for (const path of more) files.set(path, undefined);
    return pruneReports(files, { has }, { keep, layout: LAYOUT, now, recorded });
  };
  const three = { a: { ended: 3 * HOUR }, b: { ended: 2 * HOUR }, c: { ended: HOUR } };

  test('are none where all are kept', () => {
    expect(of(three, {})).toEqual({ remove: [], over: [] });
    expect(of(three, { count: 3 })).toEqual({ remove: [], over: [] });
  });

  test('are those beyond the newest so many, which are on record as over', () => {
    expect(of(three, { count: 1 })).toEqual({
      remove: ['results/east/b.yaml', 'results/east/c.yaml'],
      over: ['runs/b.yaml', 'runs/c.yaml'],
    });
  });

  test('are those that ended longer ago', () => {
    expect(of(three, { ageMs: 8 * HOUR }).over).toEqual(['runs/c.yaml']);
    expect(of(three, { ageMs: 9 * HOUR }).over).toEqual([]);
  });

  test('are over, and named after their run', () => {
    expect(of({ a: { phase: 'Running' }, b: { phase: 'Waiting' } }, { count: 0 }).remove).toEqual([]);
    expect(of({ a: { run: 'runs/other.yaml' } }, { count: 0 }).remove).toEqual([]);
  });

  test('that say Invalid go with their file alone, and leave no record', () => {
    const invalid = { a: { phase: 'Invalid' } } as const;
    expect(of(invalid, { count: 0 })).toEqual({ remove: [], over: [] });
    expect(of(invalid, { count: 0 }, { has: () => false })).toEqual({
      remove: ['results/east/a.yaml'],
      over: [],
    });
  });

  test('take their picture and their logs along, and nothing else', () => {
    const more = [
      'results/east/a.svg',
      'results/east/a.yaml.logs/n1.log',
      'results/east/a.yaml.logs/n1.txt',
      'results/east/b.yaml.logs/n1.log',
      'results/east/README.md',
    ];
    expect(of({ a: {} }, { count: 0 }, { more }).remove).toEqual([
      'results/east/a.yaml',
      'results/east/a.svg',
      'results/east/a.yaml.logs/n1.log',
    ]);
  });

  test('wait until they are a hundredth of the record, which is rewritten for them', () => {
    expect(of({ a: {} }, { count: 0 }, { recorded: 101 }).remove).toEqual([]);
    expect(of({ a: {} }, { count: 0 }, { recorded: 100 }).remove).toHaveLength(1);
  });
});

describe('the overview', () => {
  const rows = (entries: readonly Entry[], total = entries.length, pictures: string[] = []) =>
    formatOverview(entries, total, LAYOUT, new Set(pictures)).split('\n');
  const row = (more: Partial<ReportBrief>, name = 'a') =>
    rows([[`results/east/${name}.yaml`, brief(name, more)]])[6];

  test('says whose it is, and how many there are', () => {
    expect(rows([entry('a', 0)], 7).slice(0, 6)).toEqual([
      '# Runs on east',
      '',
      'Written by nodeop-agent; changes by hand are lost. The newest 1 of 7 runs.',
      '',
      '| run | state | nodes | began | took | reason |',
      '|---|---|---|---|---|---|',
    ]);
    expect(rows([entry('a', 0)])[2]).toBe('Written by nodeop-agent; changes by hand are lost.');
    const { cluster: _, ...one } = LAYOUT;
    expect(formatOverview([], 0, one).split('\n')[0]).toBe('# Runs');
  });

  test.each<[Partial<ReportBrief>, string]>([
    [
      { began: Date.parse('2030-01-01T03:04:05Z'), durationSeconds: 59 },
      '| [a.yaml](a.yaml) | ✅ Completed | 2/2 | 2030-01-01 03:04 UTC | 59s |  |',
    ],
    [{ durationSeconds: 61 }, '| [a.yaml](a.yaml) | ✅ Completed | 2/2 |  | 1m 1s |  |'],
    [{ durationSeconds: 3_661 }, '| [a.yaml](a.yaml) | ✅ Completed | 2/2 |  | 1h 1m |  |'],
    [
      { phase: 'Failed', completed: 1, failed: 1, reason: 'Failed' },
      '| [a.yaml](a.yaml) | ❌ Failed | 1/2, 1 failed |  |  | NodesFailed |',
    ],
    [{ phase: 'Failed' }, '| [a.yaml](a.yaml) | ❌ Failed | 2/2 |  |  | StepFailed |'],
    [
      { phase: 'Failed', reason: 'NoNodesMatched' },
      '| [a.yaml](a.yaml) | ❌ Failed | 2/2 |  |  | NoNodesMatched |',
    ],
    [{ phase: 'Running', reason: 'Waiting' }, '| [a.yaml](a.yaml) | ▶️ Running | 2/2 |  |  |  |'],
    [
      { phase: 'Waiting', reason: 'NotBefore', until: '2030-01-02T00:00:00Z', total: -1 },
      '| [a.yaml](a.yaml) | 🕓 Waiting |  |  |  | NotBefore: 2030-01-02 00:00 UTC |',
    ],
    [
      { phase: 'Waiting', reason: 'NotBefore', until: 'some day', total: -1 },
      '| [a.yaml](a.yaml) | 🕓 Waiting |  |  |  | NotBefore:  |',
    ],
    [{ phase: 'Cancelled', reason: 'Cancelled' }, '| [a.yaml](a.yaml) | ⏹️ Cancelled | 2/2 |  |  |  |'],
  ])('tells %j as %s', (more, expected) => {
    expect(row(more)).toBe(expected);
  });

  test('links to what there is, and nothing in a name is markup', () => {
    const [path, it] = entry('a (b)|c', 0);
    const text = rows([[path, it]], 1, ['results/east/a (b)|c.svg'])[6] ?? '';
    expect(text).toContain('(a%20%28b%29%7Cc.yaml)');
    expect(text).toContain('([picture](a%20%28b%29%7Cc.svg))');
    expect(text).not.toContain('b)|c');
  });
});
