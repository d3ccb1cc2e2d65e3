import type { NodeHead, NodeRow, NodesRow, PageViews, RunRow, SearchAnswer } from '../../../src/api/page.ts';
import { NOW, nodesOf, RUN_ID, runOf, runView, type Scene } from './fleet.ts';
import type { Play } from './stage.ts';

/** All views of a cluster in one of the states. */

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const PEOPLE = ['Ada Engineer', 'Bo Nakamura', 'Clara Diaz'];

function oldRuns(count: number): RunRow[] {
  const states = [
    'Completed',
    'Completed',
    'Failed',
    'Completed',
    'Cancelled',
    'Completed',
    'Completed',
  ] as const;
  return Array.from({ length: count }, (_, i): RunRow => {
    const state = states[i % states.length] ?? 'Completed';
    const total = 40 + ((i * 37) % 160);
    const failed = state === 'Failed' ? 1 + (i % 5) : 0;
    const cancelled = state === 'Cancelled' ? 12 : failed * 4;
    const finishedAt = NOW - (26 + i * 19) * HOUR;
    const name =
      ['sysctl/swappiness', 'certificates/renew', 'disk/clean-up', 'kernel/arguments'][i % 4] ?? '';
    const key = `${name}-${String(96 - i).padStart(2, '0')}.yaml`;
    return {
      key,
      name: `runs/${key}`,
      state,
      cluster: 'berlin',
      by: PEOPLE[i % PEOPLE.length] ?? '',
      mergedAt: finishedAt - 2 * HOUR,
      startedAt: finishedAt - 1.8 * HOUR,
      finishedAt,
      counts: {
        total,
        completed: total - failed - cancelled,
        failed,
        cancelled,
        pending: 0,
        inFlight: 0,
        skipped: 0,
      },
      ...(failed > 0 && { why: `${failed} of ${total} nodes failed` }),
      ...(state === 'Cancelled' && { why: 'its run file was removed by Clara Diaz' }),
    };
  });
}

function runsView(scene: Scene, total: number): PageViews['runs'] {
  const run = runOf(scene, nodesOf(scene, total));
  const waiting: RunRow = {
    key: 'kernel/2030-02-mitigations.yaml',
    name: 'runs/kernel/2030-02-mitigations.yaml',
    state: 'Waiting',
    cluster: 'berlin',
    by: 'Bo Nakamura',
    mergedAt: NOW - 3 * HOUR,
    why: 'the window is closed',
    until: NOW + 6.7 * HOUR,
  };
  const needsYou: PageViews['runs']['head']['needsYou'] = [];
  if (scene === 'failed')
    needsYou.push(
      {
        key: 'a',
        kind: 'failed',
        text: `${run.name}: 212 × exit code 3: flash chip is write protected`,
        run: RUN_ID,
        since: NOW - 12 * MINUTE,
      },
      {
        key: 'b',
        kind: 'cordoned',
        text: 'node-0412 was left cordoned by runs/firmware/2030-02-bmc.yaml, and 11 more',
        node: 'node-0412',
        since: NOW - 30 * MINUTE,
      },
    );
  if (scene === 'heldUp')
    needsYou.push({
      key: 'c',
      kind: 'heldUp',
      text: `${run.name} is held up by budget shop/web`,
      run: RUN_ID,
      since: NOW - 38 * MINUTE,
    });
  needsYou.push({
    key: 'd',
    kind: 'invalid',
    text: 'runs/sysctl/hugepages.yaml, line 9: spec.concurrency: expected a number or a share, found "tow"',
    run: 'sysctl/hugepages.yaml',
    since: NOW - 2 * HOUR,
  });
  return {
    head: {
      cluster: 'berlin',
      needsYou,
      total: 1_284,
      clusters: ['berlin', 'lisbon'],
      people: PEOPLE,
      reports: 'read',
      actions: [
        {
          kind: 'new',
          label: 'Add a run',
          effect: 'A new file under runs/ is one run, once it is merged.',
          path: 'runs/',
          url: 'https://git.example.org/ops/nodes/_new/main/runs',
        },
      ],
    },
    rows: [run, waiting, ...oldRuns(24)],
  };
}

function nodesView(scene: Scene, total: number): PageViews['nodes'] {
  const rows = nodesOf(scene, total).map((row): NodesRow => {
    const { key, phase, zone = '', finishedAt, startedAt, message } = row;
    const leftCordoned = phase === 'Failed';
    const isWorkedOn = startedAt !== undefined && finishedAt === undefined;
    const at = finishedAt ?? startedAt;
    return {
      key,
      ready: phase !== 'Rebooting',
      cordoned: leftCordoned || isWorkedOn,
      zone,
      readySince: finishedAt ?? NOW - 400 * HOUR,
      ...(leftCordoned && {
        leftCordoned,
        cordon: 'left cordoned by runs/firmware/2030-02-bmc.yaml: exit code 3',
      }),
      ...(isWorkedOn && { cordon: 'cordoned by runs/firmware/2030-02-bmc.yaml, which works on it' }),
      ...(at !== undefined && {
        last: { run: RUN_ID, name: `runs/${RUN_ID}`, phase, at, ...(message !== undefined && { message }) },
      }),
    };
  });
  const count = (fits: (row: NodesRow) => boolean | undefined) => rows.filter(fits).length;
  return {
    head: {
      cluster: 'berlin',
      total,
      ready: count(({ ready }) => ready),
      cordoned: count(({ cordoned }) => cordoned),
      leftCordoned: count(({ leftCordoned }) => leftCordoned),
    },
    rows,
  };
}

function phasesOf({ startedAt = NOW, finishedAt = NOW }: NodeRow): NonNullable<NodeHead['phases']> {
  const drained = startedAt + (finishedAt - startedAt) / 3;
  return [
    { phase: 'Draining', from: startedAt, until: drained },
    { phase: 'Running', from: drained, until: finishedAt },
  ];
}

function nodeView(scene: Scene, total: number): PageViews['node'] {
  const rows = nodesOf(scene, total);
  const here = rows.find(({ phase }) => phase === 'Failed') ?? rows.at(0);
  const node = here?.key ?? '';
  const isLeft = here?.phase === 'Failed';
  return {
    head: {
      cluster: 'berlin',
      node,
      exists: true,
      ready: true,
      isCordoned: isLeft,
      cordon: isLeft
        ? `Left cordoned by runs/${RUN_ID} since 14:32: exit code 3: flash chip is write protected. Uncordon it once it is mended.`
        : 'Not cordoned.',
      run: { id: RUN_ID, name: `runs/${RUN_ID}`, state: scene === 'failed' ? 'Failed' : 'Running' },
      ...(here && { here }),
      ...(isLeft && { phases: phasesOf(here) }),
      log: 'reading /dev/mtd0\nversion 2.3.9 found, 2.4.1 wanted\nerasing block 1 of 64\nflash chip is write protected\n',
      waiting: [
        {
          id: 'kernel/2030-02-mitigations.yaml',
          name: 'runs/kernel/2030-02-mitigations.yaml',
          why: 'the window is closed',
        },
      ],
      commands: [
        `kubectl describe node ${node}`,
        `kubectl --namespace nodeop-system logs job/firmware-${node} --all-pods`,
      ],
      looked: 200,
      reading: false,
    },
    rows: oldRuns(4).map(({ key, name, startedAt = 0, finishedAt = 0 }, i) => ({
      key,
      name,
      phase: i === 2 ? 'Failed' : 'Completed',
      ...(i === 2 && { message: 'exit code 1: no space left on device' }),
      startedAt,
      finishedAt: finishedAt - 1.5 * HOUR,
    })),
  };
}

const AGENT: PageViews['agent'] = {
  head: {
    cluster: 'berlin',
    leader: 'nodeop-agent-6d9f7c5b8-x2lqp',
    leads: true,
    servedBy: 'leader',
    version: '0.1.0',
    kubernetes: 'v1.34.1',
    repository: 'https://git.example.org/ops/nodes.git',
    branch: 'main',
    tip: '9f2c4be81d77a0c3f1e2a97d5b6c8d0e1f2a3b4c',
    tipUrl: 'https://git.example.org/ops/nodes/commit/9f2c4be81d77a0c3f1e2a97d5b6c8d0e1f2a3b4c',
    lastPoll: NOW - 21_000,
    problems: [
      'nodeops/old-flash.yaml, line 12: spec.drainOptions.timeout: unknown field; did you mean timeoutSeconds?',
    ],
    queued: 1,
  },
  rows: [
    {
      key: 'kernel/2030-02-mitigations.yaml',
      name: 'runs/kernel/2030-02-mitigations.yaml',
      reason: 'OutsideWindow',
      message: 'the window is closed',
      until: NOW + 6.7 * HOUR,
    },
  ],
};

/** All runs by words, as the agent would look for them. */
function search(query: URLSearchParams, rows: readonly RunRow[]): SearchAnswer {
  const [state, person, text = ''] = ['state', 'person', 'text'].map((it) => query.get(it) ?? undefined);
  const fits = (row: RunRow) =>
    (state === undefined || row.state === state) &&
    (person === undefined || row.by === person) &&
    text
      .split(' ')
      .every((word) =>
        `${row.name} ${row.why ?? ''} ${row.by ?? ''}`.toLowerCase().includes(word.toLowerCase()),
      );
  const found = rows.filter(fits);
  return { rows: found, found: found.length, total: rows.length, reading: false };
}

export function playOf(scene: Scene, total: number): Play {
  const runs = runsView(scene, total);
  return {
    now: NOW,
    views: {
      runs,
      run: runView(scene, total),
      node: nodeView(scene, total),
      nodes: nodesView(scene, total),
      agent: AGENT,
    },
    details: {
      spec: 'command:\n  - flash-bmc\n  - --version=2.4.1\nconcurrency: 5%\ncordon: true\ndrainOptions:\n  enabled: true\nrebootOnSuccess: true\nsteps:\n  - name: canary\n    upTo: 1%\n    soakSeconds: 2400\n',
      definition: {
        name: 'flash-bmc',
        diff: [
          { kind: 'same', text: 'command:' },
          { kind: 'removed', text: '  - --version=2.3.9' },
          { kind: 'added', text: '  - --version=2.4.1' },
        ],
      },
      commits: [
        {
          hash: 'a81c0d9e22f4',
          subject: `${RUN_ID}: ${scene === 'failed' ? 'Failed' : 'Running'}`,
          at: NOW - 12 * MINUTE,
          url: 'https://git.example.org/ops/nodes/commit/a81c0d9e22f4',
        },
        { hash: '51bb7e03ac19', subject: `${RUN_ID}: Pending`, at: NOW - 21 * HOUR },
      ],
      pullRequest: { label: 'Pull request #214', url: 'https://git.example.org/ops/nodes/pulls/214' },
    },
    search,
    log: 'reading /dev/mtd0\nversion 2.3.9 found, 2.4.1 wanted\nerasing block 1 of 64\nflash chip is write protected\n',
  };
}
