import { ANNOTATION_RUN } from '../../../../src/api/labels.ts';
import { isFinalNodePhase, type NodeOpStatus } from '../../../../src/api/nodeop.ts';
import { isFinalReport, type NodeOpReport } from '../../../../src/api/report.ts';
import type { Obj } from '../../../../src/sim/store/object.ts';
import type { Repository } from '../repository.ts';
import { type ClusterName, isFor, type OpPlan } from '../plan.ts';
import type { Seen } from './seen.ts';

const NODEOPS = 'nodeops.operator.kairos.io';

interface World {
  cluster: Seen;
  repository: Pick<Repository, 'report' | 'holds' | 'isTampered' | 'isTidied'>;
  plan: {
    cluster?: ClusterName;
    ops: readonly Pick<OpPlan, 'name' | 'clusters'>[];
    /** What people do with a run. */
    events: readonly { kind: string; what?: string; on?: string | number }[];
    reverted: readonly string[];
  };
  broken: (what: string) => void;
}

/** What Git says of runs, against what became of them. */
export class Reports {
  readonly #world: World;
  /** By the path of a run the last that was known of its NodeOp. */
  readonly #last = new Map<string, NodeOpStatus>();

  constructor(world: World) {
    this.#world = world;
    world.cluster.store.watchAll((key, { object, before }) => {
      if (key === NODEOPS) this.#stored(object, before);
    });
  }

  #stored({ metadata, status }: Obj, before: Obj | undefined): void {
    const { plan, repository, broken } = this.#world;
    const run = metadata.annotations?.[ANNOTATION_RUN];
    if (run === undefined) return;
    if (status !== undefined) this.#last.set(fileOf(run), status);
    const isAnnounced = before !== undefined || repository.isTampered;
    if (!isAnnounced && this.#report(fileOf(run)) === undefined)
      broken(`${metadata.name} begins though there is no report of it`);
    const op = plan.ops.find(({ name }) => name === metadata.name);
    if (op && !isFor(op, plan.cluster)) broken(`${metadata.name} begins, which is a run of another cluster`);
  }

  #report(path: string): NodeOpReport | undefined {
    const { repository, plan } = this.#world;
    return repository.report(path, plan.cluster);
  }

  /** Each run of this cluster has a final report that says what its NodeOp says, or said when it was deleted. */
  atEnd(): void {
    const { broken, cluster, plan } = this.#world;
    for (const op of plan.ops) {
      const path = `${op.name}.yaml`;
      const nodeOp = cluster.nodeOps().find(({ metadata }) => metadata.name === op.name);
      const { phase } = (nodeOp?.status ?? {}) as NodeOpStatus;
      if (isFor(op, plan.cluster)) this.#ends(path, phase);
      else if (this.#report(path) !== undefined)
        broken(`there is a report of ${path}, which is a run of another cluster`);
    }
  }

  #ends(path: string, phase: NodeOpStatus['phase']): void {
    const { repository, broken } = this.#world;
    const report = this.#report(path);
    if (report === undefined) {
      const isGone = repository.isTidied && phase === undefined;
      if (!isGone && (repository.holds(path) || phase !== undefined)) broken(`there is no report of ${path}`);
      return;
    }
    if (!isFinalReport(report)) return broken(`the report of ${path} ends as ${report.status.phase}`);
    if (phase !== undefined && report.status.phase !== phase)
      broken(`the report of ${path} says ${report.status.phase}, its NodeOp ${phase}`);
    if (!repository.isTampered) this.#agrees(path, report);
    if (report.status.phase === 'Cancelled' && !this.#isByPeople(path))
      broken(`${path} is Cancelled though nobody wanted it: ${report.status.reason}`);
  }

  /** The verdict on each node is told. */
  #agrees(path: string, { status }: NodeOpReport): void {
    const told = new Map(status.nodes?.map((it) => [it.name, it.phase]));
    for (const [node, { phase }] of Object.entries(this.#last.get(path)?.nodeStatuses ?? {}))
      if (isFinalNodePhase(phase) && told.get(node) !== phase)
        this.#world.broken(`the report of ${path} says of ${node} ${told.get(node)}, not ${phase}`);
  }

  #isByPeople(path: string): boolean {
    const { plan, repository } = this.#world;
    const name = path.replace('.yaml', '');
    const isAsked = plan.events.some(
      (event) =>
        event.kind === 'people' &&
        event.on === name &&
        ['cancel', 'delete', 'revert'].includes(event.what ?? ''),
    );
    return isAsked || plan.reverted.includes(name) || repository.isTampered;
  }
}

function fileOf(run: string): string {
  return run.split('/').at(-1) ?? '';
}
