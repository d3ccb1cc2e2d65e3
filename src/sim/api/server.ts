import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { apiVersionOf, keyOf, type ResourceType } from '../resources.ts';
import { badRequest, StatusError } from '../store/errors.ts';
import { isRecord, type Obj, textOf } from '../store/object.ts';
import { jsonPatch, mergePatch, strategicMerge } from '../store/patch.ts';
import { fieldMatcher, labelMatcher, type Matcher } from '../store/selectors.ts';
import type { Store, StoreEvent } from '../store/store.ts';
import { admit, type CustomType, customTypes } from './crd.ts';
import { discovery } from './discovery.ts';
import { evict } from './eviction.ts';
import { table } from './table.ts';

/** A request that names a resource. */
interface Target {
  type: ResourceType;
  key: string;
  namespace: string | undefined;
  name: string | undefined;
  subresource: string | undefined;
}

export interface ApiServerOptions {
  store: Store;
  /** The log of a pod's container. */
  log: (pod: Obj) => string;
  /** Asks the node agent to stop a pod's containers; it removes the pod when they have ended. */
  stopPod: (pod: Obj, graceSeconds: number) => void;
}

const MAX_BODY = 3 * 1024 * 1024;

/** Requests and bytes by `<VERB> <resource>[/<subresource>] <code>`. */
export type Stats = Record<string, { requests: number; bytesIn: number; bytesOut: number }>;

/** The HTTP side of the embedded cluster. */
export class ApiServer {
  private readonly options: ApiServerOptions;
  private readonly server: Server;
  private readonly custom = new Map<string, CustomType>();
  private stats: Stats = {};

  constructor(options: ApiServerOptions) {
    this.options = options;
    this.server = createServer((request, response) => void this.serve(request, response));
    options.store.watch('customresourcedefinitions.apiextensions.k8s.io', 0, ({ type, object }) => {
      if (type !== 'DELETED') this.addCustom(object);
    });
  }

  async listen(port: number): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      this.server.once('error', reject).listen(port, '127.0.0.1', resolve);
    });
    return (this.server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => {
      this.server.close(resolve);
    });
  }

  takeStats(): Stats {
    const { stats } = this;
    this.stats = {};
    return stats;
  }

  private addCustom(crd: Obj): void {
    for (const custom of customTypes(crd)) {
      this.options.store.register(custom.type);
      this.custom.set(keyOf(custom.type), custom);
    }
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://localhost');
    let label = `${request.method} ${url.pathname}`;
    let bytesIn = 0;
    try {
      const target = this.resolve(url.pathname);
      if (target)
        label = `${labelVerb(request, url)} ${target.key}${target.subresource ? `/${target.subresource}` : ''}`;
      const body = await readBody(request);
      bytesIn = body.length;
      const answer = target ? this.handle(request, response, url, target, body) : this.misc(url.pathname);
      if (answer !== undefined) send(response, answer.code, answer.body);
    } catch (error) {
      const status =
        error instanceof StatusError
          ? error.body
          : { code: 500, reason: 'InternalError', message: String(error) };
      const retry = status.details?.retryAfterSeconds;
      if (retry !== undefined) response.setHeader('retry-after', retry);
      send(response, status.code, {
        kind: 'Status',
        apiVersion: 'v1',
        metadata: {},
        status: 'Failure',
        ...status,
      });
    }
    const key = `${label} ${response.statusCode}`;
    const entry = (this.stats[key] ??= { requests: 0, bytesIn: 0, bytesOut: 0 });
    entry.requests += 1;
    entry.bytesIn += bytesIn;
    entry.bytesOut += Number(response.getHeader('content-length') ?? 0);
  }

  private misc(path: string): { code: number; body: unknown } {
    if (['/readyz', '/livez', '/healthz'].includes(path)) return { code: 200, body: 'ok' };
    const found = discovery(path, this.options.store.types());
    if (found !== undefined) return { code: 200, body: found };
    throw new StatusError(404, 'NotFound', 'the server could not find the requested resource');
  }

  private resolve(path: string): Target | undefined {
    const match = /^\/(?:api\/(v1)|apis\/([^/]+\/[^/]+))\/(.+)$/.exec(path);
    if (!match) return undefined;
    const groupVersion = match[1] ?? match[2];
    const parts = (match[3] ?? '').split('/').map(decodeURIComponent);
    const scoped = parts[0] === 'namespaces' && parts.length > 2;
    const [plural, name, subresource] = scoped ? parts.slice(2) : parts;
    const type = this.options.store
      .types()
      .find((one) => one.plural === plural && apiVersionOf(one) === groupVersion);
    if (!type) return undefined;
    return { type, key: keyOf(type), namespace: scoped ? parts[1] : undefined, name, subresource };
  }

  private handle(request: IncomingMessage, response: ServerResponse, url: URL, target: Target, body: Buffer) {
    const method = request.method ?? '';
    switch (method) {
      case 'GET':
        return this.get(request, response, url, target);
      case 'POST':
        return this.post(target, json(body));
      case 'PUT':
        return { code: 200, body: this.write(target, json(body)) };
      case 'PATCH':
        return { code: 200, body: this.patch(target, request.headers['content-type'] ?? '', json(body)) };
      case 'DELETE':
        return this.delete(url, target, body.length > 0 ? json(body) : { metadata: {} });
      default:
        throw new StatusError(405, 'MethodNotAllowed', 'the server does not allow this method');
    }
  }

  private get(request: IncomingMessage, response: ServerResponse, url: URL, target: Target) {
    const { store } = this.options;
    const asTable = request.headers.accept?.includes('as=Table') === true;
    const columns = this.custom.get(target.key)?.columns;
    if (target.name !== undefined) {
      const object = store.read(target.key, target.name, target.namespace);
      if (target.subresource === 'log') {
        const tail = Number(url.searchParams.get('tailLines') ?? Infinity);
        const text = this.options.log(object);
        return { code: 200, body: Number.isFinite(tail) ? lastLines(text, tail) : text };
      }
      return { code: 200, body: asTable ? table([object], '', undefined, columns) : object };
    }
    const fields = url.searchParams.get('fieldSelector') ?? '';
    const matcher = bothMatch(
      labelMatcher(url.searchParams.get('labelSelector') ?? ''),
      fieldMatcher(fields),
    );
    if (url.searchParams.get('watch') === 'true' || url.searchParams.get('watch') === '1') {
      this.watch(response, url, target, matcher, asTable ? (columns ?? []) : undefined);
      return undefined;
    }
    const limit = Number(url.searchParams.get('limit') ?? 0);
    const token = url.searchParams.get('continue');
    const node = /^spec\.nodeName=([^,]+)$/.exec(fields)?.[1];
    const page = store.page(target.key, matcher, {
      ...(target.namespace === undefined ? {} : { namespace: target.namespace }),
      ...(node === undefined || target.key !== 'pods' ? {} : { node }),
      ...(limit > 0 ? { limit } : {}),
      ...(token === null ? {} : { token }),
    });
    if (asTable) return { code: 200, body: table(page.items, String(page.version), page.next, columns) };
    const metadata = {
      resourceVersion: String(page.version),
      ...(page.next === undefined ? {} : { continue: page.next }),
    };
    return {
      code: 200,
      body: {
        kind: `${target.type.kind}List`,
        apiVersion: apiVersionOf(target.type),
        metadata,
        items: page.items,
      },
    };
  }

  private watch(
    response: ServerResponse,
    url: URL,
    target: Target,
    matcher: Matcher,
    columns: CustomType['columns'] | undefined,
  ): void {
    const { store } = this.options;
    const asked = url.searchParams.get('resourceVersion') ?? '';
    response.writeHead(200, { 'content-type': 'application/json', 'transfer-encoding': 'chunked' });
    response.flushHeaders();
    const write = (type: string, object: unknown) => response.write(`${JSON.stringify({ type, object })}\n`);
    const inScope = (object: Obj) =>
      (target.namespace === undefined || object.metadata.namespace === target.namespace) && matcher(object);
    const listener = ({ type, object, before }: StoreEvent) => {
      const event = transition(type, inScope(object), before !== undefined && inScope(before));
      if (event) write(event, columns ? table([object], '', undefined, columns) : object);
    };
    let stop = () => {};
    try {
      if (asked === '' || asked === '0') {
        for (const object of store.all(target.key))
          if (inScope(object)) write('ADDED', columns ? table([object], '', undefined, columns) : object);
      }
      stop = store.watch(target.key, asked === '' || asked === '0' ? undefined : Number(asked), listener);
    } catch (error) {
      const body = error instanceof StatusError ? error.body : { code: 500 };
      write('ERROR', { kind: 'Status', apiVersion: 'v1', status: 'Failure', ...body });
      response.end();
      return;
    }
    const bookmark = setInterval(() => {
      const object = {
        kind: target.type.kind,
        apiVersion: apiVersionOf(target.type),
        metadata: { resourceVersion: String(store.version) },
      };
      if (url.searchParams.get('allowWatchBookmarks') === 'true') write('BOOKMARK', object);
    }, 30_000);
    const end = setTimeout(
      () => response.end(),
      Number(url.searchParams.get('timeoutSeconds') ?? 1800) * 1000,
    );
    response.on('close', () => {
      clearInterval(bookmark);
      clearTimeout(end);
      stop();
    });
  }

  private post(target: Target, body: Obj) {
    const { store } = this.options;
    const { name, namespace } = target;
    if (name !== undefined && target.subresource === 'eviction') {
      return {
        code: 201,
        body: evict(store, name, namespace ?? '', body, (pod, grace) => this.deletePod(pod, grace)),
      };
    }
    if (name !== undefined) throw new StatusError(405, 'MethodNotAllowed', 'create takes no name');
    if (target.type.namespaced) {
      if (namespace === undefined) throw badRequest('an empty namespace may not be set during creation');
      store.read('namespaces', namespace);
    }
    if (body.metadata?.name === undefined && body.metadata?.generateName === undefined) {
      throw new StatusError(422, 'Invalid', 'name or generateName is required');
    }
    const object = {
      ...body,
      metadata: { ...body.metadata, ...(target.type.namespaced && namespace ? { namespace } : {}) },
    };
    return {
      code: 201,
      body: store.create(target.key, withoutStatus(target.type, this.admit(target, object))),
    };
  }

  private write(target: Target, body: Obj): Obj {
    const { store } = this.options;
    const metadata = {
      ...body.metadata,
      name: target.name ?? '',
      ...(target.namespace ? { namespace: target.namespace } : {}),
    };
    const sub = target.subresource === 'status' ? ('status' as const) : undefined;
    return store.update(target.key, this.admit(target, { ...body, metadata }), { subresource: sub });
  }

  private patch(target: Target, contentType: string, patch: unknown): Obj {
    const before = this.options.store.read(target.key, target.name ?? '', target.namespace);
    const { resourceVersion: _, ...metadata } = before.metadata;
    const base = { ...before, metadata };
    const media = contentType.split(';')[0]?.trim();
    if (media === 'application/json-patch+json') return this.write(target, jsonPatch(base, patch) as Obj);
    const merge = media === 'application/strategic-merge-patch+json' ? strategicMerge : mergePatch;
    if (media !== 'application/merge-patch+json' && (merge === mergePatch || this.custom.has(target.key))) {
      throw new StatusError(415, 'UnsupportedMediaType', `the patch type ${media} is not supported`);
    }
    return this.write(target, merge(base, patch) as Obj);
  }

  private admit(target: Target, object: Obj): Obj {
    const custom = this.custom.get(target.key);
    return custom ? admit(custom, object) : object;
  }

  private delete(url: URL, target: Target, options: Obj) {
    const { store } = this.options;
    if (target.name === undefined) {
      const matcher = labelMatcher(url.searchParams.get('labelSelector') ?? '');
      const { items } = store.page(
        target.key,
        matcher,
        target.namespace === undefined ? {} : { namespace: target.namespace },
      );
      for (const object of items) this.deleteOne(target.key, object, options);
      return { code: 200, body: { kind: 'Status', apiVersion: 'v1', status: 'Success' } };
    }
    const object = store.read(target.key, target.name, target.namespace);
    const wanted = isRecord(options['preconditions']) ? options['preconditions']['uid'] : undefined;
    if (wanted !== undefined && wanted !== object.metadata.uid) {
      throw new StatusError(
        409,
        'Conflict',
        `the UID in the precondition (${textOf(wanted)}) does not match the UID in record`,
      );
    }
    return { code: 200, body: this.deleteOne(target.key, object, { ...options, ...graceOf(url) }) };
  }

  private deleteOne(key: string, object: Obj, options: Record<string, unknown>): Obj {
    if (key !== 'pods') return this.options.store.remove(key, object);
    const grace = options['gracePeriodSeconds'] ?? object.spec?.['terminationGracePeriodSeconds'] ?? 30;
    return this.deletePod(object, Number(grace));
  }

  /** Graceful: the node agent stops the containers first. At once without a node or a grace period. */
  private deletePod(pod: Obj, graceSeconds: number): Obj {
    const { store } = this.options;
    const bound = pod.spec?.['nodeName'] !== undefined;
    if (!bound || graceSeconds === 0) {
      this.options.stopPod(pod, 0);
      return store.remove('pods', pod);
    }
    const marked = store.markDeleted('pods', pod, graceSeconds);
    this.options.stopPod(marked, graceSeconds);
    return marked;
  }
}

function graceOf(url: URL): Record<string, unknown> {
  const grace = url.searchParams.get('gracePeriodSeconds');
  return grace === null ? {} : { gracePeriodSeconds: Number(grace) };
}

function labelVerb(request: IncomingMessage, url: URL): string {
  return url.searchParams.has('watch') ? 'WATCH' : (request.method ?? '');
}

/** What a change means to a watcher that only sees what its selectors let through. */
function transition(type: StoreEvent['type'], now: boolean, before: boolean): StoreEvent['type'] | undefined {
  if (type === 'DELETED') return now || before ? 'DELETED' : undefined;
  if (now) return before ? 'MODIFIED' : 'ADDED';
  return before ? 'DELETED' : undefined;
}

function bothMatch(a: Matcher, b: Matcher): Matcher {
  return (object) => a(object) && b(object);
}

function withoutStatus(type: ResourceType, object: Obj): Obj {
  if (!type.status || type.kind === 'Node' || type.kind === 'Pod') return object;
  const { status: _, ...rest } = object;
  return rest;
}

function lastLines(text: string, count: number): string {
  const lines = text.replace(/\n$/, '').split('\n');
  return `${lines.slice(-count).join('\n')}\n`;
}

function json(body: Buffer): Obj {
  try {
    return JSON.parse(body.toString()) as Obj;
  } catch {
    throw badRequest('the body is not JSON');
  }
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BODY) throw new StatusError(413, 'RequestEntityTooLarge', 'the request is too large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function send(response: ServerResponse, code: number, body: unknown): void {
  if (response.headersSent) return;
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  response.writeHead(code, {
    'content-type': typeof body === 'string' ? 'text/plain' : 'application/json',
    'content-length': Buffer.byteLength(text),
  });
  response.end(text);
}
