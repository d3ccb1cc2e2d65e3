import type { RunPreview } from './preview.ts';
import type { Resolved } from '../runs/parameters/environment.ts';
import { fitted } from '../text/fit.ts';
import { line } from '../text/output.ts';
import { stepLines } from './steps.ts';
import { period, table } from '../text/table.ts';
import { yaml } from '../text/yaml.ts';
import { counted } from '../text/counts.ts';

/** The whole in one sentence. */
export function headline({
  nodes,
  batches,
  shortestSeconds,
  nodeOp,
  spec,
  cluster,
  steps = [],
}: RunPreview): string {
  const where = cluster === undefined ? '' : ` on cluster ${cluster}`;
  const count = counted(nodes.length, 'node');
  const inSteps = steps.length === 0 ? '' : ` of ${counted(steps.length, 'step')}`;
  const inBatches = `in ${counted(batches, 'batch', 'batches')}${inSteps}`;
  const isSoaked = steps.some(({ soakSeconds }) => soakSeconds > 0);
  const soaks = [
    ...(spec.soakSeconds > 0 ? [`soak of ${period(spec.soakSeconds)}`] : []),
    ...(isSoaked ? ['soaks of steps'] : []),
  ];
  const soak = soaks.length === 0 ? '' : `, ${soaks.join(' and ')} included`;
  const time = shortestSeconds > 0 ? `; takes at least ${period(shortestSeconds)}${soak}` : '';
  const phases = [
    ...(spec.preflight ? ['preflight'] : []),
    ...(spec.drainOptions.enabled ? ['cordon', 'drain'] : spec.cordon ? ['cordon'] : []),
    'command',
    ...(spec.rebootOnSuccess ? ['reboot'] : []),
    ...(spec.postflight ? ['postflight'] : []),
  ];
  return `Creates NodeOp ${nodeOp}${where}: ${count} ${inBatches}, each: ${phases.join(', ')}${time}.`;
}

/** What the command is given, and whether the run says so. */
export function parameterText({ name, value, isDefault }: Resolved): string {
  return `${name}=${JSON.stringify(value)}${isDefault ? ' (default)' : ''}`;
}

/** A preview for a terminal, of so many columns. */
export function previewText(preview: RunPreview, width?: number): string {
  const lineWidth = Math.min(120, (width ?? 120) - 2);
  const spec = yaml(preview.spec, { lineWidth, noRefs: true }).trimEnd();
  const heading = 'The spec as it would be carried out:';
  return [fitted(previewTable(preview), width), '', heading, spec.replaceAll(/^/gm, '  '), ''].join('\n');
}

/** The same without the spec. */
export function previewTable(preview: RunPreview): string {
  const { run, nodes, blockers, notes, parameters, steps = [] } = preview;
  const hasSteps = steps.length > 0;
  const rows = nodes.map(({ name, batch, reason, evict, step = '', blockers: blocked, notes: own }, i) => [
    String(i + 1),
    ...(hasSteps ? [step] : []),
    batch === undefined ? '-' : String(batch),
    name,
    evict === undefined ? '?' : String(evict.length),
    reason,
    [...blocked.map((it) => `BLOCKED: ${it}`), ...own].join('; '),
  ]);
  const evictions = nodes
    .filter(({ evict }) => evict !== undefined && evict.length > 0)
    .map(({ name, evict = [] }) => `  ${name}: ${evict.join(', ')}`);
  const head = ['#', ...(hasSteps ? ['STEP'] : []), 'BATCH', 'NODE', 'EVICTS', 'WHY HERE', 'REMARKS'];
  // A column of nothing takes room that narrow terminals do not have.
  const isRemarked = rows.some((it) => it.at(-1) !== '');
  const cells = [head, ...rows].map((it) => (isRemarked ? it : it.slice(0, -1)));
  return [
    `${line(run)}: ${line(headline(preview))}`,
    ...blockers.map((it) => `BLOCKED: ${line(it)}`),
    ...notes.map((it) => `- ${line(it)}`),
    ...parameters.map((it) => `- parameter ${line(parameterText(it))}`),
    ...stepLines(steps).flatMap(({ text, checks }) => [
      `- ${line(text)}`,
      ...checks.map((it) => `  - check ${line(it)}`),
    ]),
    ...(rows.length > 0 ? ['', table(cells)] : []),
    ...(evictions.length > 0 ? ['', 'Pods that would be evicted:', ...evictions] : []),
  ].join('\n');
}
