interface Panel {
  title: string;
  /** What it means, for who reads it at night. */
  description: string;
  type: 'stat' | 'timeseries';
  /** Queries in PromQL, each with the legend of its lines. */
  queries: [expr: string, legend: string][];
  unit?: 'short' | 's' | 'ops';
  /** From this value on it is shown in red. */
  red?: number;
}

const WIDTH = 24;
const STAT = { w: 4, h: 4 };
const GRAPH = { w: 12, h: 8 };

/** Quantiles of a histogram over a time that reaches past single nodes. */
const quantiles = (histogram: string): Panel['queries'] =>
  [0.5, 0.9].map((quantile) => [
    `histogram_quantile(${quantile}, sum by (le) (rate(${histogram}_bucket[1h])))`,
    `${quantile * 100} %`,
  ]);

const PANELS: Panel[] = [
  {
    title: 'Acting replicas',
    description: 'One has the lease. With none, rollouts stand still.',
    type: 'stat',
    queries: [['sum(nodeop_agent_leader) or vector(0)', '']],
  },
  {
    title: 'Last fetch',
    description: 'Age of what is known of the repository.',
    type: 'stat',
    queries: [['time() - max(nodeop_agent_last_poll_timestamp_seconds)', '']],
    unit: 's',
    red: 600,
  },
  {
    title: 'Held',
    description: 'Holds people have put on: by the lease, by hold.yaml, on NodeOps.',
    type: 'stat',
    queries: [['sum(nodeop_agent_held) or vector(0)', '']],
    red: 1,
  },
  {
    title: 'Runs under way',
    description: 'NodeOps whose rollout goes on.',
    type: 'stat',
    queries: [['sum(nodeop_agent_runs{phase=~"Pending|Running"}) or vector(0)', '']],
  },
  {
    title: 'Commit',
    description: 'The commit the followed branch is at.',
    type: 'stat',
    queries: [['nodeop_agent_tip_info', '{{commit}}']],
  },
  {
    title: 'Version',
    description: 'More than one: an upgrade is under way.',
    type: 'stat',
    queries: [['count by (version) (nodeop_agent_build_info)', '{{version}}']],
  },
  {
    title: 'Nodes by phase',
    description: 'Nodes of all NodeOps in the cluster. A phase that stays above zero holds something up.',
    type: 'timeseries',
    queries: [['sum by (phase) (nodeop_agent_nodes)', '{{phase}}']],
  },
  {
    title: 'Runs by phase',
    description: 'NodeOps in the cluster. One that failed stays until somebody deletes it.',
    type: 'timeseries',
    queries: [['sum by (phase) (nodeop_agent_runs)', '{{phase}}']],
  },
  {
    title: 'Runs that wait',
    description: 'Runs that were seen and have not begun, by what they wait for.',
    type: 'timeseries',
    queries: [['sum by (reason) (nodeop_agent_runs_waiting)', '{{reason}}']],
  },
  {
    title: 'Steps by phase',
    description: 'Steps of rollouts that go on. One that soaks or is checked lets no further node begin.',
    type: 'timeseries',
    queries: [['sum by (phase) (nodeop_agent_steps)', '{{phase}}']],
  },
  {
    title: 'Checks of steps',
    description: 'Tries of checks by kind and result. A failed evaluation after the soak fails its step.',
    type: 'timeseries',
    queries: [
      ['sum by (kind, result) (rate(nodeop_agent_check_tries_total[5m]))', '{{kind}}: {{result}}'],
      [
        'sum by (kind) (rate(nodeop_agent_check_verdicts_total{verdict="failed"}[5m]))',
        '{{kind}}: evaluation failed',
      ],
    ],
    unit: 'ops',
  },
  {
    title: 'How long checks take',
    description: 'One try of a check, from its beginning to its end.',
    type: 'timeseries',
    queries: quantiles('nodeop_agent_check_duration_seconds'),
    unit: 's',
  },
  {
    title: 'From seeing a run to its start',
    description: 'Time in the queue.',
    type: 'timeseries',
    queries: quantiles('nodeop_agent_run_queue_duration_seconds'),
    unit: 's',
  },
  {
    title: 'Drains',
    description: 'From cordoning a node to its last pod gone.',
    type: 'timeseries',
    queries: quantiles('nodeop_agent_drain_duration_seconds'),
    unit: 's',
  },
  {
    title: 'Reboots',
    description: 'From asking a node to reboot to Ready with a new boot ID.',
    type: 'timeseries',
    queries: quantiles('nodeop_agent_reboot_duration_seconds'),
    unit: 's',
  },
  {
    title: 'Requests to the API server',
    description: 'Code 0 is no answer, 403 a missing permission.',
    type: 'timeseries',
    queries: [['sum by (code) (rate(nodeop_agent_api_requests_total[5m]))', '{{code}}']],
    unit: 'ops',
  },
  {
    title: 'Fetches and repeated pushes',
    description: 'Fetches of the repository, and pushes tried again because somebody else was first.',
    type: 'timeseries',
    queries: [
      ['sum by (result) (rate(nodeop_agent_polls_total[5m]))', 'fetch: {{result}}'],
      ['sum(rate(nodeop_agent_push_retries_total[5m]))', 'push again'],
    ],
    unit: 'ops',
  },
  {
    title: 'Notifications',
    description: 'By receiver: sent, attempts that failed, and those that were given up.',
    type: 'timeseries',
    queries: [
      ['sum by (target, result) (increase(nodeop_agent_notifications_total[1h]))', '{{target}}: {{result}}'],
    ],
  },
  {
    title: 'Actions that keep failing',
    description:
      "What the API server refuses, or does not answer, again and again. The NodeOp's status and Events say why.",
    type: 'timeseries',
    queries: [['sum by (action) (nodeop_agent_actions_failing)', '{{action}}']],
  },
];

/** The Grafana dashboard of the agent's metrics, as a file to import. */
export function dashboard(): string {
  const datasource = { type: 'prometheus', uid: '${datasource}' };
  let at = { x: 0, y: 0, h: 0 };
  const panels = PANELS.map((panel, i) => {
    const size = panel.type === 'stat' ? STAT : GRAPH;
    if (at.x + size.w > WIDTH) at = { x: 0, y: at.y + at.h, h: 0 };
    const gridPos = { ...size, x: at.x, y: at.y };
    at = { x: at.x + size.w, y: at.y, h: size.h };
    return { id: i + 1, gridPos, datasource, ...drawn(panel) };
  });
  const board = {
    uid: 'nodeop-agent',
    title: 'nodeop-agent',
    tags: ['nodeop-agent'],
    schemaVersion: 39,
    editable: true,
    refresh: '30s',
    time: { from: 'now-6h', to: 'now' },
    templating: {
      list: [{ name: 'datasource', label: 'Prometheus', type: 'datasource', query: 'prometheus' }],
    },
    panels,
  };
  return `${JSON.stringify(board, undefined, 2)}\n`;
}

function drawn({ title, description, type, queries, unit = 'short', red }: Panel): object {
  const steps = [
    { color: 'green', value: null },
    ...(red === undefined ? [] : [{ color: 'red', value: red }]),
  ];
  const isName = queries.every(([, legend]) => legend.startsWith('{{'));
  return {
    title,
    description,
    type,
    fieldConfig: {
      defaults: { unit, ...(type === 'stat' && { thresholds: { mode: 'absolute', steps } }) },
      overrides: [],
    },
    // What has a name as its value is shown by that name.
    ...(type === 'stat' && { options: { textMode: isName ? 'name' : 'value', colorMode: 'value' } }),
    targets: queries.map(([expr, legendFormat], i) => ({
      refId: String.fromCharCode('A'.charCodeAt(0) + i),
      expr,
      legendFormat,
      instant: type === 'stat',
      range: type !== 'stat',
    })),
  };
}
