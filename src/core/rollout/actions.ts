import { type CheckAction, checkActionKey } from '../checks/actions.ts';

/** What the core asks the edges to do. Each is idempotent; `reason` is for people. */
export type Action =
  | CheckAction
  | { type: 'adopt'; reason: string }
  | { type: 'release'; reason: string }
  /** Asks whether the API server would take what is to be made, here for one of the nodes; nothing is made. */
  | { type: 'rehearse'; node: string; reason: string }
  | { type: 'create-preflight'; node: string; reason: string }
  | { type: 'cordon'; node: string; reason: string }
  | { type: 'uncordon'; node: string; reason: string }
  /** The cordon is another NodeOp's from now on: `to` is its mark. */
  | { type: 'hand-over'; node: string; to: string; reason: string }
  | { type: 'watch-pods'; node: string; reason: string }
  | { type: 'evict'; node: string; pod: PodRef; reason: string }
  | { type: 'create-job'; node: string; reason: string }
  | { type: 'look-up-job'; node: string; reason: string }
  | { type: 'create-reboot'; node: string; bootID: string; reason: string }
  | { type: 'create-postflight'; node: string; reason: string }
  /** Reads all that a verdict on the node is made of anew, past every cache. */
  | { type: 'confirm'; node: string; reason: string }
  /** The very Job, and with it its pods. */
  | { type: 'delete-job'; node: string; name: string; uid: string; reason: string }
  /** The very pod, one of the NodeOp's own. */
  | { type: 'delete-pod'; node: string; name: string; uid: string; reason: string };

export interface PodRef {
  namespace: string;
  name: string;
  uid: string;
}

/** Actions with the same key are the same step: while one is under way it is not begun again. */
export function actionKey(action: Action): string {
  if (action.type === 'evict') return `evict/${action.node}/${action.pod.uid}`;
  if (action.type === 'delete-pod') return `delete-pod/${action.node}/${action.uid}`;
  if ('check' in action) return checkActionKey(action);
  return nodeKey(action.type, 'node' in action ? action.node : undefined);
}

/** The key of an action that there is one of for each node. */
export function nodeKey(type: Action['type'], node: string | undefined): string {
  return node === undefined ? type : `${type}/${node}`;
}
