import type { KubeObject } from '../api/kubernetes.ts';
import { plain } from '../core/text/output.ts';
import { checkPod } from '../core/checks/pod.ts';
import type { Rehearsal } from '../core/rollout/facts.ts';
import { mainJob, postflightPod, preflightPod, rebootPod } from '../core/rollout/manifests.ts';
import { type ApiError, isApiError } from './api-error.ts';
import type { KubeClient } from './client.ts';
import type { ExecutionTarget } from './executor.ts';
import { JOBS, PODS, type Resource } from './resources.ts';

/** What is forbidden is asked for again after this long, unless the server says otherwise. */
const RETRY_MS = 10_000;
/** Somebody who asked without a longer pause than this past its turn has heard the same all the time. */
const SAME_MS = 60_000;
/** What is sent will be as wrong the next time. */
const FOR_GOOD: ReadonlySet<number> = new Set([400, 413, 422]);

/**
 * Lets the API server judge all that a rollout makes, with everything that stands before it (schemas, webhooks, policies,
 * quotas), and store nothing of it. An error means that it did not judge.
 */
export async function rehearseAt(
  client: KubeClient,
  op: ExecutionTarget,
  node: string,
  { before, now }: { before: Rehearsal | undefined; now: number },
): Promise<Rehearsal> {
  for (const [what, resource, body] of objectsOf(op, node)) {
    try {
      // oxlint-disable-next-line no-await-in-loop -- the first refusal is told
      await client.create<KubeObject>(resource, body, op.namespace, { dryRun: true });
    } catch (error) {
      if (!isApiError(error)) throw error;
      if (tellsNothing(error)) continue;
      const message = `the API server refuses the ${what}: ${plain(error.message).slice(0, 1024)}`;
      if (FOR_GOOD.has(error.code)) return { kind: 'refused', message };
      if (error.code !== 403) throw error;
      const isSame = before?.kind === 'forbidden' && now < before.retryAt + SAME_MS;
      const since = isSame ? before.since : now;
      return { kind: 'forbidden', message, since, at: now, retryAt: now + (error.retryAfterMs ?? RETRY_MS) };
    }
  }
  return { kind: 'accepted' };
}

function objectsOf(op: ExecutionTarget, node: string): [what: string, Resource, KubeObject][] {
  const { spec } = op;
  const objects: [string, Resource, KubeObject][] = [['Job', JOBS, mainJob(op, spec, node)]];
  if (spec.preflight !== undefined) objects.push(['preflight pod', PODS, preflightPod(op, spec, node)]);
  // Whatever its boot ID is by then, that is of no concern to the server.
  if (spec.rebootOnSuccess) objects.push(['reboot pod', PODS, rebootPod(op, spec, node, 'unknown')]);
  if (spec.postflight !== undefined) objects.push(['postflight pod', PODS, postflightPod(op, spec, node)]);
  for (const [step, { checks = [] }] of (spec.steps ?? []).entries()) {
    const check = checks.findIndex((it) => it.command !== undefined);
    if (check < 0) continue;
    // Before the first one: of no try that is ever made.
    const pod = checkPod(op, spec, { step, check, number: 0 });
    objects.push([`pod of steps[${step}].checks[${check}]`, PODS, pod]);
  }
  return objects;
}

/** One that is there already was taken; and a webhook from before Kubernetes 1.22 may judge only what is really made. */
function tellsNothing({ code, status, message }: ApiError): boolean {
  const isUnsupported = code === 400 && message.endsWith('does not support dry run');
  return (code === 409 && status.reason === 'AlreadyExists') || isUnsupported;
}
