import { type Try, tryKey } from './try.ts';

/** What checks ask the edges to do. Each is idempotent; `reason` is for people. */
export type CheckAction =
  /** Sends the request of a try, or makes its pod. */
  | ({ type: 'ask-check'; reason: string } & Try)
  /** Asks the API server itself for the pod of a try. */
  | ({ type: 'look-up-check'; reason: string } & Try)
  /** The very pod, one of the NodeOp's own. */
  | ({ type: 'delete-check-pod'; name: string; uid: string; reason: string } & Try);

export function checkActionKey(action: Pick<CheckAction, 'type'> & Try): string {
  return `${action.type}/${tryKey(action)}`;
}
