import { setTimeout as sleep } from 'node:timers/promises';
import { at, type Obj } from '../../src/sim/store/object.ts';
import type { EventType } from '../../src/sim/store/store.ts';
import { kindOf } from '../simulation/world/machine.ts';
import type { Entry } from './journal.ts';

const pathsOf = (namespace: string): Record<string, string> => ({
  nodes: '/api/v1/nodes',
  pods: '/api/v1/pods',
  'jobs.batch': `/apis/batch/v1/namespaces/${namespace}/jobs`,
  'leases.coordination.k8s.io': `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases`,
  'nodeops.operator.kairos.io': `/apis/operator.kairos.io/v1alpha1/namespaces/${namespace}/nodeops`,
});
/** So long an event is held, until those of other kinds that came before it are there. */
const HELD_MS = 1_500;

interface Held {
  came: number;
  version: number;
  entry: Entry;
}

/**
 * What happens in a real cluster, as its watches tell it. Those of different kinds are put in order by their resource
 * versions, which one etcd counts for all. Starts of containers are those that pods tell of.
 */
export class Watches {
  readonly #url: string;
  readonly #stop = new AbortController();
  #held: Held[] = [];
  readonly #started = new Set<string>();

  constructor(url: string) {
    this.#url = url;
  }

  /** @returns the names of the nodes */
  async start(namespace: string): Promise<string[]> {
    const names: string[] = [];
    for (const [key, path] of Object.entries(pathsOf(namespace))) {
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      const list = (await (await fetch(this.#url + path)).json()) as {
        items: Obj[];
        metadata: { resourceVersion: string };
      };
      for (const object of list.items) this.#take(key, 'ADDED', object);
      if (key === 'nodes') names.push(...list.items.map(({ metadata }) => metadata.name ?? ''));
      void this.#watch(key, path, list.metadata.resourceVersion);
    }
    return names;
  }

  stop(): void {
    this.#stop.abort();
  }

  /** In the order of versions. */
  read(): Entry[] {
    const until = Date.now() - HELD_MS;
    const ready = this.#held.filter(({ came }) => came <= until).map(({ version }) => version);
    const last = Math.max(0, ...ready);
    const due = this.#held.filter(({ version }) => version <= last);
    this.#held = this.#held.filter(({ version }) => version > last);
    return due.toSorted((a, b) => a.version - b.version).flatMap(({ entry }) => this.#withStarts(entry));
  }

  async #watch(key: string, path: string, since: string): Promise<void> {
    let version = since;
    while (!this.#stop.signal.aborted) {
      try {
        const query = `?watch=true&allowWatchBookmarks=true&resourceVersion=${version}`;
        // oxlint-disable-next-line no-await-in-loop -- one after the other
        const { body } = await fetch(this.#url + path + query, { signal: this.#stop.signal });
        let rest = '';
        // oxlint-disable-next-line no-await-in-loop
        for await (const chunk of body ?? []) {
          const lines = (rest + Buffer.from(chunk).toString()).split('\n');
          rest = lines.pop() ?? '';
          for (const line of lines) {
            const { type, object } = JSON.parse(line) as { type: string; object: Obj };
            if (type === 'ERROR') throw new Error(`the watch of ${key} has a gap: ${line}`);
            version = object.metadata.resourceVersion ?? version;
            if (type !== 'BOOKMARK') this.#take(key, type as EventType, object);
          }
        }
      } catch (error) {
        if (String(error).includes('has a gap')) throw error;
      }
      // oxlint-disable-next-line no-await-in-loop
      await sleep(50);
    }
  }

  #take(key: string, type: EventType, object: Obj): void {
    const now = Date.now();
    const version = Number(object.metadata.resourceVersion);
    this.#held.push({ came: now, version, entry: { at: now, what: 'stored', key, type, object } });
  }

  #withStarts(entry: Entry): Entry[] {
    if (entry.what !== 'stored' || entry.key !== 'pods' || entry.type === 'DELETED') return [entry];
    const { object: pod } = entry;
    const { uid = '' } = pod.metadata;
    const [first] = (at(pod, 'status.containerStatuses') ?? []) as {
      state?: object;
      restartCount?: number;
    }[];
    const isBegun = first?.state !== undefined && !('waiting' in first.state);
    const start = `${uid}/${first?.restartCount}`;
    if (!isBegun || this.#started.has(start)) return [entry];
    this.#started.add(start);
    const node = String(at(pod, 'spec.nodeName'));
    const starts: Entry = { at: entry.at, what: 'starts', node, pod };
    // Before its end, which the same event may tell.
    return kindOf(pod) === 'reboot' ? [starts, { ...starts, what: 'asked' }, entry] : [starts, entry];
  }
}
