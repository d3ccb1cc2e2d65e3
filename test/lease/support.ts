import type { Lease } from '../../src/api/kubernetes.ts';
import { ApiError } from '../../src/kube/api-error.ts';
import { mergePatch } from '../../src/core/runs/merge.ts';
import { LeaderElection } from '../../src/kube/lease.ts';

type Request = { body?: unknown; signal?: AbortSignal };

/** The one lease of an API server, with a switch for each way it may fail. Works on the fake clock. */
export class LeaseServer {
  lease: Lease | undefined;
  private version = 0;

  /** What an agent talks through; `network` is asked anew for each request. */
  client(network: () => { delayMs?: number; down?: boolean; answerLost?: boolean } = () => ({})) {
    const request = async (method: string, _path: string, { body, signal }: Request = {}) => {
      const { delayMs = 1, down = false, answerLost = false } = network();
      await wait(delayMs, signal);
      if (down) throw new ApiError(0, { message: 'connection refused' });
      const answer = this.serve(method, body as Lease | undefined);
      await wait(delayMs, signal);
      if (answerLost) throw new ApiError(0, { message: 'connection reset' });
      return answer;
    };
    return { request };
  }

  edit(change: (lease: Lease) => void): void {
    if (this.lease === undefined) throw new Error('there is no lease');
    const lease = structuredClone(this.lease);
    change(lease);
    this.store(lease);
  }

  private serve(method: string, body: Lease | undefined): Lease {
    if (method === 'POST' && this.lease) throw new ApiError(409, { message: 'already exists' });
    if (method === 'POST') return this.store(body ?? { metadata: {} });
    if (this.lease === undefined) throw new ApiError(404, { message: 'not found' });
    if (method === 'GET') return structuredClone(this.lease);
    if (body?.metadata.resourceVersion !== this.lease.metadata.resourceVersion) {
      throw new ApiError(409, { message: 'the object has been modified' });
    }
    return this.store(mergePatch(this.lease, body) as Lease);
  }

  private store(lease: Lease): Lease {
    const resourceVersion = String(++this.version);
    this.lease = { ...structuredClone(lease), metadata: { ...lease.metadata, resourceVersion } };
    return structuredClone(this.lease);
  }
}

function wait(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal?.addEventListener('abort', () => {
      clearTimeout(timer);
      reject(new ApiError(0, { message: 'timeout' }));
    });
  });
}

/** An election with its history: whether it leads, and why it stopped. */
export function candidate(
  identity: string,
  client: ReturnType<LeaseServer['client']>,
  times: { leaseDurationMs: number; renewDeadlineMs: number } = {
    leaseDurationMs: 12_000,
    renewDeadlineMs: 8_000,
  },
) {
  const log: string[] = [];
  const untended: boolean[] = [];
  let holds = () => false;
  let left = () => 0;
  const election = new LeaderElection({
    client,
    namespace: 'ops',
    name: 'agent',
    identity,
    ...times,
    retryPeriodMs: 2_000,
    onGain: (tenure, isUntended) => {
      ({ holds, left } = tenure);
      log.push('gain');
      untended.push(isUntended);
    },
    onLoss: (reason) => log.push(`loss: ${reason}`),
    onWait: (holder) => log.push(`waits for ${holder}`),
    onError: () => log.push('error'),
  });
  return { election, log, untended, leads: () => holds(), left: () => left() };
}
