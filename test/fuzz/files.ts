import { deepStrictEqual, ok } from 'node:assert';
import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { load as loadYaml } from 'js-yaml';
import { AGENT_API_VERSION, AgentConfigSchema } from '../../src/api/config.ts';
import { cronProblem, nextTime } from '../../src/api/cron.ts';
import { parseDocument, type LocatedProblem } from '../../src/api/documents.ts';
import { ANNOTATION_WINDOW, isOwnMark } from '../../src/api/labels.ts';
import { formatProblem } from '../../src/api/schema.ts';
import { load } from '../../src/api/yaml.ts';
import { clusterHoldText, reasonIn } from '../../src/core/holds.ts';
import { problemsMarkdown } from '../../src/core/preview/markdown.ts';
import { signersAt } from '../../src/core/runs/allowed-signers.ts';
import { type Definition, parseDefinition } from '../../src/core/runs/definitions.ts';
import { type Preparation, prepareRun } from '../../src/core/runs/prepare.ts';
import { formatReport, reportStart, reportVerdict } from '../../src/core/runs/report.ts';
import { formatScheduled, lastDue, type Schedule, scheduledPath } from '../../src/core/runs/schedules.ts';
import { screen } from '../../src/core/text/output.ts';
import { closedBecause } from '../../src/core/window.ts';
import { admit, customTypes } from '../../src/sim/api/crd.ts';
import type { Obj } from '../../src/sim/store/object.ts';
import { documents, editsOf, hostile, objects, text, values } from './generators.ts';
import { kind } from './kind.ts';
import { onTerminal, readable, structure } from './oracles.ts';
import type { Work } from './work.ts';

const LAYOUT = { nodeops: 'nodeops', runs: 'runs', results: 'results', cluster: 'one' };
const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

const SPEC = {
  image: 'registry.example.org/tools/flash:2.4',
  command: ['sh', '-c', 'flash /host/firmware'],
  nodeSelector: {
    matchLabels: { 'node-role.kubernetes.io/worker': '' },
    matchExpressions: [{ key: 'zone', operator: 'In', values: ['a', 'b'] }],
  },
  concurrency: 2,
  drainOptions: { enabled: true, timeoutSeconds: 600 },
  preflight: { command: ['true'] },
  env: [
    { name: 'A', value: 'b' },
    { name: 'B', valueFrom: { secretKeyRef: { name: 'c', key: 'd' } } },
  ],
  tolerations: [
    { key: 'dedicated', operator: 'Equal', value: 'gpu', effect: 'NoExecute', tolerationSeconds: 5 },
  ],
  resources: { limits: { cpu: '1', memory: '1Gi' }, requests: { cpu: '200m' } },
  topologyKey: 'topology.kubernetes.io/zone',
  imagePullSecrets: [{ name: 'pull' }],
};
const METADATA = {
  name: 'flash',
  labels: { team: 'platform' },
  annotations: { 'example.org/why': 'because' },
};
const NODEOP = { apiVersion: 'operator.kairos.io/v1alpha1', kind: 'NodeOp', metadata: METADATA, spec: SPEC };
const RUN = {
  apiVersion: 'agent.nodeop.dev/v1alpha1',
  kind: 'NodeOpRun',
  metadata: { generateName: 'flash-' },
  spec: {
    nodeOp: 'flash',
    overrides: { concurrency: 3, image: null, nodeSelector: { matchLabels: { zone: 'a' } } },
    env: [{ name: 'A', value: 'other' }],
    clusters: ['one', 'two'],
    window: { schedule: '0 22 * * 6', duration: '4h', timeZone: 'Europe/Berlin' },
    notBefore: '2030-01-31T22:00:00Z',
    suspend: false,
  },
};
const DECLARING = {
  ...NODEOP,
  spec: {
    ...SPEC,
    parameters: [
      { name: 'VERSION', enum: ['1', '2'], default: '1' },
      { name: 'COUNT', type: 'integer', minimum: 1, maximum: 5, required: true },
      { name: 'TAG', pattern: '^v[0-9]+$' },
      { name: 'LONG', pattern: 'x{0,700}$', default: 'x' },
    ],
    overridable: ['concurrency', 'env'],
    env: [{ name: 'OF', value: '$(VERSION)' }],
    command: ['sh', '-c', 'flash "$VERSION"', '$(COUNT)'],
  },
};
const RECURRING = {
  apiVersion: 'agent.nodeop.dev/v1alpha1',
  kind: 'NodeOpRun',
  metadata: { name: 'weekly' },
  spec: {
    nodeOp: 'flash',
    schedule: '0 3 * * 1',
    timeZone: 'UTC',
    concurrencyPolicy: 'Allow',
    clusters: ['one'],
  },
};
const SCHEDULED = { ...NODEOP, spec: { ...SPEC, schedule: '0 3 29 2 *', timeZone: 'Asia/Kathmandu' } };

const bytes = (it: string) => new TextEncoder().encode(it);
const DEFINITIONS = [parseDefinition('nodeops/flash.yaml', bytes(JSON.stringify(NODEOP)))] as Definition[];
const [NODEOPS] = customTypes(loadYaml(read('manifests/crd/nodeops.operator.kairos.io.yaml')) as Obj);

/** As the loops read a file: two turns, one for its text and one for what it says. */
function prepared(file: string, work: Work, definitions: readonly Definition[]): Preparation {
  const content = work.turn('reading', () => load(bytes(file)));
  const source = {
    path: 'runs/a.yaml',
    mode: '100644',
    blob: 'b'.repeat(40),
    commit: 'c'.repeat(40),
    content,
  };
  return work.turn('judging', () =>
    prepareRun(source, { layout: LAYOUT, namespace: 'default', definitions, defaultImage: 'busybox' }),
  );
}

const SUBJECT = { path: 'runs/a.yaml', commit: 'c'.repeat(40), author: 'Ada', blob: 'b'.repeat(40) };

/** What is said of problems is one line each, in which nothing acts, wherever it is told. */
function toldWell(problems: readonly LocatedProblem[], file: string, work: Work): void {
  ok(problems.length > 0 && problems.length <= 11, `${problems.length} problems`);
  // As YAML counts them: a carriage return alone ends one as well.
  const lines = file.split(/\r\n?|\n/).length;
  for (const { line, column, message } of problems) {
    ok(line === undefined || (line >= 1 && line <= lines), `line ${line} of ${lines}`);
    ok(column === undefined || column >= 1, `column ${column}`);
    ok(message !== '' && !/[\r\n]/.test(message) && message.length < 2000, JSON.stringify(message));
  }
  const verdict = { phase: 'Invalid' as const, problems, reason: 'Invalid', message: '' };
  const report = work.turn('telling', () =>
    formatReport(reportVerdict(SUBJECT, verdict, undefined, new Date(0))),
  );
  readable(report);
  onTerminal(screen(problems.map((it) => `runs/a.yaml: ${formatProblem(it)}`).join('\n')));
  const plain = problems.map((it) => ({ ...it, message: 'x', path: [] }));
  deepStrictEqual(
    structure(problemsMarkdown('a.yaml', problems)),
    structure(problemsMarkdown('a.yaml', plain)),
  );
}

function carriedOutWell(it: Preparation & { ok: true }, work: Work): void {
  const { manifest } = it;
  const { labels = {}, annotations = {} } = manifest.metadata;
  const known = [
    'agent.nodeop.dev/run',
    'agent.nodeop.dev/run-blob',
    'agent.nodeop.dev/run-commit',
    ANNOTATION_WINDOW,
  ];
  const own = [...Object.keys(labels), ...Object.keys(annotations)].filter(isOwnMark);
  deepStrictEqual(
    own.filter((name) => !known.includes(name)),
    [],
  );
  // What the agent takes the API server takes.
  if (NODEOPS) admit(NODEOPS, structuredClone(manifest) as unknown as Obj);
  const report = work.turn('telling', () => formatReport(reportStart(SUBJECT, manifest)));
  readable(report);
  deepStrictEqual((loadYaml(report) as { spec: unknown }).spec, JSON.parse(JSON.stringify(manifest.spec)));
  work.turn('window', () => closedBecause(annotations[ANNOTATION_WINDOW], 1_900_000_000_000));
}

function due(schedule: Schedule, work: Work): void {
  const now = 1_900_000_000_000;
  const at = work.turn('schedule', () => lastDue(schedule, now - 400 * 86_400_000, now));
  if (at === undefined) return;
  ok(scheduledPath(schedule, at, LAYOUT).startsWith('runs/scheduled/'));
  readable(formatScheduled(schedule, at));
}

const runFiles = kind('run files', documents([NODEOP, RUN, RECURRING]), (file, work) => {
  const it = prepared(file, work, DEFINITIONS);
  if (it.ok) carriedOutWell(it, work);
  else toldWell(it.problems, file, work);
});

const definitions = kind(
  'definitions',
  documents([NODEOP, SCHEDULED, RECURRING, DECLARING]),
  (file, work) => {
    const content = work.turn('reading', () => load(bytes(file)));
    const parsed = work.turn('judging', () => parseDefinition('nodeops/x.yaml', content));
    if ('run' in parsed) {
      due(parsed, work);
      return;
    }
    const { result } = parsed;
    if (!result.ok) {
      toldWell(result.problems, file, work);
      return;
    }
    if (result.recurring) due({ path: 'nodeops/x.yaml', run: result.recurring }, work);
    const run = { ...RUN, spec: { ...RUN.spec, nodeOp: result.name } };
    const it = prepared(JSON.stringify(run), work, [parsed]);
    if (it.ok) carriedOutWell(it, work);
    else toldWell(it.problems, JSON.stringify(run), work);
  },
);

const CONFIG = loadYaml(read('config/agent.yaml')) as object;
const FULL = loadYaml(
  read('config/agent.yaml')
    .replaceAll(/^( *)# ( *(?:[a-zA-Z]+:( |$).*))$/gm, '$1$2')
    .replaceAll(/^ *#.*$/gm, ''),
) as object;

const configurations = kind('configurations', documents([CONFIG, FULL]), (file, work) => {
  const content = work.turn('reading', () => load(bytes(file)));
  const kinds = [{ apiVersion: AGENT_API_VERSION, kind: 'AgentConfig', schema: AgentConfigSchema }];
  const parsed = work.turn('judging', () => parseDocument(content, kinds));
  if (parsed.ok) JSON.stringify(parsed.value);
  else toldWell(parsed.problems, file, work);
});

const holds = kind('hold.yaml', fc.oneof(documents([{ reason: 'not now' }]), text()), (file, work) => {
  const reason = work.turn('reading', () => reasonIn(bytes(file)));
  const told = work.turn('telling', () => clusterHoldText({ repository: reason })) ?? '';
  ok(told !== '' && !told.includes('\n'));
  readable(told);
});

const field = () =>
  fc.oneof(fc.constantFrom('*', '0', '1-5', '*/7', '31', '2', 'mon', '1,2'), fc.string({ maxLength: 8 }));
const cronText = () =>
  fc.oneof(
    fc.array(field(), { minLength: 5, maxLength: 6 }).map((it) => it.join(' ')),
    hostile(),
    fc.nat(17).map((power) => '1,'.repeat(2 ** power)),
  );

const times = kind(
  'times',
  fc.record({
    cron: cronText(),
    zone: fc.oneof(hostile(), fc.constantFrom('UTC', 'Pacific/Apia', 'Etc/GMT+12')),
  }),
  ({ cron, zone }, work) => {
    for (const count of [5, 6] as const) {
      const problem = work.turn('judging', () => cronProblem(cron, count));
      const next = work.turn('next', () => nextTime(cron, 'UTC', 1_900_000_000_000));
      if (problem === undefined && count === 5) ok(next !== undefined, 'never comes');
    }
    const window = JSON.stringify({ schedule: cron, duration: '4h', timeZone: zone });
    work.turn('window', () => closedBecause(window, 1_900_000_000_000));
  },
);

const windows = kind(
  'annotations of windows',
  fc.oneof(
    text(),
    objects(RUN.spec.window).map((it) => JSON.stringify(it) ?? ''),
    values().map((it) => JSON.stringify(it) ?? 'null'),
  ),
  (annotation, work) => {
    const shut = work.turn('judging', () => closedBecause(annotation, 1_900_000_000_000));
    if (shut) readable(shut.reason);
  },
);

const SIGNERS = [
  'ada@example.org namespaces="git" ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ6x3OqS8j0X',
  'bob@example.org,*@x namespaces="git,file",valid-before="20300101",valid-after="20200101Z" ssh-ed25519 AAAAC3Nz',
  '# nobody',
  '*@example.org cert-authority,namespaces="a\\"b" ssh-rsa AAAAB3NzaC1yc2E= with a comment',
].join('\n');

const signers = kind('allowed signers', editsOf(fc.constant(SIGNERS)), (file, work) => {
  const { text: left, keys } = work.steps('reading', signersAt(file, new Date(1_900_000_000_000)));
  const lines = new Set(file.split('\n'));
  for (const line of left.split('\n')) ok(lines.has(line), 'a line of nobody');
  for (const [, flaw] of keys) ok(flaw !== '');
});

export const FILES = [runFiles, definitions, configurations, holds, times, windows, signers];
