import type { NodeOpStatus } from '../../api/nodeop.ts';
import type { Sim } from '../../sim/index.ts';
import type { Answer } from './health.ts';

/** What a demonstration shows. */
export interface Scenario {
  title: string;
  /** Path of the run file, and its text, which may name the address of the monitoring. */
  file: string;
  run: (monitoring: string) => string;
  /** What the monitoring says, one after the other; there is none when absent. */
  answers?: readonly Answer[];
  prepare: (sim: Sim) => void;
  /** Somebody in the story acts on what they see. */
  react?: (sim: Sim, status: NodeOpStatus) => void;
}
