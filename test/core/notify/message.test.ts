import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compilePattern } from '../../../src/api/patterns.ts';
import { NOTIFY_FIELDS, type NotifyEventName } from '../../../src/api/notify.ts';
import type { NotifyEvent } from '../../../src/core/notify/events.ts';
import { fieldsOf } from '../../../src/core/notify/fields.ts';
import { bodyOf } from '../../../src/core/notify/fill.ts';
import type { Standing } from '../../../src/core/notify/standing.ts';
import { DAY, HOUR, LAYOUT, MINUTE, standing, T0, target } from './support.ts';

const wording = { layout: LAYOUT, mask: [compilePattern('corp-[0-9]+')] };

function event(name: NotifyEventName, changes: Partial<Standing> = {}, at = T0 + 2 * HOUR): NotifyEvent {
  const since = name === 'waiting' || name === 'resumed' ? { since: T0 } : {};
  return { name, standing: standing(changes), at, ...since };
}

const FAILURE = { node: 'node-2', message: 'command failed: exit code 3: write protected', at: T0 + MINUTE };

describe('the words', () => {
  test.each<[NotifyEvent, string, string]>([
    [event('started', { message: '' }), 'Started: runs/firmware.yaml', '1 of 3 nodes completed, 2 left'],
    [
      event('firstFailure', { failure: FAILURE, counts: { total: 3, failed: 1 } }),
      'First failure: runs/firmware.yaml',
      'node-2: command failed: exit code 3: write protected; 0 of 3 nodes completed, 1 failed',
    ],
    [
      event('waiting', { waitsFor: 'the window opens at 22:00' }),
      'Waiting for 2 h: runs/firmware.yaml',
      'the window opens at 22:00',
    ],
    [event('resumed'), 'Waits no longer: runs/firmware.yaml', '1 of 3 nodes completed, 2 left'],
    [
      event('ended', {
        phase: 'Completed',
        counts: { total: 3, completed: 3 },
        message: '3 of 3 nodes completed',
      }),
      'Completed: runs/firmware.yaml',
      '3 of 3 nodes completed; it took 2h',
    ],
    [
      event('ended', {
        phase: 'Invalid',
        counts: {},
        message: '1 problem: spec.image: is required',
        startedAt: undefined,
      }),
      'Invalid: runs/firmware.yaml',
      '1 problem: spec.image: is required',
    ],
    [event('started', { run: undefined }), 'Started: ops/firmware-1', '1 of 3 nodes completed, 2 left'],
  ])('of %o', (it, title, text) => {
    expect(fieldsOf(it, wording)).toMatchObject({ title, text });
  });

  test('what the configuration masks is masked, and nothing in them acts or is long', () => {
    const failure = { node: 'n', at: T0, message: `\u001b[31mcorp-123\u202e\n${'x'.repeat(9000)}` };
    const { text, title } = fieldsOf(
      event('firstFailure', { failure, run: `runs/${'y'.repeat(500)}.yaml` }),
      wording,
    );
    // eslint-disable-next-line no-control-regex -- none is left
    expect(text).toMatch(/^n: \*\*\* x+…$/);
    expect(text.length).toBeLessThan(1600);
    expect(title.length).toBeLessThanOrEqual(150);
  });
});

describe('as an alert', () => {
  const alert = (it: NotifyEvent) => {
    const { alert: name, status, startsAt, endsAt } = fieldsOf(it, wording);
    return { name, status, startsAt, endsAt };
  };
  const iso = (at: number) => new Date(at).toISOString().replace('.000Z', 'Z');

  test('a failure fires from the first node on, until the run ends well', () => {
    const failed = event('firstFailure', { failure: FAILURE }, T0 + MINUTE);
    const starts = iso(T0 + MINUTE);
    expect(alert(failed)).toEqual({
      name: 'NodeOpFailed',
      status: 'firing',
      startsAt: starts,
      endsAt: iso(T0 + MINUTE + DAY),
    });
    expect(alert(event('ended', { failure: FAILURE, phase: 'Cancelled' }))).toEqual({
      name: 'NodeOpFailed',
      status: 'resolved',
      startsAt: starts,
      endsAt: iso(T0 + 2 * HOUR),
    });
  });

  test('a run that failed fires for a day, since nothing will end it', () => {
    expect(alert(event('ended', { failure: FAILURE, phase: 'Failed' }))).toMatchObject({
      status: 'firing',
      startsAt: iso(T0 + MINUTE),
      endsAt: iso(T0 + 2 * HOUR + DAY),
    });
  });

  test('a wait fires from when it began, and is resolved by its end', () => {
    expect(alert(event('waiting'))).toMatchObject({
      name: 'NodeOpWaiting',
      status: 'firing',
      startsAt: iso(T0),
    });
    expect(alert(event('resumed'))).toEqual({
      name: 'NodeOpWaiting',
      status: 'resolved',
      startsAt: iso(T0),
      endsAt: iso(T0 + 2 * HOUR),
    });
  });
});

describe('the body', () => {
  const values = fieldsOf(event('started'), wording);

  test('without a template: every field by its name', () => {
    expect(JSON.parse(bodyOf(target(), values))).toEqual(values);
    expect(Object.keys(values)).toEqual(Object.keys(NOTIFY_FIELDS));
  });

  test('whatever a field holds, it is text in the place of its name and nothing else', () => {
    // Any UTF-16, halves of characters among them.
    const anything = fc.uint16Array().map((units) => String.fromCharCode(...units));
    const template = { a: '{title}', list: ['<{text}>', 3, null, true], '{name}': { deep: 'x{name}{text}' } };
    fc.assert(
      fc.property(anything, anything, (title, text) => {
        const body = bodyOf({ template, escape: 'none' }, { ...values, title, text });
        const name = 'runs/firmware.yaml';
        expect(JSON.parse(body)).toEqual({
          a: title,
          list: [`<${text}>`, 3, null, true],
          '{name}': { deep: `x${name}${text}` },
        });
      }),
    );
  });

  test('a value that looks like a placeholder stays as it is', () => {
    const body = bodyOf(
      { template: { a: '{title} {text}' }, escape: 'none' },
      { ...values, title: '{text}', text: '$& {title}' },
    );
    expect(JSON.parse(body)).toEqual({ a: '{text} $& {title}' });
  });

  test.each([
    ['slack', 'a &lt;!channel&gt; &amp; &lt;https://evil.example|click&gt; b'],
    ['none', 'a <!channel> & <https://evil.example|click> b'],
    ['markdown', 'a &lt;!channel&gt; &amp; &lt;https:\u200b//evil.example\\|click&gt; b'],
  ] as const)(
    'with escape: %s people, nodes and servers make no links and mention nobody',
    (escape, expected) => {
      const text = 'a <!channel> & <https://evil.example|click> b';
      expect(JSON.parse(bodyOf({ template: ['{text}'], escape }, { ...values, text }))).toEqual([expected]);
    },
  );
});
