import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Node } from '../../src/api/kubernetes.ts';
import { Installation, runFile } from './installation.ts';
import { apply, get, kubectl, until } from './kubectl.ts';

const installation = new Installation();
const { git } = installation;
const RUN_PHASE = /^ {2}phase: (\w+)$/m;
const ended = /^ {2}phase: (Completed|Failed|Cancelled|Invalid)$/m;
const podOf = (identity: string) => identity.split('_')[0] ?? '';
const phaseOf = (report: string) => RUN_PHASE.exec(report)?.[1];

beforeAll(async () => {
  // What an earlier version left behind: its definition, and a NodeOp nobody has begun with.
  await installation.prepare();
  await installation.installOldDefinition(['soakSeconds', 'topologyKey']);
  await apply({
    apiVersion: 'operator.kairos.io/v1alpha1',
    kind: 'NodeOp',
    metadata: { name: 'older', namespace: 'default' },
    spec: { image: 'busybox:latest', command: ['true'], nodeSelector: { matchLabels: { absent: 'yes' } } },
  });
  await installation.install();
});

afterAll(() => installation.uninstall());

beforeEach(({ onTestFailed }) => {
  onTestFailed(async () => void process.stderr.write(`${await installation.diagnosis()}\n`));
});

test('the definition is replaced over the objects there are, which go on', async () => {
  const look = () => get<{ spec: object; status?: { phase?: string } }>('nodeop', 'older');
  const older = await until('the older NodeOp', look, ({ status }) => status?.phase === 'Failed');
  expect(older.spec).toMatchObject({ soakSeconds: 0 });
});

test('a pushed run file becomes a rollout becomes a report', async () => {
  git.commit({
    'runs/simple.yaml': runFile('simple', { concurrency: 1 }),
    'runs/bad.yaml': 'kind: Nonsense\n',
  });
  const report = await installation.report('simple', ended);
  expect(phaseOf(report), report).toBe('Completed');
  for (const node of installation.targets) expect(report).toContain(`name: ${node}`);
  expect(await installation.ran('simple')).toEqual([1, 1]);
  expect(phaseOf(await installation.report('bad', ended))).toBe('Invalid');
});

test('preflight skips the nodes that need nothing', async () => {
  const [first = ''] = installation.targets;
  const skip = `[ "$NODE_NAME" = ${first} ] && echo "nothing to do" > /dev/termination-log; exit 0`;
  const env = [{ name: 'NODE_NAME', valueFrom: { fieldRef: { fieldPath: 'spec.nodeName' } } }];
  git.commit({
    'runs/skip.yaml': runFile('skip', { env, preflight: { command: ['sh', '-c', skip] } }),
  });
  const report = await installation.report('skip', ended);
  expect(phaseOf(report), report).toBe('Completed');
  expect(report).toContain('nothing to do');
  expect(await installation.ran('skip')).toEqual([0, 1]);
});

test('a drain waits for the budget, and goes on when it allows', async () => {
  const [node = ''] = installation.targets;
  await apply(...workload('web', node));
  await kubectl(['-n', 'nodeop-e2e', 'rollout', 'status', 'deployment/web', '--timeout=60s']);
  await budget('web');
  const drainOptions = { enabled: true, deleteEmptyDirData: true };
  const file = runFile('drain', { drainOptions, concurrency: 1 });
  expect(await installation.plan(file)).toContain('budget nodeop-e2e/web allows no disruption');
  git.commit({ 'runs/drain.yaml': file });
  const look = async () => (await installation.nodeOp('drain')).status?.nodeStatuses?.[node]?.message ?? '';
  await until('the budget to be named', look, (message) =>
    /nodeop-e2e\/web-.*budget web needs 1/.test(message),
  );
  expect(await installation.ranOn(node, 'drain')).toBe(0);
  await kubectl(['-n', 'nodeop-e2e', 'delete', 'poddisruptionbudget', 'web']);
  const report = await installation.report('drain', ended);
  expect(phaseOf(report), report).toBe('Completed');
  expect(await installation.ran('drain')).toEqual([1, 1]);
  const { items } = await get<{ items: Node[] }>('nodes');
  expect(items.filter(({ spec }) => spec?.unschedulable === true)).toEqual([]);
  await kubectl(['-n', 'nodeop-e2e', 'delete', 'deployment', 'web']);
});

test('a failure is reported with exit code and log, and stops the spread', async () => {
  const file = runFile('failing', { concurrency: 1, stopOnFailure: true }, 'echo the disk is full; exit 4');
  git.commit({ 'runs/failing.yaml': file });
  const report = await installation.report('failing', ended);
  expect(phaseOf(report), report).toBe('Failed');
  expect(report).toContain('exitCode: 4');
  expect(report).toContain('the disk is full');
  expect(await installation.ranAltogether('failing')).toBe(1);
});

test('removing the run file stops the rollout after the nodes in flight', async () => {
  git.commit({ 'runs/stopped.yaml': runFile('stopped', { concurrency: 1 }, 'sleep 6') });
  await until(
    'the first node',
    () => installation.ranAltogether('stopped'),
    (count) => count === 1,
  );
  git.commit({ 'runs/stopped.yaml': undefined });
  const report = await installation.report('stopped', ended);
  expect(phaseOf(report), report).toBe('Cancelled');
  expect(await installation.ranAltogether('stopped')).toBe(1);
});

test('the leader killed in mid-rollout: another takes over in 20 s and repeats nothing', async () => {
  const killed = await until(
    'a leader',
    () => installation.leader(),
    (name) => name !== '',
  );
  git.commit({ 'runs/killed.yaml': runFile('killed', { concurrency: 1 }, 'sleep 4') });
  await until(
    'the first node',
    () => installation.ranAltogether('killed'),
    (count) => count === 1,
  );
  await installation.kill(podOf(killed));
  const since = Date.now();
  await until(
    'another leader',
    () => installation.leader(),
    (name) => name !== '' && name !== killed,
  );
  expect(Date.now() - since).toBeLessThan(20_000);
  const report = await installation.report('killed', ended);
  expect(phaseOf(report), report).toBe('Completed');
  expect(await installation.ran('killed')).toEqual([1, 1]);
});

test('a canary soaks and is checked before the rest begins, whoever leads by then', async () => {
  const canary = { name: 'canary', upTo: 1, soakSeconds: 15 };
  const checks = [{ name: 'works', command: { image: 'busybox:latest', command: ['true'] } }];
  const postflight = { command: ['test', '-d', '/host/etc'] };
  git.commit({ 'runs/steps.yaml': runFile('steps', { steps: [{ ...canary, checks }], postflight }) });
  const look = () => installation.nodeOp('steps').catch(() => undefined);
  await until('the soak', look, (op) => op?.status?.steps?.[0]?.phase === 'Soaking');
  expect(await installation.ranAltogether('steps')).toBe(1);
  await installation.kill(podOf(await installation.leader()));
  const report = await installation.report('steps', ended);
  expect(phaseOf(report), report).toBe('Completed');
  expect(await installation.ran('steps')).toEqual([1, 1]);
  const { steps = [] } = (await installation.nodeOp('steps')).status ?? {};
  expect(steps).toMatchObject([
    { name: 'canary', phase: 'Passed', nodes: 1, checks: [{ name: 'works', phase: 'Passed' }] },
    { name: 'rest', phase: 'Passed', nodes: 1 },
  ]);
});

test('a check that fails for good ends the rollout before the rest begins', async () => {
  const checks = [
    { attempts: 1, command: { image: 'busybox:latest', command: ['sh', '-c', 'echo no; exit 3'] } },
  ];
  git.commit({ 'runs/unfit.yaml': runFile('unfit', { steps: [{ name: 'canary', upTo: 1, checks }] }) });
  const report = await installation.report('unfit', ended);
  expect(phaseOf(report), report).toBe('Failed');
  expect(report).toContain('reason: StepFailed');
  expect(await installation.ranAltogether('unfit')).toBe(1);
});

test('a check by HTTP is tried again until it passes, and only then the rest begins', async () => {
  const http = { url: `${installation.health.url}/ready-after/1`, expect: { expression: 'body.ready' } };
  const steps = [{ name: 'canary', upTo: 1, checks: [{ name: 'healthy', http }] }];
  git.commit({ 'runs/asked.yaml': runFile('asked', { steps }) });
  const report = await installation.report('asked', ended);
  expect(phaseOf(report), report).toBe('Completed');
  expect(await installation.ran('asked')).toEqual([1, 1]);
  expect((await installation.nodeOp('asked')).status?.steps).toMatchObject([
    { name: 'canary', phase: 'Passed', checks: [{ name: 'healthy', phase: 'Passed', tries: 2 }] },
    { name: 'rest', phase: 'Passed' },
  ]);
});

test('one that goes to a host which is not allowed keeps the run from beginning', async () => {
  const http = { url: 'http://health.example.org:8080/ready-after/0' };
  const steps = [{ name: 'canary', upTo: 1, checks: [{ http }] }];
  git.commit({ 'runs/elsewhere.yaml': runFile('elsewhere', { steps }) });
  const report = await installation.report('elsewhere', ended);
  expect(phaseOf(report), report).toBe('Invalid');
  expect(report).toContain('http://health.example.org:8080');
  expect(await installation.ranAltogether('elsewhere')).toBe(0);
});

test('a leader that is told to go hands over at once', async () => {
  const leader = await until(
    'a leader',
    () => installation.leader(),
    (name) => name !== '',
  );
  await kubectl(['-n', 'nodeop-system', 'delete', 'pod', podOf(leader), '--wait=false']);
  const since = Date.now();
  await until(
    'another leader',
    () => installation.leader(),
    (name) => name !== '' && name !== leader,
  );
  expect(Date.now() - since).toBeLessThan(10_000);
  git.commit({ 'runs/after.yaml': runFile('after') });
  expect(phaseOf(await installation.report('after', ended))).toBe('Completed');
  expect(await installation.ran('after')).toEqual([1, 1]);
});

test.skipIf(process.env['E2E_REBOOT'] !== '1')(
  'nodes are rebooted one after the other (only with E2E_REBOOT=1, where nodes come back)',
  async () => {
    const before = await bootIds();
    const file = runFile('reboot', {
      rebootOnSuccess: true,
      cordon: true,
      concurrency: 1,
      postflight: { command: ['true'] },
    });
    git.commit({ 'runs/reboot.yaml': file });
    const report = await installation.report('reboot', ended, 280);
    expect(phaseOf(report), report).toBe('Completed');
    expect(report.match(/rebootStatus: completed/g)).toHaveLength(2);
    const after = await bootIds();
    for (const [node, id] of before) expect(after.get(node)).not.toBe(id);
    expect(await installation.ran('reboot')).toEqual([1, 1]);
  },
);

test('nothing was ever refused to the agent', async () => {
  expect((await installation.logs()).split('\n').filter((line) => /forbidden|\b403\b/i.test(line))).toEqual(
    [],
  );
});

async function bootIds(): Promise<Map<string, string | undefined>> {
  const { items } = await get<{ items: Node[] }>('nodes', ...installation.targets);
  return new Map(items.map(({ metadata, status }) => [metadata.name ?? '', status?.nodeInfo?.bootID]));
}

/** One pod that prefers a node, and can live on others. */
function workload(name: string, node: string): object[] {
  const labels = { app: name };
  const weight = {
    weight: 100,
    preference: {
      matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: [node] }],
    },
  };
  const command = ['sh', '-c', 'trap "exit 0" TERM; while true; do sleep 1; done'];
  const spec = {
    affinity: { nodeAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [weight] } },
    terminationGracePeriodSeconds: 2,
    containers: [{ name: 'main', image: 'busybox:latest', command }],
  };
  const template = { metadata: { labels }, spec };
  return [
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name, namespace: 'nodeop-e2e' },
      spec: { replicas: 1, selector: { matchLabels: labels }, template },
    },
  ];
}

async function budget(name: string): Promise<void> {
  const versions = await kubectl(['api-versions']);
  const apiVersion = versions.includes('policy/v1\n') ? 'policy/v1' : 'policy/v1beta1';
  const selector = { matchLabels: { app: name } };
  const metadata = { name, namespace: 'nodeop-e2e' };
  await apply({ apiVersion, kind: 'PodDisruptionBudget', metadata, spec: { minAvailable: 1, selector } });
  const look = () =>
    get<{ status?: { currentHealthy?: number } }>('-n', 'nodeop-e2e', 'poddisruptionbudget', name);
  await until('the budget', look, ({ status }) => status?.currentHealthy === 1);
}
