import { PassThrough } from 'node:stream';
import type { KubeObject } from '../../src/api/kubernetes.ts';
import { ApiError } from '../../src/kube/api-error.ts';
import type { WatchOptions } from '../../src/kube/watch.ts';

type Client = WatchOptions<KubeObject>['client'];

interface Watch {
  from: number;
  body: PassThrough;
  /** Its connection is half open: nothing arrives any more. */
  deaf: boolean;
}

/** An API server with one collection, told what to do by the test. No request takes time unless it is held. */
export class FakeApi {
  version = 100;
  readonly objects = new Map<string, KubeObject>();
  readonly requests: string[] = [];
  private readonly snapshots: { version: number; all: KubeObject[] }[] = [];
  /** Events since it began, so that a watch from an older version hears them. */
  private events: { version: number; line: string }[] = [];
  private watches = new Set<Watch>();
  /** Awaited by each request of that kind before it is answered. */
  hold: Partial<Record<'list' | 'get' | 'watch', Promise<unknown>>> = {};
  /** Instead of the next watches. */
  onWatch: ((body: PassThrough) => void) | undefined;
  pageSize = 500;
  /** Its lists carry no version. */
  versionless = false;

  readonly client: Client = {
    list: (async (_resource: unknown, query: Record<string, unknown>, _ns: unknown, signal: AbortSignal) => {
      this.requests.push(query['limit'] === 1 ? 'probe' : 'list');
      const token = (query['continue'] as string | undefined) ?? `${this.snapshots.length} 0`;
      const [id = 0, from = 0] = token.split(' ').map(Number);
      // All pages are of one moment.
      const { version, all } = (this.snapshots[id] ??= {
        version: this.version,
        all: [...this.objects.values()],
      });
      await orAborted(this.hold.list, signal);
      const limit = Math.min(Number(query['limit']), this.pageSize);
      const rest = from + limit < all.length ? { continue: `${id} ${from + limit}` } : {};
      return {
        metadata: { ...(!this.versionless && { resourceVersion: String(version) }), ...rest },
        items: all.slice(from, from + limit),
      };
    }) as Client['list'],
    get: (async (_resource: unknown, name: string) => {
      this.requests.push('get');
      const found = this.objects.get(name);
      await this.hold.get;
      return found;
    }) as Client['get'],
    open: (async (_method: unknown, _path: unknown, options: Parameters<Client['open']>[2]) => {
      this.requests.push('watch');
      const { query = {}, signal } = options ?? {};
      await orAborted(this.hold.watch, signal);
      const body = new PassThrough();
      signal?.addEventListener('abort', () => body.destroy(new Error('aborted')));
      if (this.onWatch) {
        this.onWatch(body);
        return body;
      }
      const from = Number(query['resourceVersion']);
      this.watches.add({ from, body, deaf: false });
      if (query['resourceVersion'] === '') {
        const all = [...this.objects.values()].toReversed();
        for (const object of all) body.write(`${JSON.stringify({ type: 'ADDED', object })}\n`);
        return body;
      }
      for (const event of this.events) if (event.version > from) body.write(event.line);
      return body;
    }) as unknown as Client['open'],
  };

  count(kind: string): number {
    return this.requests.filter((it) => it === kind).length;
  }

  write(name: string, changes: Partial<KubeObject['metadata']> = {}): KubeObject {
    this.version += 1;
    const metadata = { name, uid: name, resourceVersion: String(this.version), ...changes };
    const type = this.objects.has(name) ? 'MODIFIED' : 'ADDED';
    const object = { metadata };
    this.objects.set(name, object);
    this.tell(type, object);
    return object;
  }

  remove(name: string): void {
    this.version += 1;
    const { metadata } = this.objects.get(name) ?? { metadata: {} };
    this.objects.delete(name);
    this.tell('DELETED', { metadata: { ...metadata, resourceVersion: String(this.version) } });
  }

  /** The connections of all watches are cut without anybody being told. */
  cut(): void {
    for (const watch of this.watches) watch.deaf = true;
  }

  /** All watches end, as the server ends each after some minutes. */
  end(): void {
    for (const { body } of this.watches) body.end();
    this.watches.clear();
  }

  /** All watches end with this error, as the server's own. */
  fail(code: number): void {
    for (const { body } of this.watches) {
      body.write(`${JSON.stringify({ type: 'ERROR', object: { code, message: 'gone' } })}\n`);
      body.end();
    }
    this.watches.clear();
  }

  /** As it was at that version, which it goes on from. */
  restore(version: number, names: readonly string[]): void {
    this.version = version;
    this.events = [];
    this.objects.clear();
    for (const name of names) {
      this.objects.set(name, { metadata: { name, uid: name, resourceVersion: String(version - 1) } });
    }
  }

  private tell(type: string, object: KubeObject): void {
    const line = `${JSON.stringify({ type, object })}\n`;
    this.events.push({ version: this.version, line });
    // A watch from a version that is yet to come hears nothing until then, as with a real server.
    for (const { body, deaf, from } of this.watches) if (!deaf && this.version > from) body.write(line);
  }
}

async function orAborted(held: Promise<unknown> | undefined, signal: AbortSignal | undefined): Promise<void> {
  if (held === undefined) return;
  await Promise.race([
    held,
    new Promise((_, reject) => {
      signal?.addEventListener('abort', () => reject(new ApiError(0, { message: 'aborted' })));
    }),
  ]);
}
