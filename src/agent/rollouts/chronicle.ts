import type { NodeOpStatus } from '../../api/nodeop.ts';
import { DEFINITION, LACKS_FIELDS } from '../../core/definition.ts';
import type { Action } from '../../core/rollout/actions.ts';
import type { Decision } from '../../core/rollout/decision.ts';
import { newsOf } from '../../core/rollout/events.ts';
import type { Refusal } from '../../core/rollout/refusal.ts';
import type { EventRecorder } from '../../kube/events.ts';
import type { Logger } from '../logger.ts';
import type { CheckClock } from './check-clock.ts';
import type { PhaseClock } from './phase-clock.ts';
import type { Rollout } from './rollout.ts';
import { own } from '../../api/own.ts';

export interface ChronicleOptions {
  logger: Logger;
  events: EventRecorder;
  phases: PhaseClock;
  checks: CheckClock;
}

/** Cordons change what people see of a node. */
const TOLD = { cordon: 'Cordoned', uncordon: 'Uncordoned', 'hand-over': 'CordonHandedOver' } as const;

/** Tells people what happens: in the log, as Events, and in how long phases take. */
export class Chronicle {
  private readonly options: ChronicleOptions;

  constructor(options: ChronicleOptions) {
    this.options = options;
  }

  /** A look has changed how a rollout stands. */
  changed(rollout: Rollout, before: NodeOpStatus, { status: after, changed = new Map() }: Decision): void {
    const { logger, events, phases, checks } = this.options;
    const log = logger.child({ nodeOp: rollout.label });
    if (before.phase !== after.phase) log.info({ phase: after.phase, done: after.summary?.done }, 'rollout');
    const target = rollout.target();
    const drains = target.spec.drainOptions.enabled;
    for (const [node, { phase: was }] of changed) {
      const status = own(after.nodeStatuses, node);
      if (status === undefined || was === status.phase || status.phase === 'Pending') continue;
      log.info({ node, phase: status.phase, message: status.message }, 'node');
      // A node that is only cordoned passes through the same phase.
      if (status.phase !== 'Draining' || drains) phases.moved(rollout.uid, node, was, status.phase);
    }
    checks.changed(rollout.uid, target.spec, before, after);
    for (const one of newsOf(before, after, changed, drains)) events.record(target, one);
  }

  refused(rollout: Rollout, refusal: Refusal): void {
    this.options.events.record(rollout.target(), { type: 'Warning', ...refusal });
    this.options.logger.warn({ nodeOp: rollout.label, ...refusal }, 'NodeOp is refused');
  }

  done(rollout: Rollout, action: Action): void {
    const reason = Object.entries(TOLD).find(([type]) => type === action.type)?.[1];
    if (reason === undefined || !('node' in action)) return;
    const to = action.type === 'hand-over' ? `; the cordon is now of ${action.to.split('@')[0]}` : '';
    const news = { type: 'Normal', reason, message: `${action.reason}${to}`, node: action.node } as const;
    this.options.events.record(rollout.target(), news);
  }

  /** An action has failed again and again; it is tried on. */
  trouble(rollout: Rollout, action: Action, why: string): void {
    const { logger, events } = this.options;
    const node = 'node' in action ? { node: action.node } : {};
    const fields = { nodeOp: rollout.label, type: action.type, ...node, err: why };
    logger.error(fields, 'action keeps failing: the rollout does not get on with it');
    const message = `${action.type} keeps failing: ${why}`;
    events.record(rollout.target(), { type: 'Warning', reason: 'ActionFailing', message, ...node });
  }

  /** The API server admits no write to this object: the status cannot say what is wrong, an event can. */
  unwritable(rollout: Rollout, why: string): void {
    const message = `the status cannot be written: ${why}`;
    this.options.events.record(rollout.target(), { type: 'Warning', reason: 'StatusRefused', message });
  }

  /** The cluster's definition of NodeOps lacks something. */
  lacks(message: string): void {
    const apiVersion = 'apiextensions.k8s.io/v1';
    const involved = { kind: 'CustomResourceDefinition', apiVersion, name: DEFINITION };
    this.options.events.about(involved, { type: 'Warning', reason: LACKS_FIELDS, message });
  }

  /** A cordon that nobody looked after was settled. */
  settledCordon(node: string, mark: string, heir: string | undefined): void {
    const { logger } = this.options;
    if (heir === undefined)
      logger.warn({ node, mark }, 'uncordoned: no NodeOp has a reason for its cordon any more');
    else logger.warn({ node, mark, heir }, 'cordon is handed over to the NodeOp that works on the node');
  }
}
