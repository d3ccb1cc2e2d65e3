import { describe, expect, test } from 'vitest';
import { load } from '../../src/api/yaml.ts';
import {
  formatScheduled,
  isOurs,
  lastDue,
  type Schedule,
  scheduledPath,
} from '../../src/core/runs/schedules.ts';

const at = (text: string) => Date.parse(`2030-01-${text}Z`);
const of = (spec: object, metadata: object = {}): Schedule =>
  ({
    path: 'nodeops/nightly.yaml',
    run: {
      metadata: { name: 'nightly', ...metadata },
      spec: { nodeOp: 'flash', schedule: '0 3 * * *', timeZone: 'UTC', ...spec },
    },
  }) as unknown as Schedule;
const LAYOUT = { nodeops: 'nodeops', runs: 'ops/runs', results: 'results' };

test.each<[object, string | undefined, boolean]>([
  [{}, undefined, true],
  [{}, 'east', true],
  [{ clusters: ['east'] }, 'east', true],
  [{ clusters: ['east'] }, 'west', false],
  [{ clusters: ['east'] }, undefined, false],
  [{ suspend: true }, undefined, false],
  [{ suspend: false }, undefined, true],
])('%j on the cluster %j is added: %j', (spec, cluster, ours) => {
  expect(isOurs(of(spec), cluster)).toBe(ours);
});

describe('the last time that was due', () => {
  test.each<[string, string, string, string | undefined]>([
    ['none yet', '01T03:00:00', '02T02:59:59', undefined],
    ['at that very moment', '01T03:00:00', '02T03:00:00', '02T03:00:00'],
    ['hours ago', '01T03:00:00', '02T20:00:00', '02T03:00:00'],
    ['of several that were missed the last one alone', '01T03:00:00', '09T02:00:00', '08T03:00:00'],
    ['not the one that was known', '02T03:00:00', '02T20:00:00', undefined],
  ])('%s', (_, since, now, due) => {
    expect(lastDue(of({}), at(since), at(now))).toBe(due === undefined ? undefined : at(due));
  });

  test('of a frequent schedule', () => {
    expect(lastDue(of({ schedule: '*/5 * * * *' }), at('01T00:00:00'), at('08T00:07:00'))).toBe(
      at('08T00:05:00'),
    );
  });
});

test('the run of a time lies in one place, by the minute', () => {
  expect(scheduledPath(of({}), at('02T03:00:00'), LAYOUT)).toBe(
    'ops/runs/scheduled/nightly-20300102T0300Z.yaml',
  );
});

describe('the run file', () => {
  const written = (schedule: Schedule) => {
    const text = formatScheduled(schedule, at('02T03:00:00'));
    const loaded = load(Buffer.from(text));
    return { text, document: loaded.ok ? loaded.raw : undefined };
  };

  test('has all of the schedule but when', () => {
    const { text, document } = written(
      of({ suspend: false, clusters: ['east'], env: [{ name: 'A', value: 'b' }] }),
    );
    expect(text).toMatch(
      /^# Added by nodeop-agent: "nodeops\/nightly\.yaml" was due at 2030-01-02T03:00:00Z\.\n/,
    );
    expect(document).toEqual({
      apiVersion: 'agent.nodeop.dev/v1alpha1',
      kind: 'NodeOpRun',
      spec: { nodeOp: 'flash', clusters: ['east'], env: [{ name: 'A', value: 'b' }] },
    });
  });

  test('names its namespace, and the series where one must not begin beside another', () => {
    expect(written(of({}, { namespace: 'ops' })).document).toMatchObject({ metadata: { namespace: 'ops' } });
    const { document } = written(of({ concurrencyPolicy: 'Forbid' }));
    expect(document).toMatchObject({ metadata: { annotations: { 'agent.nodeop.dev/series': 'nightly' } } });
    expect(written(of({ concurrencyPolicy: 'Allow' })).document).not.toHaveProperty('metadata');
  });
});
