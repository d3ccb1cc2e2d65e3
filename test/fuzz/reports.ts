import { deepStrictEqual, ok } from 'node:assert';
import * as fc from 'fast-check';
import { load as loadYaml } from 'js-yaml';
import { InvalidError } from '../../src/api/errors.ts';
import { atOnce } from '../../src/api/pieces.ts';
import { readReport, type NodeOpReport } from '../../src/api/report.ts';
import { briefOf, briefOfText, textBeforeNodes } from '../../src/core/runs/brief.ts';
import { formatCheckpoint, readCheckpoint } from '../../src/core/runs/checkpoint.ts';
import { entriesOf, parseHead, recentOf, roomIn } from '../../src/core/runs/ledger.ts';
import { commitMessage } from '../../src/core/runs/message.ts';
import { NewestReports } from '../../src/core/runs/newest.ts';
import { formatOverview } from '../../src/core/runs/overview.ts';
import { pruneReports } from '../../src/core/runs/retention.ts';
import { formatBaseline, readBaseline } from '../../src/core/runs/baseline.ts';
import { formatReport, reportVerdict, writeReport } from '../../src/core/runs/report.ts';
import { runStatus } from '../../src/core/feedback/status.ts';
import { documents, editsOf, hostile, longText, objects, paths, text } from './generators.ts';
import { kind } from './kind.ts';
import { readable, structure } from './oracles.ts';
import type { Work } from './work.ts';

const LAYOUT = { nodeops: 'nodeops', runs: 'runs', results: 'results', cluster: 'one' };
const bytes = (it: string) => new TextEncoder().encode(it);

export const REPORT: NodeOpReport = {
  apiVersion: 'agent.nodeop.dev/v1alpha1',
  kind: 'NodeOpReport',
  metadata: { name: 'flash' },
  run: {
    path: 'runs/2030/flash.yaml',
    commit: 'c'.repeat(40),
    author: 'Ada <ada@example.org>',
    committedAt: '2030-01-31T10:00:00+01:00',
    blob: 'b'.repeat(40),
  },
  cluster: 'one',
  nodeOp: { namespace: 'default', name: 'flash', uid: 'u-1' },
  spec: { image: 'busybox', command: ['true'] },
  status: {
    phase: 'Failed',
    reason: 'NodesFailed',
    message: '1 of 2 nodes failed',
    startedAt: '2030-01-31T10:00:00Z',
    finishedAt: '2030-01-31T10:05:00Z',
    durationSeconds: 300,
    observedChange: { blob: 'd'.repeat(40), message: 'the run file was edited after the start' },
    stopped: { message: 'Ada removed the run file', at: '2030-01-31T10:03:00Z' },
    summary: { total: 2, pending: 0, inFlight: 0, completed: 1, failed: 1, cancelled: 0 },
    nodes: [
      { name: 'node-1', phase: 'Completed', attempts: 1 },
      {
        name: 'node-2',
        phase: 'Failed',
        message: 'exit code 1: no',
        cause: 'no',
        exitCode: 1,
        log: 'a\nno\n',
      },
    ],
  },
};
const WAITING: NodeOpReport = {
  ...REPORT,
  status: { phase: 'Waiting', reason: 'Queued', until: '2030-02-01T00:00:00Z' },
};
const INVALID: NodeOpReport = {
  ...REPORT,
  status: {
    phase: 'Invalid',
    problems: [{ path: 'spec.image', message: 'is required', line: 3, column: 1 }],
  },
};

/** What else is made of a report that people edited: all that shows it. */
function toldWell(report: NodeOpReport, work: Work): void {
  const now = new Date(1_900_000_000_000);
  const verdict = { phase: 'Cancelled', reason: 'NodeOpDeleted', message: 'its NodeOp was deleted' } as const;
  const ended = work.turn('ending', () => reportVerdict({ path: 'runs/a.yaml' }, verdict, report, now));
  const written = work.steps('writing', writeReport(ended));
  readable(written);
  deepStrictEqual(loadYaml(written), JSON.parse(JSON.stringify(ended)));
  const message = work.turn('message', () => commitMessage([report], true));
  readable(message);
  const trailers = message.split('\n').filter((it) => it !== '');
  ok(trailers.length <= 5, message);
  for (const it of trailers.slice(1)) ok(/^(?:Run|Run-Commit|Cluster|NodeOp): /.test(it), it);
  const brief = briefOf(report);
  const overview = work.turn('overview', () => formatOverview([['results/one/a.yaml', brief]], 2, LAYOUT));
  readable(overview.replaceAll('\u200b', ''));
  const same = {
    ...brief,
    run: 'runs/a.yaml',
    ...(brief.reason !== undefined && { reason: brief.reason === '' ? '' : 'x' }),
  };
  deepStrictEqual(
    structure(overview).split('\n').length,
    structure(formatOverview([['results/one/a.yaml', same]], 2, LAYOUT)).split('\n').length,
  );
  const { description } = runStatus(report);
  ok(description.length <= 400, `${description.length} characters`);
  readable(description);
}

const editedReports = kind(
  'reports that people edited',
  documents([REPORT, WAITING, INVALID]),
  (file, work) => {
    const quick = work.turn('reading quickly', () => briefOfText(textBeforeNodes(bytes(file))));
    const report = work.steps('reading', readReport(bytes(file)));
    // Where both say something they say the same.
    if (quick && report)
      deepStrictEqual(JSON.parse(JSON.stringify(quick)), JSON.parse(JSON.stringify(briefOf(report))));
    if (report) toldWell(report, work);
  },
);

/** As the agent writes them, then edited as text: what looks as it should is read quickly. */
const editedTexts = kind(
  'reports as text',
  editsOf(objects(REPORT).map((it) => safeFormat(it))),
  (file, work) => {
    const quick = work.turn('reading quickly', () => briefOfText(textBeforeNodes(bytes(file))));
    const report = work.steps('reading', readReport(bytes(file)));
    if (quick && report)
      deepStrictEqual(JSON.parse(JSON.stringify(quick)), JSON.parse(JSON.stringify(briefOf(report))));
  },
);

/** As long as clusters and histories are. */
const longOnes = kind(
  'long reports, baselines and checkpoints',
  fc
    .record({
      which: fc.constantFrom('report', 'baseline', 'checkpoint'),
      entry: hostile(),
      count: fc.constantFrom(1, 100, 3000, 12_000),
      quirk: fc.oneof({ weight: 3, arbitrary: fc.constant('') }, { weight: 1, arbitrary: longText(2 ** 20) }),
    })
    .chain((it) => editsOf(fc.constant(longOne(it))).map((file) => ({ which: it.which, file }))),
  ({ which, file }, work) => {
    if (which === 'report') {
      work.turn('reading quickly', () => briefOfText(textBeforeNodes(bytes(file))));
      work.steps('reading', readReport(bytes(file)));
    } else if (which === 'checkpoint') work.steps('reading', readCheckpoint(bytes(file), LAYOUT));
    else {
      try {
        work.steps('reading', readBaseline('x', bytes(file)));
      } catch (error) {
        if (!(error instanceof InvalidError)) throw error;
      }
    }
  },
);

function longOne({
  which,
  entry,
  count,
  quirk,
}: {
  which: string;
  entry: string;
  count: number;
  quirk: string;
}): string {
  const list = Array.from({ length: count }, (_, i) => `${entry}${i}`);
  if (which === 'baseline') return formatBaseline(list, quirk);
  if (which === 'checkpoint') {
    return formatCheckpoint(
      { tree: 'a'.repeat(40), over: 5, unsettled: new Set(list), newest: NEWEST },
      LAYOUT,
    );
  }
  const nodes = list.map((name) => ({ name, phase: 'Running' as const, message: entry }));
  return formatReport({ ...REPORT, status: { ...REPORT.status, phase: 'Running', message: quirk, nodes } });
}

/** What YAML cannot hold is nothing that the agent writes. */
function safeFormat(report: NodeOpReport): string {
  try {
    return formatReport(JSON.parse(JSON.stringify(report)) as NodeOpReport);
  } catch {
    return '';
  }
}

const BASELINE = {
  apiVersion: 'agent.nodeop.dev/v1alpha1',
  kind: 'NodeOpBaseline',
  clusterUID: 'u',
  runs: ['runs/a.yaml'],
};

const baselines = kind('baselines', documents([BASELINE]), (file, work) => {
  try {
    const record = work.steps('reading', readBaseline('results/one/.baseline.yaml', bytes(file)));
    const again = atOnce(readBaseline('x', bytes(formatBaseline(record.runs, record.owner))));
    deepStrictEqual(again, { runs: record.runs, owner: record.owner });
    readable(formatBaseline(record.runs, record.owner));
  } catch (error) {
    if (!(error instanceof InvalidError)) throw error;
    readable(error.message);
  }
});

const NEWEST = new NewestReports([['results/one/a.yaml', briefOf(REPORT)]], true);
const CHECKPOINT = formatCheckpoint(
  { tree: 'a'.repeat(40), over: 5, unsettled: new Set(['results/one/b.yaml']), newest: NEWEST },
  LAYOUT,
);

const checkpoints = kind(
  'checkpoints',
  fc.oneof(documents([loadYaml(CHECKPOINT) as object]), editsOf(fc.constant(CHECKPOINT))),
  (file, work) => {
    const found = work.steps('reading', readCheckpoint(bytes(file), LAYOUT));
    if (!found) return;
    const overview = formatOverview(found.newest.all(), 100, LAYOUT);
    readable(overview.replaceAll('\u200b', ''));
    readable(formatCheckpoint(found, LAYOUT));
    const briefs = new Map(found.newest.all());
    const options = { keep: { count: 0, ageMs: 1000 }, layout: LAYOUT, now: 1_900_000_000_000, recorded: 0 };
    const { remove } = work.turn('retention', () => pruneReports(briefs, { has: () => true }, options));
    for (const path of remove) ok(path.startsWith('results/one/'), path);
  },
);

const ledgers = kind(
  'the record in the cluster',
  fc.dictionary(
    fc.constantFrom('runs', 'signed', 'waiting', 'waitingCount', 'b00', 'b01', 'recent', 'heldAt', 'folders'),
    text(),
  ),
  (data, work) => {
    const parts = [
      { name: 'head', data },
      { name: '0', data },
      { name: '99', data },
    ];
    work.turn('reading', () => {
      const head = parseHead(data);
      ok(Array.isArray(head.waiting));
      for (const entry of entriesOf(parts)) ok(entry.length === 16);
      ok(roomIn(parts) >= 0);
      recentOf(parts);
    });
  },
);

const overviews = kind(
  'names in the overview',
  fc.array(fc.record({ path: paths(), reason: hostile() }), { minLength: 1, maxLength: 5 }),
  (runs) => {
    const entry = (path: string, reason: string): [string, ReturnType<typeof briefOf>] => [
      `results/one/${path}`,
      { ...briefOf(WAITING), run: `runs/${path}`, reason },
    ];
    const table = formatOverview(
      runs.map(({ path, reason }) => entry(path, reason)),
      9,
      LAYOUT,
    );
    readable(table.replaceAll('\u200b', ''));
    const tame = formatOverview(
      runs.map(({ reason }) => entry('x', reason === '' ? '' : 'x')),
      9,
      LAYOUT,
    );
    // What stands in an address is percent-encoded, but for some of what is no letter.
    // One that is escaped ends no link.
    const shape = (it: string) =>
      structure(it.replaceAll(/\\.|\]\([^)\s]*\)/g, (found) => (found.startsWith('\\') ? found : ']')));
    deepStrictEqual(shape(table), shape(tame));
  },
);

export const REPORTS = [editedReports, editedTexts, longOnes, baselines, checkpoints, ledgers, overviews];
