import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dump, load } from 'js-yaml';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { createMetrics } from '../../src/http/metrics.ts';

const Rules = z.looseObject({
  spec: z.object({
    groups: z.array(
      z.object({
        rules: z.array(
          z.looseObject({
            alert: z.string(),
            expr: z.string(),
            annotations: z.object({ summary: z.string(), description: z.string() }),
          }),
        ),
      }),
    ),
  }),
});

const alerts = Rules.parse(load(readFileSync('examples/monitoring/alerts.yaml', 'utf8'))).spec.groups.flatMap(
  ({ rules }) => rules,
);

/** `/metrics` of an agent to which everything has happened that is counted. */
async function metrics(): Promise<string[]> {
  const { telemetry, route } = createMetrics('1.0.0', () => ({
    leader: true,
    tip: 'abc',
    lastPoll: 1,
    waiting: new Map([['Queued', 1]]),
    runs: new Map([['Failed', 1]]),
    nodes: new Map([['Failed', 1]]),
    steps: new Map([['Soaking', 1]]),
    held: new Map([['lease', 1]]),
    failing: new Map([['delete-job', 1]]),
  }));
  telemetry.apiRequest('GET', 200);
  telemetry.pushRetried();
  telemetry.polled(true);
  telemetry.notified('oncall', 'sent');
  const { body } = await route.handle({ headers: {}, body: Buffer.of(), remote: '' });
  return String(body).split('\n');
}

/** What a query asks for and nobody counts. */
async function unknownIn(expr: string): Promise<string[]> {
  const lines = await metrics();
  const grouped = [...expr.matchAll(/by \((\w+)\) \((?:rate\()?(nodeop_agent_\w+)/g)];
  const asked = [
    ...[...expr.matchAll(/(nodeop_agent_\w+)(?:\{(\w+)=)?/g)].map(([, name, label]) => ({ name, label })),
    ...grouped.map(([, label, name]) => ({ name, label })),
  ];
  if (asked.length === 0) return [expr];
  return asked.flatMap(({ name = '', label }) => {
    const line = lines.find((it) => it.startsWith(`${name}${label === undefined ? '' : '{'}`));
    const isThere = line !== undefined && (label === undefined || line.includes(`${label}="`));
    return isThere ? [] : [`${name} ${label}`];
  });
}

test.each(alerts)('alert $alert asks for metrics there are, by labels they have', async ({ expr }) => {
  expect(await unknownIn(expr)).toEqual([]);
});

const Dashboard = z.looseObject({
  panels: z.array(
    z.looseObject({
      title: z.string(),
      gridPos: z.object({ x: z.int(), y: z.int(), w: z.int(), h: z.int() }),
      targets: z.array(z.looseObject({ expr: z.string(), legendFormat: z.string() })),
    }),
  ),
});
const { panels } = Dashboard.parse(JSON.parse(readFileSync('examples/monitoring/dashboard.json', 'utf8')));

test.each(panels)('panel "$title" asks for metrics there are, by labels they have', async ({ targets }) => {
  for (const { expr, legendFormat } of targets) {
    expect(await unknownIn(expr)).toEqual([]);
    for (const [, label] of legendFormat.matchAll(/\{\{(\w+)\}\}/g))
      expect(`${expr} commit`).toContain(label);
  }
});

test('the dashboard shows every metric of the agent, and no panel lies on another one', async () => {
  const shown = JSON.stringify(panels);
  for (const line of await metrics()) {
    const [, name] = /^# TYPE (nodeop_agent_\w+)/.exec(line) ?? [];
    if (name !== undefined) expect(shown).toContain(name);
  }
  const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
    Array.from({ length: w * h }, (_, i) => `${x + (i % w)},${y + Math.floor(i / w)}`),
  );
  expect(new Set(cells).size).toBe(cells.length);
});

test('the ServiceMonitor finds the port of the Service that is installed, and the path that is served', () => {
  const labels = z.record(z.string(), z.string());
  const port = z.looseObject({ name: z.string() });
  const service = z
    .looseObject({
      metadata: z.looseObject({ namespace: z.string(), labels }),
      spec: z.looseObject({ ports: z.array(port) }),
    })
    .parse(load(readFileSync('manifests/base/service.yaml', 'utf8')));
  const endpoint = z.looseObject({ port: z.string(), path: z.string() });
  const monitor = z
    .looseObject({
      metadata: z.looseObject({ namespace: z.string() }),
      spec: z.object({ selector: z.object({ matchLabels: labels }), endpoints: z.array(endpoint) }),
    })
    .parse(load(readFileSync('examples/monitoring/servicemonitor.yaml', 'utf8')));
  expect(monitor.metadata.namespace).toBe(service.metadata.namespace);
  expect(service.metadata.labels).toMatchObject(monitor.spec.selector.matchLabels);
  const { route } = createMetrics('1.0.0', () => ({
    leader: true,
    waiting: new Map(),
    runs: new Map(),
    nodes: new Map(),
    steps: new Map(),
  }));
  const [only] = monitor.spec.endpoints;
  expect(service.spec.ports.map(({ name }) => name)).toContain(only?.port);
  expect(only?.path).toBe(route.path);
});

const hasPromtool = spawnSync('promtool', ['--version']).status === 0;

test.runIf(hasPromtool)('promtool takes the alert rules', () => {
  const rules = z
    .object({ spec: z.unknown() })
    .parse(load(readFileSync('examples/monitoring/alerts.yaml', 'utf8')));
  const dir = mkdtempSync(join(tmpdir(), 'nodeop-rules-'));
  writeFileSync(join(dir, 'rules.yaml'), dump(rules.spec));
  const { status, stderr } = spawnSync('promtool', ['check', 'rules', join(dir, 'rules.yaml')], {
    encoding: 'utf8',
  });
  rmSync(dir, { recursive: true });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
});
