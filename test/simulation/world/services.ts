import type { Check } from '../../../src/api/checks.ts';
import type { Asker } from '../../../src/core/checks/try.ts';
import type { Random } from './random.ts';
import type { ProcessClock } from './time.ts';

/** How a service that checks ask answers. `flapping` and `silent`: every other time well. */
type Health = 'ok' | 'failing' | 'flapping' | 'silent';

export function hostOf(op: string): string {
  return `http://${op}.example.org`;
}

/** Which check of which step of which NodeOp asks, and how it is answered, stand in the address. */
export function addressOf(op: string, step: number, check: number, health: Health): string {
  return `${hostOf(op)}/${step}/${check}/${health}`;
}

/** What the checks of rollouts ask about, outside of the cluster: counted here, whatever the agents make of it. */
export class Services {
  readonly #random: Random;
  readonly #onPass: (op: string, step: number, check: number) => void;
  readonly #asked = new Map<string, number>();

  constructor(random: Random, onPass: (op: string, step: number, check: number) => void) {
    this.#random = random;
    this.#onPass = onPass;
  }

  asker(clock: ProcessClock): Asker {
    return (check, signal) => this.#ask(check, signal, clock);
  }

  async #ask(check: Check, signal: AbortSignal, clock: ProcessClock): ReturnType<Asker> {
    const url = check.http?.url ?? check.prometheus?.url ?? '';
    const [, op = '', step, index, health] =
      /^http:\/\/([\w-]+)\.example\.org\/(\d+)\/(\d+)\/(\w+)$/.exec(url) ?? [];
    const count = (this.#asked.get(url) ?? 0) + 1;
    this.#asked.set(url, count);
    const isSilent = health === 'silent' && count % 2 === 1;
    await wait(clock, isSilent ? check.timeoutSeconds * 1000 : this.#random.between(1, 2_000), signal);
    if (isSilent) return { passed: false, seen: 'no answer' };
    const passed = health === 'ok' || health === 'silent' || (health === 'flapping' && count % 2 === 0);
    if (passed) this.#onPass(op, Number(step), Number(index));
    return { passed, seen: passed ? 'status 200' : 'status 503, expected 200' };
  }
}

function wait(clock: ProcessClock, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const cancel = clock.after(ms, resolve);
    signal.addEventListener('abort', () => {
      cancel();
      reject(new Error('nobody waits any more'));
    });
  });
}
