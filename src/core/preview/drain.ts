import type { Pod, PodDisruptionBudget } from '../../api/kubernetes.ts';
import type { DrainOptions } from '../../api/nodeop.ts';
import { planDrain } from '../rollout/drain.ts';
import { matches } from '../rollout/targets.ts';

/** What a drain of one node would do now. Pods are `<namespace>/<name>`. */
export interface DrainPreview {
  evict: string[];
  /** What would fail the drain, or hold it up for as long as it stays so. */
  blockers: string[];
  /** What would slow it down. */
  notes: string[];
  /** Budgets that let pods of this node go, and how many of them there are. */
  shares: BudgetShare[];
}

export interface BudgetShare {
  budget: string;
  allowed: number;
  pods: number;
}

export interface NodePods {
  pods: readonly Pod[];
  /** By `<namespace>/<name>`: whether the DaemonSet exists. */
  daemonSets: ReadonlyMap<string, boolean>;
}

/** The drain's own filters decide which pods go; the budgets say what the eviction API would answer. */
export function previewDrain(
  { pods, daemonSets }: NodePods,
  budgets: readonly PodDisruptionBudget[],
  options: DrainOptions,
  agentPod: string | undefined,
): DrainPreview {
  const plan = planDrain(
    { pods, latecomers: new Set(), daemonSets, answers: new Map() },
    options,
    agentPod,
    0,
  );
  if (plan.refused !== undefined) return { evict: [], blockers: [plan.refused], notes: [], shares: [] };
  const uids = new Set(plan.evict.map(({ uid }) => uid));
  const leaving = pods.filter(({ metadata }) => uids.has(metadata.uid ?? ''));
  const evict = leaving.map(nameOf).toSorted();
  return { evict, ...askBudgets(leaving, budgets) };
}

/**
 * What the eviction API answers, by the rules of the pod registry: no budget counts for pods that are
 * pending, finished or terminating; two budgets on one pod are an error; a pod that is not Ready may go
 * when its budget has enough healthy ones, or always by `unhealthyPodEvictionPolicy: AlwaysAllow`.
 * See https://kubernetes.io/docs/tasks/run-application/configure-pdb/.
 */
function askBudgets(pods: readonly Pod[], budgets: readonly PodDisruptionBudget[]) {
  const blockers: string[] = [];
  const held = new Map<PodDisruptionBudget, string[]>();
  for (const pod of pods.filter(isBudgeted)) {
    const mine = budgets.filter((budget) => selects(budget, pod));
    const [budget] = mine;
    if (mine.length > 1) {
      const names = mine.map(nameOf).join(', ');
      blockers.push(`${nameOf(pod)} has more than one budget, which the eviction API refuses: ${names}`);
    } else if (budget !== undefined && !mayGoUnhealthy(budget, pod)) {
      held.set(budget, [...(held.get(budget) ?? []), nameOf(pod)]);
    }
  }
  const notes: string[] = [];
  const shares: BudgetShare[] = [];
  for (const [budget, names] of held) {
    const { disruptionsAllowed = 0, desiredHealthy = 0, currentHealthy = 0 } = budget.status ?? {};
    const list = names.toSorted().join(', ');
    const numbers = `needs ${desiredHealthy} healthy pods and has ${currentHealthy}`;
    if (disruptionsAllowed > 0) {
      shares.push({ budget: nameOf(budget), allowed: disruptionsAllowed, pods: names.length });
    }
    if (disruptionsAllowed <= 0)
      blockers.push(`budget ${nameOf(budget)} allows no disruption (${numbers}): ${list}`);
    else if (disruptionsAllowed < names.length) {
      notes.push(
        `budget ${nameOf(budget)} lets ${disruptionsAllowed} of ${names.length} pods go at a time: ${list}`,
      );
    }
  }
  return { blockers, notes, shares };
}

function isBudgeted({ metadata, status }: Pod): boolean {
  const phase = status?.phase;
  return metadata.deletionTimestamp === undefined && (phase === 'Running' || phase === 'Unknown');
}

function selects(budget: PodDisruptionBudget, pod: Pod): boolean {
  const selector = budget.spec?.selector;
  return (
    selector !== undefined &&
    budget.metadata.namespace === pod.metadata.namespace &&
    matches(selector, pod.metadata.labels ?? {})
  );
}

function mayGoUnhealthy({ spec, status }: PodDisruptionBudget, pod: Pod): boolean {
  const ready = pod.status?.conditions?.find(({ type }) => type === 'Ready');
  if (ready?.status === 'True') return false;
  if (spec?.unhealthyPodEvictionPolicy === 'AlwaysAllow') return true;
  const { desiredHealthy = 0, currentHealthy = 0 } = status ?? {};
  return desiredHealthy > 0 && currentHealthy >= desiredHealthy;
}

function nameOf({ metadata }: Pod | PodDisruptionBudget): string {
  return `${metadata.namespace ?? ''}/${metadata.name ?? ''}`;
}
