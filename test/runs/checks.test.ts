import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type Operations, startOperations } from '../support/agent.ts';
import { Endpoint, prometheusLike } from '../support/check-endpoints.ts';

/** Runs whose steps are checked, from the file in Git to the report, with the agent's own requests and pods. */

let operations: Operations;
let dir: string;
let shop: Endpoint;
let prometheus: Endpoint;
/** What the endpoint answers, one after the other; the last again and again. */
let states: string[];

const TOKEN = 'tok-0d9f7be1c2';

beforeEach(async () => {
  states = ['{"status": "starting"}', '{"status": "ok"}'];
  shop = await Endpoint.open((request, response) => {
    const isKnown = request.headers.authorization === `Bearer ${TOKEN}`;
    response.writeHead(isKnown ? 200 : 401);
    response.end(isKnown ? ((states.length > 1 ? states.shift() : states[0]) ?? '') : 'who are you?');
  });
  prometheus = await Endpoint.open(prometheusLike({ error_rate: ['0.002'] }));
  dir = mkdtempSync(join(tmpdir(), 'headers-'));
  const headersFile = join(dir, 'shop');
  writeFileSync(headersFile, `Authorization: Bearer ${TOKEN}\n`);
  const credentials = [{ name: 'shop', url: `${shop.url}/api`, headersFile }];
  const checks = { allowedHosts: [shop.url, prometheus.url], credentials };
  operations = await startOperations({ nodes: 2, bootMs: 100 }, { 'nodeops/none.txt': '' }, { checks });
});

afterEach(async () => {
  await operations.stop();
  await shop[Symbol.asyncDispose]();
  await prometheus[Symbol.asyncDispose]();
  rmSync(dir, { recursive: true });
});

const run = (name: string, checks: string[]) => `apiVersion: operator.kairos.io/v1alpha1
kind: NodeOp
metadata: {name: ${name}}
spec:
  image: busybox
  command: ["true"]
  steps:
    - name: canary
      upTo: 1
      checks:
${checks.map((it) => `        - ${it}\n`).join('')}`;

async function reported(name: string, pattern: RegExp): Promise<string> {
  const report = () => operations.repository.read(`results/${name}.yaml`) ?? '';
  await vi.waitFor(() => expect(report()).toMatch(pattern), { timeout: 60_000, interval: 50 });
  return report();
}

test('a canary whose checks pass, one of them the second time, and the report tells of each', async () => {
  operations.repository.push({
    'runs/flash.yaml': run('flash', [
      `{name: shop, credentials: shop, http: {url: "${shop.url}/api/health", expect: {expression: 'body.status == "ok"'}}}`,
      `{prometheus: {url: "${prometheus.url}", query: error_rate, expression: "result[0] < 0.01"}}`,
      `{name: tools, command: {command: [sh, -c, "test ! -e /host && echo fine > /dev/termination-log"]}}`,
    ]),
  });
  await operations.agent.repository.pollNow();
  const report = await reported('flash', /^ {2}phase: Completed$/m);
  expect(report).toMatch(/name: shop\n +phase: Passed\n +tries: 2/);
  expect(report).toMatch(/message: 'status 200: \{"status": "ok"\}'/);
  expect(report).toMatch(/name: prometheus \(checks\[1\]\)\n +phase: Passed\n +tries: 1/);
  expect(report).toMatch(/message: result is \[0\.002\]/);
  expect(report).toMatch(/name: tools\n +phase: Passed[^]*message: 'exit code 0: fine'/);
  expect(report).not.toContain(TOKEN);
});

test('a check to a host that is not allowed makes the run invalid, and nothing begins', async () => {
  operations.repository.push({
    'runs/look.yaml': run('look', [`{http: {url: "http://169.254.169.254/latest/meta-data"}}`]),
  });
  await operations.agent.repository.pollNow();
  const report = await reported('look', /^ {2}phase: Invalid$/m);
  expect(report).toContain('spec.steps[0].checks[0].http.url');
  expect(report).toContain('http://169.254.169.254:80 is not among checks.allowedHosts');
  expect(operations.sim.store.all('nodeops.operator.kairos.io')).toEqual([]);
});
