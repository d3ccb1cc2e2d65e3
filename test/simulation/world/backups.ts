import type { Backup, Store } from '../../../src/sim/store/store.ts';
import type { VirtualTime } from './time.ts';

interface Saved {
  at: number;
  backup: Backup;
}

function holderIn({ tables }: Backup): unknown {
  const [lease] = tables.get('leases.coordination.k8s.io')?.values() ?? [];
  return lease?.spec?.['holderIdentity'];
}

/** How the store was at each moment at which something was written, as far back as is asked for. */
export class Backups {
  readonly #saved: Saved[] = [];

  readonly #store: Store;

  constructor(store: Store, time: VirtualTime, agesMs: number) {
    this.#store = store;
    store.watchAll(() => {
      if (this.#saved.at(-1)?.at === time.now) this.#saved.pop();
      this.#saved.push({ at: time.now, backup: store.backup() });
      while ((this.#saved[1]?.at ?? Infinity) <= time.now - agesMs) this.#saved.shift();
    });
  }

  /**
   * The last one of that moment or before it, and the first when there is none so old, of those in which the lease was held by
   * whoever holds it now: where it was not, nothing keeps another one from leading at once. And of those that are so many versions back
   * that kubelets do not make them up before anybody has asked: then nobody could tell that they went back.
   */
  at(moment: number, holder: string): Saved | undefined {
    const saved = this.#saved.filter(
      ({ backup }) =>
        holderIn(backup) === holder && backup.version <= this.#store.version - this.#versionsOfKubelets,
    );
    return saved.findLast(({ at }) => at <= moment) ?? saved[0];
  }

  get #versionsOfKubelets(): number {
    return 10 + 3 * (this.#store.all('pods').length + this.#store.all('nodes').length);
  }
}
