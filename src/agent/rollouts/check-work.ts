import type { Pod } from '../../api/kubernetes.ts';
import { LABEL_CHECK, LABEL_NODEOP_UID } from '../../api/labels.ts';
import { type Answer, type CheckFacts, NO_CHECKS, parseTry } from '../../core/checks/try.ts';
import type { PodFacts } from '../../core/rollout/facts.ts';
import { podFacts } from '../../kube/facts.ts';

interface Known extends CheckFacts {
  answers: Map<string, Answer>;
  pods: Map<string, PodFacts>;
  seen: Set<string>;
  gone: Set<string>;
  readAt: Map<string, number>;
}

/** What this process knows of the checks of each NodeOp: pods that there are, and what was answered. */
export class CheckWork {
  private readonly byOwner = new Map<string, Known>();

  /** Takes in a pod of a check; answers the UID of the NodeOp it belongs to, undefined when it is no such pod. */
  change(pod: Pod, gone: boolean): string | undefined {
    const { labels = {}, uid: podUid } = pod.metadata;
    const [uid, key] = [labels[LABEL_NODEOP_UID], labels[LABEL_CHECK]];
    if (uid === undefined || key === undefined) return undefined;
    const known = this.of(uid);
    forgetBefore(known, key);
    if (!gone) known.pods.set(key, podFacts(pod));
    else if (known.pods.get(key)?.uid === podUid) known.pods.delete(key);
    known.seen.add(key);
    if (!gone) known.gone.delete(key);
    return uid;
  }

  answered(uid: string, key: string, answer: Answer): void {
    const known = this.of(uid);
    forgetBefore(known, key);
    known.answers.set(key, answer);
  }

  /** Whether there is, or was, a pod for the try is to be asked. */
  mayBeMade(uid: string, key: string): void {
    this.of(uid).seen.add(key);
  }

  /** Another status has taken the place of the one that was decided: numbers of tries in it may be given again. */
  dropAnswers(uid: string): void {
    this.byOwner.get(uid)?.answers.clear();
  }

  /** The API server itself was asked from that time on, and said whether there is a pod. */
  lookedUp(uid: string, key: string, at: number, isThere: boolean): void {
    const known = this.of(uid);
    known.readAt.set(key, at);
    if (!isThere) known.gone.add(key);
  }

  facts(uid: string): CheckFacts {
    return this.byOwner.get(uid) ?? NO_CHECKS;
  }

  /** Whether pods are there that have not ended. */
  goesOn(uid: string): boolean {
    return [...this.facts(uid).pods.values()].some(({ state }) => state === 'waiting' || state === 'running');
  }

  forget(uid: string): void {
    this.byOwner.delete(uid);
  }

  private of(uid: string): Known {
    let known = this.byOwner.get(uid);
    if (known === undefined) {
      known = { answers: new Map(), pods: new Map(), seen: new Set(), gone: new Set(), readAt: new Map() };
      this.byOwner.set(uid, known);
    }
    return known;
  }
}

/** Of a check that is asked every minute of a week nobody wants the tries that are long over. Pods are there until they are not. */
function forgetBefore({ answers, seen, gone, readAt }: Known, key: string): void {
  const { step, check, number = 0 } = parseTry(key) ?? {};
  for (const known of [answers, seen, gone, readAt]) {
    for (const other of known.keys()) {
      const it = parseTry(other);
      if (it?.step === step && it?.check === check && it !== undefined && it.number < number)
        known.delete(other);
    }
  }
}
