/** What the core asks the edges to do. Each is idempotent; `reason` is for people. */
export type Action =
  | { type: 'adopt'; reason: string }
  | { type: 'release'; reason: string }
  | { type: 'create-preflight'; node: string; reason: string }
  | { type: 'delete-preflight'; node: string; reason: string }
  | { type: 'cordon'; node: string; reason: string }
  | { type: 'uncordon'; node: string; reason: string }
  | { type: 'watch-pods'; node: string; reason: string }
  | { type: 'evict'; node: string; pod: PodRef; reason: string }
  | { type: 'create-job'; node: string; reason: string }
  | { type: 'look-up-job'; node: string; reason: string }
  | { type: 'create-reboot'; node: string; bootID: string; reason: string };

export interface PodRef {
  namespace: string;
  name: string;
  uid: string;
}

/** Actions with the same key are the same step: while one is under way it is not begun again. */
export function actionKey(action: Action): string {
  const node = 'node' in action ? `/${action.node}` : '';
  return action.type === 'evict' ? `evict${node}/${action.pod.uid}` : `${action.type}${node}`;
}
