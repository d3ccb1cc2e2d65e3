import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { describe, expect, test } from 'vitest';
import { AGENT_API_VERSION, AgentConfigSchema } from '../../src/api/config.ts';
import { parseDocument } from '../../src/api/documents.ts';
import type { NotifyEventName } from '../../src/api/notify.ts';
import { fieldsOf } from '../../src/core/notify/fields.ts';
import { bodyOf } from '../../src/core/notify/fill.ts';
import { standing, T0 } from '../core/notify/support.ts';
import { ALERTMANAGER, SLACK, TEAMS } from './schemas.ts';

const FOLDER = join(import.meta.dirname, '../../docs/examples/notify');
const SCHEMAS: Record<string, object> = {
  'slack.yaml': SLACK,
  'teams.yaml': TEAMS,
  'alertmanager.yaml': ALERTMANAGER,
};

function targetOf(file: string) {
  const bytes = readFileSync(join(FOLDER, file));
  const kind = { apiVersion: AGENT_API_VERSION, kind: 'AgentConfig', schema: AgentConfigSchema };
  const parsed = parseDocument(bytes, [kind]);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  const [target] = parsed.value.notify;
  if (target === undefined) throw new Error('there is no target');
  return target;
}

/** As bad as names and messages get. */
const HOSTILE = `</a> <!channel> [x](https://evil.example) "},{"alertname":"x" \\ \u202e ${'&'.repeat(200)}${'z'.repeat(5000)}`;

function bodies(file: string): unknown[] {
  const target = targetOf(file);
  const failure = { node: HOSTILE, message: HOSTILE, at: T0 + 1000 };
  const runs = [
    standing(),
    standing({ run: undefined, failure, phase: 'Failed', message: '' }),
    standing({ run: `runs/${HOSTILE}.yaml`, failure, waitsFor: HOSTILE, message: HOSTILE }),
    standing({
      phase: 'Invalid',
      namespace: undefined,
      nodeOp: undefined,
      counts: {},
      startedAt: undefined,
      message: '',
    }),
  ];
  const names: NotifyEventName[] = ['started', 'firstFailure', 'waiting', 'resumed', 'ended'];
  return runs.flatMap((run) =>
    names.map((name) => {
      const event = { name, standing: { failure, ...run }, at: T0 + 5000, since: T0 };
      const layout = { nodeops: 'nodeops', runs: 'runs', results: 'results', cluster: 'berlin' };
      return JSON.parse(bodyOf(target, fieldsOf(event, { layout, mask: [] }))) as unknown;
    }),
  );
}

test('each example is tested', () => {
  expect(readdirSync(FOLDER).toSorted()).toEqual(Object.keys(SCHEMAS).toSorted());
});

describe.each(Object.entries(SCHEMAS))('%s', (file, schema) => {
  test('is a configuration, and what it makes of every event is what the receiver takes', () => {
    const ajv = new Ajv({
      allErrors: true,
      strict: false,
      formats: { 'date-time': /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/ },
    });
    const validate = ajv.compile(schema);
    for (const body of bodies(file)) {
      expect(validate(body), JSON.stringify([validate.errors, body])).toBe(true);
      expect(Buffer.byteLength(JSON.stringify(body))).toBeLessThan(28 * 1024);
    }
  });

  test('nothing that a node says is markup, a mention or a field there', () => {
    const text = JSON.stringify(bodies(file));
    if (file === 'slack.yaml') expect(text).not.toMatch(/<!|<\/a>/);
    else expect(text).not.toContain('"TextBlock"');
    expect(text).not.toContain('"alertname":"x"');
  });
});

test('Alertmanager takes no alert that ends before it starts, and one is told from another by its labels', () => {
  for (const [alert] of bodies('alertmanager.yaml') as Record<string, string>[][]) {
    const { startsAt = '', endsAt = '' } = alert ?? {};
    expect(Date.parse(endsAt)).toBeGreaterThanOrEqual(Date.parse(startsAt));
  }
});
