import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { apiVersionOf, keyOf, type ResourceType } from '../resources.ts';
import { badRequest, StatusError } from '../store/errors.ts';
import type { Obj } from '../store/object.ts';
import { type CustomType, customTypes, defaulted } from './crd.ts';
import { discovery } from './discovery.ts';
import type { AccessRequest } from './rbac.ts';
import { Reader, type ReaderOptions } from './reader.ts';
import { type ApiRequest, type ApiResponse, decode, json, readBody, send, type Target } from './request.ts';
import { isAboutSelf, type Person, review } from './reviews.ts';
import { Writer, type WriterOptions } from './writer.ts';

export interface ApiServerOptions extends ReaderOptions, WriterOptions {
  /** Asked before every request for a resource; an answer refuses it. Everything is allowed when absent. */
  refuse?: ((request: AccessRequest) => string | undefined) | undefined;
  /** Whose tokens are taken, by token. */
  people?: Readonly<Record<string, Person>> | undefined;
}

const CRDS = 'customresourcedefinitions.apiextensions.k8s.io';

/** Requests and bytes by `<VERB> <resource>[/<subresource>] <code>`. */
export type Stats = Record<string, { requests: number; bytesIn: number; bytesOut: number }>;

/** The HTTP side of the embedded cluster. */
/** Drains of hundreds of nodes begin at the same moment, each with a watch of its own. */
const BACKLOG = 4096;
/** As long as API servers keep an idle connection: one that is closed under a request looks like a server that is away. */
const KEPT_MS = 90_000;

export class ApiServer {
  private readonly options: ApiServerOptions;
  private readonly server: Server;
  private readonly custom = new Map<string, CustomType>();
  private readonly reader: Reader;
  private readonly writer: Writer;
  private stats: Stats = {};

  constructor(options: ApiServerOptions) {
    this.options = options;
    this.reader = new Reader(options, this.custom);
    this.writer = new Writer(options, this.custom);
    this.server = createServer((request, response) => void this.serve(request, response));
    this.server.keepAliveTimeout = KEPT_MS;
    options.store.watch(CRDS, 0, ({ type, object }) => {
      if (type === 'DELETED') this.removeCustom(object);
      else this.addCustom(object);
    });
  }

  async listen(port: number): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      const options = { port, host: '127.0.0.1', backlog: BACKLOG };
      this.server.once('error', reject).listen(options, resolve);
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
      checkTimeout(url);
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
    if (isReview(type) && isAboutSelf(type)) return;
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
          body: review(type, decode(request, body), {
            refuse: this.options.refuse,
            types: this.options.store.types(),
            people: this.options.people ?? {},
            rbac: () => RBAC.flatMap((key) => [...this.options.store.all(key)]),
          }),
        };
      throw new StatusError(405, 'MethodNotAllowed', 'the server does not allow this method');
    }
    if (subresource !== undefined && subresource !== 'status' && !type.subresources.includes(subresource))
      throw new StatusError(404, 'NotFound', 'the server could not find the requested resource');
    switch (method) {
      case 'GET':
        return this.reader.get(request, response, url, target);
      case 'POST':
        return this.writer.post(
          target,
          decode(request, body),
          url.searchParams.get('fieldValidation') === 'Strict',
        );
      case 'PUT':
        return { code: 200, body: this.writer.put(target, decode(request, body)) };
      case 'PATCH':
        return {
          code: 200,
          body: this.writer.patch(target, request.headers['content-type'] ?? '', json(body)),
        };
      case 'DELETE':
        return this.writer.delete(url, target, body.length > 0 ? decode(request, body) : {});
      default:
        throw new StatusError(405, 'MethodNotAllowed', 'the server does not allow this method');
    }
  }
}

const RBAC = ['roles', 'rolebindings', 'clusterroles', 'clusterrolebindings'].map(
  (plural) => `${plural}.rbac.authorization.k8s.io`,
);

const isReview = ({ verbs }: ResourceType) => verbs !== undefined && !verbs.includes('list');

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

/** How long the server may take. Nothing ever waits here; what is no duration of Go is refused. */
function checkTimeout({ searchParams }: URL): void {
  const timeout = searchParams.get('timeout');
  if (timeout === null || /^(\d+(\.\d+)?(ns|us|ms|s|m|h))+$/.test(timeout)) return;
  const why = `invalid timeout specified in the request URL - time: invalid duration "${timeout}"`;
  throw badRequest(why);
}
