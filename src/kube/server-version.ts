import type { Clock } from '../core/ports.ts';
import type { KubeClient } from './client.ts';

/** Of the server's version, 20 of `1.20`; undefined when it tells none. */
export async function minorOf(client: Pick<KubeClient, 'request'>): Promise<number | undefined> {
  const version = (await client.request('GET', '/version')) as { minor?: string };
  const minor = Number.parseInt(version.minor ?? '', 10);
  return Number.isNaN(minor) ? undefined : minor;
}

const RETRY_MS = 60_000;

/** What version the API server has, once it has said so; nobody waits for that. */
export class ServerVersion {
  minor: number | undefined;
  readonly #client: KubeClient;
  readonly #clock: Clock;
  readonly #onKnown: () => void;
  #cancel: (() => void) | undefined;
  #stopped = false;

  constructor(client: KubeClient, clock: Clock, onKnown: () => void) {
    this.#client = client;
    this.#clock = clock;
    this.#onKnown = onKnown;
  }

  async ask(): Promise<void> {
    try {
      this.minor = await minorOf(this.#client);
      if (!this.#stopped) this.#onKnown();
    } catch {
      if (!this.#stopped) this.#cancel = this.#clock.after(RETRY_MS, () => void this.ask());
    }
  }

  stop(): void {
    this.#stopped = true;
    this.#cancel?.();
  }
}
