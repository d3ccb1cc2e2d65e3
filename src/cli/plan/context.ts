import type { CheckAccess } from '../../api/check-access.ts';
import type { AgentConfig } from '../../api/config.ts';
import type { Definition } from '../../core/runs/definitions.ts';
import type { Layout } from '../../core/runs/paths.ts';

/** The repository a run file lies in, and what the agent there is configured to. */
export interface PlanContext {
  root: string;
  /** Where reports lie; absent when that is not in `root` and was not told. */
  results: string | undefined;
  layout: Layout;
  namespace: string;
  executor: AgentConfig['rollout']['executor'];
  defaultImage: string | undefined;
  checkAccess?: CheckAccess | undefined;
  maxConcurrent: number;
  maxAgeMs: number;
  /** The agent asks for signatures. */
  verifies: boolean;
  definitions: readonly Definition[];
  nodeSeconds: number;
}
