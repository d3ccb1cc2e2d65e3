/**
 * The protocol with the cluster: every label, annotation and finalizer the agent writes or reads.
 * `kairos.io` and `operator.kairos.io` names are those of the NodeOp reference, so that its tools find
 * our objects; `agent.nodeop.dev` names are this project's own.
 */

/** On Jobs and pods: the NodeOp they belong to (hashed when longer than a label value may be). */
export const LABEL_NODEOP = 'kairos.io/nodeop';
/** On Jobs and pods: the node they work on (hashed when longer than a label value may be). */
export const LABEL_NODE = 'kairos.io/node';
/** On preflight pods, value "true". */
export const LABEL_PREFLIGHT = 'kairos.io/preflight';
/** On reboot pods, value "true". */
export const LABEL_REBOOT = 'kairos.io/reboot';

/** On postflight pods, value "true". */
export const LABEL_POSTFLIGHT = 'kairos.io/postflight';
/** On pods of checks: the try they were made for. */
export const LABEL_CHECK = 'agent.nodeop.dev/check';
/** On Jobs and pods: the NodeOp's UID, so that a re-created NodeOp never inherits older objects. */
export const LABEL_NODEOP_UID = 'agent.nodeop.dev/nodeop-uid';
/** On Jobs and pods: the node's full name, since the label may hold a hash of it. */
export const ANNOTATION_NODE = 'agent.nodeop.dev/node';
/** On Jobs and pods: the UID of the node they were made for, since another one may come up under its name. */
export const ANNOTATION_NODE_UID = 'agent.nodeop.dev/node-uid';
/** On a node: who cordoned it, `<namespace>/<name>@<uid>` of a NodeOp. */
export const ANNOTATION_CORDONED_BY = 'operator.kairos.io/cordoned-by';
/** On a NodeOp: JSON of the spec that is carried out, as it was when the run began. */
export const ANNOTATION_SPEC = 'agent.nodeop.dev/executed-spec';
/**
 * On a NodeOp: its own UID. Backups and `kubectl get -o yaml | kubectl create` copy annotations, never UIDs: what the
 * agent wrote on a NodeOp counts only together with the UID it was written for. On one of a run it is written once the
 * run is on record, and nothing begins before.
 */
export const ANNOTATION_UID = 'agent.nodeop.dev/uid';
/** On a NodeOp that carries the annotations of a run and is not that run's own: why it is never carried out. */
export const ANNOTATION_REFUSED = 'agent.nodeop.dev/refused';
/** On a NodeOp: keeps it until what it cordoned is uncordoned. */
export const FINALIZER = 'operator.kairos.io/undo';
/** On a NodeOp created for a run: `<cluster>:<path of the run file>`. */
export const ANNOTATION_RUN = 'agent.nodeop.dev/run';
/** On a NodeOp created for a run: blob id of the run file it was made from. */
export const ANNOTATION_RUN_BLOB = 'agent.nodeop.dev/run-blob';
/** On a NodeOp created for a run: id of the commit the run file was added in. */
export const ANNOTATION_RUN_COMMIT = 'agent.nodeop.dev/run-commit';
/** On a NodeOp created for a run: whose signature let it start, where signatures are asked for. */
export const ANNOTATION_RUN_SIGNER = 'agent.nodeop.dev/run-signer';
/** On a NodeOp created for a run: JSON of the parameters it was made with, by name. */
export const ANNOTATION_PARAMETERS = 'agent.nodeop.dev/parameters';
/** On a NodeOp: JSON of the window (`schedule`, `duration`, `timeZone`) outside of which no node is started. */
export const ANNOTATION_WINDOW = 'agent.nodeop.dev/window';
/**
 * On a run: the series it belongs to. A run whose turn comes while an earlier one of its series is not over is
 * skipped. Set on runs of a schedule with `concurrencyPolicy: Forbid`.
 */
export const ANNOTATION_SERIES = 'agent.nodeop.dev/series';
/** On a NodeOp: a human's reason to stop it; its presence stops the rollout gracefully. */
export const ANNOTATION_CANCEL = 'agent.nodeop.dev/cancel';
/**
 * On a NodeOp, or on the agents' Lease for the whole cluster: people's reason, or nothing, why no new node is to start. Its
 * presence holds; nodes in flight finish. Git never undoes it.
 */
export const ANNOTATION_HOLD = 'agent.nodeop.dev/hold';
/** Written by the agent, or in the cluster by people, for one NodeOp alone: no manifest may bring them along. */
export const OWN_ANNOTATIONS = [
  ANNOTATION_SPEC,
  ANNOTATION_UID,
  ANNOTATION_RUN,
  ANNOTATION_RUN_BLOB,
  ANNOTATION_RUN_COMMIT,
  ANNOTATION_RUN_SIGNER,
  ANNOTATION_PARAMETERS,
  ANNOTATION_REFUSED,
  ANNOTATION_CANCEL,
  ANNOTATION_HOLD,
] as const;
/** On the agents' Lease: a new value asks the one that leads for a poll at once. */
export const ANNOTATION_POLL = 'agent.nodeop.dev/poll';
/** On the agent's Lease: nobody had led for a while, and NodeOps were not compared with their reports since. */
export const ANNOTATION_UNTENDED = 'agent.nodeop.dev/untended';
/** Control-plane nodes carry one of these. */
export const LABELS_CONTROL_PLANE = [
  'node-role.kubernetes.io/control-plane',
  'node-role.kubernetes.io/master',
] as const;
/** On a node, written by its kubelet: mostly its name, though it need not be. */
export const LABEL_HOSTNAME = 'kubernetes.io/hostname';
/** On the ConfigMaps in which an agent remembers what began: the name of its Lease (hashed when too long). */
export const LABEL_RECORD = 'agent.nodeop.dev/record';
/** On those ConfigMaps: `head`, `entries` or `result`. */
export const LABEL_RECORD_PART = 'agent.nodeop.dev/record-part';

/** Whether a label or annotation is this project's own, so that no file of people may bring it along. */
export function isOwnMark(name: string): boolean {
  // A series is told by the file of a scheduled run, and may be by others.
  return (
    (name.startsWith('agent.nodeop.dev/') && name !== ANNOTATION_SERIES) || name === ANNOTATION_CORDONED_BY
  );
}

/** The container of each pod of a NodeOp that does its work; others may be injected beside it. */
export const CONTAINER = 'nodeop';
