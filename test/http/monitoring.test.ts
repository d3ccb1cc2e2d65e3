import { readFileSync } from 'node:fs';
import { load } from 'js-yaml';
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

test.each(alerts)('alert $alert asks for metrics there are, by labels they have', async ({ expr }) => {
  const { telemetry, route } = createMetrics('1.0.0', () => ({
    leader: true,
    tip: 'abc',
    lastPoll: 1,
    waiting: new Map(),
    runs: new Map([['Failed', 1]]),
    nodes: new Map([['Failed', 1]]),
  }));
  telemetry.apiRequest('GET', 200);
  telemetry.pushRetried();
  const { body } = await route.handle({ headers: {}, body: Buffer.of(), remote: '' });
  const lines = String(body).split('\n');
  const asked = [...expr.matchAll(/(nodeop_agent_\w+)(?:\{(\w+)=)?/g)];
  expect(asked).not.toEqual([]);
  for (const [, name, label] of asked) {
    const line = lines.find((it) => it.startsWith(`${name}${label === undefined ? '' : '{'}`));
    expect(line, name).toBeDefined();
    if (label !== undefined) expect(line).toContain(`${label}="`);
  }
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
  }));
  const [only] = monitor.spec.endpoints;
  expect(service.spec.ports.map(({ name }) => name)).toContain(only?.port);
  expect(only?.path).toBe(route.path);
});
