import { oneLine } from '../text/table.ts';
import type { Head } from './ledger.ts';

/** Where the agent keeps on record which run files never begin. */
export const BASELINE = '.baseline.yaml of the results folder';

/** So many are named; with more of them they are old ones. */
const NAMED = 3;

/** Of run files that never begin. */
export function passedOverText({
  passedOver,
  passedOverRuns,
}: Pick<Head, 'passedOver' | 'passedOverRuns'>): string {
  const names = passedOverRuns.slice(-NAMED).map((it) => oneLine(it, 200));
  const rest = passedOver > names.length ? ', …' : '';
  const [files, way] = passedOver === 1 ? ['run file', 'it'] : ['run files', 'one'];
  return `Passed over: ${passedOver} ${files} (${names.join(', ')}${rest}), see ${BASELINE}; to carry ${way} out, add it under another name.`;
}
