import { formatProblem } from '../../api/schema.ts';
import { counted } from '../../core/text/counts.ts';
import { line, workflowMessage, workflowProperty } from '../../core/text/output.ts';
import type { Validated } from './paths.ts';
import type { FileProblem } from './scope.ts';

/** A line for each finding, as compilers have it, and how many there are. */
export function findingsText({ files, problems, warnings }: Validated): string {
  const at = (it: FileProblem) => `${line(it.file)}:${it.line ?? 1}:${it.column ?? 1}:`;
  const lines = [
    ...problems.map((it) => `${at(it)} ${formatProblem(it)}`),
    ...warnings.map((it) => `${at(it)} warning: ${formatProblem(it)}`),
  ];
  const counts = [`${counted(files, 'file')} checked`, counted(problems.length, 'problem')];
  if (warnings.length > 0) counts.push(counted(warnings.length, 'warning'));
  return [...lines, counts.join(', ')].join('\n');
}

/** Workflow commands, whose special characters are percent-encoded as GitHub's toolkit does. */
export function annotations({ problems, warnings }: Validated): string[] {
  const command = (name: string, it: FileProblem) => {
    const at = `file=${workflowProperty(it.file)},line=${it.line ?? 1},col=${it.column ?? 1}`;
    return `::${name} ${at}::${workflowMessage(formatProblem(it))}`;
  };
  return [...problems.map((it) => command('error', it)), ...warnings.map((it) => command('warning', it))];
}
