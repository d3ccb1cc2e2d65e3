import { formatProblem } from '../../api/schema.ts';
import { line, workflowMessage, workflowProperty } from '../../core/text/output.ts';
import type { FileProblem } from './paths.ts';

/** A line for each problem, as compilers have it, and how many there are. */
export function problemsText(problems: readonly FileProblem[], files: number): string {
  const lines = problems.map(
    (it) => `${line(it.file)}:${it.line ?? 1}:${it.column ?? 1}: ${formatProblem(it)}`,
  );
  const count = `${files} ${files === 1 ? 'file' : 'files'} checked, ${problems.length} ${problems.length === 1 ? 'problem' : 'problems'}`;
  return [...lines, count].join('\n');
}

/** A workflow command; its special characters are percent-encoded as GitHub's toolkit does. */
export function annotation(it: FileProblem): string {
  const at = `file=${workflowProperty(it.file)},line=${it.line ?? 1},col=${it.column ?? 1}`;
  return `::error ${at}::${workflowMessage(formatProblem(it))}`;
}
