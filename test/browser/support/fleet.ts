import type { NodeCounts, NodeRow, PageViews, RunHead, RunRow, StepView } from '../../../src/api/page.ts';

/** Made-up fleets in the states that people look at: a rollout under way, one that failed, one that is held up. */

export type Scene = 'running' | 'failed' | 'heldUp';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
export const RUN_ID = 'firmware/2030-02-bmc.yaml';
/** Always the same, so that pictures are. */
export const NOW = Date.UTC(2030, 1, 14, 15, 20);
const ZONES = ['berlin-a', 'berlin-b', 'berlin-c'];
const IN_FLIGHT = ['Draining', 'Running', 'Running', 'Rebooting', 'Preflight', 'Postflight'] as const;
const CAUSES = [
  'exit code 3: flash chip is write protected',
  'exit code 3: flash chip is write protected',
  'exit code 1: cannot reach the management controller at 10.20.0.12',
  'the node did not come back within 10 min after its reboot',
];

const widthOf = (total: number) => String(total).length;

function nameOf(i: number, total: number): string {
  return `node-${String(i + 1).padStart(widthOf(total), '0')}`;
}

/** Not by chance, but without a pattern that is seen. */
function scattered(i: number, of: number): number {
  return (i * 7919 + ((i * i) % 101) * 31) % of;
}

const PARTS: Readonly<Record<Scene, { done: number; inFlight: number; failed: number }>> = {
  running: { done: 0.58, inFlight: 0.05, failed: 0.004 },
  failed: { done: 0.19, inFlight: 0, failed: 0.04 },
  heldUp: { done: 0.34, inFlight: 0.04, failed: 0 },
};

export function nodesOf(scene: Scene, total: number): NodeRow[] {
  const { done, inFlight, failed } = PARTS[scene];
  const canaries = Math.max(1, Math.round(total / 100));
  const begun = Math.round(total * (done + inFlight + failed));
  const flying = Math.round(total * inFlight) || (inFlight > 0 ? 1 : 0);
  return Array.from({ length: total }, (_, i): NodeRow => {
    const step = i < canaries ? 'canary' : i < Math.ceil(total / 4) ? 'quarter' : 'rest';
    const common = { key: nameOf(i, total), step, zone: ZONES[i % ZONES.length] ?? '' };
    if (i >= begun) return { ...common, phase: scene === 'failed' ? 'Cancelled' : 'Pending' };
    const startedAt = startOf(i, begun, canaries);
    if (i >= begun - flying)
      return {
        ...common,
        ...flightOf(scene, i),
        startedAt: NOW - (1 + (i % 7)) * MINUTE,
        since: NOW - 40_000,
      };
    const finishedAt = startedAt + (5 + scattered(i, 4)) * MINUTE;
    const isFailed = failed > 0 && i >= canaries && scattered(i, 1000) < (failed / (done + failed)) * 1000;
    if (!isFailed)
      return { ...common, phase: 'Completed', attempts: 1, reboot: 'completed', startedAt, finishedAt };
    const message = CAUSES[i % CAUSES.length] ?? '';
    return {
      ...common,
      phase: 'Failed',
      message,
      attempts: 4,
      exitCode: 3,
      cordoned: true,
      startedAt,
      finishedAt,
    };
  });
}

function flightOf(scene: Scene, i: number) {
  if (scene === 'heldUp')
    return {
      phase: 'Draining' as const,
      message: `eviction blocked: shop/web-${i % 9} (The disruption budget web needs 3 healthy pods and has 3 currently)`,
    };
  return { phase: IN_FLIGHT[i % IN_FLIGHT.length] ?? ('Running' as const), attempts: 1 };
}

/** Canaries five hours ago, the next after they were watched; a night between. */
function startOf(i: number, begun: number, canaries: number): number {
  if (i < canaries) return NOW - 21 * HOUR + (i % 5) * MINUTE;
  const part = (i - canaries) / Math.max(begun - canaries, 1);
  const isFirst = part < 0.4;
  return isFirst
    ? NOW - 20.2 * HOUR + (part / 0.4) * 3 * HOUR
    : NOW - 4 * HOUR + ((part - 0.4) / 0.6) * 3.7 * HOUR;
}

function countsOf(rows: readonly NodeRow[]): NodeCounts {
  const of = (...phases: NodeRow['phase'][]) => rows.filter(({ phase }) => phases.includes(phase)).length;
  const [completed, failed, cancelled, pending] = [
    of('Completed'),
    of('Failed'),
    of('Cancelled'),
    of('Pending'),
  ];
  const inFlight = rows.length - completed - failed - cancelled - pending;
  return { total: rows.length, completed, failed, cancelled, pending, inFlight, skipped: 0 };
}

const LINES: Readonly<Record<Scene, Partial<RunRow>>> = {
  running: { state: 'Running', step: 'step rest is under way', estimate: NOW + 2.4 * HOUR },
  failed: {
    state: 'Failed',
    finishedAt: NOW - 12 * MINUTE,
    step: 'step quarter has failed',
    why: 'step quarter has failed: more nodes failed than the 2 % it tolerates',
  },
  heldUp: {
    state: 'Running',
    stuck: true,
    step: 'step quarter is under way',
    why: 'held up by budget shop/web, for 38 min',
  },
};

export function runOf(scene: Scene, rows: readonly NodeRow[]): RunRow {
  return {
    key: RUN_ID,
    name: `runs/${RUN_ID}`,
    cluster: 'berlin',
    by: 'Ada Engineer',
    mergedAt: NOW - 21.1 * HOUR,
    startedAt: NOW - 21 * HOUR,
    counts: countsOf(rows),
    state: 'Running',
    ...LINES[scene],
  };
}

function stepsOf(scene: Scene, rows: readonly NodeRow[]): StepView[] {
  return ['canary', 'quarter', 'rest'].map((name, i): StepView => {
    const its = rows.filter(({ step }) => step === name);
    const { completed, failed, inFlight, total } = countsOf(its);
    const isOver = completed + failed === total;
    const phase =
      failed > 0 && scene === 'failed'
        ? 'Failed'
        : isOver
          ? 'Passed'
          : inFlight + completed > 0
            ? 'Running'
            : 'Pending';
    const text = {
      Failed: 'has failed',
      Passed: 'has passed',
      Running: 'is under way',
      Pending: 'has not begun',
    }[phase];
    const checks = [
      { name: 'error-rate', phase: 'Passed', message: 'below 0.01 for 10 min', saw: '0.0012' },
      { name: 'healthz', phase: 'Passed', saw: '200 {"status":"ok"}' },
    ];
    return {
      name,
      phase,
      text:
        failed > 0 && phase === 'Failed'
          ? `${text}: ${failed} of ${total} nodes failed, 2 % are tolerated`
          : text,
      nodes: total,
      finished: completed + failed,
      failed,
      checks: i === 0 && phase === 'Passed' ? checks : [],
    };
  });
}

function failuresOf(rows: readonly NodeRow[]) {
  const failed = rows.filter(({ phase }) => phase === 'Failed');
  return [...Map.groupBy(failed, ({ message = '' }) => message)]
    .map(([text, its]) => ({ text, count: its.length, nodes: its.slice(0, 5).map(({ key }) => key) }))
    .toSorted((a, b) => b.count - a.count);
}

export function runView(scene: Scene, total: number): PageViews['run'] {
  const rows = nodesOf(scene, total);
  const run = runOf(scene, rows);
  const draining = rows.filter(({ phase }) => phase === 'Draining').map(({ key }) => key);
  const head: RunHead = {
    cluster: 'berlin',
    run,
    nodeOp: 'nodeop-system/firmware-2030-02-bmc-4c1f9a',
    groupedBy: ['step', 'zone'],
    steps: stepsOf(scene, rows),
    failures: failuresOf(rows),
    waits:
      scene === 'heldUp'
        ? [{ text: 'held up by budget shop/web', count: draining.length, nodes: draining.slice(0, 5) }]
        : [],
    problems: [],
    warnings: [],
    pauses: [
      { from: NOW - 20.9 * HOUR, to: NOW - 20.2 * HOUR, text: 'step canary was watched' },
      { from: NOW - 17.1 * HOUR, to: NOW - 4 * HOUR, text: 'the window was closed' },
    ],
    links: [
      {
        label: 'Run file',
        url: 'https://git.example.org/ops/nodes/src/branch/main/runs/firmware/2030-02-bmc.yaml',
      },
      {
        label: 'Report',
        url: 'https://git.example.org/ops/nodes/src/branch/main/results/firmware/2030-02-bmc.yaml',
      },
      { label: 'Pull request #214', url: 'https://git.example.org/ops/nodes/pulls/214' },
    ],
    actions: actionsOf(scene),
    commands: [
      'kubectl --namespace nodeop-system get nodeop firmware-2030-02-bmc-4c1f9a --output yaml',
      'nodeop-agent watch firmware/2030-02-bmc.yaml',
    ],
  };
  return { head, rows };
}

function actionsOf(scene: Scene): RunHead['actions'] {
  const path = `runs/${RUN_ID}`;
  const url = `https://git.example.org/ops/nodes/_edit/main/${path}`;
  if (scene === 'failed')
    return [
      {
        kind: 'retry',
        label: 'Retry where it failed',
        effect: 'A new run on the nodes that failed or were cancelled.',
        path: 'runs/firmware/2030-02-bmc-retry.yaml',
        url: 'https://git.example.org/ops/nodes/_new/main/runs',
        text: 'apiVersion: agent.nodeop.dev/v1alpha1\nkind: NodeOpRun\nspec:\n  nodeOp: flash-bmc\n',
        filled: true,
      },
    ];
  return [
    {
      kind: 'suspend',
      label: 'Suspend',
      effect: 'No new node is started; those in flight finish.',
      path,
      url,
      text: '  suspend: true',
      line: 6,
    },
    {
      kind: 'cancel',
      label: 'Cancel',
      effect: 'The rollout ends: no new node, and nodes whose command has not begun are left as they were.',
      path,
      url,
    },
  ];
}
