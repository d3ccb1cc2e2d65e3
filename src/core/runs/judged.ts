import type { NodeOpReport } from '../../api/report.ts';

/**
 * Whether a run was found invalid by what its file and its definition hold now. `definitionBlob`: object ids of the contents
 * that define a name.
 */
export function judgedAsItIs(
  { status, run }: NodeOpReport,
  blob: string | undefined,
  definitionBlob: (name: string) => string | undefined,
): boolean {
  if (status.phase !== 'Invalid' || run.blob !== blob) return false;
  const { definition } = run;
  return definition === undefined || definitionBlob(definition.name) === definition.blob;
}
