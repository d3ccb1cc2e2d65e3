import { deepStrictEqual, ok } from 'node:assert';
import * as fc from 'fast-check';
import { load as loadYaml } from 'js-yaml';
import { createLogger } from '../../src/agent/logger.ts';
import type { NodeOp, NodeStatus } from '../../src/api/nodeop.ts';
import { cancelText, nodeOpHoldText } from '../../src/core/holds.ts';
import { commentMarker, withRun } from '../../src/core/feedback/comment.ts';
import { previewMarkdown } from '../../src/core/preview/markdown.ts';
import type { RunPreview } from '../../src/core/preview/preview.ts';
import { previewText } from '../../src/core/preview/text.ts';
import { logTail } from '../../src/core/logs/tail.ts';
import { writeReport, reportNodeOp } from '../../src/core/runs/report.ts';
import { commitMessage } from '../../src/core/runs/message.ts';
import { maskCredentials } from '../../src/core/text/mask.ts';
import { flat, line, plain, screen, workflowMessage } from '../../src/core/text/output.ts';
import { table } from '../../src/core/text/table.ts';
import { wordsOf } from '../../src/git/words.ts';
import { redact } from '../../src/git/credentials.ts';
import { runPage } from '../../src/cli/status/page.ts';
import { logLine } from '../../src/core/text/log-line.ts';
import { hostile, longText, objects, paths, text } from './generators.ts';
import { kind, tamed } from './kind.ts';
import { noCommands, onTerminal, readable, structure } from './oracles.ts';
import { REPORT } from './reports.ts';

/** What a pod, a kubelet, a Git host or an API server says: any bytes, decoded. */
const said = () =>
  fc.oneof(
    { weight: 6, arbitrary: text() },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 400 }).map((it) => new TextDecoder().decode(it)) },
    { weight: 1, arbitrary: fc.tuple(longText(), hostile(), longText()).map((it) => it.join('')) },
  );

const STATUS: NodeStatus = {
  phase: 'Failed',
  message: 'exit code 1: no',
  cause: 'no',
  log: 'a\nno',
  jobName: 'flash-1',
  attempts: 1,
  exitCode: 1,
  cordoned: true,
  startedAt: '2030-01-31T10:00:00Z',
  finishedAt: '2030-01-31T10:05:00Z',
};
const CONDITION = { status: 'True' as const, message: 'because', lastTransitionTime: '2030-01-31T10:00:00Z' };
const NODEOP: NodeOp = {
  apiVersion: 'operator.kairos.io/v1alpha1',
  kind: 'NodeOp',
  metadata: { name: 'flash', namespace: 'default', uid: 'u' },
  spec: { command: ['true'], image: 'busybox' } as NodeOp['spec'],
  status: {
    phase: 'Running',
    summary: { total: 2, pending: 0, inFlight: 1, completed: 0, failed: 1, cancelled: 0, done: '0/2' },
    conditions: [
      { type: 'Ready', reason: 'Waiting', ...CONDITION },
      { type: 'Reconciling', ...CONDITION },
      { type: 'Cancelled', ...CONDITION },
    ],
    nodeStatuses: { 'node-1': STATUS, 'node-2': { phase: 'Running', message: 'waits for its pod' } },
    startedAt: '2030-01-31T10:00:00Z',
  },
};

const podWords = kind('pod messages and log bytes', said(), (words, work) => {
  for (const [name, clean] of [
    ['plain', plain],
    ['tail', (it: string) => logTail(it, 20)],
    ['mask', (it: string) => plain(maskCredentials(it))],
  ] as const) {
    readable(work.turn(name, () => clean(words)));
  }
  ok(Buffer.byteLength(logTail(words, 20)) <= 4 * 4096);
  const one = work.turn('flat', () => flat(words));
  ok(!one.includes('\n'));
  readable(one);
  onTerminal(line(words));
  onTerminal(
    table([
      ['NODE', 'MESSAGE'],
      [words.slice(0, 2000), words.slice(0, 2000)],
    ]),
  );
  ok(!/[\r\n]/.test(workflowMessage(words)));
  work.turn('redact', () => redact(words, ['s3cret-token']));
  ok(!redact(`${words}s3cret-token`, ['s3cret-token']).includes('s3cret-token'));
  readable(screen(work.turn('words', () => wordsOf(words))));
  const annotations = { 'agent.nodeop.dev/hold': words, 'agent.nodeop.dev/cancel': words };
  const held = { ...NODEOP, metadata: { ...NODEOP.metadata, annotations } };
  for (const it of [nodeOpHoldText(held), cancelText(held)]) {
    ok(it !== undefined && it !== '' && it.length < 1200 && !it.includes('\n'));
    readable(it);
  }
});

const statuses = kind(
  'statuses of NodeOps',
  fc.record({ node: hostile(20), message: said(), path: paths() }),
  ({ node, message, path }, work) => {
    const nodeStatuses = { [node]: { ...STATUS, message, cause: message, log: message }, 'node-2': STATUS };
    const conditions = NODEOP.status?.conditions?.map((it) => ({ ...it, message })) ?? [];
    const nodeOp: NodeOp = { ...NODEOP, status: { ...NODEOP.status, conditions, nodeStatuses } };
    const subject = { path, author: message.slice(0, 200), commit: 'c'.repeat(40), blob: 'b' };
    const report = work.turn('telling', () => reportNodeOp(subject, nodeOp, new Map(), 'other', []));
    const written = work.steps('writing', writeReport(report));
    readable(written);
    deepStrictEqual(loadYaml(written), JSON.parse(JSON.stringify(report)));
    readable(commitMessage([report], false));
    const options = {
      now: 1_900_000_000_000,
      width: 100,
      nodes: 'all' as const,
      access: { own: '', kubectl: '' },
    };
    onTerminal(screen(work.turn('status', () => runPage(nodeOp, options))));
  },
);

const words = () => hostile(20);

const comments = kind(
  'comments on pull requests',
  fc.record({
    path: fc.oneof(paths(), words()),
    message: words(),
    problems: fc.array(fc.record({ path: words(), message: words() }), { maxLength: 3 }),
    nodes: fc.array(fc.record({ name: words(), message: words() }), { maxLength: 3 }),
    cluster: words(),
    phase: fc.constantFrom('Waiting', 'Pending', 'Running', 'Completed', 'Failed', 'Cancelled', 'Invalid'),
    before: words(),
  }),
  ({ path, phase, before, ...rest }, work) => {
    const marker = commentMarker('nodeop-agent', 'one');
    const render = ({ message, problems, nodes, cluster }: typeof rest, run: string) => {
      const failed = nodes.map((it) => ({ ...it, phase: 'Failed' as const }));
      const status = { ...REPORT.status, phase, message, problems, nodes: failed, stopped: { message } };
      const report = { ...REPORT, run: { ...REPORT.run, path: run }, cluster, status };
      return withRun(
        withRun(undefined, marker, REPORT, ''),
        marker,
        report,
        'https://git.example.org/r.yaml',
      );
    };
    const comment = work.turn('telling', () => render(rest, path));
    readable(comment.replaceAll('\u200b', ''));
    noCommands(comment);
    // The names of the sections are percent-encoded, which leaves more than words.
    const shape = (it: string) => structure(it.replaceAll(/<!-- run \S+ -->/g, '<!-- run -->'));
    deepStrictEqual(shape(comment), shape(render(filled(rest), 'x')));
    const again = withRun(comment, marker, { ...REPORT, run: { ...REPORT.run, path } }, '');
    deepStrictEqual(again.split('\n<!-- run ').length, comment.split('\n<!-- run ').length);
    withRun(before, marker, REPORT, '');
  },
);

/** Plain words where there were any. */
function filled<T>(value: T): T {
  return JSON.parse(
    JSON.stringify(value, (_, it: unknown) => (typeof it === 'string' ? tamed(it).slice(0, it.length) : it)),
  ) as T;
}

const previews = kind(
  'plans',
  fc.record({
    run: paths(),
    words: fc.array(words(), { minLength: 2, maxLength: 2 }),
    node: words(),
    evict: words(),
    spec: objects({ command: ['sh', '-c', 'true'], env: [{ name: 'A', value: 'b' }], image: 'busybox' }),
  }),
  ({ run, node, evict, spec, words: [first = '', second = ''] }, work) => {
    const preview = (it: {
      run: string;
      first: string;
      second: string;
      node: string;
      evict: string;
    }): RunPreview => ({
      run: it.run,
      nodeOp: 'default/flash',
      cluster: 'one',
      parameters: [{ name: it.node, value: it.first, isDefault: true }],
      blockers: [it.first],
      notes: [it.second],
      batches: 1,
      shortestSeconds: 30,
      nodes: [
        {
          name: it.node,
          batch: 1,
          reason: it.first,
          evict: [it.evict],
          blockers: [it.second],
          notes: [it.first],
        },
      ],
      spec: { soakSeconds: 0, drainOptions: {}, command: ['true'] } as unknown as RunPreview['spec'],
    });
    const given = preview({ run, first, second, node, evict });
    const markdown = work.turn('markdown', () => previewMarkdown(given, 60_000));
    readable(markdown.replaceAll('\u200b', ''));
    const tame = previewMarkdown(
      preview({ run: 'x', first: 'x', second: 'x', node: 'x', evict: 'x' }),
      60_000,
    );
    deepStrictEqual(structure(markdown), structure(tame));
    onTerminal(screen(work.turn('text', () => previewText(given))));
    if (typeof spec !== 'object' || spec === null || Array.isArray(spec)) return;
    const whole = {
      ...given,
      spec: { ...spec, soakSeconds: 0, drainOptions: {} } as unknown as RunPreview['spec'],
    };
    readable(previewMarkdown(whole, 60_000).replaceAll('\u200b', ''));
  },
);

const logs = kind(
  'lines of the log',
  fc.record({ field: words(), value: said(), nested: fc.dictionary(words(), words(), { maxKeys: 3 }) }),
  ({ field, value, nested }, work) => {
    let written = '';
    const write = process.stdout.write.bind(process.stdout);
    const record = { [field]: value, nested, list: [value.slice(0, 500)] };
    work.turn('telling', () => {
      process.stdout.write = (chunk: unknown) => (written += String(chunk)) !== '';
      try {
        createLogger('info', true).info(record, 'told');
      } finally {
        process.stdout.write = write;
      }
    });
    ok(written.endsWith('\n') && written.indexOf('\n') === written.length - 1, 'is one line');
    onTerminal(written.trimEnd());
    onTerminal(logLine(JSON.stringify({ time: '', level: 'info', msg: 'told', ...record })));
  },
);

export const WORDS = [podWords, statuses, comments, previews, logs];
