import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { apiVersionOf, keyOf, type ResourceType } from '../resources.ts';
import { badRequest, forbidden, invalid, StatusError } from '../store/errors.ts';
import type { Obj } from '../store/object.ts';
import { jsonPatch, mergePatch, strategicMerge } from '../store/patch.ts';
import { fieldMatcher, labelMatcher, type Matcher } from '../store/selectors.ts';
import type { Store, StoreEvent } from '../store/store.ts';
import { admitJob, admitPod } from './admission.ts';
import { admit, type CustomType, customTypes, defaulted, refuseUnknown } from './crd.ts';
import { type DeleteOptions, type Deletion, isTerminating } from './deletion.ts';
import { discovery } from './discovery.ts';
import { evict } from './eviction.ts';
import { jobDefaults } from './job-defaults.ts';
import { fromProtobuf, PROTOBUF } from './protobuf.ts';
import type { AccessRequest } from './rbac.ts';
import { review } from './reviews.ts';
import { readScale, writeScale } from './scale.ts';
import { table, tableFormat, type TableFormat } from './table.ts';
import { validate } from './validate.ts';

/** What is read of a request, and what of a response is written: of HTTP, or of whatever stands in for it. */
export type ApiRequest = Pick<IncomingMessage, 'method' | 'url' | 'headers'> & AsyncIterable<Buffer>;
export interface ApiResponse {
  statusCode: number;
  readonly headersSent: boolean;
  setHeader: (name: string, value: string | number) => unknown;
  getHeader: (name: string) => unknown;
  writeHead: (code: number, headers: Record<string, string | number>) => unknown;
  flushHeaders: () => void;
  write: (piece: string) => unknown;
  end: (piece?: string) => unknown;
  on: (event: 'close', listener: () => void) => unknown;
}

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
  /** The logs of a pod by container; undefined for one that has not been started. */
  log: (pod: Obj) => Map<string, string | undefined>;
  deletion: Deletion;
  /** Called for what clients create: its owners may be gone already. */
  created: (key: string, object: Obj) => void;
  /** Milliseconds between the bookmarks of a watch. */
  bookmarkMs: number;
  /** Asked before every request for a resource; an answer refuses it. Everything is allowed when absent. */
  refuse?: ((request: AccessRequest) => string | undefined) | undefined;
}

const CRDS = 'customresourcedefinitions.apiextensions.k8s.io';
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
    options.store.watch(CRDS, 0, ({ type, object }) => {
      if (type === 'DELETED') this.removeCustom(object);
      else this.addCustom(object);
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
      this.options.store.migrate(keyOf(custom.type), (object) => defaulted(custom, object));
    }
  }

  private removeCustom(crd: Obj): void {
    for (const { type } of customTypes(crd)) {
      this.custom.delete(keyOf(type));
      this.options.store.unregister(keyOf(type));
    }
  }

  /** Answers one request. Never rejects. */
  async serve(request: ApiRequest, response: ApiResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://localhost');
    let label = `${request.method} ${url.pathname}`;
    let bytesIn = 0;
    try {
      const target = this.resolve(url.pathname);
      if (target)
        label = `${labelVerb(request, url)} ${target.key}${target.subresource ? `/${target.subresource}` : ''}`;
      const body = await readBody(request);
      if (target) this.authorize(request, url, target);
      bytesIn = body.length;
      const respond = () =>
        target ? this.handle(request, response, url, target, body) : this.misc(url.pathname);
      const rehearsal = url.searchParams.get('dryRun') === 'All';
      const answer = rehearsal ? this.options.store.rehearse(respond) : respond();
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

  private authorize(request: ApiRequest, url: URL, target: Target): void {
    const { type, name, namespace, subresource } = target;
    // Everybody may ask what they may do.
    if (isReview(type)) return;
    const resource = subresource === undefined ? type.plural : `${type.plural}/${subresource}`;
    const verb = accessVerb(request.method ?? '', name !== undefined, url.searchParams.has('watch'));
    // A list of one name is authorized as that name.
    const only = /^metadata\.name=([^,]+)$/.exec(url.searchParams.get('fieldSelector') ?? '')?.[1];
    const message = this.options.refuse?.({
      verb,
      group: type.group,
      resource,
      namespace,
      name: name ?? only,
      dryRun: url.searchParams.get('dryRun') === 'All',
    });
    if (message !== undefined)
      throw new StatusError(403, 'Forbidden', `${resource} is forbidden: ${message}`);
  }

  private misc(path: string): { code: number; body: unknown } {
    if (['/readyz', '/livez', '/healthz'].includes(path)) return { code: 200, body: 'ok' };
    const found = discovery(path, this.options.store.types(), (type) => this.custom.get(keyOf(type))?.schema);
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

  private handle(request: ApiRequest, response: ApiResponse, url: URL, target: Target, body: Buffer) {
    const method = request.method ?? '';
    const { type, subresource } = target;
    if (isReview(type)) {
      if (method === 'POST')
        return {
          code: 201,
          body: review(type, decode(request, body), this.options.refuse, this.options.store.types()),
        };
      throw new StatusError(405, 'MethodNotAllowed', 'the server does not allow this method');
    }
    if (subresource !== undefined && subresource !== 'status' && !type.subresources.includes(subresource))
      throw new StatusError(404, 'NotFound', 'the server could not find the requested resource');
    switch (method) {
      case 'GET':
        return this.get(request, response, url, target);
      case 'POST':
        return this.post(target, decode(request, body), url.searchParams.get('fieldValidation') === 'Strict');
      case 'PUT':
        return { code: 200, body: this.put(target, decode(request, body)) };
      case 'PATCH':
        return { code: 200, body: this.patch(target, request.headers['content-type'] ?? '', json(body)) };
      case 'DELETE':
        return this.delete(url, target, body.length > 0 ? decode(request, body) : {});
      default:
        throw new StatusError(405, 'MethodNotAllowed', 'the server does not allow this method');
    }
  }

  private get(request: ApiRequest, response: ApiResponse, url: URL, target: Target) {
    const { store } = this.options;
    const asTable = request.headers.accept?.includes('as=Table') === true;
    const whole = url.searchParams.get('includeObject') === 'Object';
    const format = asTable
      ? tableFormat(target.type.kind, this.custom.get(target.key)?.columns, whole)
      : undefined;
    if (target.name !== undefined) {
      const object = store.read(target.key, target.name, target.namespace);
      if (target.subresource === 'log') {
        const log = containerLog(object, this.options.log(object), url.searchParams.get('container'));
        return { code: 200, body: logText(log, url.searchParams) };
      }
      if (target.subresource === 'scale') return { code: 200, body: readScale(object) };
      return { code: 200, body: format ? table(format, [object]) : object };
    }
    const fields = url.searchParams.get('fieldSelector') ?? '';
    const matcher = bothMatch(
      labelMatcher(url.searchParams.get('labelSelector') ?? ''),
      fieldMatcher(fields),
    );
    if (url.searchParams.get('watch') === 'true' || url.searchParams.get('watch') === '1') {
      this.watch(response, url, target, matcher, format);
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
    if (format) return { code: 200, body: table(format, page.items, String(page.version), page.next) };
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
    response: ApiResponse,
    url: URL,
    target: Target,
    matcher: Matcher,
    format: TableFormat | undefined,
  ): void {
    const { store, bookmarkMs } = this.options;
    const { clock } = store;
    const asked = url.searchParams.get('resourceVersion') ?? '';
    response.writeHead(200, { 'content-type': 'application/json', 'transfer-encoding': 'chunked' });
    response.flushHeaders();
    const write = (type: string, object: unknown) => response.write(`${JSON.stringify({ type, object })}\n`);
    const inScope = (object: Obj) =>
      (target.namespace === undefined || object.metadata.namespace === target.namespace) && matcher(object);
    const listener = ({ type, object, before }: StoreEvent) => {
      const event = transition(type, inScope(object), before !== undefined && inScope(before));
      if (event) write(event, format ? table(format, [object]) : object);
    };
    let stop = () => {};
    try {
      if (asked === '' || asked === '0') {
        for (const object of store.all(target.key))
          if (inScope(object)) write('ADDED', format ? table(format, [object]) : object);
      }
      stop = store.watch(target.key, asked === '' || asked === '0' ? undefined : Number(asked), listener);
    } catch (error) {
      const body = error instanceof StatusError ? error.body : { code: 500 };
      write('ERROR', { kind: 'Status', apiVersion: 'v1', status: 'Failure', ...body });
      response.end();
      return;
    }
    let cancelBookmark = () => {};
    const bookmark = () => {
      const object = {
        kind: target.type.kind,
        apiVersion: apiVersionOf(target.type),
        metadata: { resourceVersion: String(store.version) },
      };
      write('BOOKMARK', object);
      cancelBookmark = clock.after(bookmarkMs, bookmark);
    };
    if (url.searchParams.get('allowWatchBookmarks') === 'true')
      cancelBookmark = clock.after(bookmarkMs, bookmark);
    const seconds = Number(url.searchParams.get('timeoutSeconds') ?? 1800);
    const cancelEnd = clock.after(seconds * 1000, () => response.end());
    response.on('close', () => {
      cancelBookmark();
      cancelEnd();
      stop();
    });
  }

  private post(target: Target, body: Obj, strict: boolean) {
    const { store } = this.options;
    const { name, namespace } = target;
    if (name !== undefined && target.subresource === 'eviction') {
      return {
        code: 201,
        body: evict(store, name, namespace ?? '', body, this.options.deletion),
      };
    }
    if (name !== undefined) throw new StatusError(405, 'MethodNotAllowed', 'create takes no name');
    if (target.type.namespaced) {
      if (namespace === undefined) throw badRequest('an empty namespace may not be set during creation');
      this.checkNamespace(target, namespace, body);
    }
    const object = {
      ...body,
      metadata: { ...body.metadata, ...(target.type.namespaced && namespace ? { namespace } : {}) },
    };
    const custom = this.custom.get(target.key);
    if (strict && custom) refuseUnknown(custom, object);
    const admitted = this.admit(target, object);
    const stored = withoutStatus(target.type, admitted);
    if (target.key === 'pods') admitPod(store, stored);
    if (target.key === 'jobs.batch') admitJob(store, stored);
    const made = store.create(
      target.key,
      { ...(custom ? defaulted(custom, stored) : stored), ...INITIAL[target.key] },
      DEFAULTS[target.key],
    );
    this.options.created(target.key, made);
    return { code: 201, body: made };
  }

  private checkNamespace({ key }: Target, namespace: string, body: Obj): void {
    if (!isTerminating(this.options.store.read('namespaces', namespace))) return;
    const name = body.metadata?.name ?? '';
    throw forbidden(
      `${key} "${name}" is forbidden: unable to create new content in namespace ${namespace} because it is being terminated`,
    );
  }

  /** A custom object is only replaced by one that says which version it replaces. */
  private put(target: Target, body: Obj): Obj {
    if (target.subresource === 'scale') return this.scale(target, body);
    if (this.custom.has(target.key) && body.metadata.resourceVersion === undefined) {
      const message = 'Invalid value: 0x0: must be specified for an update';
      throw invalid(target.key, target.name ?? '', [{ field: 'metadata.resourceVersion', message }]);
    }
    return this.write(target, body);
  }

  private write(target: Target, body: Obj): Obj {
    const { store } = this.options;
    const metadata = {
      ...body.metadata,
      name: target.name ?? '',
      ...(target.namespace ? { namespace: target.namespace } : {}),
    };
    const sub = target.subresource === 'status' ? ('status' as const) : undefined;
    const before = store.read(target.key, metadata.name, metadata.namespace);
    const object = { ...body, metadata };
    return store.update(
      target.key,
      sub ? this.admitStatus(target, object) : this.admit(target, object, before),
      {
        subresource: sub,
      },
    );
  }

  private scale(target: Target, scale: Obj): Obj {
    const before = this.options.store.read(target.key, target.name ?? '', target.namespace);
    return readScale(this.write({ ...target, subresource: undefined }, writeScale(before, scale)));
  }

  private patch(target: Target, contentType: string, patch: unknown): Obj {
    const before = this.options.store.read(target.key, target.name ?? '', target.namespace);
    if (target.subresource === 'scale') {
      const { resourceVersion: _version, ...own } = before.metadata;
      const scale = readScale({ ...before, metadata: own });
      return this.scale(target, this.patched(target, scale, contentType, patch));
    }
    const { resourceVersion: _, ...metadata } = before.metadata;
    const patched = this.patched(target, { ...before, metadata }, contentType, patch);
    if (patched.metadata.uid !== before.metadata.uid) {
      const message = 'Invalid value: field is immutable';
      throw invalid(target.type.kind, target.name ?? '', [{ field: 'metadata.uid', message }]);
    }
    return this.write(target, patched);
  }

  private patched(target: Target, base: Obj, contentType: string, patch: unknown): Obj {
    const media = contentType.split(';')[0]?.trim();
    if (media === 'application/json-patch+json') return jsonPatch(base, patch) as Obj;
    if (media === 'application/merge-patch+json') return mergePatch(base, patch) as Obj;
    if (media === 'application/strategic-merge-patch+json' && !this.custom.has(target.key))
      return strategicMerge(base, patch) as Obj;
    throw new StatusError(415, 'UnsupportedMediaType', `the patch type ${media} is not supported`);
  }

  private admit(target: Target, object: Obj, before?: Obj): Obj {
    validate(target.type, object, before);
    const custom = this.custom.get(target.key);
    return custom ? admit(custom, object) : object;
  }

  private admitStatus(target: Target, object: Obj): Obj {
    const custom = this.custom.get(target.key);
    return custom ? admit(custom, object) : object;
  }

  private delete(url: URL, target: Target, body: object) {
    const { store, deletion } = this.options;
    const options = deleteOptions(url, body);
    if (target.name === undefined) {
      const matcher = labelMatcher(url.searchParams.get('labelSelector') ?? '');
      const { items } = store.page(
        target.key,
        matcher,
        target.namespace === undefined ? {} : { namespace: target.namespace },
      );
      for (const object of items) deletion.delete(target.key, object, options);
      return { code: 200, body: { kind: 'Status', apiVersion: 'v1', status: 'Success' } };
    }
    const object = store.read(target.key, target.name, target.namespace);
    return { code: 200, body: deletion.delete(target.key, object, options) };
  }
}

/** Options come in the body, or by an old way in the query. */
function deleteOptions(url: URL, body: object): DeleteOptions {
  const grace = url.searchParams.get('gracePeriodSeconds');
  const policy = url.searchParams.get('propagationPolicy') as DeleteOptions['propagationPolicy'] | null;
  return {
    ...body,
    ...(grace === null ? {} : { gracePeriodSeconds: Number(grace) }),
    ...(policy === null || policy === undefined ? {} : { propagationPolicy: policy }),
  };
}

const isReview = ({ verbs }: ResourceType) => verbs !== undefined && !verbs.includes('list');

/** What is filled in of new objects, as far as clients depend on it. */
const DEFAULTS: Record<string, (object: Obj) => Obj> = {
  'jobs.batch': jobDefaults,
  'daemonsets.apps': (set) => ({
    ...set,
    spec: {
      updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 1, maxSurge: 0 } },
      ...set.spec,
    },
  }),
  'statefulsets.apps': (set) => ({
    ...set,
    spec: { updateStrategy: { type: 'RollingUpdate' }, ...set.spec },
  }),
};

/** The status some types are born with. */
const INITIAL: Record<string, { status: Record<string, unknown> }> = {
  namespaces: { status: { phase: 'Active' } },
  pods: { status: { phase: 'Pending' } },
  [CRDS]: { status: { conditions: [{ type: 'Established', status: 'True' }] } },
};

function labelVerb(request: ApiRequest, url: URL): string {
  return url.searchParams.has('watch') ? 'WATCH' : (request.method ?? '');
}

/** The verb of a request as authorizers name it (Kubernetes documentation, "Authorization Overview"). */
function accessVerb(method: string, named: boolean, watch: boolean): string {
  const verbs: Record<string, string> = {
    GET: named ? 'get' : watch ? 'watch' : 'list',
    POST: 'create',
    PUT: 'update',
    PATCH: 'patch',
    DELETE: named ? 'delete' : 'deletecollection',
  };
  return verbs[method] ?? method.toLowerCase();
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
  if (!type.status || type.kind === 'Node') return object;
  const { status: _, ...rest } = object;
  return rest;
}

/** The log of the container that is meant: that of the only one, or the one named. */
function containerLog(
  { metadata }: Obj,
  logs: ReadonlyMap<string, string | undefined>,
  asked: string | null,
): string {
  const names = [...logs.keys()];
  if (asked === null && names.length > 1) {
    const choice = `choose one of: [${names.join(' ')}]`;
    throw badRequest(`a container name must be specified for pod ${metadata.name}, ${choice}`);
  }
  const name = asked ?? names[0] ?? '';
  if (!logs.has(name)) throw badRequest(`container ${name} is not valid for pod ${metadata.name}`);
  const text = logs.get(name);
  if (text !== undefined) return text;
  throw badRequest(`container "${name}" in pod "${metadata.name}" is waiting to start: ContainerCreating`);
}

/** A log cut as asked: `tailLines` first, then `limitBytes` from its beginning. */
function logText(text: string, query: URLSearchParams): string {
  const tail = query.get('tailLines');
  const limit = query.get('limitBytes');
  const lines = tail === null ? text : lastLines(text, Number(tail));
  return limit === null ? lines : Buffer.from(lines).subarray(0, Number(limit)).toString();
}

function lastLines(text: string, count: number): string {
  const lines = text.replace(/\n$/, '').split('\n');
  return `${lines.slice(-count).join('\n')}\n`;
}

function decode(request: ApiRequest, body: Buffer): Obj {
  return request.headers['content-type'] === PROTOBUF ? fromProtobuf(body) : json(body);
}

function json(body: Buffer): Obj {
  try {
    return JSON.parse(body.toString()) as Obj;
  } catch {
    throw badRequest('the body is not JSON');
  }
}

async function readBody(request: ApiRequest): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BODY) throw new StatusError(413, 'RequestEntityTooLarge', 'the request is too large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function send(response: ApiResponse, code: number, body: unknown): void {
  if (response.headersSent) return;
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  response.writeHead(code, {
    'content-type': typeof body === 'string' ? 'text/plain' : 'application/json',
    'content-length': Buffer.byteLength(text),
  });
  response.end(text);
}
