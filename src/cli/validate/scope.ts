import type { CheckAccess } from '../../api/check-access.ts';
import type { AgentConfig } from '../../api/config.ts';
import type { LocatedProblem } from '../../api/documents.ts';
import type { Layout } from '../../core/runs/paths.ts';

/** A problem of a file; line and column count from 1. */
export interface FileProblem extends LocatedProblem {
  file: string;
}

/** The repository, and what the agent there is configured to. */
export interface Scope {
  root: string;
  nodeops: string;
  /** Where its folders are, and which cluster it is for, as far as that is configured. */
  layout?: Layout;
  namespace?: string;
  runs?: string;
  executor?: AgentConfig['rollout']['executor'];
  defaultImage?: string | undefined;
  checkAccess?: CheckAccess | undefined;
  /** What `-` stands for: where it would lie in the repository, if that is said. */
  stdin?: { path: string | undefined; bytes: Uint8Array } | undefined;
}
