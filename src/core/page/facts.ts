import type { Node } from '../../api/kubernetes.ts';
import type { NodeOp } from '../../api/nodeop.ts';
import type { Top } from '../../api/page.ts';
import { clusterHoldText, heldHeading } from '../holds.ts';
import type { Told } from '../runs/ledger.ts';
import type { Layout } from '../runs/paths.ts';
import type { ReportCard } from './card.ts';
import type { GitPlace } from './git-place.ts';
import type { Sees } from './sees.ts';

/** Everything the views of the page are made of, as it is known now. */
export interface PageFacts {
  /** Epoch milliseconds. */
  now: number;
  layout: Layout;
  nodeOps: readonly NodeOp[];
  nodes: ReadonlyMap<string, Node>;
  /** Newest first. */
  reports: { cards: readonly ReportCard[]; total: number; state: 'none' | 'reading' | 'read' };
  /** What the agent keeps on record of runs that have not begun; undefined where that may not be read. */
  record: Told | undefined;
  lease: { holder?: string | undefined; hold?: string | undefined };
  /** Why what is known may be old. */
  stale?: string | undefined;
  agent: AgentFacts;
  /** Where pages of the repository are; undefined where that cannot be told. */
  git: GitPlace | undefined;
  /** The same of the branch with the reports. */
  gitOfResults: GitPlace | undefined;
  /** Flags that lead to the cluster, for commands that are proposed. */
  access: { own: string; kubectl: string };
}

export interface AgentFacts {
  servedBy: 'leader' | 'standby' | 'command';
  version: string;
  kubernetes?: string | undefined;
  repository?: string | undefined;
  branch?: string | undefined;
  tip?: string | undefined;
  lastPoll?: number | undefined;
  problems: readonly string[];
}

/** The same, as far as one reader may see it. */
export interface SeenFacts extends PageFacts {
  sees: Sees;
}

/** What is wrong with the agent, or with what it looks for. */
export function problemsOf({ agent, record }: PageFacts): string[] {
  return [...agent.problems, ...(record?.misnamed ?? [])];
}

export function topOf({ layout, lease, nodeOps, stale }: PageFacts): Top {
  const held = clusterHeld(lease.hold, nodeOps);
  return {
    ...(layout.cluster !== undefined && { cluster: layout.cluster }),
    ...(held !== undefined && { held: heldHeading(held) }),
    ...(stale !== undefined && { stale }),
  };
}

/** By whom the whole cluster is held: as the agent says of NodeOps that go on, or else as the Lease says now. */
function clusterHeld(lease: string | undefined, nodeOps: readonly NodeOp[]): string | undefined {
  for (const { status } of nodeOps) {
    const held = status?.conditions?.find(
      ({ reason }) => reason === 'HeldByRepository' || reason === 'HeldByLease',
    );
    if (held && status?.completedAt === undefined) return held.message;
  }
  return clusterHoldText({ lease });
}

/** Epoch milliseconds of a time on record. */
export function ms(time: string | undefined): number | undefined {
  const at = Date.parse(time ?? '');
  return Number.isNaN(at) ? undefined : at;
}

/** Leaves out what is undefined. */
export function known<T extends object>(value: { [Key in keyof T]: T[Key] | undefined }): T {
  return Object.fromEntries(Object.entries(value).filter(([, it]) => it !== undefined)) as T;
}
