import { ANNOTATION_WINDOW } from '../../api/labels.ts';
import { nodeOpHoldText } from '../../core/holds.ts';
import type { Clock } from '../../core/ports.ts';
import type { NodeFacts, RolloutFacts, WorkFacts } from '../../core/rollout/facts.ts';
import { placeHeld } from '../../core/runs/places.ts';
import type { ServerVersion } from '../../kube/server-version.ts';
import type { Holds } from '../holds.ts';
import type { CheckWork } from './check-work.ts';
import type { Claims } from './claims.ts';
import type { DefinitionWatch } from './definition-watch.ts';
import type { DrainOwners } from './drain-owners.ts';
import type { Rollout } from './rollout.ts';
import type { WorkIndex } from './work-index.ts';

export interface ObservationOptions {
  clock: Clock;
  holds: Holds;
  definition: Pick<DefinitionWatch, 'obstacle'>;
  version: Pick<ServerVersion, 'minor'>;
  nodes: ReadonlyMap<string, NodeFacts>;
  work: WorkIndex;
  checks: CheckWork;
  drainOwners: DrainOwners;
  claims: Claims;
  /** Those of which it is only known what is on record. */
  unseen: ReadonlySet<string>;
  runsAreMarked: boolean;
  maxConcurrent: number;
  agentNode: string | undefined;
  agentPod: string | undefined;
}

/** Gathers what is known of the cluster into the facts that a decision on one NodeOp is made of. */
export class Observation {
  private readonly options: ObservationOptions;

  constructor(options: ObservationOptions) {
    this.options = options;
  }

  facts(rollout: Rollout, spec: RolloutFacts['spec'], specChanged: boolean): RolloutFacts {
    const { clock, definition, version, checks, nodes, claims, agentNode, agentPod } = this.options;
    const { runsAreMarked } = this.options;
    return {
      ...ofObject(rollout, clock),
      wall: clock.wall(),
      spec,
      specChanged,
      awaitsRecordSince: runsAreMarked ? rollout.awaitsRecordSince : undefined,
      obstacle: definition.obstacle,
      serverMinor: version.minor,
      hold: this.holdOf(rollout),
      placeHeld: this.placeHeld(rollout),
      checks: checks.facts(rollout.uid),
      nodes,
      work: this.workOf(rollout.uid),
      ...claims.against(rollout),
      agentNode,
      agentPod,
    };
  }

  /** Each node's is put together when it is asked for: a look asks for few of thousands. */
  private workOf(uid: string): RolloutFacts['work'] {
    const { work, drainOwners } = this.options;
    const get = (node: string): WorkFacts | undefined => {
      const known = work.factsOn(uid, node);
      const drain = drainOwners.facts(node, uid);
      return drain === undefined ? known : { ...known, drain };
    };
    const nodes = () => new Set([...work.nodesOf(uid), ...drainOwners.nodes()]);
    return {
      get,
      *[Symbol.iterator]() {
        for (const node of nodes()) yield [node, get(node) ?? {}] as const;
      },
    };
  }

  private holdOf({ object, persisted }: Rollout): RolloutFacts['hold'] {
    const own = nodeOpHoldText(object);
    const { text, current, sure } = this.options.holds;
    if (text !== undefined) {
      const by = current.lease === undefined ? 'Repository' : 'Lease';
      return { by, text: own === undefined ? text : `${text}; ${own}` };
    }
    if (own !== undefined) return { by: 'Annotation', text: own };
    // What the repository said last is on record, for as long as nobody can read it anew.
    const said = sure ? undefined : persisted.conditions?.find(({ reason }) => reason === 'HeldByRepository');
    return said && { by: 'Repository', text: said.message ?? '' };
  }

  private placeHeld({ object, status, uid }: Rollout): string | undefined {
    const { holds, claims, unseen, maxConcurrent } = this.options;
    if (!holds.tried) return 'waiting until the repository has said whether all clusters are held';
    const isAnyUnseen = unseen.size > Number(unseen.has(uid));
    return placeHeld({ ...object, status }, { others: claims.others(uid), isAnyUnseen }, maxConcurrent);
  }
}

/** What the NodeOp itself tells, and what became of the actions on it. */
function ofObject(rollout: Rollout, clock: Clock) {
  const { namespace = 'default', name = '', generation = 0, annotations } = rollout.object.metadata;
  return {
    namespace,
    name,
    uid: rollout.uid,
    generation,
    adopted: rollout.adopted,
    finalized: rollout.finalized,
    cancelled: rollout.cancelled,
    cancelledAt: rollout.cancelledAt(clock.steady()),
    deleted: rollout.deleted,
    window: annotations?.[ANNOTATION_WINDOW],
    status: rollout.status,
    persisted: rollout.persisted,
    found: rollout.found,
    rehearsal: rollout.rehearsal,
    troubles: rollout.failures.troubles(),
    refusedSince: (key: string) => rollout.failures.refusedSince(key),
    refusal: (key: string) => rollout.failures.refusal(key),
    mayComeUntil: (key: string) => rollout.failures.mayComeUntil(key),
    busy: rollout.underWay,
  };
}
